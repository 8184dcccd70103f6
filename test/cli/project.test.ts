// The setting "flambeau" in package.json: what it completes, to which files it applies, and its mistakes.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, describe, test } from 'node:test'
import { CliProject, importedLine } from '../support/cli-project.js'
import type { CommandEnd } from '../support/user-package.js'

const projects: CliProject[] = []
after(() => projects.forEach((project) => void project.end()))

function make(setting?: object): CliProject {
  const project = new CliProject(setting)
  projects.push(project)
  project.file('train.yaml', '!Show { text: here }\n')
  return project
}

const shown = '{"text":"here"}\n'

function assertRan({ code, stdout, stderr }: CommandEnd, expected = shown): void {
  assert.deepEqual([code, stdout], [0, expected], stderr)
}

function isImported({ stderr }: CommandEnd): boolean {
  return stderr.includes(importedLine)
}

describe('the modules of a project', () => {
  test('are imported by every command that reads files, wherever it is called in the project', async () => {
    const project = make({ imports: ['./tasks.js'] })
    mkdirSync(join(project.folder, 'deep/below'), { recursive: true })
    assertRan(await project.flambeau('run', 'train.yaml'))
    assertRan(await project.flambeauIn('deep/below', 'run', '../../train.yaml'))
    assert.equal((await project.flambeauIn('deep', 'check', '../train.yaml')).code, 0)
    assert.match((await project.flambeauIn('deep', 'tags')).stdout, /^!Show$/m)
    assert.match((await project.flambeau('schema', '--custom-tags')).stdout, /"!Show/)
    assert.ok(isImported(await project.flambeau('resolve', 'train.yaml')))
  })

  test('are completed by those of the flags', async () => {
    const project = make({ imports: ['./tasks.js'] })
    project.file(
      'more.js',
      `import { Runnable, registrable } from 'flambeau'
registrable('!More')(class More extends Runnable { run() { return 'more' } })\n`,
    )
    project.file('more.yaml', '!More {}\n')
    assertRan(await project.flambeau('run', 'more.yaml', '--import', './more.js'), 'more\n')
    assertRan(await project.flambeau('run', 'train.yaml', '--import', './more.js'))
  })

  test('are left alone with --no-project', async () => {
    const project = make({ imports: ['./tasks.js'], unknown: true })
    const ended = await project.flambeau('check', 'train.yaml', '--no-project')
    assert.deepEqual([ended.code, isImported(ended)], [22, false])
    assertRan(await project.flambeau('run', 'train.yaml', '--no-project', '--import', './tasks.js'))
  })

  test('are packages, too, found from the folder of the package.json', async () => {
    const project = make({ imports: ['own-tasks'] })
    project.file(
      'node_modules/own-tasks/package.json',
      '{ "name": "own-tasks", "type": "module", "main": "index.js" }',
    )
    project.file('node_modules/own-tasks/index.js', `import '../../tasks.js'\n`)
    mkdirSync(join(project.folder, 'deep'))
    assertRan(await project.flambeauIn('deep', 'run', '../train.yaml'))
  })
})

describe('a project is', () => {
  test('that of the nearest package.json with the key', async () => {
    const project = make({ imports: ['./tasks.js'] })
    project.file('packages/plain/package.json', '{ "name": "plain" }')
    project.file('packages/plain/train.yaml', '!Show { text: here }\n')
    assertRan(await project.flambeauIn('packages/plain', 'run', 'train.yaml'))
    project.file('packages/own/package.json', '{ "type": "module", "flambeau": {} }')
    project.file('packages/own/train.yaml', '!Show { text: here }\n')
    const own = await project.flambeauIn('packages/own', 'check', 'train.yaml')
    assert.deepEqual([own.code, isImported(own)], [22, false])
  })

  test('never a home folder', async () => {
    const project = make()
    writeFileSync(join(project.home, 'package.json'), '{ "flambeau": { "imports": ["./never.js"] } }')
    const folder = join(project.home, 'work')
    mkdirSync(folder)
    const ended = await project.flambeauIn(relative(project.folder, folder), 'tags')
    assert.equal(ended.code, 0, ended.stderr)
  })

  test('also where HOME is empty, which makes no home folder of the current one', () => {
    const project = make({ imports: ['./tasks.js'] })
    const main = join(process.cwd(), 'dist/cli/main.js')
    const env = { ...project.env, HOME: '' }
    const args = [main, 'run', 'train.yaml', '--no-secrets']
    const { status, stderr } = spawnSync(process.execPath, args, {
      cwd: project.folder,
      env,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
  })

  test('never that of another user in a folder that everybody can write to', {
    skip: process.getuid?.() !== 0,
  }, async () => {
    // Only root can give a file away, and for root, files of others are read as well: the owner is looked at by another user.
    const shared = mkdtempSync(join(tmpdir(), 'flambeau-shared-'))
    after(() => rmSync(shared, { recursive: true, force: true }))
    chmodSync(shared, 0o1777)
    const project = make()
    writeFileSync(join(shared, 'package.json'), '{ "flambeau": { "unknown": 1 } }')
    const { chownSync } = await import('node:fs')
    chownSync(join(shared, 'package.json'), 12345, 12345)
    const ended = await project.flambeauIn(relative(project.folder, shared), 'tags')
    assert.equal(ended.code, 0, ended.stderr)
    chmodSync(shared, 0o755)
    assert.equal((await project.flambeauIn(relative(project.folder, shared), 'tags')).code, 22)
  })
})

describe('the file of a stranger runs nothing of the project', () => {
  const project = make({ imports: ['./tasks.js'], secrets: 'absent.ini', cluster: 'absent.yaml' })
  const elsewhere = mkdtempSync(join(tmpdir(), 'flambeau-stranger-'))
  after(() => rmSync(elsewhere, { recursive: true, force: true }))
  const strange = join(elsewhere, 'train.yaml')
  writeFileSync(strange, '!Show { text: here }\n')

  for (const command of ['run', 'check', 'resolve'])
    test(`by ${command}, which says so`, async () => {
      const ended = await project.flambeau(command, strange)
      assert.equal(isImported(ended), false, ended.stderr)
      assert.match(
        ended.stderr,
        /train\.yaml" is outside of the project ".*": its setting in package\.json is not used/,
      )
    })

  test('nor by a symbolic link in the project, of a file or of its folder', async () => {
    symlinkSync(strange, join(project.folder, 'link.yaml'))
    symlinkSync(elsewhere, join(project.folder, 'linked'))
    for (const file of ['link.yaml', 'linked/train.yaml', 'linked/absent.yaml'])
      assert.equal(isImported(await project.flambeau('check', file)), false, file)
  })

  test('but the folder of the project is not outside of it', async () => {
    const { code, stderr } = await make({}).flambeau('run', '.')
    assert.deepEqual([code, stderr], [22, '"." is a folder: name the YAML file in it\n'])
  })

  test('is checked before the modules of the project are imported', async () => {
    const ended = await project.flambeau('check', 'train.yaml', strange, '--json')
    const problems: { file: string; code: string }[] = JSON.parse(ended.stdout)
    assert.deepEqual(
      problems.map(({ file, code }) => [file, code]),
      [[strange, 'UNKNOWN_TAG']],
    )
    assert.equal(isImported(ended), true)
  })

  test('although a flag imports what it names', async () => {
    assertRan(await project.flambeau('run', strange, '--import', './tasks.js'))
  })

  test('also as the cluster of a command that names no other file', async () => {
    const cluster = join(elsewhere, 'lab.yaml')
    writeFileSync(cluster, `!LocalCluster { name: x, folder: ${join(elsewhere, 'hosts')} }\n`)
    const ended = await project.flambeau('runs', '-c', cluster)
    assert.deepEqual([ended.code, isImported(ended)], [0, false], ended.stderr)
  })
})

describe('the secrets of a project', () => {
  const secret = (text: string) => `[A]\nKEY = ${text}\n`

  test('replace the default file, and flags replace them', async () => {
    const project = make({ imports: ['./tasks.js'], secrets: 'config/own.ini' })
    project.file('config/own.ini', secret('of the project'))
    project.file('flag.ini', secret('of the flag'))
    project.file('secret.yaml', '!Secret {}\n')
    mkdirSync(join(project.home, '.flambeau'))
    writeFileSync(join(project.home, '.flambeau/secrets.ini'), secret('of the home folder'), { mode: 0o600 })
    mkdirSync(join(project.folder, 'deep'))
    assertRan(await project.flambeauIn('deep', 'run', '../secret.yaml'), 'of the project\n')
    assertRan(await project.flambeau('run', 'secret.yaml', '-s', 'flag.ini'), 'of the flag\n')
    assertRan(
      await project.flambeau('run', 'secret.yaml', '--no-project', '--import', './tasks.js'),
      'of the home folder\n',
    )
    assert.equal((await project.flambeau('run', 'secret.yaml', '--no-secrets')).code, 22)
    project.setting({ imports: ['./tasks.js'], secrets: false })
    assert.equal((await project.flambeau('run', 'secret.yaml')).code, 22)
  })

  test('may be absent where a flag replaces them, or where no secret is read', async () => {
    const project = make({ imports: ['./tasks.js'], secrets: 'own.ini' })
    assertRan(await project.flambeau('run', 'train.yaml', '--no-secrets'))
    assert.equal((await project.flambeau('check', 'train.yaml')).code, 0)
    const ended = await project.flambeau('run', 'train.yaml')
    assert.equal(ended.code, 22)
    assert.match(ended.stderr, /There is no file "own\.ini" in ".*"\S* .*\n\n {2}package\.json:3:/)
  })
})

describe('the cluster of a project', () => {
  const project = make({ imports: ['./tasks.js'], cluster: 'lab.yaml' })
  project.file('lab.yaml', '!LocalCluster { name: test, folder: hosts, factories: 1 }\n')
  after(() => project.flambeau('down', '--force'))

  test('is where "run" runs, unless it should run here', async () => {
    const ended = await project.flambeau('run', 'train.yaml')
    assertRan(ended)
    assert.match(
      ended.stderr,
      /The cluster is "lab\.yaml", as package\.json says: to run here, add "--no-cluster"/,
    )
    assert.match(ended.stderr, /Run \S+ is started on orchestrator/)
    const here = await project.flambeau('run', 'train.yaml', '--no-cluster')
    assertRan(here)
    assert.doesNotMatch(here.stderr, /cluster|started/)
  })

  test('needs no -c, and "up" and "down" no operand', async () => {
    assert.match((await project.flambeau('up')).stderr, /orchestrator: ready/)
    assert.match(
      (await project.flambeau('plan', 'train.yaml')).stdout,
      /would run "train\.yaml" on orchestrator/,
    )
    const id = (await project.flambeau('run', 'train.yaml', '--detach')).stdout.trim()
    assertRan(await project.flambeau('wait', id))
    assert.match((await project.flambeau('runs')).stdout, new RegExp(`^${id}  succeeded`))
    assert.match((await project.flambeau('status', id)).stdout, /succeeded/)
    assert.equal((await project.flambeau('logs', id)).code, 0)
    assert.equal((await project.flambeau('cancel', id)).code, 0)
    assert.match((await project.flambeau('down')).stderr, /Removed cluster "test"/)
  })

  test('that is not named anywhere is a mistake with a remedy', async () => {
    const { code, stderr } = await make({}).flambeau('plan', 'show.yaml')
    assert.equal(code, 1)
    assert.match(
      stderr,
      /error: no cluster is named: add "--cluster FILE", or "flambeau": \{ "cluster": "FILE" \}/,
    )
  })

  test('whose hosts cannot have a folder is a mistake that names the folder', async () => {
    const project = make({})
    project.file('lab.yaml', '!LocalCluster { name: nowhere, folder: ./package.json/hosts }\n')
    const { code, stderr } = await project.flambeau('up', 'lab.yaml')
    assert.equal(code, 69)
    assert.match(
      stderr,
      /^ {2}The folder ".*\/package\.json\/hosts\/orchestrator" of host "orchestrator" cannot be created: a part of the path is a file \(ENOTDIR\)/m,
    )
    assert.doesNotMatch(stderr, /^ +at /m)
  })

  test('is named with "--cluster" for "up" and "down", too, as this remedy says', async () => {
    const project = make({})
    project.file('lab.yaml', '!LocalCluster { name: operand, folder: ./hosts }\n')
    for (const command of ['up', 'down'])
      assert.match((await project.flambeau(command)).stderr, /add "--cluster FILE"/)
    assert.match(
      (await project.flambeau('down', '--cluster', 'lab.yaml')).stderr,
      /^Removed cluster "operand"/,
    )
    const { code, stderr } = await project.flambeau('down', 'lab.yaml', '-c', 'other.yaml')
    assert.deepEqual(
      [code, stderr],
      [1, 'error: two clusters are named, "lab.yaml" and "other.yaml": name one\n'],
    )
  })
})

describe('a mistake in the setting is shown in package.json:', () => {
  const mistakes: Record<string, [setting: string, shown: RegExp]> = {
    'an unknown key': [
      '{ "import": [] }',
      /has no key "import": did you mean "imports"\?\n\n {2}package\.json:3:17\n[\s\S]*\^{8}$/m,
    ],
    'a key that is like none': [
      '{ "colour": 1 }',
      /has no key "colour": it has "imports", "files", "secrets", "cluster", "runs"\n/,
    ],
    'a wrong type': [
      '{ "imports": "./tasks.js" }',
      /"imports" must be a list of modules.*\n\n {2}package\.json:3:28\n/,
    ],
    'a wrong item': [
      '{ "imports": ["./tasks.js", 1] }',
      /"imports\[1\]" must be .*\n\n {2}package\.json:3:43\n/,
    ],
    'an empty text': [
      '{ "cluster": " " }',
      /"cluster" must be the path of a YAML file.*\n\n {2}package\.json:3:28\n/,
    ],
    'true, where only false is meant': [
      '{ "runs": true }',
      /"runs" must be the path of a folder, .*, or false\n/,
    ],
    'a key that comes twice': [
      '{ "runs": "a", "runs": "b" }',
      /has "runs" twice: keep one\n\n {2}package\.json:3:30\n/,
    ],
    'no object': ['["./tasks.js"]', /"flambeau" must be an object.*\n\n {2}package\.json:3:15\n/],
    null: ['null', /"flambeau" must be an object/],
    'a comment': [
      '{ "runs": "a" } // here',
      /"package\.json" is not valid JSON: JSON has no comments.*\n\n {2}package\.json:3:31\n/,
    ],
    'a comma too many': [
      '{ "runs": "a", }',
      /is not valid JSON: JSON has no "," before "}": remove the comma\n\n {2}package\.json:3:30\n/,
    ],
  }
  for (const [name, [setting, shown]] of Object.entries(mistakes))
    test(name, async () => {
      const project = make()
      project.setting(setting)
      const { code, stderr } = await project.flambeau('check', 'train.yaml')
      assert.equal(code, 22, stderr)
      assert.match(stderr, shown)
      assert.doesNotMatch(stderr, /^\s+at /m)
    })

  test('a module or file that does not exist, with the nearest name, and from any folder', async () => {
    const project = make({ imports: ['./task.js'], cluster: 'lap.yaml' })
    project.file('lab.yaml', '!LocalCluster { name: x }\n')
    mkdirSync(join(project.folder, 'deep'))
    const cluster = await project.flambeauIn('deep', 'run', '../train.yaml')
    assert.equal(cluster.code, 22)
    assert.match(
      cluster.stderr,
      /There is no file "lap\.yaml" in ".*": did you mean "lab\.yaml"\?\n\n {2}\.\.\/package\.json:3:/,
    )
    const imports = await project.flambeauIn('deep', 'check', '../train.yaml')
    assert.equal(imports.code, 22)
    assert.match(imports.stderr, /"\.\/task\.js"[\s\S]*\n\n {2}\.\.\/package\.json:3:27\n/)
  })

  test('all of them at once', async () => {
    const project = make()
    project.setting('{ "imports": [""], "cluster": 1, "no": 2 }')
    assert.match((await project.flambeau('tags')).stderr, /^3 problems in package\.json\n/)
  })

  test('also with a byte order mark, CRLF and tabs, which are no mistakes', async () => {
    const project = make()
    const text =
      '\ufeff{\r\n\t"type": "module",\r\n\t"flambeau": {\r\n\t\t"imports": ["./tasks.mjs"]\r\n\t}\r\n}\r\n'
    writeFileSync(join(project.folder, 'package.json'), text)
    writeFileSync(
      join(project.folder, 'tasks.mjs'),
      `import 'flambeau'; console.error(${JSON.stringify(importedLine)})\n`,
    )
    assert.ok(isImported(await project.flambeau('tags')))
    writeFileSync(join(project.folder, 'package.json'), text.replace('imports', 'import'))
    assert.match(
      (await project.flambeau('tags')).stderr,
      /did you mean "imports"\?\n\n {2}package\.json:4:3\n/,
    )
  })

  test('not in a package.json that is broken and has no such setting', async () => {
    const project = make()
    project.file('package.json', '{ "dependencies": { "flambeau": "1" }, }')
    assert.equal((await project.flambeau('tags')).code, 0)
  })
})

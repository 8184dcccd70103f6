import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { checkFile, Registry, Runnable, runFile, SafeExecutionContext } from 'flambeau'

const cli = join(process.cwd(), 'dist', 'cli', 'main.js')
// Inside the package, so that what is imported from here finds "flambeau" by its name.
mkdirSync('build', { recursive: true })
const folder = mkdtempSync(join(process.cwd(), 'build', 'allow-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const silent = { debug() {}, info() {}, warn() {}, error() {} }
let constructed = 0

class Train extends Runnable {
  constructor(options: object = {}) {
    super(options)
    constructed++
  }
  static fromFile(): Train {
    return new Train({})
  }
  override run(): string {
    return 'trained'
  }
}
class Deeper extends Train {}
class Other extends Runnable {
  override run(): string {
    return 'other'
  }
}

const registry = new Registry()
registry.add(Train, '!Train', { factories: ['fromFile'] })
registry.alias(Train, '!trainer')
registry.add(Deeper, '!Deeper')
registry.add(Other, '!Other')

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

/** An extension that writes a file when it is imported. */
function extension(name: string): { declaration: string; wasImported: () => boolean } {
  const mark = join(folder, `${name}-imported`)
  mkdirSync(join(folder, name, 'node_modules'), { recursive: true })
  symlinkSync(process.cwd(), join(folder, name, 'node_modules/flambeau'))
  writeFileSync(
    join(folder, name, 'package.json'),
    `{ "name": "${name}", "type": "module", "exports": "./index.js" }`,
  )
  const module = `import { writeFileSync } from 'node:fs'
    import { Runnable, registrable } from 'flambeau'
    writeFileSync(${JSON.stringify(mark)}, '')
    export class X extends Runnable { run() { return 'extended' } }
    registrable('!X')(X)`
  writeFileSync(join(folder, name, 'index.js'), module)
  return { declaration: `${name}: ./${name}\n---\n`, wasImported: () => existsSync(mark) }
}

async function run(content: string, allow: readonly any[]) {
  return runFile({ content, filename: 'job.yaml' }, { registry, allow, logger: silent })
}

describe('what a file may be', () => {
  const allowed: [string, unknown][] = [
    ['!Train {}', '!Train'],
    ['&a !Train {}', '!Train'],
    ['%TAG !e! !Tr\n---\n!e!ain {}', '!Train'],
    ['!Train {}', Train],
    ['!trainer {}', Train],
    ['!Train.fromFile {}', Train],
    ['!trainer {}', '!trainer'],
    ['!Train.fromFile {}', '!Train.fromFile'],
  ]
  for (const [text, allow] of allowed)
    test(`${JSON.stringify(text)} is, where ${typeof allow === 'string' ? allow : 'its class'} is allowed`, async () => {
      assert.equal((await run(text, [Other, allow])).ok, true)
    })

  const refused: [string, unknown][] = [
    ['!Other {}', '!Train'],
    ['!trainer {}', '!Train'],
    ['!Train.fromFile {}', '!Train'],
    ['!Deeper {}', Train],
    ['!Train {}', Deeper],
    ['!Other {}', Train],
    ['!Nobody {}', Train],
    ['{}', '!Train'],
    ['!!map {}', Train],
    ['"!Train"', '!Train'],
  ]
  for (const [text, allow] of refused)
    test(`${text} is not, where ${typeof allow === 'string' ? allow : 'a class'} is allowed`, async () => {
      constructed = 0
      const outcome = await run(text, [allow])
      assert.deepEqual([!outcome.ok && outcome.error.name, outcome.exitCode], ['RunnableFileError', 22])
      assert.equal(!outcome.ok && (outcome.error as any).code, 'NOT_ALLOWED')
      assert.equal(constructed, 0)
    })

  test('says where the tag is, and what is allowed', async () => {
    const outcome = await run('\n!Other {}\n', ['!Train', Deeper])
    assert.equal(
      !outcome.ok && outcome.error.message,
      [
        '"!Other" is not allowed at the top of this file; allowed: "!Train", "!Deeper"\n',
        '  job.yaml:2:1',
        '  1 |',
        '  2 | !Other {}',
        '    | ^^^^^^',
      ].join('\n'),
    )
    const nothing = await run('!Train', [])
    assert.match(String(!nothing.ok && nothing.error.message), /allowed: nothing/)
  })

  test('is decided before an extension is imported, or secrets are read', async () => {
    const { declaration, wasImported } = extension('early')
    const path = file('early.yaml', `${declaration}!early.X {}\n`)
    const options = { registry, allow: ['!Train' as const, Train], logger: silent, secrets: 'nowhere.ini' }
    const outcome = await runFile(path, options)
    assert.equal(!outcome.ok && (outcome.error as any).code, 'NOT_ALLOWED')
    for (const step of ['firstParse', 'importExtensions', 'checkTags', 'compileRunnable'] as const)
      await assert.rejects(new SafeExecutionContext(path, options)[step](), { code: 'NOT_ALLOWED' })
    const problems = await checkFile(path, options)
    assert.deepEqual(
      problems.map(({ code, line }) => `${code} ${line}`),
      ['NOT_ALLOWED 3'],
    )
    assert.ok(!wasImported())
  })

  test('a tag of an extension is allowed by its text', async () => {
    const { declaration, wasImported } = extension('named')
    const path = file('named.yaml', `${declaration}!named.X {}\n`)
    const outcome = await runFile(path, { registry, allow: ['!named.X'], logger: silent })
    assert.deepEqual([outcome.ok && outcome.value, wasImported()], ['extended', true])
    assert.deepEqual(await checkFile(path, { registry, allow: ['!named.X'] }), [])
  })

  test('of a file that is allowed, what cannot be parsed is said', async () => {
    const outcome = await run('!Train {', ['!Train'])
    assert.notEqual(!outcome.ok && (outcome.error as any).code, 'NOT_ALLOWED')
  })

  test('the command line runs no shell command of a cluster that is not allowed', async () => {
    const mark = join(folder, 'mark')
    const stranger = `!LocalCluster { name: x, factories: 0, folder: ${folder}/lc, setup_cmds: ['touch ${mark}'] }\n`
    file('stranger.yaml', stranger)
    file('lab.yaml', `!LocalCluster { name: lab, factories: 0, folder: ${folder}/lab }\n`)
    const all: string[][] = [
      ['run'],
      ['check'],
      ['run', '-n'],
      ['run', '-c', 'lab.yaml'],
      ['plan', '-c', 'lab.yaml'],
    ]
    for (const [command = '', ...flags] of all) {
      const args = [cli, command, 'stranger.yaml', ...flags, '--allow', '!Train', '--allow', '!Sweep']
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
      assert.match(stdout + stderr, /"!LocalCluster" is not allowed at the top .* "!Train", "!Sweep"/)
      assert.equal(status, 22)
    }
    assert.ok(!existsSync(mark))
    const { stderr } = spawnSync(process.execPath, [cli, 'run', 'stranger.yaml', '--allow', 'Train'], {
      cwd: folder,
      encoding: 'utf8',
    })
    assert.match(stderr, /type --allow '!Train'/)
  })

  test('a top node that could not be included is reported as that, once', async () => {
    const missing = file('missing-include.yaml', '!include no-such-file.yaml\n')
    const problems = await checkFile(missing, { registry, allow: ['!Train'] })
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['NO_FILE'],
    )
    const before = constructed
    const outcome = await runFile(missing, { registry, logger: silent, allow: ['!Train'] })
    assert.match(outcome.ok ? '' : outcome.error.message, /There is no file "no-such-file\.yaml"/)
    assert.equal(constructed, before)
    file('other-include.yaml', '!Other\n')
    const other = file('includes-other.yaml', '!include other-include.yaml\n')
    const refused = await runFile(other, { registry, logger: silent, allow: ['!Train'] })
    assert.match(refused.ok ? '' : refused.error.message, /"!Other" is not allowed at the top/)
  })
})

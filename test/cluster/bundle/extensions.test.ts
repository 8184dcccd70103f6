// What a runnable file brings along goes with it to a cluster: extensions in folders and installed ones, with what they
// depend on, and nothing is fetched there.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ExtensionLab, type Files } from '../../support/extension-lab.js'

const manifest = (more: object = {}) => JSON.stringify({ type: 'module', exports: './index.js', ...more })

/** An extension that says where it is, by way of a package that it depends on. */
const files: Files = {
  'package.json': manifest({ name: 'where', version: '1.0.0', dependencies: { shout: '*' } }),
  'index.js': `
    import { Runnable, registrable } from 'flambeau'
    import { shout } from 'shout'
    export class Where extends Runnable {
      constructor(options = {}) { super(options); this.options = options }
      run() {
        return { home: process.env.HOME, said: shout(this.options.word), extensions: this.extensions, content: this.content }
      }
    }
    registrable('!Where')(Where)`,
  'secret-notes.txt': 'stays at home',
  '.flambeauignore': 'secret-notes.txt\n',
  'node_modules/shout/package.json': manifest({ name: 'shout', version: '1.0.0' }),
  'node_modules/shout/index.js': 'export const shout = (word) => word.toUpperCase()',
}

describe('extensions on a cluster', () => {
  let lab: ExtensionLab
  // Elsewhere than the packages of this project, which the hosts must not find.
  const hosts = mkdtempSync(join(tmpdir(), 'flambeau-hosts-'))

  before(() => {
    lab = new ExtensionLab()
    lab.link('.')
    lab.write('where', files)
    writeFileSync(
      join(lab.folder, 'cluster.yaml'),
      `!LocalCluster\nname: ext\nfactories: 1\nfolder: ${hosts}\n`,
    )
    writeFileSync(join(lab.folder, 'job.yaml'), 'w: ./where\n---\n# loud\n!w.Where { word: hello }\n')
  })
  after(async () => {
    await lab.flambeau(['down', 'cluster.yaml', '--force'])
    lab.remove()
  })

  test('run there with what they depend on, and know what the file declares', async () => {
    const { code, stdout, stderr } = await lab.flambeau(['run', 'job.yaml', '-c', 'cluster.yaml'])
    assert.equal(code, 0, stderr)
    const { home, ...rest } = JSON.parse(stdout)
    assert.equal(home, join(hosts, 'orchestrator'))
    const content = readFileSync(join(lab.folder, 'job.yaml'), 'utf8').replace('w: ./where\n', '')
    assert.deepEqual(rest, { said: 'HELLO', extensions: { w: './where' }, content })
  })

  test('are on the orchestrator when "setup" runs, which is told where', async () => {
    const prepared = `
      import { ClusterRunnable, registrable } from 'flambeau'
      import { existsSync } from 'node:fs'
      export class Prepared extends ClusterRunnable {
        constructor(options = {}) { super(options); this.options = options }
        setup({ extensions }) {
          const found = existsSync(extensions.w + '/index.js')
          this.setSerializableAttr('found', { path: extensions.w, found })
        }
        run() { return this.found ?? this.options.found }
      }
      registrable('!Prepared')(Prepared)`
    lab.write('prepared', { ...files, 'index.js': prepared })
    writeFileSync(join(lab.folder, 'prepared.yaml'), 'w: ./prepared\n---\n!w.Prepared {}\n')
    const { code, stdout, stderr } = await lab.flambeau(['run', 'prepared.yaml', '-c', 'cluster.yaml'])
    assert.equal(code, 0, stderr)
    const { path, found } = JSON.parse(stdout)
    assert.equal(found, true)
    assert.ok(path.startsWith(join(hosts, 'orchestrator/.flambeau/packages/')), path)
  })

  test('are not sent again, and what is ignored is not sent at all', async () => {
    const { code, stderr } = await lab.flambeau(['run', 'job.yaml', '-c', 'cluster.yaml'])
    assert.equal(code, 0, stderr)
    assert.doesNotMatch(stderr, /sent extension/)
    for (const host of ['orchestrator', 'factory-1']) {
      const names = readdirSync(join(hosts, host), { recursive: true, encoding: 'utf8' })
      assert.ok(names.some((name) => name.endsWith('shout/index.js')))
      assert.deepEqual(
        names.filter((name) => name.endsWith('secret-notes.txt')),
        [],
      )
    }
  })

  test('of what has changed, the files that differ are sent', async () => {
    lab.write('where', { 'node_modules/shout/index.js': 'export const shout = (word) => word + 1' })
    const { code, stdout, stderr } = await lab.flambeau(['run', 'job.yaml', '-c', 'cluster.yaml'])
    assert.equal(code, 0, stderr)
    assert.equal(JSON.parse(stdout).said, 'hello1')
    assert.match(stderr, /factory-1: sent extension "w" \(1 file,/)
  })

  test('one that lacks a dependency is refused before anything is sent', async () => {
    lab.write('poor', {
      'package.json': manifest({ name: 'poor', dependencies: { lacking: '*' } }),
      'index.js': '',
    })
    writeFileSync(join(lab.folder, 'poor.yaml'), 'p: ./poor\n---\n!p.X\n')
    const { code, stderr } = await lab.flambeau(['run', 'poor.yaml', '-c', 'cluster.yaml'])
    assert.equal(code, 22)
    assert.match(stderr, /lacking/)
    assert.doesNotMatch(stderr, /sent/)
  })

  test('packages that need each other in two versions come along, each with the one that it needs', async () => {
    const needs = (name: string, version: string, other: string): Files => ({
      'package.json': manifest({ name, version, dependencies: { [other]: '*' } }),
      'index.js': `import * as other from '${other}'; export const version = '${version}'; export const needed = other`,
    })
    const inside = (place: string, all: Files): Files =>
      Object.fromEntries(Object.entries(all).map(([path, text]) => [`node_modules/${place}/${path}`, text]))
    lab.write('twice', {
      'package.json': manifest({ name: 'twice', version: '1.0.0', dependencies: { a: '1', b: '1' } }),
      'index.js': `
        import { Runnable, registrable } from 'flambeau'
        import * as a from 'a'
        export class Twice extends Runnable {
          run() { return [a.version, a.needed.version, a.needed.needed.version] }
        }
        registrable('!Twice')(Twice)`,
      ...inside('a', needs('a', '1', 'b')),
      ...inside('b', needs('b', '1', 'a')),
      ...inside('a/node_modules/b', needs('b', '2', 'a')),
      ...inside('a/node_modules/b/node_modules/a', needs('a', '2', 'b')),
    })
    writeFileSync(join(lab.folder, 'twice.yaml'), 't: ./twice\n---\n!t.Twice {}\n')
    const { code, stdout, stderr } = await lab.flambeau(['run', 'twice.yaml', '-c', 'cluster.yaml'])
    assert.equal(code, 0, stderr)
    assert.deepEqual(JSON.parse(stdout), ['1', '2', '2'])
  })

  test('a module that imports what its package.json does not name says so', async () => {
    lab.write('bare', {
      'package.json': manifest(),
      'tasks.js':
        "import 'zod'\nimport { Runnable, registrable } from 'flambeau'\nregistrable('!Bare')(class Bare extends Runnable { run() {} })",
    })
    writeFileSync(join(lab.folder, 'bare.yaml'), '!Bare {}\n')
    const args = ['run', 'bare.yaml', '-c', 'cluster.yaml', '--import', './bare/tasks.js']
    const { code, stderr } = await lab.flambeau(args)
    assert.equal(code, 22, stderr)
    assert.match(stderr, /Package "zod", which "tasks.js" imports, was not sent: name it in "dependencies"/)
  })

  test('a sweep takes its class from an extension, in the processes of this machine as well', async () => {
    lab.write('fit', {
      'package.json': manifest({ name: 'fit', version: '1.0.0' }),
      'index.js': `
        import { Runnable, registrable } from 'flambeau'
        export class Fit extends Runnable {
          constructor(options = {}) { super(options); this.options = options }
          run() { return { score: this.options.rate * 2 } }
        }
        registrable('!Fit')(Fit)`,
    })
    const sweep = '!Sweep { each: !f.Fit { rate: !choice [1, 2] }, metric: score, output: out }'
    lab.write('jobs', { 'sweep.yaml': `f: ../fit\n---\n${sweep}\n` })
    const { code, stdout, stderr } = await lab.flambeau(['run', 'jobs/sweep.yaml'])
    assert.equal(code, 0, stderr)
    assert.equal(JSON.parse(stdout).best.metric, 4)
  })

  test('an interrupt ends an install that waits for an answer', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    writeFileSync(join(lab.folder, 'silent.yaml'), `s: http://127.0.0.1:${port}/repo.git\n---\n!s.X {}\n`)
    const args = [join(process.cwd(), 'dist/cli/main.js'), 'run', 'silent.yaml', '-c', 'cluster.yaml', '-i']
    const child = lab.spawn(process.execPath, args)
    let said = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
    const [git] = (await once(silent, 'connection')) as [Socket]
    try {
      const gitEnded = once(git.resume(), 'close')
      process.kill(child.pid!, 'SIGINT')
      const [code] = await once(child, 'close')
      assert.equal(code, 130, said)
      await gitEnded
    } finally {
      git.destroy()
      silent.close()
    }
  })
})

// What hosts get of this package and its dependencies, when users have it: packed, and installed with what it depends on.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { type CommandEnd, endOf } from '../../support/user-package.js'

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'))

/** Each function is what a run on a host can need; `!Job` calls the one that it names. */
const job = `
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { dump, load, Runnable, registrable } from 'flambeau'
import { LocalCluster } from 'flambeau/cluster'
import { openPool, writeReport } from 'flambeau/pool'

export class Trial extends Runnable {
  constructor(options) {
    super()
    this.options = options
  }
  run() {
    return { score: this.options.rate }
  }
}
registrable('!Trial')(Trial)

const module = new URL(import.meta.url)
const needs = {
  plain: () => load('{ a: [1, &x 2, *x], b: "c\\\\n" }', { expect: Object }).a.length,
  dump: () => dump({ a: new Trial({ rate: 1 }) }).trim(),
  async pool() {
    const pool = await openPool({ workers: 2, engine: 'processes', imports: [module] })
    const scores = []
    for await (const { result } of pool.map([1, 2].map((rate) => new Trial({ rate })))) scores.push(result.score)
    await pool.close()
    return scores.sort()
  },
  async sweep(options) {
    const sweep = load('!Sweep { each: !Trial { rate: !choice [1, 2] }, metric: score, output: sweep }')
    await sweep.run({ ...options, engine: 'processes', imports: [module] })
    const report = readFileSync(await writeReport('sweep'), 'utf8')
    return [report.length > 600_000, report.includes('<script>')]
  },
  entries: async () => {
    const names = ['', '/cluster', '/pool', '/testing', '/bullmq']
    const modules = await Promise.all(names.map((name) => import('flambeau' + name)))
    return [modules.every((each) => Object.keys(each).length > 0), modules[0].Runnable === Runnable]
  },
  helpers: async () => [
    typeof (await import('tslib')).__decorate,
    typeof (await import('tslib/tslib.es6.mjs')).__decorate,
    (await import('reflect-metadata')) && typeof Reflect.defineMetadata,
  ],
  async again() {
    const cluster = new LocalCluster({ name: 'inner', factories: 0, folder: join(homedir(), 'inner') })
    await cluster.up()
    await cluster.close()
    const packages = (folder) => readdirSync(join(folder, '.flambeau/packages'))
    return packages(homedir()).join() === packages(join(homedir(), 'inner/orchestrator')).join()
  },
  yaml: async () => [(await import('yaml')).parse('a: 1').a, Object.keys(await import('yaml/util')).length > 0],
}

export class Job extends Runnable {
  constructor({ need }) {
    super()
    this.need = need
  }
  run(options) {
    return needs[this.need](options)
  }
}
registrable('!Job')(Job)
`

/** The project of a user, in which this package is installed; its hosts are folders beside it. */
class Installed {
  readonly root = mkdtempSync(join(tmpdir(), 'flambeau-own-tree-'))
  readonly app = join(this.root, 'app')
  readonly hosts = join(this.root, 'hosts')

  constructor(unpacked: string) {
    mkdirSync(join(this.root, 'home'))
    this.write('package.json', JSON.stringify({ name: 'app', type: 'module' }))
    this.write('job.js', job)
    this.write('cluster.yaml', `!LocalCluster\nname: test\nfactories: 1\nfolder: ${this.hosts}\n`)
    this.install('flambeau', unpacked)
    for (const name of Object.keys(dependencies)) this.install(name)
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(join(this.app, path)), { recursive: true })
    writeFileSync(join(this.app, path), content)
  }

  install(name: string, source = join('node_modules', name)): void {
    cpSync(source, join(this.app, 'node_modules', name), { recursive: true })
  }

  flambeau(...args: string[]): Promise<CommandEnd> {
    const program = join(this.app, 'node_modules/flambeau/dist/cli/main.js')
    const env = { ...process.env, NO_COLOR: '1', HOME: join(this.root, 'home') }
    return endOf(spawn(process.execPath, [program, ...args], { cwd: this.app, env }))
  }

  async up(): Promise<void> {
    const { code, stderr } = await this.flambeau('up', 'cluster.yaml')
    assert.equal(code, 0, stderr)
  }

  /** The result of a run on the cluster. */
  async run(need: string): Promise<unknown> {
    this.write('job.yaml', `!Job { need: ${need} }\n`)
    const args = ['run', 'job.yaml', '-c', 'cluster.yaml', '--import', './job.js', '--json']
    const { code, stdout, stderr } = await this.flambeau(...args)
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout).value
  }

  /** The packages that the orchestrator has, the latest last. */
  packages(): string[] {
    const folder = join(this.hosts, 'orchestrator/.flambeau/packages')
    const paths = readdirSync(folder).map((name) => join(folder, name))
    return paths.toSorted((a, b) => statSync(a).ctimeMs - statSync(b).ctimeMs)
  }

  end(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** The paths of all files below a folder, and their sizes. */
function filesIn(folder: string): Map<string, number> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  )
  const paths = entries.map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
  return new Map(paths.sort().map((path) => [path, statSync(join(folder, path)).size]))
}

describe('an installed package', () => {
  let packed: string
  let user: Installed

  before(() => {
    packed = mkdtempSync(join(tmpdir(), 'flambeau-packed-'))
    execFileSync('npm', ['pack', '--pack-destination', packed], { stdio: 'ignore' })
    const [tarball = ''] = readdirSync(packed)
    execFileSync('tar', ['-xzf', tarball], { cwd: packed })
  })
  after(() => rmSync(packed, { recursive: true }))
  beforeEach(() => {
    user = new Installed(join(packed, 'package'))
  })
  afterEach(() => user.end())

  test('sends at most 60 files and 1.5 MB', async () => {
    await user.up()
    const [folder = ''] = user.packages()
    const files = filesIn(join(folder, 'node_modules'))
    const paths = [...files.keys()]
    const bytes = [...files.values()].reduce((sum, size) => sum + size, 0)
    assert.ok(paths.length <= 60, `${paths.length} files`)
    assert.ok(bytes <= 1.5e6, `${bytes} bytes`)
    assert.deepEqual(
      paths.filter((path) =>
        /\.d\.[cm]?ts$|\.map$|commander|dist\/cli|language-server|template|docs/.test(path),
      ),
      [],
    )
  })

  for (const [need, value] of Object.entries({
    plain: 3,
    dump: 'a: !Trial\n  rate: 1',
    pool: [1, 2],
    sweep: [true, true],
    entries: [true, true],
    helpers: ['function', 'function', 'function'],
    again: true,
  }))
    test(`works on a host: ${need}`, async () => {
      assert.deepEqual(await user.run(need), value)
    })

  test('a package that a user depends on is whole, although this package has it as well', async () => {
    user.write(
      'package.json',
      JSON.stringify({ name: 'app', type: 'module', dependencies: { yaml: dependencies.yaml } }),
    )
    assert.deepEqual(await user.run('yaml'), [1, true])
    const programs = join(user.packages().at(-1)!, 'programs')
    const [program = ''] = readdirSync(programs)
    const own = [...filesIn(join(programs, program, 'node_modules/yaml')).keys()]
    const all = [...filesIn(join(user.app, 'node_modules/yaml')).keys()]
    assert.deepEqual(
      own,
      all.filter((path) => !/\.d\.ts$|\.map$/.test(path)),
    )
  })

  test('a dependency that is not the one that was joined is sent as it is installed', async () => {
    const path = 'node_modules/ini/lib/ini.js'
    appendFileSync(join(user.app, path), '// patched\n')
    const manifest = 'node_modules/yaml/package.json'
    const yaml = JSON.parse(readFileSync(join(user.app, manifest), 'utf8'))
    user.write(manifest, JSON.stringify({ ...yaml, version: '2.99.0' }))
    await user.up()
    const [folder = ''] = user.packages()
    for (const each of [path, manifest, 'node_modules/yaml/dist/compose/composer.js'])
      assert.deepEqual(readFileSync(join(folder, each)), readFileSync(join(user.app, each)), each)
  })

  test('optional peers are sent with a run, and not before; without what only bundlers load', async () => {
    const [main, module, index] = ['dist/cjs/index.js', 'dist/esm/index.js', 'esm/index.js']
    const exports = { '.': { module: './es6/index.js', default: './esm/index.js' }, './more/*': './es/*' }
    const manifests = { bullmq: { main, module }, ioredis: { main, exports } }
    for (const [name, manifest] of Object.entries(manifests)) {
      user.write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', ...manifest }))
      for (const path of [main, module, index, 'es6/index.js', 'es/index.js'])
        user.write(`node_modules/${name}/${path}`, '')
    }
    await user.up()
    const [folder = ''] = user.packages()
    assert.equal(existsSync(join(folder, 'node_modules/bullmq')), false)
    await user.run('plain')
    const [, withPeers = ''] = user.packages()
    const filesOf = (name: string) => [...filesIn(join(withPeers, 'node_modules', name)).keys()]
    assert.deepEqual(filesOf('bullmq'), [main, 'package.json'])
    assert.deepEqual(filesOf('ioredis'), [main, 'es/index.js', index, 'package.json'])
  })
})

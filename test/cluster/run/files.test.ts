// A run finds the files that it needs at the same relative paths as here: on the orchestrator and on the workers. It may
// change them, for itself alone. What cannot be sent is refused before anything is.
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { load, type Runnable } from 'flambeau'
import { type Cluster, SSHCluster, type SubmitOptions } from 'flambeau/cluster'
import { redisServer } from '../../support/redis.js'
import { noHosts, SshHosts } from '../../support/ssh-hosts.js'
import { type CommandEnd, endOf, UserPackage } from '../../support/user-package.js'

const noRedis = redisServer === undefined && 'there is no redis-server or valkey-server here'

const module = `
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { ClusterRunnable, Runnable, registrable } from 'flambeau'
import { openPool } from 'flambeau/pool'

class Vocabulary {
  static files = ['vocabulary.json']
  constructor(options = {}) { this.options = options }
}
registrable('!Vocabulary')(Vocabulary)

export class Read extends Runnable {
  static files = ['data/*.csv']
  constructor(options = {}) { super(options); this.options = options }
  run() {
    const { paths, appends, writes, locks } = this.options
    const texts = paths.map((path) => readFileSync(path, 'utf8'))
    if (appends) appendFileSync(appends, 'changed')
    if (writes) writeFileSync(writes, 'written')
    if (locks) chmodSync(locks, 0o500)
    return texts
  }
}
registrable('!Read')(Read)

class Each extends ClusterRunnable {
  constructor(options = {}) { super(options); this.options = options }
  setup() {}
  async run({ signal, logger }) {
    const pool = await openPool({ env: this.env, signal, logger, workers: 1 })
    const texts = []
    try {
      for await (const { result } of pool.map([0, 1].map(() => new Read(this.options)))) texts.push(...result)
    } finally {
      await pool.close()
    }
    return texts
  }
}
registrable('!Each')(Each)

if (process.env.FLAMBEAU_TEST_MEMORY)
  process.on('exit', () => appendFileSync(process.env.FLAMBEAU_TEST_MEMORY, process.resourceUsage().maxRSS + '\\n'))
`

const distribution = join(process.cwd(), 'dist/cli/main.js')

/** A user whom the modes of files bind, which are nothing to root. */
const boundUser = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
const noBoundUser =
  spawnSync(process.execPath, [distribution, '--version'], { ...boundUser, cwd: '/' }).status !== 0 &&
  'only root can read this folder'

class DataProject extends UserPackage {
  readonly hosts = mkdtempSync(join(tmpdir(), 'flambeau-data-hosts-'))
  readonly home = mkdtempSync(join(tmpdir(), 'flambeau-data-home-'))
  private user: { readonly uid?: number; readonly gid?: number } = {}
  readonly module = pathToFileURL(this.file('module.js', module))

  constructor() {
    super('data')
    this.write({ 'data/rows.csv': 'a,b\n', 'vocabulary.json': '[]\n', '.gitignore': 'data\n' })
    this.cluster()
  }

  /** Runs all commands as a user whom modes bind. */
  bind(): void {
    this.user = boundUser
    const { uid } = boundUser
    if (uid !== undefined) execFileSync('chown', ['-R', String(uid), this.folder, this.hosts, this.home])
  }

  cluster(more = ''): void {
    this.write({ 'cluster.yaml': `!LocalCluster\nname: data\nfactories: 1\nfolder: ${this.hosts}\n${more}` })
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true })
      writeFileSync(join(this.folder, path), content)
    }
  }

  /** Runs the command line in a folder of the project. */
  flambeau(args: readonly string[], { cwd = '', env = {} } = {}): Promise<CommandEnd> {
    const child = spawn(process.execPath, [distribution, ...args], {
      ...this.user,
      cwd: join(this.folder, cwd),
      env: { ...process.env, NO_COLOR: '1', HOME: this.home, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return endOf(child)
  }

  run(job: string, more: readonly string[] = [], env = {}): Promise<CommandEnd> {
    this.write({ 'job.yaml': `${job}\n` })
    return this.flambeau(['run', 'job.yaml', '-c', 'cluster.yaml', '--import', './module.js', ...more], {
      env,
    })
  }

  async runs(job: string, ...more: readonly string[]): Promise<unknown> {
    const { code, stdout, stderr } = await this.run(job, more)
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }

  /** What was sent to the hosts. */
  sent(): string[] {
    return readdirSync(this.hosts, { recursive: true, encoding: 'utf8' })
  }

  override end(): void {
    super.end()
    for (const folder of [this.hosts, this.home]) rmSync(folder, { recursive: true, force: true })
  }
}

let project: DataProject

describe('the files of a run', () => {
  beforeEach(() => {
    project = new DataProject()
  })
  afterEach(() => project.end())

  test('are those of its classes and of "--send", ignored ones too, at the same relative paths', async () => {
    project.write({ 'more/deep/a.txt': 'A', 'more/b.txt': 'B', '.flambeauignore': '/more\n' })
    const paths = '[data/rows.csv, vocabulary.json, ./more/deep/a.txt, more/b.txt]'
    const job = `!Read { paths: ${paths}, inner: !Vocabulary {} }`
    assert.deepEqual(await project.runs(job, '--send', 'more'), ['a,b\n', '[]\n', 'A', 'B'])
    const here = await project.flambeau(['run', 'job.yaml', '--import', './module.js'])
    assert.deepEqual(JSON.parse(here.stdout), ['a,b\n', '[]\n', 'A', 'B'], here.stderr)
  })

  test('lie as they do here for a command in another folder of the project', async () => {
    project.write({
      'jobs/job.yaml': '!Read { paths: [../data/rows.csv, local.txt] }\n',
      'jobs/local.txt': 'L',
    })
    for (const more of [[], ['-c', '../cluster.yaml', '--send', 'local.txt']]) {
      const args = ['run', 'job.yaml', '--import', '../module.js', ...more]
      const { stdout, stderr } = await project.flambeau(args, { cwd: 'jobs' })
      assert.deepEqual(JSON.parse(stdout || 'null'), ['a,b\n', 'L'], stderr)
    }
    const job = '!Read { paths: [local.txt], writes: out.txt }\n'
    project.write({ 'jobs/job.yaml': job })
    const run = [
      'run',
      'job.yaml',
      '--import',
      '../module.js',
      '-c',
      '../cluster.yaml',
      '--send',
      'local.txt',
    ]
    const { stderr } = await project.flambeau(run, { cwd: 'jobs' })
    const [, id = ''] = /Run (\S+) is started/.exec(stderr) ?? []
    await project.flambeau(['fetch', id, 'out.txt', 'fetched.txt', '-c', 'cluster.yaml'])
    assert.equal(readFileSync(join(project.folder, 'fetched.txt'), 'utf8'), 'written')
  })

  test('are those of the setting in package.json, from its folder, with the cluster that it names', async () => {
    const flambeau = {
      imports: ['./module.js'],
      cluster: 'cluster.yaml',
      files: ['more/*.txt', '!more/b.txt'],
    }
    project.write({
      'package.json': JSON.stringify({ name: 'data', version: '1.0.0', type: 'module', flambeau }),
      'more/a.txt': 'A',
      'more/b.txt': 'B',
      'jobs/job.yaml': '!Read { paths: [../more/a.txt, ../data/rows.csv] }\n',
      'jobs/other.yaml': '!Read { paths: [../more/b.txt] }\n',
    })
    const { stdout, stderr } = await project.flambeau(['run', 'job.yaml'], { cwd: 'jobs' })
    assert.deepEqual(JSON.parse(stdout || 'null'), ['A', 'a,b\n'], stderr)
    const other = await project.flambeau(['run', 'other.yaml'], { cwd: 'jobs' })
    assert.equal(other.code, 1)
    assert.match(
      other.stderr,
      /"more\/b\.txt" was not sent to this host|"\.\.\/more\/b\.txt" was not sent to this host/,
    )
  })

  test('are sent by difference', async () => {
    project.write({ 'data/more.csv': 'c,d\n' })
    const job = '!Read { paths: [data/rows.csv, data/more.csv] }'
    const first = await project.run(job)
    assert.match(first.stderr, /orchestrator: sent the files of the run \(2 files/)
    assert.match(first.stderr, /factory-1: sent the files of the run \(2 files/)
    assert.doesNotMatch((await project.run(job)).stderr, /sent the files/)
    project.write({ 'data/rows.csv': 'new\n' })
    const third = await project.run(job)
    assert.match(third.stderr, /orchestrator: sent the files of the run \(1 file,/)
    assert.deepEqual(JSON.parse(third.stdout), ['new\n', 'c,d\n'])
  })

  test('may be changed by the run, which changes no other copy', async () => {
    const changing = '!Read { paths: [data/rows.csv], appends: data/rows.csv, writes: data/out.txt }'
    const started = [await project.run(changing), await project.run(changing)]
    for (const { stdout, stderr } of started)
      assert.deepEqual(JSON.parse(stdout || 'null'), ['a,b\n'], stderr)
    const [[, id = ''] = []] = started.map(({ stderr }) => /Run (\S+) is started/.exec(stderr) ?? [])
    // What the first run changed and wrote is still there after the second one.
    await project.flambeau(['fetch', id, 'data', 'fetched', '-c', 'cluster.yaml'])
    const fetched = (name: string) => readFileSync(join(project.folder, 'fetched', name), 'utf8')
    assert.deepEqual([fetched('rows.csv'), fetched('out.txt')], ['a,b\nchanged', 'written'])
    assert.equal(readFileSync(join(project.folder, 'data/rows.csv'), 'utf8'), 'a,b\n')
  })

  test('leave the disk when a later run starts, where they are unchanged', async () => {
    const job = '!Read { paths: [data/rows.csv], writes: data/out.txt }'
    await project.runs(job)
    await project.runs(job)
    const copies = project.sent().filter((path) => /runs\/[^/]+\/project\/data\//.test(path))
    const count = (name: string) => copies.filter((path) => path.endsWith(name)).length
    assert.deepEqual([count('out.txt'), count('rows.csv')], [2, 1])
  })

  test('in a folder that a run made read-only stop no later run, and "down" removes them', {
    skip: noBoundUser,
  }, async () => {
    const job = '!Read { paths: [data/rows.csv], locks: data }'
    project.write({ 'job.yaml': job })
    project.bind()
    const run = ['run', 'job.yaml', '-c', 'cluster.yaml', '--import', './module.js']
    for (const args of [run, run, ['down', 'cluster.yaml']]) {
      const { code, stderr } = await project.flambeau(args)
      assert.equal(code, 0, stderr)
    }
    assert.ok(!existsSync(project.hosts))
  })

  test('keep their bytes, and whether they can be executed; a link is its target', async () => {
    const bytes = Buffer.from(Array.from({ length: 3000 }, (_, index) => index % 256))
    writeFileSync(join(project.folder, 'data/bytes.csv'), bytes)
    project.write({ 'tool.sh': '#!/bin/sh\n' })
    chmodSync(join(project.folder, 'tool.sh'), 0o755)
    symlinkSync('bytes.csv', join(project.folder, 'data/link.csv'))
    await project.runs('!Read { paths: [] }', '--send', '*.sh')
    const [run = ''] = project.sent().filter((path) => /^orchestrator\/.*runs\/[^/]+\/project$/.test(path))
    const at = (path: string) => join(project.hosts, run, path)
    for (const name of ['bytes.csv', 'link.csv']) assert.ok(readFileSync(at(`data/${name}`)).equals(bytes))
    assert.equal(realpathSync(at('data/link.csv')), join(realpathSync(at('data')), 'link.csv'))
    assert.doesNotThrow(() => spawn(at('tool.sh')).on('error', assert.fail))
  })

  test('that are missing, outside or private are all named, and nothing is sent', async () => {
    const key =
      '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\n-----END PRIVATE KEY-----\n'
    const outside = join(project.home, 'outside.csv')
    writeFileSync(outside, 'x')
    project.write({
      '.env': 'A=1',
      'data/id.txt': key,
      'passwords.ini': '[A]\nB = c\n',
      'sub/.env.local': '',
    })
    symlinkSync(outside, join(project.folder, 'data/linked.csv'))
    const sends = [
      'nothing/*.csv',
      '../there.csv',
      outside,
      '.env',
      'data',
      'passwords.ini',
      'sub',
      '.git/config',
    ]
    const flags = sends.flatMap((path) => ['--send', path])
    const { code, stderr } = await project.run('!Read { paths: [] }', ['-s', 'passwords.ini', ...flags])
    assert.equal(code, 22)
    const lines = stderr.split('\n')
    const expected = [
      /No file in ".*" matches "nothing\/\*\.csv", which "files" or "--send" names/,
      /"\/.*\/there\.csv", which .* names, is outside of the project/,
      /"\/.*\/outside\.csv", which .* names, is outside of the project/,
      /^"\.env" is private/,
      /^"data\/id\.txt" is private/,
      /^"passwords\.ini" is private/,
      /^"sub\/\.env\.local" is private/,
      /^"data\/linked\.csv" is a link to ".*outside\.csv", outside of the project/,
    ]
    for (const each of expected)
      assert.ok(
        lines.some((line) => each.test(line)),
        `${each}\n${stderr}`,
      )
    assert.deepEqual(project.sent(), [])
  })

  test('with "--send" and an empty path, as of a variable that is not set, nothing is sent', async () => {
    const { code, stderr } = await project.run('!Read { paths: [] }', ['--send', ''])
    assert.equal(code, 22)
    assert.match(stderr, /A path that .* names is empty/)
    assert.deepEqual(project.sent(), [])
  })

  test('that are excluded stay here', async () => {
    project.write({ 'more/a.txt': 'A', 'more/.env': 'B=1', 'more/raw/c.txt': 'C' })
    await project.runs(
      '!Read { paths: [more/a.txt] }',
      '--send',
      'more',
      '--send',
      '!more/.env',
      '--send',
      '!more/raw',
    )
    const names = project.sent().filter((path) => /files\/[^/]+\/more\//.test(path))
    assert.deepEqual([...new Set(names.map((path) => path.replace(/.*\/more\//, '')))], ['a.txt'])
  })

  test('count for the limit, which names them and "max_size"; the plan lists them', async () => {
    project.cluster('max_size: 1 MB\n')
    writeFileSync(join(project.folder, 'data/big.csv'), Buffer.alloc(2e6, 'x'))
    const { code, stderr } = await project.run('!Read { paths: [] }')
    assert.equal(code, 22)
    assert.match(stderr, /the files of the run: 2 files, 2\.0 MB\n {4}data\/big\.csv \(1 file, 2\.0 MB\)/)
    assert.match(stderr, /name fewer files; to send everything, write "max_size: 3 MB"/)
    project.cluster('max_size: 3 MB\n')
    const flags = ['-c', 'cluster.yaml', '--import', './module.js', '--send', 'vocabulary.json']
    const { stdout } = await project.flambeau(['plan', 'job.yaml', ...flags])
    assert.match(stdout, /would send the files of the run \(".*"\) to each host, at most 3 files, 2\.0 MB:/)
    for (const name of ['data/big.csv', 'data/rows.csv', 'vocabulary.json'])
      assert.ok(stdout.includes(`  ${name} (1 file`), stdout)
    const local = await project.flambeau(['run', 'job.yaml', '--import', './module.js', '--send', 'data'])
    assert.match(local.stderr, /"--send" needs a cluster/)
  })

  test('a file that was not sent is named, with what to type', async () => {
    const { code, stderr } = await project.run('!Read { paths: [vocabulary.json] }')
    assert.equal(code, 1)
    assert.match(stderr, /"vocabulary\.json" was not sent to this host: .* or with "--send vocabulary\.json"/)
    const here = await project.run('!Read { paths: [/nowhere/at/all] }')
    assert.doesNotMatch(here.stderr, /was not sent/)
  })

  test('a large one is streamed: no process holds it in memory', async () => {
    project.cluster('max_size: 1 GB\n')
    const size = 400e6
    writeFileSync(join(project.folder, 'data/large.csv'), '')
    truncateSync(join(project.folder, 'data/large.csv'), size)
    const memory = join(project.home, 'memory')
    const { code, stderr } = await project.run('!Read { paths: [] }', [], { FLAMBEAU_TEST_MEMORY: memory })
    assert.equal(code, 0, stderr)
    const peaks = readFileSync(memory, 'utf8').trim().split('\n').map(Number)
    assert.ok(peaks.length >= 2 && peaks.every((kilobytes) => kilobytes * 1024 < size), peaks.join())
  })

  test('a "files" that is no list is a mistake in the class', async () => {
    project.write({
      'wrong.js': `import { Runnable, registrable } from 'flambeau'
class Wrong extends Runnable { static files = 'data'; run() {} }
registrable('!Wrong')(Wrong)
`,
    })
    const { code, stderr } = await project.run('!Wrong {}', ['--import', './wrong.js'])
    assert.notEqual(code, 0)
    assert.match(stderr, /The static "files" of class "Wrong" must be a list of paths and patterns/)
  })

  test('workers have them too, and say which are missing', { skip: noRedis }, async () => {
    const texts = await project.runs(
      '!Each { paths: [data/rows.csv], appends: own.txt }',
      '--send',
      'data/rows.csv',
    )
    assert.deepEqual(texts, ['a,b\n', 'a,b\n'])
    assert.ok(project.sent().some((path) => /^factory-1\/.*\/work\/[^/]+\/project\/own\.txt$/.test(path)))
    const { stderr } = await project.run('!Each { paths: [data/rows.csv] }')
    assert.match(stderr, /Task "0?1" failed: ENOENT.*"data\/rows\.csv" was not sent to this host/)
  })
})

describe('the files of a run on SSH hosts', { skip: noHosts || noRedis }, () => {
  let hosts: SshHosts
  before(async () => {
    project = new DataProject()
    hosts = await SshHosts.start(2)
    await import(project.module.href)
  })
  after(async () => {
    await hosts.end()
    project.end()
  })

  test('are on the orchestrator and on the workers', async () => {
    await using cluster = new SSHCluster({
      name: 'data',
      orchestratorIp: 'h1',
      factoriesIps: ['h2'],
      sshConfig: hosts.config,
    })
    const files = ['data/*.csv', 'vocabulary.json']
    const options = { imports: [project.module], files, projectFolder: project.folder }
    const paths = 'paths: [data/rows.csv, vocabulary.json]'
    assert.deepEqual(await resultOf(cluster, `!Read { ${paths} }`, options), ['a,b\n', '[]\n'])
    appendFileSync(join(project.folder, 'data/rows.csv'), 'c,d\n')
    const twice = ['a,b\nc,d\n', '[]\n', 'a,b\nc,d\n', '[]\n']
    assert.deepEqual(await resultOf(cluster, `!Each { ${paths} }`, options), twice)
    for (const host of hosts.all) assert.ok(existsSync(join(host.home, '.flambeau')))
    await cluster.down()
    for (const host of hosts.all) assert.ok(!existsSync(join(host.home, '.flambeau')))
  })
})

async function resultOf(cluster: Cluster, job: string, options: SubmitOptions): Promise<unknown> {
  const run = await cluster.submit(load(job) as Runnable, options)
  const { exitCode, value } = await run.wait()
  assert.equal(exitCode, 0, String(await buffer(run.logs())))
  return value
}

// The Redis of a pool on a cluster: the user's own, Valkey, one that ends, one with TLS; and nothing is left of it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { type Cluster, LocalCluster, type RemoteRun } from 'flambeau/cluster'
import { Redis } from 'ioredis'
import { below, isRedis, nothingBelow } from '../../../support/cluster-processes.js'
import { RedisServer, redisServer } from '../../../support/redis.js'
import { notesIn, TrialProject } from '../../../support/trial-project.js'
import { until } from '../../../support/until.js'

const noRedis = redisServer === undefined && 'there is no redis-server or valkey-server here'
const all = ['t0', 't1', 't2', 't3']

describe('the Redis of a pool on a cluster', { skip: noRedis }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-local-'))
  let project: TrialProject
  let leaving: URL
  const make = (): Cluster => new LocalCluster({ name: 'local', folder, factories: 2 })
  before(async () => {
    project = new TrialProject()
    await import(project.module.href)
    project.file('cluster.yaml', `!LocalCluster\nname: local\nfolder: ${folder}\n`)
    leaving = pathToFileURL(project.file('leftovers.js', leftoversModule))
  })
  after(() => {
    rmSync(folder, { recursive: true, force: true })
    project.end()
  })

  test("may be the user's own: none is started, and no task stays there", async () => {
    await using server = await RedisServer.start()
    await using cluster = make()
    const notes = project.fresh()
    const pool = { redis: server.url, workers: 1 }
    const run = await submit(cluster, { count: 4, trial: { notes, ms: 500 }, pool })
    await until(() => notesIn(notes).length > 0)
    assert.deepEqual(below(folder).filter(isRedis), [])
    assert.deepEqual(((await run.wait()).value as string[]).toSorted(), all)
    await nothingBelow(folder)
    const left = (await server.keys()).filter((key) => !key.includes(':place:'))
    assert.deepEqual(left, [])
    for (const place of await server.keys()) assert.ok((await server.secondsLeft(place)) > 0, place)
    assert.doesNotMatch(await logOf(run), /open-sesame/)
  })

  test('may be the user\'s own with a certificate, which is believed by "ca" alone', async () => {
    await using server = await RedisServer.start({ tls: true })
    await using cluster = make()
    const trusting = { redis: server.url, ca: server.certificate }
    const run = await submit(cluster, { count: 4, trial: {}, pool: trusting })
    assert.deepEqual(((await run.wait()).value as string[]).toSorted(), all)
    const distrusting = await submit(cluster, { count: 4, trial: {}, pool: { redis: server.url } })
    assert.equal((await distrusting.wait()).exitCode, 69)
    assert.match(await logOf(distrusting), /\(self-signed certificate\): .* certificate \("ca"\)/)
    const plain = { redis: server.url.replace('rediss', 'redis'), tls: true }
    const contradicting = await submit(cluster, { count: 4, trial: {}, pool: plain })
    assert.equal((await contradicting.wait()).exitCode, 22)
    assert.match(await logOf(contradicting), /"tls" needs a Redis with TLS/)
  })

  test('ends the run when it ends again and again', async () => {
    await using cluster = make()
    const notes = project.fresh()
    const run = await submit(cluster, { until: project.fresh(), trial: { notes } })
    await until(() => notesIn(notes).length > 0, 'it is in use')
    const killed = new Set<number>()
    while ((await run.status()).state === 'running' || killed.size === 0) {
      for (const pid of below(folder).filter(isRedis)) {
        process.kill(pid, 'SIGKILL')
        killed.add(pid)
      }
      await delay(20)
      assert.ok(killed.size < 20, 'it is started again without end')
    }
    assert.equal((await run.wait()).exitCode, 69)
    assert.match(await logOf(run), /Redis exited 10 times: check the memory and disk/)
    await nothingBelow(folder)
  })

  test('ends the run when it ends at once, with what it said', async () => {
    await withPrograms({ 'redis-server': 'echo "out of memory"; exit 1' }, async (env) => {
      const { code, stderr } = await runIn(env)
      assert.equal(code, 69)
      assert.match(stderr, /Redis exited while it was starting: out of memory/)
    })
  })

  // A script of this name that is the Redis of this machine: what is tested is that it is found, and started right.
  test('may be Valkey, where that is all that there is', async () => {
    const said = project.fresh()
    const valkey = `echo "$0 $*" > ${said}; exec ${redisServer} "$@"`
    await withPrograms({ 'valkey-server': valkey }, async (env) => {
      const { code, stdout, stderr } = await runIn(env)
      assert.equal(code, 0, stderr)
      assert.deepEqual(JSON.parse(stdout).toSorted(), all)
      assert.match(readFileSync(said, 'utf8'), /\/valkey-server -\n/)
    })
    await nothingBelow(folder)
  })

  test('with "tls" has a key that nobody else can read, and only as it starts', async () => {
    const said = project.fresh()
    const look = `find ${folder} -name key.pem -exec stat -c '%a' {} + > ${said}`
    const redis = `${look}; exec ${redisServer} "$@"`
    await withPrograms({ 'redis-server': redis, openssl: undefined }, async (env) => {
      const { code, stdout, stderr } = await runIn(env, { tls: true })
      assert.equal(code, 0, stderr)
      assert.deepEqual(JSON.parse(stdout).toSorted(), all)
    })
    assert.equal(readFileSync(said, 'utf8'), '600\n')
    assert.equal(spawnSync('find', [folder, '-name', '*.pem']).stdout.toString(), '')
  })

  test('lets in one user, with its password, for the keys of flambeau', async () => {
    const [said, notes, enough] = [project.fresh(), project.fresh(), project.fresh()]
    const redis = `conf=$(cat); echo "$conf" > ${said}; exec ${redisServer} "$@" <<END\n$conf\nEND`
    await withPrograms({ 'redis-server': redis, cat: undefined }, async (env) => {
      const job = { until: enough, trial: { notes, ms: 100 }, pool: { workers: 1 } }
      const ran = runJob(env, job)
      try {
        await Promise.race([until(() => notesIn(notes).length > 0), ran])
        await onlyItsUser(readFileSync(said, 'utf8'))
      } finally {
        writeFileSync(enough, '')
      }
      assert.equal((await ran).code, 0, (await ran).stderr)
    })
  })

  test('with "tls" and no openssl says what to install', async () => {
    await withPrograms({ 'redis-server': undefined }, async (env) => {
      const { code, stderr } = await runIn(env, { tls: true })
      assert.equal(code, 69)
      assert.match(stderr, /has no "openssl".*: install it \("apt-get install openssl", in "setup_cmds"\)/)
    })
  })

  test('ends the run with the reason when it cannot be started again, and leaves nothing open', async () => {
    await using cluster = make()
    const tls = await leftovers(cluster, { pool: { tls: true, workers: 1 }, loses: 'folder' })
    assert.deepEqual(tls, { code: 'ENOENT', children: 0, open: [], folders: [] })
    const gone = await leftovers(cluster, { pool: { workers: 1 }, loses: 'program' })
    assert.deepEqual(gone, { code: 'NO_REDIS', children: 0, open: [], folders: [] })
  })

  test('leaves nothing open when the pool cannot be opened', async () => {
    await using server = await RedisServer.start()
    await using cluster = make()
    const unsent = { redis: server.url, imports: ['file:///nowhere/tasks.js'] }
    const nothing = { children: 0, open: [], folders: [] }
    assert.deepEqual(await leftovers(cluster, { pool: unsent }), { code: 'MODULE_NOT_SENT', ...nothing })
    const absent = { redis: 'redis://127.0.0.1:1' }
    assert.deepEqual(await leftovers(cluster, { pool: absent }), { code: 'REDIS_UNREACHABLE', ...nothing })
    const exits = { bin: project.fresh() }
    mkdirSync(exits.bin)
    writeFileSync(join(exits.bin, 'redis-server'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    assert.deepEqual(await leftovers(cluster, exits), { code: 'REDIS_ENDED', ...nothing })
  })

  /** What a run has open after its pool has failed and is closed. */
  async function leftovers(cluster: Cluster, options: object): Promise<any> {
    const { Leftovers } = await import(leaving.href)
    const imports = [project.module, leaving]
    const run = await cluster.submit(new Leftovers(options), { imports, force: true })
    const { value } = await run.wait()
    assert.ok(value, await logOf(run))
    return value
  }

  async function submit(cluster: Cluster, options: object): Promise<RemoteRun> {
    return cluster.submit(await project.trials(options), { imports: [project.module], force: true })
  }

  /** Runs four trials where there are these programs. */
  function runIn(env: NodeJS.ProcessEnv, pool: object = {}) {
    return runJob(env, { count: 4, pool: { workers: 1, ...pool } })
  }

  function runJob(env: NodeJS.ProcessEnv, options: object) {
    project.file('job.yaml', `!Trials ${JSON.stringify(options)}`)
    return project.flambeauIn(env, 'run', 'job.yaml', '-c', 'cluster.yaml', '--import', './trials.js')
  }
})

/** A run that outlives the failure of its pool, and returns what is open then. */
const leftoversModule = `
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ClusterRunnable, registrable } from 'flambeau'
import { openPool } from 'flambeau/pool'
import { Trial } from './trials.js'

export class Leftovers extends ClusterRunnable {
  constructor(options = {}) { super(options); this.options = options }

  setup() {}

  async run({ logger }) {
    const { bin } = this.options
    if (bin) process.env.PATH = bin + delimiter + process.env.PATH
    const { code } = await this.fail(logger).catch((error) => error)
    let left
    // A client that connects again and again has a timer or a socket at any moment.
    for (let tries = 0, quiet = 0; tries < 200 && quiet < 10; tries++) {
      left = leftNow()
      quiet = left.children + left.open.length + left.folders.length === 0 ? quiet + 1 : 0
      await delay(20)
    }
    return { code, ...left }
  }

  async fail(logger) {
    const pool = await openPool({ env: this.env, logger, ...this.options.pool })
    try {
      const options = { onEvent: ({ type }) => type === 'started' && this.lose() }
      for await (const _ of pool.map([new Trial({ ms: 600_000 })], options));
    } finally {
      await pool.close()
    }
  }

  lose() {
    if (this.options.loses === 'program') process.env.PATH = ''
    else for (const name of redisFolders()) rmSync(name, { recursive: true })
    for (const pid of children()) if (nameOf(pid) === 'redis-server') process.kill(Number(pid), 'SIGKILL')
  }
}
registrable('!Leftovers')(Leftovers)

function leftNow() {
  const open = process.getActiveResourcesInfo().filter((kind) => /^TCP|^Timeout/.test(kind))
  return { children: children().length, open, folders: redisFolders() }
}

function redisFolders() {
  const run = process.env.FLAMBEAU_RUN
  return readdirSync(run).filter((name) => name.startsWith('redis-')).map((name) => join(run, name))
}

function children() {
  return readdirSync('/proc').filter((pid) => /^\\d+$/.test(pid) && parentOf(pid) === process.pid)
}

function parentOf(pid) {
  return Number(/\\) \\S (\\d+)/.exec(statOf(pid))?.[1])
}

function nameOf(pid) {
  return /\\((.*)\\)/.exec(statOf(pid))?.[1]
}

function statOf(pid) {
  try {
    return readFileSync('/proc/' + pid + '/stat', 'latin1')
  } catch {
    return ''
  }
}
`

/** Asserts what a Redis with this configuration lets others do. */
async function onlyItsUser(config: string): Promise<void> {
  const found = (pattern: RegExp): string => pattern.exec(config)![1]!
  const at = { host: found(/^bind (\S+)$/m), port: Number(found(/^port (\d+)$/m)) }
  const login = { username: 'flambeau', password: found(/^user flambeau on >(\S+)/m) }
  const asked = async (options: object, ...command: [string, ...string[]]): Promise<unknown> => {
    const client = new Redis({ ...at, ...options, enableReadyCheck: false, lazyConnect: true })
    client.on('error', () => {})
    return client.call(...command).finally(() => client.disconnect())
  }
  await assert.rejects(asked({}, 'GET', 'flambeau:x'), /NOAUTH/)
  assert.equal(await asked(login, 'GET', 'flambeau:x'), null)
  await assert.rejects(asked(login, 'GET', 'other'), /NOPERM/)
  await assert.rejects(asked(login, 'CONFIG', 'GET', 'dir'), /NOPERM/)
}

/** An environment with these programs: shell scripts, or those of this machine; and with what every host has. */
async function withPrograms(
  programs: Readonly<Record<string, string | undefined>>,
  body: (env: NodeJS.ProcessEnv) => Promise<void>,
): Promise<void> {
  const bin = mkdtempSync(join(tmpdir(), 'flambeau-bin-'))
  const usual = { node: undefined, sh: undefined, 'ssh-keygen': undefined, find: undefined, stat: undefined }
  for (const [name, script] of Object.entries({ ...usual, ...programs })) {
    const file = join(bin, name)
    if (script === undefined) symlinkSync(pathOf(name), file)
    else writeFileSync(file, `#!/bin/sh\n${script}\n`)
    if (script !== undefined) chmodSync(file, 0o755)
  }
  try {
    await body({ PATH: bin })
  } finally {
    rmSync(bin, { recursive: true })
  }
}

function pathOf(program: string): string {
  return program === 'node' ? process.execPath : spawnSync('which', [program]).stdout.toString().trim()
}

async function logOf(run: RemoteRun): Promise<string> {
  return (await buffer(run.logs())).toString()
}

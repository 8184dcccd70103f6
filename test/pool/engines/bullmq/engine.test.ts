import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { Queue, QueueEvents, Worker } from 'bullmq'
import { parseSecrets } from 'flambeau'
import { bullmqEngine, startWorkers, type Workers } from 'flambeau/bullmq'
import { openPool } from 'flambeau/pool'
import { emitted } from '../../../support/emitted.js'
import { all, conforms, tasks } from '../../../support/engine-conformance.js'
import { overlaps, standIn, twoGpus } from '../../../support/gpus.js'
import { Starts, UseGpu } from '../../../support/needy-tasks.js'
import { Echo, Flaky, Note, Tidy, Wait } from '../../../support/pool-tasks.js'
import { RedisServer, redisServer } from '../../../support/redis.js'
import { until } from '../../../support/until.js'

const { connect } = await emitted('pool/engines/bullmq/redis.js')

const needyTasks = new URL('../../../support/needy-tasks.js', import.meta.url)
const skip = redisServer === undefined && 'there is no redis-server or valkey-server here'

const program = fileURLToPath(import.meta.resolve('flambeau/bullmq/worker'))
const user = fileURLToPath(new URL('../../../support/queue-user.js', import.meta.url))

describe('BullMQ', { skip }, () => {
  /** What workers make of a job that somebody else put into the queue. */
  async function jobOf(queue: string, data: unknown): Promise<any> {
    const options = { connection: { url: server.url }, prefix: 'flambeau' }
    const stranger = new Queue(queue, options)
    const events = new QueueEvents(queue, options)
    await events.waitUntilReady()
    const job = await stranger.add('task', data)
    try {
      return await job.waitUntilFinished(events)
    } finally {
      await events.close()
      await stranger.close()
    }
  }

  const folder = mkdtempSync(join(tmpdir(), 'flambeau-bullmq-'))
  let server: RedisServer
  before(async () => {
    server = await RedisServer.start()
  })
  after(async () => {
    await server.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  let workers: Workers | undefined
  conforms('bullmq', {
    apart: true,
    open: async (folder, extensions) => {
      const engine = await bullmqEngine({ redis: server.url, graceMs: 1000 })
      const secrets = await parseSecrets('[AWS]\nKEY = open sesame\n')
      const { queue } = engine
      workers = await startWorkers({
        redis: server.url,
        queue,
        imports: [tasks],
        extensions,
        slots: 2,
        folder,
        secrets,
        graceMs: 1000,
      })
      return { engine }
    },
    close: async () => workers?.close(),
  })

  describe('what is wrong is said', () => {
    test('a password that is not right, without showing it', async () => {
      const wrong = server.url.replace('open-sesame', 'hocus-pocus')
      await assert.rejects(bullmqEngine({ redis: wrong }), (error: any) => {
        assert.equal(error.code, 'REDIS_UNREACHABLE')
        assert.match(error.message, /WRONGPASS/)
        assert.doesNotMatch(inspect(error, { depth: null }), /hocus/)
        return true
      })
    })

    test('a Redis that is not there', async () => {
      const redis = 'redis://127.0.0.1:1'
      await assert.rejects(startWorkers({ redis, queue: 'none' }), {
        code: 'REDIS_UNREACHABLE',
        exitCode: 69,
      })
    })

    test('a URL that is none', async () => {
      await assert.rejects(bullmqEngine({ redis: 'localhost' }), { code: 'BAD_REDIS_URL' })
    })

    for (const missing of ['bullmq', 'ioredis'])
      test(`that "${missing}" is not installed`, () => {
        const project = projectWithout(missing)
        const script =
          "import('flambeau/bullmq').then((all) => all.bullmqEngine({ redis: 'redis://127.0.0.1:1' }))"
        const { stderr } = spawnSync(process.execPath, ['-e', script], { cwd: project })
        rmSync(project, { recursive: true })
        assert.match(
          stderr.toString(),
          new RegExp(`The package "${missing}" is not installed: type "npm install bullmq ioredis"`),
        )
      })

    test('a certificate that nobody vouches for, or that is none', async () => {
      await using secure = await RedisServer.start({ tls: true })
      const redis = secure.url
      await assert.rejects(bullmqEngine({ redis }), {
        code: 'REDIS_UNREACHABLE',
        message: /\(self-signed certificate\)/,
      })
      const nowhere = { code: 'BAD_CERTIFICATE', message: /The file "nowhere.pem" cannot be read \(ENOENT\)/ }
      await assert.rejects(bullmqEngine({ redis, ca: 'nowhere.pem' }), nowhere)
      const none = { code: 'BAD_CERTIFICATE', message: /"package.json" is not a certificate/ }
      await assert.rejects(bullmqEngine({ redis, ca: 'package.json' }), none)
      for (const [ca, code] of [
        ['nowhere.pem', 'ENOENT'],
        ['package.json', 'ERR_OSSL_PEM_NO_START_LINE'],
      ] as const)
        await assert.rejects(bullmqEngine({ redis, ca }), ({ cause }: any) => cause.code === code)
      const plain = { redis: redis.replace('rediss', 'redis'), ca: secure.certificate }
      await assert.rejects(bullmqEngine(plain), { code: 'BAD_REDIS_URL' })
    })

    for (const [command, call] of [
      ['xrevrange', 'bullmqEngine({ redis })'],
      ['info', 'bullmqEngine({ redis })'],
      ['subscribe', "startWorkers({ redis, queue: 'refused' })"],
      ['info', "startWorkers({ redis, queue: 'refused' })"],
    ] as const)
      test(`a user without the command "${command}", and ${call.split('(')[0]} leaves nothing open`, async () => {
        const redis = await server.urlWithout('ada', command)
        const script = `import { bullmqEngine, startWorkers } from 'flambeau/bullmq'
          const redis = ${JSON.stringify(redis)}
          await ${call}.catch((error) => console.log(error.message))`
        const args = ['--input-type=module', '-e', script]
        const { status, stdout } = spawnSync(process.execPath, args, { timeout: 20_000 })
        assert.match(stdout.toString(), /^NOPERM /)
        assert.equal(status, 0, 'the program ends')
      })

    test('settings that others can read', async () => {
      const file = settingsFile(folder, { redis: server.url, queue: 'readable' })
      chmodSync(file, 0o644)
      const child = spawn(process.execPath, [program, file], { stdio: ['ignore', 'ignore', 'pipe'] })
      let said = ''
      child.stderr.on('data', (text) => (said += text))
      const [code] = await once(child, 'close')
      assert.equal(code, 22)
      assert.match(said, /type "chmod 600 /)
      assert.doesNotMatch(said, /open-sesame/)
    })
  })

  test('workers import nothing that a job in Redis names, and say which extension they refuse', async () => {
    const evil = join(folder, 'evil')
    const mark = join(evil, 'mark')
    mkdirSync(evil)
    writeFileSync(join(evil, 'package.json'), '{ "name": "evil", "type": "module", "main": "index.js" }')
    writeFileSync(join(evil, 'index.js'), `require('node:fs').writeFileSync(${JSON.stringify(mark)}, '')`)
    await using _host = await startWorkers({
      redis: server.url,
      queue: 'stranger',
      imports: [tasks],
      slots: 1,
    })
    const text = `evil: ${evil}\n---\n!evil.X {}\n`
    const ended = await jobOf('stranger', { id: '01', attempt: 1, seed: 1, text })
    assert.match(ended.error.message, /^Extension "evil" is refused/)
    assert.ok(!existsSync(mark))
  })

  test('the commands of one turn are written together', async () => {
    const redis = await connect({ redis: server.url })
    const { stream } = redis
    let writes = 0
    const count = (name: '_write' | '_writev'): void => {
      const write = stream[name]
      stream[name] = (...args: unknown[]) => {
        writes++
        return write.apply(stream, args)
      }
    }
    count('_write')
    count('_writev')
    const answers = await Promise.all(Array.from({ length: 20 }, (_, number) => redis.echo(String(number))))
    assert.deepEqual(
      answers,
      Array.from({ length: 20 }, (_, number) => String(number)),
    )
    assert.equal(writes, 1)
    // What is written as the connection is closed arrives, too.
    const reader = await connect({ redis: server.url })
    redis.set('written-last', 'here')
    redis.disconnect()
    await until(async () => (await reader.get('written-last')) === 'here')
    reader.disconnect()
  })

  test('a job that is no task fails, and its workers go on', async () => {
    await using _host = await startWorkers({ redis: server.url, queue: 'odd', imports: [tasks], slots: 1 })
    for (const data of [
      null,
      'text',
      {},
      { id: 1, attempt: 1, seed: 1, text: '!Echo' },
      { id: '1', attempt: 1, seed: 1 },
    ])
      assert.match((await jobOf('odd', data)).error.message, /is not a task$/)
    assert.equal((await jobOf('odd', { id: '1', attempt: 1, seed: 1, text: '!Echo { value: 1 }' })).ok, true)
  })

  test('what others write as the result of a job, or as its progress, is no result', async () => {
    const engine = await bullmqEngine({ redis: server.url, queue: 'forged' })
    await using pool = await openPool({ engine, folder })
    const forging = new Worker(
      'forged',
      async (job) => {
        for (const news of [{ type: 'log', level: 'constructor', text: 'x' }, { type: 'log' }, 'text'])
          await job.updateProgress(news)
        return { ok: false }
      },
      { connection: { url: server.url }, prefix: 'flambeau' },
    )
    const [outcome] = await all(pool.map([new Echo({ value: 1 })], { onError: 'collect' }))
    await forging.close()
    assert.match(String(outcome?.ok === false && outcome.error.message), /No worker wrote what Redis has/)
  })

  test('a job that fails has its own reason, though it be that something stalled', async () => {
    const engine = await bullmqEngine({ redis: server.url, queue: 'stalling' })
    await using pool = await openPool({ engine, folder })
    const failing = new Worker('stalling', () => Promise.reject(new Error('the disk stalled')), {
      connection: { url: server.url },
      prefix: 'flambeau',
    })
    const [outcome] = await all(pool.map([new Echo({ value: 1 })], { onError: 'collect' }))
    await failing.close()
    assert.ok(outcome && !outcome.ok)
    const { code, cause } = outcome.error
    assert.deepEqual([code, (cause as Error).message], ['TASK_FAILED', 'the disk stalled'])
  })

  for (const ca of ['certificate', 'certificateFile'] as const)
    test(`goes by TLS, and believes the ${ca} that it is given`, async () => {
      await using secure = await RedisServer.start({ tls: true })
      const address = { redis: secure.url, ca: secure[ca] }
      const engine = await bullmqEngine(address)
      const host = await startWorkers({ ...address, queue: engine.queue, imports: [tasks], slots: 1 })
      const pool = await openPool({ engine })
      assert.deepEqual(
        (await all(pool.map([new Echo({ value: 7 })]))).map(({ result }) => result),
        [7],
      )
      await pool.close()
      await host.close()
    })

  describe('what is cancelled', () => {
    const endless = { redis: '', graceMs: 600_000 }
    before(() => {
      endless.redis = server.url
    })

    test('before it is in the queue never gets there', { timeout: 30_000 }, async () => {
      const engine = await bullmqEngine({ ...endless, queue: 'early' })
      const pool = await openPool({ engine, folder })
      const controller = new AbortController()
      // After it was handed to the engine, and before it is sent.
      const taskId = () => {
        queueMicrotask(() => process.nextTick(() => controller.abort(new Error('enough'))))
        return '01'
      }
      const early = all(pool.map([new Wait()], { signal: controller.signal, taskId }))
      await assert.rejects(early, /^Error: enough$/)
      await pool.close()
      assert.deepEqual(await jobsOf('early'), [])
    })

    test('before its next attempt has no other one', { timeout: 30_000 }, async () => {
      const engine = await bullmqEngine({ ...endless, queue: 'backing-off' })
      const host = await startWorkers({ redis: server.url, queue: engine.queue, imports: [tasks], slots: 1 })
      const pool = await openPool({ engine, folder })
      const options = { retries: 1, onEvent: ({ type, cancel }: any) => type === 'retry' && cancel() }
      const [outcome] = await all(pool.map([new Flaky({ failures: 9 })], { ...options, onError: 'collect' }))
      assert.equal(outcome?.ok === false && outcome.error.code, 'TASK_CANCELLED')
      await pool.close()
      await host.close()
      assert.equal((await jobsOf('backing-off')).length, 1)
    })

    test('ends within the grace when Redis is away', { timeout: 30_000 }, async () => {
      await using away = await RedisServer.start()
      const pool = await openPool({ engine: await bullmqEngine({ redis: away.url, graceMs: 300 }) })
      const controller = new AbortController()
      const mapping = all(pool.map([new Wait()], { signal: controller.signal }))
      await until(() => away.keys().then((keys) => keys.some((key) => key.endsWith(':wait'))))
      await away.kill()
      controller.abort(new Error('enough'))
      await assert.rejects(mapping, /^Error: enough$/)
      await pool.close()
    })

    test('is cancelled where the message is lost at first', { timeout: 30_000 }, async () => {
      const file = join(folder, 'message-lost')
      const engine = await bullmqEngine({ redis: server.url })
      await using _host = await startWorkers({ redis: server.url, queue: engine.queue, imports: [tasks] })
      await using pool = await openPool({ engine, folder })
      const controller = new AbortController()
      const onEvent = async ({ type }: { type: string }) => {
        if (type !== 'progress') return
        await server.cutSubscribers()
        controller.abort(new Error('enough'))
      }
      const mapping = all(pool.map([new Tidy({ file })], { signal: controller.signal, onEvent }))
      await assert.rejects(mapping, /^Error: enough$/)
      assert.ok(existsSync(file), 'the task was told')
    })

    async function jobsOf(queue: string): Promise<string[]> {
      return (await server.keys()).filter((key) => key.startsWith(`flambeau:${queue}:0`))
    }
  })

  describe('a task that two maps have with the same id', () => {
    test('is done once, and both have its result', { timeout: 30_000 }, async () => {
      const file = join(folder, 'shared')
      const engine = await bullmqEngine({ redis: server.url })
      await using pool = await openPool({ engine })
      const map = () => all(pool.map([new Note({ file, ms: 100 })], { taskId: () => 'shared' }))
      const both = Promise.all([map(), map()])
      await using _host = await startWorkers({ redis: server.url, queue: engine.queue, imports: [tasks] })
      assert.deepEqual(
        (await both).map(([outcome]) => outcome?.result),
        ['shared', 'shared'],
      )
      assert.equal(linesOf(file).length, 1)
    })

    test('goes on when one of them is cancelled', { timeout: 30_000 }, async (t) => {
      const file = join(folder, 'left-by-one')
      const engine = await bullmqEngine({ redis: server.url })
      const asked = t.mock.method(engine, 'run').mock
      await using pool = await openPool({ engine })
      const controller = new AbortController()
      const options = { taskId: () => 'shared' }
      const map = (more: object) => all(pool.map([new Note({ file })], { ...options, ...more }))
      const left = map({ signal: controller.signal })
      const stays = map({})
      await until(() => asked.callCount() === 2)
      await until(async () => (await server.keys()).includes(`flambeau:${engine.queue}:wait`))
      controller.abort(new Error('enough'))
      await assert.rejects(left, /^Error: enough$/)
      await using _host = await startWorkers({ redis: server.url, queue: engine.queue, imports: [tasks] })
      assert.equal((await stays)[0]?.result, 'shared')
    })

    for (const [when, graceMs] of [
      ['while the first map cancels it', 5000],
      ['after the first map gave it up, while it still runs', 50],
    ] as const)
      test(`is done again for a map that begins ${when}`, { timeout: 30_000 }, async () => {
        const file = join(folder, `cancelled-in-${graceMs}`)
        const engine = await bullmqEngine({ redis: server.url, graceMs })
        const { queue } = engine
        const ending = { imports: [tasks], slots: 1, graceMs: 1000 }
        await using _host = await startWorkers({ redis: server.url, queue, ...ending })
        await using pool = await openPool({ engine, folder })
        const map = (signal?: AbortSignal) =>
          all(pool.map([new Note({ file, ms: 2000 })], { taskId: () => 'shared', ...(signal && { signal }) }))
        const controller = new AbortController()
        const first = map(controller.signal)
        await until(() => existsSync(file))
        controller.abort(new Error('enough'))
        const settled = assert.rejects(first, /^Error: enough$/)
        if (graceMs < 1000) await settled
        const [outcome] = await map()
        assert.deepEqual([outcome?.result, linesOf(file).length], ['shared', 2])
        await settled
      })
  })

  describe('GPUs of workers', () => {
    const { PATH } = process.env
    before(() => {
      process.env['PATH'] = [standIn(folder, 'nvidia-smi', twoGpus('queues')), PATH].join(delimiter)
    })
    after(() => {
      process.env['PATH'] = PATH
    })

    /** A queue with workers that need GPUs, and its pool. */
    async function openQueue(gpus: number) {
      const engine = await bullmqEngine({ redis: server.url, graceMs: 1000 })
      const options = { redis: server.url, queue: engine.queue, imports: [needyTasks], folder, graceMs: 1000 }
      const workers = await startWorkers({ ...options, needs: { gpus } })
      const pool = await openPool({ engine })
      const close = async (): Promise<void> => {
        await pool.close()
        await workers.close()
      }
      return { pool, close }
    }

    test('are free for another queue when they are idle, and come back', { timeout: 60_000 }, async () => {
      const file = join(folder, 'taken in turn')
      const queues = [await openQueue(2), await openQueue(2)]
      for (const index of [0, 1, 0]) await all(queues[index]!.pool.map([new UseGpu({ file })]))
      const { lines, overlaps: found } = overlaps(readFileSync(file, 'utf8'))
      assert.deepEqual([lines.length, found], [6, []])
      await Promise.all(queues.map(({ close }) => close()))
    })

    test('that become free run tasks that wait', { timeout: 60_000 }, async () => {
      const { leaseGpus } = await emitted('util/gpu-leases.js')
      const { listGpus } = await emitted('util/gpus.js')
      const gpus = (await listGpus()).slice(1)
      const lease = await leaseGpus({ gpus, count: 1, signal: AbortSignal.timeout(10_000), onWait() {} })
      const { pool, close } = await openQueue(1)
      const file = join(folder, 'together')
      // Each of them waits for the other one.
      const done = all(pool.map([1, 2].map(() => new Starts({ file, starts: 2 }))))
      await until(() => existsSync(file))
      await lease.release()
      assert.deepEqual(
        (await done).map(({ result }) => result),
        [2, 2],
      )
      await close()
    })
  })

  test('workers that lose their place say so', async () => {
    const settings = { redis: server.url, queue: 'one-place', place: '0', imports: [tasks.href], slots: 1 }
    const start = () =>
      spawn(process.execPath, [program, settingsFile(folder, settings)], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    const first = start()
    let said = ''
    first.stderr.on('data', (text) => (said += text))
    await once(first.stdout, 'data')
    const second = start()
    await once(first, 'close')
    assert.match(said, /^These workers end: other workers have replaced them$/m)
    second.kill('SIGTERM')
    await once(second, 'close')
  })

  describe('what is killed loses nothing', () => {
    const hosts = new Set<ChildProcess>()
    const neverMs = 600_000
    const startHost = async (queue: string, slots = 1, lockMs = 2000): Promise<ChildProcess> => {
      const settings = { redis: server.url, queue, imports: [tasks.href], slots, lockMs, graceMs: 500 }
      const host = spawn(process.execPath, [program, settingsFile(folder, settings)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      hosts.add(host)
      await once(host.stdout!, 'data')
      return host
    }
    const end = async (host: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
      hosts.delete(host)
      if (host.exitCode !== null || host.signalCode !== null) return
      host.kill(signal)
      await once(host, 'exit')
    }
    after(() => Promise.all([...hosts].map((host) => end(host, 'SIGTERM'))))

    test('a host: another one does its tasks', async () => {
      const file = join(folder, 'two-hosts')
      const engine = await bullmqEngine({ redis: server.url })
      const first = await startHost(engine.queue)
      const pool = await openPool({ engine })
      const mapping = all(pool.map([new Note({ file, ms: 500 }), new Note({ file, ms: 500 })]))
      await until(() => existsSync(file))
      await end(first, 'SIGKILL')
      const second = await startHost(engine.queue)
      assert.deepEqual((await mapping).map(({ id }) => id).toSorted(), ['01', '02'])
      await pool.close()
      await end(second, 'SIGTERM')
    })

    test('Redis: what was acknowledged is done, at most the slots twice', async () => {
      const file = join(folder, 'redis-killed')
      const engine = await bullmqEngine({ redis: server.url })
      const host = await startHost(engine.queue, 2)
      const pool = await openPool({ engine })
      const notes = Array.from({ length: 12 }, () => new Note({ file, ms: 150 }))
      const mapping = all(pool.map(notes))
      await until(() => linesOf(file).length >= 4)
      await server.kill()
      await server.start()
      assert.equal((await mapping).length, 12)
      const lines = linesOf(file).map((line) => line.split(' ')[0])
      assert.equal(new Set(lines).size, 12)
      assert.ok(lines.length <= 12 + 2, `${lines.length} runs of 12 tasks`)
      await pool.close()
      await end(host, 'SIGTERM')
    })

    test('the program that maps: begun again, it has no task done twice', async () => {
      const file = join(folder, 'user-killed')
      const settings = { redis: server.url, queue: 'resumed', file, count: 10, ms: 100 }
      const host = await startHost('resumed')
      const first = startUser(settings)
      await once(first.stdout!, 'data')
      first.kill('SIGKILL')
      await once(first, 'exit')
      const second = startUser(settings)
      let said = ''
      second.stdout!.on('data', (text) => (said += text))
      await once(second, 'close')
      assert.equal(said.trim().split('\n').length, 10)
      assert.equal(linesOf(file).length, 10)
      await end(host, 'SIGTERM')
    })

    test('a pool that is closed takes its tasks out of the queue', async () => {
      const engine = await bullmqEngine({ redis: server.url, queue: 'left', graceMs: 500 })
      const pool = await openPool({ engine })
      const mapping = all(pool.map([new Echo({ value: 1 })]))
      await until(async () => (await server.keys()).includes('flambeau:left:wait'))
      await Promise.all([pool.close(), assert.rejects(mapping, /The pool is closed/)])
      const file = join(folder, 'left')
      const again = await openPool({ engine: await bullmqEngine({ redis: server.url, queue: 'left' }) })
      const host = await startHost('left')
      assert.equal((await all(again.map([new Note({ file })]))).length, 1)
      await again.close()
      await end(host, 'SIGTERM')
    })

    test('a worker that is told to end: another one has its task at once', { timeout: 60_000 }, async () => {
      const file = join(folder, 'told-to-end')
      const engine = await bullmqEngine({ redis: server.url })
      await using pool = await openPool({ engine, folder })
      const first = await startHost(engine.queue, 1, neverMs)
      const mapping = all(pool.map([new Note({ file, ms: 3000 })]))
      await until(() => existsSync(file))
      await end(first, 'SIGTERM')
      const second = await startHost(engine.queue, 1, neverMs)
      const [outcome] = await mapping
      assert.deepEqual([outcome?.result, outcome?.attempts, linesOf(file).length], ['01', 1, 2])
      await end(second, 'SIGTERM')
    })
  })
})

/** A folder with this package and all that it depends on, but for one package. */
function projectWithout(missing: string): string {
  const project = mkdtempSync(join(tmpdir(), 'flambeau-without-'))
  const modules = join(project, 'node_modules')
  mkdirSync(join(modules, 'flambeau'), { recursive: true })
  for (const part of ['package.json', 'dist'])
    cpSync(part, join(modules, 'flambeau', part), { recursive: true })
  // Packages in folders of an organisation come along with their folder.
  for (const name of readdirSync('node_modules').filter((name) => name !== missing))
    symlinkSync(join(process.cwd(), 'node_modules', name), join(modules, name))
  return project
}

function startUser(settings: object): ChildProcess {
  return spawn(process.execPath, [user, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'inherit'] })
}

let files = 0
function settingsFile(folder: string, settings: object): string {
  const file = join(folder, `settings-${++files}.json`)
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 })
  return file
}

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
}

/**
 * Sends no-op tasks through one pool, and prints how many a second it did, after how long the first was done, and how many
 * microseconds of a processor each process took for one task. Arguments: a subject, how many tasks at once on a queue, how many
 * tasks, and how many before those that count.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpuPerTask, cpuSeconds } from './cpu.js'
import { Noop } from './pool-tasks.js'
import { withRedis } from './redis.js'

const tasks = new URL('./pool-tasks.js', import.meta.url)
const workers = 2
const [slots = 4, count = 100_000, warmUp = count / 10] = process.argv.slice(3).map(Number)

const subjects = {
  piscina: async () => {
    const { Piscina } = await import('piscina')
    const pool = new Piscina({ filename: tasks.href, minThreads: workers, maxThreads: workers })
    await time((count, done) => inParallel(64, count, (value) => pool.run({ value }).then(done)))
    await pool.destroy()
  },

  'flambeau, processes': async () => {
    const { openPool } = await import('flambeau/pool')
    const pool = await openPool({ workers, imports: [tasks] })
    await time((count, done) => mapped(pool, count, done))
    await pool.close()
  },

  // The payload is the text of the task, as with ours.
  'bare BullMQ': () => bareQueue(bareWorker(async ({ data }) => data.id)),

  'bare BullMQ, child processes': () =>
    bareQueue(bareWorker(new URL('./pool-processor.js', import.meta.url))),

  // As on a cluster: the program that adds tasks is not the one that runs them.
  'bare BullMQ, workers apart': () => bareQueue((redis) => workersApart('bare', redis, 'bench')),

  'flambeau, BullMQ': () =>
    ownQueue(async (redis, queue) => {
      const { startWorkers } = await import('flambeau/bullmq')
      const workers = await startWorkers({ redis, queue, imports: [tasks], slots })
      return () => workers.close()
    }),

  'flambeau, BullMQ, workers apart': () => ownQueue((redis, queue) => workersApart('own', redis, queue)),
}

function ownQueue(start) {
  return withRedis(async (redis) => {
    const { openPool } = await import('flambeau/pool')
    const { bullmqEngine } = await import('flambeau/bullmq')
    const engine = await bullmqEngine({ redis })
    const stop = await start(redis, engine.queue)
    const pool = await openPool({ engine })
    await time((count, done) => mapped(pool, count, done))
    await pool.close()
    await stop()
  })
}

function bareQueue(start) {
  return withRedis(async (url) => {
    const { Queue, QueueEvents } = await import('bullmq')
    const { Redis } = await import('ioredis')
    const connection = new Redis(url, { maxRetriesPerRequest: null })
    const [queue, events] = [new Queue('bench', { connection }), new QueueEvents('bench', { connection })]
    await events.waitUntilReady()
    const stop = await start(url, connection)
    await time((count, done) => jobs({ queue, events }, count, done))
    await stop()
    await Promise.all([events.close(), queue.close()])
    connection.disconnect()
  })
}

function bareWorker(processor) {
  return async (_url, connection) => {
    const { Worker } = await import('bullmq')
    const worker = new Worker('bench', processor, { connection, concurrency: slots })
    await worker.waitUntilReady()
    return () => worker.close()
  }
}

async function workersApart(kind, redis, queue) {
  const host = spawn(process.execPath, ['bench/pool-host.js', kind, redis, queue, slots], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(host.stdout, 'data')
  return async () => {
    host.stdin.end()
    await once(host, 'exit')
  }
}

async function mapped(pool, count, done) {
  for await (const _ of pool.map(noops(count))) done()
}

function* noops(count) {
  for (let value = 0; value < count; value++) yield new Noop({ value })
}

async function inParallel(width, count, run) {
  let next = 0
  const lane = async () => {
    while (next < count) await run(next++)
  }
  await Promise.all(Array.from({ length: width }, lane))
}

async function jobs({ queue, events }, count, done) {
  let left = count
  const over = new Promise((resolve) => {
    events.removeAllListeners('completed').on('completed', () => {
      done()
      if (--left === 0) resolve()
    })
  })
  for (let from = 0; from < count; from += 100)
    await queue.addBulk(
      Array.from({ length: 100 }, (_, at) => ({
        name: 'task',
        data: { id: String(from + at), attempt: 1, text: `!Noop\nvalue: ${from + at}\n` },
        opts: { removeOnComplete: { age: 3600, count: 10_000 } },
      })),
    )
  await over
}

async function time(work) {
  const start = performance.now()
  let first
  // What is started now, and compiled, is part of the first result, not of the rate.
  await work(warmUp, () => {
    first ??= performance.now()
  })
  const [warm, before] = [performance.now(), cpuSeconds()]
  await work(count, () => {})
  const seconds = (performance.now() - warm) / 1000
  console.log(
    JSON.stringify({ firstMs: first - start, rate: count / seconds, cpu: cpuPerTask(before, count) }),
  )
}

await subjects[process.argv[2]]()

/** Sends no-op tasks through one pool, and prints how many a second it did and after how long the first was done. */
import { cpuPerTask, cpuSeconds } from './cpu.js'
import { Noop } from './pool-tasks.js'
import { withRedis } from './redis.js'

const tasks = new URL('./pool-tasks.js', import.meta.url)
const workers = 2
const [slots, count] = process.argv.slice(3).map(Number)

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
  'bare BullMQ': () => bareQueue(async ({ data }) => data.id),

  'bare BullMQ, child processes': () => bareQueue(new URL('./pool-processor.js', import.meta.url)),

  'flambeau, BullMQ': () =>
    withRedis(async (redis) => {
      const { openPool } = await import('flambeau/pool')
      const { bullmqEngine, startWorkers } = await import('flambeau/bullmq')
      const engine = await bullmqEngine({ redis })
      const host = await startWorkers({ redis, queue: engine.queue, imports: [tasks], slots })
      const pool = await openPool({ engine })
      await time((count, done) => mapped(pool, count, done))
      await pool.close()
      await host.close()
    }),
}

function bareQueue(processor) {
  return withRedis(async (url) => {
    const { Queue, QueueEvents, Worker } = await import('bullmq')
    const { Redis } = await import('ioredis')
    const connection = new Redis(url, { maxRetriesPerRequest: null })
    const [queue, events] = [new Queue('bench', { connection }), new QueueEvents('bench', { connection })]
    const worker = new Worker('bench', processor, { connection, concurrency: slots })
    await Promise.all([events.waitUntilReady(), worker.waitUntilReady()])
    await time((count, done) => jobs({ queue, events }, count, done))
    await Promise.all([worker.close(), events.close(), queue.close()])
    connection.disconnect()
  })
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
  await work(count / 10, () => {
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

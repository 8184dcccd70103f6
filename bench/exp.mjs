import { Noop } from './pool-tasks.js'
import { withRedis } from './redis.js'

const [, , mode, conc, n = '40000'] = process.argv
const { Queue, QueueEvents, Worker } = await import('bullmq')
const { Redis } = await import('ioredis')
const together = (redis) => {
  const send = redis.sendCommand
  redis.sendCommand = (...c) => {
    const s = redis.stream
    if (s && s.writableCorked === 0) {
      s.cork()
      setImmediate(() => s.uncork())
    }
    return send.apply(redis, c)
  }
  return redis
}
await withRedis(async (url) => {
  const make = () => {
    const r = new Redis(url, { maxRetriesPerRequest: null })
    return mode.includes('cork') ? together(r) : r
  }
  if (mode.startsWith('bare')) {
    const connection = make()
    const [queue, events] = [new Queue('bench', { connection }), new QueueEvents('bench', { connection })]
    const worker = new Worker('bench', async ({ data }) => data.id, { connection, concurrency: +conc })
    await Promise.all([events.waitUntilReady(), worker.waitUntilReady()])
    let left = +n,
      res
    const over = new Promise((r) => (res = r))
    events.on('completed', () => {
      if (--left === 0) res()
    })
    for (let from = 0; from < +n; from += 100)
      await queue.addBulk(
        Array.from({ length: 100 }, (_, at) => ({
          name: 'task',
          data: { id: String(from + at), attempt: 1, text: `!Noop\nvalue: ${from + at}\n` },
          opts: { removeOnComplete: { age: 3600, count: 10000 } },
        })),
      )
    await over
    await Promise.all([worker.close(), events.close(), queue.close()])
    connection.disconnect()
  } else {
    const { openPool } = await import('flambeau/pool')
    const { bullmqEngine } = await import('flambeau/bullmq')
    const engine = await bullmqEngine({ redis: url })
    const connection = make()
    const worker = new Worker(
      engine.queue,
      async ({ data }) => ({ ok: true, result: { json: '3' }, host: 'vm' }),
      { connection, prefix: 'flambeau', concurrency: +conc },
    )
    const pool = await openPool({ engine })
    function* g() {
      for (let i = 0; i < +n; i++) yield new Noop({ value: i })
    }
    for await (const _ of pool.map(g()));
    await pool.close()
    await worker.close()
    connection.disconnect()
  }
})

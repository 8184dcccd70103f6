/** What a million tasks from a generator leave in memory. */
import { bullmqEngine, startWorkers } from 'flambeau/bullmq'
import { openPool } from 'flambeau/pool'
import { Noop } from './pool-tasks.js'
import { redisServer, withRedis } from './redis.js'

const million = 1_000_000
const imports = [new URL('./pool-tasks.js', import.meta.url)]

export async function* poolMemory() {
  const local = ['inline', 'processes']
  for (const engine of local) yield grown(engine, await heapsOf({ engine, imports, workers: 2 }))
  if (redisServer)
    yield grown('BullMQ', await withRedis((redis) => withWorkers(redis, (engine) => heapsOf({ engine }))))
}

function grown(engine, [first, ...others]) {
  const value = `${others.at(-1).toFixed(0)} MB`
  const peer = 'after 100,000 of them'
  return {
    name: `memory after a million tasks, ${engine}`,
    peer,
    ratio: others.at(-1) / first,
    atMost: 1.5,
    value,
  }
}

async function heapsOf(options) {
  const pool = await openPool(options)
  const heaps = []
  let done = 0
  for await (const _ of pool.map(noops())) if (++done % (million / 10) === 0) heaps.push(heapMegabytes())
  await pool.close()
  return heaps
}

async function withWorkers(redis, body) {
  const engine = await bullmqEngine({ redis })
  const host = await startWorkers({ redis, queue: engine.queue, imports, slots: 2 })
  try {
    return await body(engine)
  } finally {
    await host.close()
  }
}

function* noops() {
  for (let value = 0; value < million; value++) yield new Noop({ value })
}

function heapMegabytes() {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 2 ** 20
}

/** What a million tasks from a generator leave in memory, and the same sweep on each engine. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runFile } from 'flambeau'
import { bullmqEngine, startWorkers } from 'flambeau/bullmq'
import { openPool, readRecords } from 'flambeau/pool'
import { Noop } from './pool-tasks.js'
import { redisServer, withRedis } from './redis.js'

const million = 1_000_000
const imports = [new URL('./pool-tasks.js', import.meta.url)]

export async function poolMemory() {
  console.log('\nMegabytes in use, each 100,000 of a million tasks')
  for (const engine of ['inline', 'processes']) tell(engine, await heapsOf({ engine, imports, workers: 2 }))
  if (redisServer)
    tell('BullMQ', await withRedis((redis) => withWorkers(redis, (engine) => heapsOf({ engine }))))
}

function tell(engine, heaps) {
  console.log(`  ${engine.padEnd(9)}  ${heaps.map((heap) => heap.toFixed(0)).join(' ')}`)
}

async function heapsOf(options) {
  const pool = await openPool(options)
  const heaps = []
  let done = 0
  for await (const _ of pool.map(noops())) if (++done % (million / 10) === 0) heaps.push(heapMegabytes())
  await pool.close()
  return heaps
}

export async function sameSweep() {
  console.log('\nThe same sweep: hash of its options and results')
  console.log(`  inline     ${await hashOf('inline')}`)
  console.log(`  processes  ${await hashOf('processes')}`)
  if (redisServer) console.log(`  BullMQ     ${await withRedis((redis) => withWorkers(redis, hashOf))}`)
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

async function hashOf(engine) {
  const output = mkdtempSync(join(tmpdir(), 'flambeau-bench-'))
  const content = `!Sweep { each: !Noop { value: { score: !range { from: 1, to: 50, step: 1 } } }, metric: score, output: ${output} }`
  const logger = { debug() {}, info() {}, warn: console.error, error: console.error }
  await runFile({ content }, { logger, runOptions: { engine, imports } })
  const records = await readRecords(output)
  rmSync(output, { recursive: true })
  const results = records.map(({ trial, options, metric }) => JSON.stringify([trial, options, metric])).sort()
  return createHash('sha256').update(results.join('\n')).digest('hex').slice(0, 16)
}

function* noops() {
  for (let value = 0; value < million; value++) yield new Noop({ value })
}

function heapMegabytes() {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 2 ** 20
}

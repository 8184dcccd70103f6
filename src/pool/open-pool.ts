import { type Logger, StderrLogger } from '../logger.js'
import type { CompleteNeeds } from '../runnable/needs.js'
import type { Engine, WorkerProcessSetup } from './engine.js'
import { InlineEngine } from './engines/inline.js'
import { ProcessEngine } from './engines/processes/engine.js'
import { fitSetup } from './fit-setup.js'
import { completeSetup, type PoolOptions, type PoolParts } from './options.js'
import { Pool } from './pool.js'

/**
 * Opens a pool of workers.
 *
 * ```ts
 * await using pool = await openPool({ workers: 4, imports: [new URL('./tasks.js', import.meta.url)] })
 * for await (const { id, result } of pool.map(trials)) console.log(id, result)
 * ```
 *
 * Where `await using` cannot be written, call `pool.close()` in a `finally`.
 */
export async function openPool(options: PoolOptions = {}): Promise<Pool> {
  const { env, engine } = options
  if (!env || engine) return createPool(options, async () => {})
  const { clusterPool } = await import('./engines/cluster/engine.js')
  const { poolOptions, keepOutput, needs } = await clusterPool({ ...options, env })
  return createPool(poolOptions, keepOutput, needs)
}

async function createPool(
  options: PoolOptions,
  keepOutput: PoolParts['keepOutput'],
  clusterNeeds?: CompleteNeeds,
): Promise<Pool> {
  const setup = completeSetup(options)
  const { engine, logger = new StderrLogger(), needsLogger = logger, signal } = options
  const isOther = engine === 'inline' || typeof engine === 'object'
  const needs = isOther ? clusterNeeds : setup.needs
  const parts = { ...setup, needs, logger, signal, keepOutput }
  return new Pool({ ...parts, engine: await createEngine(engine, setup, needsLogger) })
}

async function createEngine(
  engine: PoolOptions['engine'],
  setup: WorkerProcessSetup,
  logger: Logger,
): Promise<Engine> {
  if (engine === 'inline') return new InlineEngine(setup)
  if (typeof engine === 'object') return engine
  return new ProcessEngine(await fitSetup(setup, (message) => logger.info(message)))
}

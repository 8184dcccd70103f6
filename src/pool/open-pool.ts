import { StderrLogger } from '../logger.js'
import type { Engine, WorkerProcessSetup } from './engine.js'
import { InlineEngine } from './engines/inline.js'
import { ProcessEngine } from './engines/processes/engine.js'
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
  const { poolOptions, keepOutput } = await clusterPool({ ...options, env })
  return createPool(poolOptions, keepOutput)
}

function createPool(options: PoolOptions, keepOutput: PoolParts['keepOutput']): Pool {
  const setup = completeSetup(options)
  const { logger = new StderrLogger(), signal } = options
  return new Pool({ ...setup, engine: createEngine(options.engine, setup), logger, signal, keepOutput })
}

function createEngine(engine: PoolOptions['engine'], setup: WorkerProcessSetup): Engine {
  if (engine === 'inline') return new InlineEngine(setup)
  return engine === undefined || engine === 'processes' ? new ProcessEngine(setup) : engine
}

import { type Logger, StderrLogger } from '../logger.js'
import type { CompleteNeeds } from '../runnable/needs.js'
import type { Engine, WorkerProcessSetup } from './engine.js'
import { LoggedEngine } from './engines/attempt-log.js'
import { InlineEngine } from './engines/inline.js'
import { standardError } from './engines/output-sink.js'
import { ProcessEngine } from './engines/processes/engine.js'
import { fitSetup } from './fit-setup.js'
import { completeSetup, type PoolOptions, type PoolParts } from './options.js'
import { Pool } from './pool.js'
import { TaskLogs } from './task-logs.js'

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
  const { env, engine, logger = new StderrLogger() } = options
  const { ownLogger = logger } = options
  const logs = options.logs ? openLogs(options, ownLogger) : undefined
  const shared = { logs, logger }
  if (!env || engine) return createPool(options, { ...shared, keepOutput: async () => {} })
  const { clusterPool } = await import('./engines/cluster/engine.js')
  const { poolOptions, ...opened } = await clusterPool(
    { ...options, env },
    { logger: ownLogger, output: logs ?? standardError },
  )
  return createPool(poolOptions, { ...shared, ...opened })
}

interface OpenedParts extends Pick<PoolParts, 'keepOutput' | 'logs' | 'logger'> {
  /** That of a cluster. */
  readonly engine?: Engine
  /** What each worker of a cluster has. */
  readonly needs?: CompleteNeeds
}

async function createPool(options: PoolOptions, { engine, ...parts }: OpenedParts): Promise<Pool> {
  const setup = completeSetup(options)
  const { signal, ownLogger = parts.logger } = options
  const given = engine ?? options.engine
  const isOther = given === 'inline' || typeof given === 'object'
  const needs = isOther ? parts.needs : setup.needs
  return new Pool({
    ...setup,
    ...parts,
    needs,
    engine: engine ?? (await createEngine(options.engine, { setup, logs: parts.logs, logger: ownLogger })),
    signal,
  })
}

interface EngineParts extends Pick<PoolParts, 'logs' | 'logger'> {
  readonly setup: WorkerProcessSetup
}

async function createEngine(
  engine: PoolOptions['engine'],
  { setup, logs, logger }: EngineParts,
): Promise<Engine> {
  if (engine === undefined || engine === 'processes') {
    const fitted = await fitSetup(setup, (message) => logger.info(message))
    return new ProcessEngine(fitted, logs ?? standardError)
  }
  const given = engine === 'inline' ? new InlineEngine(setup) : engine
  return logs ? new LoggedEngine(given, logs) : given
}

function openLogs(options: PoolOptions, logger: Logger): TaskLogs {
  const { folder, secrets } = completeSetup({ folder: options.folder, secrets: options.secrets })
  return new TaskLogs({ folder, secrets, logger, next: standardError })
}

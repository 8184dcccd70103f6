import { availableParallelism } from 'node:os'
import { StderrLogger } from '../runnable/logger.js'
import { defaultGraceMs } from '../util/process.js'
import type { Engine, WorkerSetup } from './engine.js'
import { InlineEngine } from './engines/inline.js'
import { ProcessEngine } from './engines/processes/engine.js'
import { moduleUrls } from './import-modules.js'
import type { PoolOptions } from './options.js'
import { Pool, type PoolParts } from './pool.js'

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
  if (!env || engine) return poolOf(options)
  const { clusterPoolOptions } = await import('./engines/cluster/engine.js')
  return poolOf(await clusterPoolOptions({ ...options, env }))
}

function poolOf(options: PoolOptions & Pick<PoolParts, 'keepOutput'>): Pool {
  const { logger = new StderrLogger(), folder = '.', extensions = {}, registry, signal, keepOutput } = options
  const imports = moduleUrls(options.imports ?? [])
  const own = { ...(registry && { registry }), ...(options.secrets && { secrets: options.secrets }) }
  const setup = { imports, folder, extensions, ...own }
  const engine = engineOf(options, setup)
  const given = { ...own, ...(signal && { signal }), ...(keepOutput && { keepOutput }) }
  return new Pool({ engine, logger, folder, imports, extensions, ...given })
}

function engineOf({ engine = 'processes', ...options }: PoolOptions, setup: WorkerSetup): Engine {
  const { workers = availableParallelism(), crashRetries = 2, graceMs = defaultGraceMs } = options
  if (engine === 'inline') return new InlineEngine(setup, graceMs)
  return engine === 'processes' ? new ProcessEngine({ ...setup, workers, crashRetries, graceMs }) : engine
}

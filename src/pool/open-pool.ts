import { availableParallelism } from 'node:os'
import { StderrLogger } from '../runnable/logger.js'
import { defaultGraceMs } from '../util/process.js'
import type { Engine, WorkerSetup } from './engine.js'
import { moduleUrls } from './import-modules.js'
import { InlineEngine } from './inline-engine.js'
import { Pool, type PoolSetting } from './pool.js'
import type { PoolOptions } from './pool-options.js'
import { ProcessEngine } from './processes/process-engine.js'

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
  const { onCluster } = await import('./on-cluster/on-cluster.js')
  return poolOf(await onCluster({ ...options, env }))
}

function poolOf(options: PoolOptions & Pick<PoolSetting, 'keepOutput'>): Pool {
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

import { tmpdir } from 'node:os'
import { InlineEngine } from '../pool/engines/inline.js'
import { openPool } from '../pool/open-pool.js'
import { completeSetup, type PoolOptions } from '../pool/options.js'
import type { Pool } from '../pool/pool.js'
import { makeTemporaryFolder, removeTemporaryFolder } from '../util/temporary-folder.js'

/** Options of {@link inlinePool}: the options of `openPool` that apply within one process. */
export type InlinePoolOptions = Pick<
  PoolOptions,
  'imports' | 'registry' | 'extensions' | 'secrets' | 'folder' | 'logger' | 'signal' | 'graceMs'
>

/**
 * Opens a pool that runs its tasks in this process, one after the other, and leaves no files behind: without a `folder`,
 * it writes `failed/` and `results/` to a temporary folder, which is removed when the pool is closed.
 *
 * ```ts
 * await using pool = await inlinePool({ registry })
 * for await (const { result } of pool.map([new Train({ rate: 0.1 })])) assert.equal(result.accuracy, 1)
 * ```
 *
 * A task is dumped and loaded again as in other pools, so a test finds what cannot be.
 */
export async function inlinePool(options: InlinePoolOptions = {}): Promise<Pool> {
  if (options.folder !== undefined) return openPool({ ...options, engine: 'inline' })
  const folder = await makeTemporaryFolder(tmpdir())
  const engine = new TemporaryEngine(completeSetup({ ...options, folder }))
  return openPool({ ...options, folder, engine })
}

class TemporaryEngine extends InlineEngine {
  override async close(): Promise<void> {
    await removeTemporaryFolder(this.setup.folder)
  }
}

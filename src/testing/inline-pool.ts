import { tmpdir } from 'node:os'
import { InlineEngine } from '../pool/engines/inline.js'
import { moduleUrls } from '../pool/import-modules.js'
import { openPool } from '../pool/open-pool.js'
import type { PoolOptions } from '../pool/options.js'
import type { Pool } from '../pool/pool.js'
import { defaultGraceMs } from '../util/process.js'
import { makeTemporaryFolder, removeTemporaryFolder } from '../util/temporary-folder.js'

/** Options of {@link inlinePool}: those of `openPool` that make sense within one process. */
export type InlinePoolOptions = Pick<
  PoolOptions,
  'imports' | 'registry' | 'extensions' | 'secrets' | 'folder' | 'logger' | 'signal' | 'graceMs'
>

/**
 * A pool that runs its tasks in this process, one after the other, and leaves nothing behind: where no `folder` is
 * given, what it writes (`failed/`, `results/`) is in a temporary one, until it is closed.
 *
 * ```ts
 * await using pool = await inlinePool({ registry })
 * for await (const { result } of pool.map([new Train({ rate: 0.1 })])) assert.equal(result.accuracy, 1)
 * ```
 *
 * A task travels as text all the same: what cannot be dumped and loaded again is found here, too.
 */
export async function inlinePool(options: InlinePoolOptions = {}): Promise<Pool> {
  if (options.folder !== undefined) return openPool({ ...options, engine: 'inline' })
  const folder = await makeTemporaryFolder(tmpdir())
  const { imports = [], extensions = {}, registry, secrets, graceMs = defaultGraceMs } = options
  const own = { ...(registry && { registry }), ...(secrets && { secrets }) }
  const engine = new TemporaryEngine({ imports: moduleUrls(imports), folder, extensions, ...own }, graceMs)
  return openPool({ ...options, folder, engine })
}

class TemporaryEngine extends InlineEngine {
  override async close(): Promise<void> {
    await removeTemporaryFolder(this.setup.folder)
  }
}

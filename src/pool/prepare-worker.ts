import { currentRegistry } from '../registry/default-registry.js'
import { type PreparedExtensions, prepareExtensions } from '../runnable/prepared-extensions.js'
import type { WorkerSetup } from './engine.js'
import { importModules } from './import-modules.js'

/** A worker that has imported all that its tasks may use: a task names tags, and what it declares is there already. */
export interface PreparedWorker extends Pick<WorkerSetup, 'folder' | 'secrets'> {
  readonly extensions: PreparedExtensions
}

/**
 * Imports the modules and the extensions of a worker.
 *
 * @throws {@link ResourceError} that names the module that does not exist.
 * @throws {@link ExtensionError} with every extension that cannot be imported.
 */
export async function prepareWorker(setup: WorkerSetup): Promise<PreparedWorker> {
  const { imports, folder, secrets, extensions = {}, registry = currentRegistry() } = setup
  await importModules(imports)
  const prepared = await prepareExtensions(extensions, registry)
  return { folder, extensions: prepared, ...(secrets && { secrets }) }
}

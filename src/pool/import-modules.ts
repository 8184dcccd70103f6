import { fileURLToPath } from 'node:url'
import { ResourceError } from '../errors.js'
import { importInOrder, urlOfPath } from '../util/modules.js'
import { codeOf, messageOf, readSafely } from '../util/thrown.js'

/** URLs of modules for other processes; paths are relative to the current folder. */
export function moduleUrls(modules: readonly (string | URL)[]): string[] {
  return modules.map((module) => {
    if (module instanceof URL) return module.href
    return urlOfPath(module) ?? module
  })
}

/**
 * Imports modules in order, so that they register their classes.
 *
 * @throws {@link ResourceError} that names a module that does not exist.
 */
export async function importModules(modules: readonly string[]): Promise<void> {
  await importInOrder(modules, missing)
}

function missing(module: string, cause: unknown): unknown {
  if (codeOf(cause) !== 'ERR_MODULE_NOT_FOUND' || !messageOf(cause).includes(nameIn(module))) return cause
  const message = `The workers of the pool cannot find the module "${module}": check "imports"`
  return new ResourceError(message, { code: 'NO_MODULE', cause })
}

// The message of Node has a path where an URL was given.
function nameIn(module: string): string {
  return module.startsWith('file:') ? readSafely(() => fileURLToPath(module), module) : module
}

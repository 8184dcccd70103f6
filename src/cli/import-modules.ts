import * as modules from '../modules/import-modules.js'
import * as names from '../modules/resolve.js'

/** Imports the modules that `--import` names, from the current folder, and returns their URLs. */
export function importModules(imports: readonly string[]): Promise<string[]> {
  return modules.importModules(imports, origin())
}

/**
 * The URL of a module that `--import` names.
 *
 * @throws {@link ResourceError} when it does not exist.
 */
export function resolveModule(module: string): Promise<string> {
  return names.resolveModule(module, origin())
}

function origin(): names.ModuleOrigin {
  return { from: process.cwd(), option: '--import' }
}

import { existsSync } from 'node:fs'
import { extname, join, resolve as resolvePath } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ResourceError } from '../errors.js'
import { importInOrder } from '../util/modules.js'
import { codeOf, messageOf, readSafely } from '../util/thrown.js'

/** Where modules are named. */
export interface ModuleOrigin {
  /** The folder from which paths and packages are resolved. */
  readonly from: string
  readonly option: '--import' | 'imports'
}

/**
 * Imports modules in order, so that they register their classes, and returns their URLs, so that other processes can
 * import them, too.
 *
 * @throws {@link ResourceError} when a module does not exist or this Node cannot run it.
 */
export async function importModules(modules: readonly string[], origin: ModuleOrigin): Promise<string[]> {
  const urls: string[] = []
  for (const module of modules) urls.push(await importModule(module, origin))
  return urls
}

async function importModule(module: string, origin: ModuleOrigin): Promise<string> {
  const url = await resolveModule(module, origin)
  await importInOrder([url], (_, cause) => {
    if (codeOf(cause) === 'ERR_UNKNOWN_FILE_EXTENSION') return needsBuilding(module, origin, cause)
    return readSafely(() => cause instanceof SyntaxError, false) ? notJavaScript(module, cause) : cause
  })
  return url
}

/**
 * The URL of a module that `--import`, or the setting of the project, names.
 *
 * @throws {@link ResourceError} when it does not exist.
 */
export async function resolveModule(module: string, origin: ModuleOrigin): Promise<string> {
  const file = resolvePath(origin.from, module)
  if (existsSync(file) && extname(file) !== '') return pathToFileURL(file).href
  if (/^[./]/.test(module)) throw missing(module, origin)
  // Resolved as from a module in that folder, not as from this file.
  const { resolve } = await import('import-meta-resolve')
  try {
    return resolve(module, pathToFileURL(join(origin.from, 'package.json')).href)
  } catch {
    throw missing(module, origin)
  }
}

function missing(module: string, { from, option }: ModuleOrigin): ResourceError {
  const where = `neither as a file in "${from}" nor as an installed package`
  return new ResourceError(`Module "${module}" was not found, ${where}: check "${option}"`, {
    code: 'NO_MODULE',
  })
}

// The error has no location: Node prints it only when it exits by itself.
function notJavaScript(module: string, cause: unknown): ResourceError {
  const message = `This Node cannot run "${module}", or a module that it imports: ${messageOf(cause)}; "node ${module}" shows the line; decorators have to be compiled`
  return new ResourceError(message, { code: 'NOT_RUNNABLE_HERE', cause })
}

function needsBuilding(module: string, { option }: ModuleOrigin, cause: unknown): ResourceError {
  const message = `This Node cannot run "${module}" (${extname(module)}): compile it and name the .js file in "${option}"`
  return new ResourceError(message, { code: 'NOT_RUNNABLE_HERE', cause })
}

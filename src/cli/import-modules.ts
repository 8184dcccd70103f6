import { existsSync } from 'node:fs'
import { extname, join, resolve as resolvePath } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ResourceError } from '../errors.js'
import { importInOrder } from '../util/modules.js'
import { codeOf, messageOf, readSafely } from '../util/thrown.js'

/**
 * Imports modules in order, so that they register their classes, and returns their URLs, so that other processes can
 * import them, too. Paths and packages are resolved from the current folder.
 *
 * @throws {@link ResourceError} when a module does not exist or this Node cannot run it.
 */
export async function importModules(modules: readonly string[]): Promise<string[]> {
  const urls: string[] = []
  for (const module of modules) urls.push(await importModule(module))
  return urls
}

async function importModule(module: string): Promise<string> {
  const url = await resolveModule(module)
  await importInOrder([url], (_, cause) => {
    if (codeOf(cause) === 'ERR_UNKNOWN_FILE_EXTENSION') return needsBuilding(module, cause)
    return readSafely(() => cause instanceof SyntaxError, false) ? notJavaScript(module, cause) : cause
  })
  return url
}

/**
 * The URL of a module that `--import` names.
 *
 * @throws {@link ResourceError} when it does not exist.
 */
export async function resolveModule(module: string): Promise<string> {
  const file = resolvePath(module)
  if (existsSync(file) && extname(file) !== '') return pathToFileURL(file).href
  if (/^[./]/.test(module)) throw missing(module)
  // Resolved as from a module in the current folder, not as from this file.
  const { resolve } = await import('import-meta-resolve')
  try {
    return resolve(module, pathToFileURL(join(process.cwd(), 'package.json')).href)
  } catch {
    throw missing(module)
  }
}

function missing(module: string): ResourceError {
  const where = `neither as a file in "${process.cwd()}" nor as an installed package`
  return new ResourceError(`Module "${module}" was not found, ${where}: check "--import"`, {
    code: 'NO_MODULE',
  })
}

// The error has no location: Node prints it only when it exits by itself.
function notJavaScript(module: string, cause: unknown): ResourceError {
  const message = `This Node cannot run "${module}", or a module that it imports: ${messageOf(cause)}; "node ${module}" shows the line; decorators have to be compiled`
  return new ResourceError(message, { code: 'NOT_RUNNABLE_HERE', cause })
}

function needsBuilding(module: string, cause: unknown): ResourceError {
  const message = `This Node cannot run "${module}" (${extname(module)}): compile it and name the .js file in "--import"`
  return new ResourceError(message, { code: 'NOT_RUNNABLE_HERE', cause })
}

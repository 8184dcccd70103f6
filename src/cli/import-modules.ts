import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ResourceError } from '../errors.js'

/**
 * Imports modules in order, so that they register their classes: a path is taken from the current folder, a package
 * from its `node_modules`.
 *
 * @throws {@link ResourceError} that names the module when there is none, or this Node cannot run it.
 */
export async function importModules(modules: readonly string[]): Promise<void> {
  for (const module of modules) await importModule(module)
}

async function importModule(module: string): Promise<void> {
  const url = locate(module)
  if (url === undefined) throw missing(module)
  await import(url).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'ERR_UNKNOWN_FILE_EXTENSION' ? needsBuilding(module, cause) : cause
  })
}

function locate(module: string): string | undefined {
  const file = resolve(module)
  if (existsSync(file) && extname(file) !== '') return pathToFileURL(file).href
  if (module.startsWith('.') || module.startsWith('/')) return undefined
  try {
    return pathToFileURL(createRequire(join(process.cwd(), 'package.json')).resolve(module)).href
  } catch (error) {
    // A package for `import` only cannot be found this way, but perhaps from here.
    return (error as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED' ? module : undefined
  }
}

function missing(module: string): ResourceError {
  const where = `neither as a file in "${process.cwd()}" nor as an installed package`
  return new ResourceError(`There is no module "${module}", ${where}: check "--import"`, {
    code: 'NO_MODULE',
  })
}

function needsBuilding(module: string, cause: Error): ResourceError {
  const message = `This Node cannot run "${module}" (${extname(module)}): compile it and name the .js file in "--import"`
  return new ResourceError(message, { code: 'NOT_RUNNABLE_HERE', cause })
}

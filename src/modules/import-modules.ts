import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { explainFailure } from './explain-failure.js'
import { recordExports } from './exported-classes.js'
import { type ModuleOrigin, resolveModule } from './resolve.js'
import { enableTypeScript } from './typescript.js'

/**
 * Imports modules in order, so that they register their classes, and returns their URLs, so that other processes can
 * import them, too. A module is a path, a URL or a package.
 *
 * @throws {@link ResourceError} when a module does not exist, or cannot be imported.
 */
export async function importModules(modules: readonly string[], origin: ModuleOrigin): Promise<string[]> {
  const urls: string[] = []
  for (const module of modules) urls.push(await importModule(module, origin))
  return urls
}

async function importModule(module: string, origin: ModuleOrigin): Promise<string> {
  const url = await resolveModule(module, origin)
  const name = module === url && url.startsWith('file:') ? fileURLToPath(url) : module
  await enableTypeScript(url, name)
  try {
    recordExports(name, await load(url))
  } catch (cause) {
    throw explainFailure({ name, url }, cause)
  }
  return url
}

// Node 20 cannot import CommonJS that "tsx" has compiled and that requires an ES module, such as this package.
async function load(url: string): Promise<object> {
  return url.endsWith('.cts') ? createRequire(url)(fileURLToPath(url)) : import(url)
}

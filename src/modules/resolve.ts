import { readdirSync, readFileSync, statSync } from 'node:fs'
import {
  basename,
  dirname,
  extname,
  isAbsolute,
  join,
  relative,
  resolve as resolvePath,
  sep,
} from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ResourceError } from '../errors.js'
import { didYouMean, nearest } from '../registry/suggest.js'
import { projectRoot } from '../util/paths.js'
import { readSafely } from '../util/thrown.js'
import { compiledName, isTypeScript } from './typescript.js'

/** Where modules are named. */
export interface ModuleOrigin {
  /** The folder from which paths and packages are resolved. */
  readonly from: string
  /** The option that names them, for messages: `--import`, `imports`. */
  readonly option: string
}

/**
 * The URL of a module that is named by a path, a URL or the name of a package.
 *
 * @throws {@link ResourceError} when it does not exist.
 */
export async function resolveModule(module: string, origin: ModuleOrigin): Promise<string> {
  if (/^(?:data|node):/.test(module)) return module
  const file = module.startsWith('file:') ? fileURLToPath(module) : resolvePath(origin.from, module)
  if (isFile(file) && extname(file) !== '')
    return module.startsWith('file:') ? module : pathToFileURL(file).href
  if (isPath(module)) throw missingFile(module, file, origin)
  return (await urlOfPackage(module, origin)) ?? Promise.reject(missingPackage(module, origin))
}

function isPath(module: string): boolean {
  return /^(?:[./]|file:)/.test(module) || isAbsolute(module)
}

// The folder of a worker may be anywhere, so packages of its "imports" are also found from this package.
async function urlOfPackage(name: string, { from, option }: ModuleOrigin): Promise<string | undefined> {
  const { resolve } = await import('import-meta-resolve')
  const inFolder = pathToFileURL(join(from, 'package.json')).href
  for (const parent of option === 'imports' ? [inFolder, import.meta.url] : [inFolder])
    try {
      return resolve(name, parent)
    } catch {
      // The other parent may find it.
    }
  return undefined
}

/** URLs of modules for other processes; paths are relative to the current folder, and names of packages stay. */
export function moduleUrls(modules: readonly (string | URL)[]): string[] {
  return modules.map((module) => {
    const isUrl = module instanceof URL || module.startsWith('file:')
    if (isUrl) return String(module).startsWith('file:') ? urlOfFile(fileURLToPath(module)) : String(module)
    const isFileName = /^[./]/.test(module) || (extname(module) !== '' && isFile(resolvePath(module)))
    return isFileName ? urlOfFile(resolvePath(module)) : module
  })
}

function urlOfFile(file: string): string {
  return pathToFileURL(compiledModule(file)).href
}

/**
 * The JavaScript file that a TypeScript module was compiled into, when only that exists: the code of a run on a host, or of
 * a built program, may name its modules as its source does.
 */
export function compiledModule(file: string): string {
  return isTypeScript(file) && !isFile(file) && isFile(compiledName(file)) ? compiledName(file) : file
}

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

function missingFile(module: string, file: string, { from, option }: ModuleOrigin): ResourceError {
  const found = similarFile(file)
  const remedy =
    found === undefined ? `: check "${option}"` : `: did you mean "${asWritten(found, module, from)}"?`
  const shown = module.startsWith('file:') ? file : module
  const isFolder = statSync(file, { throwIfNoEntry: false })?.isDirectory()
  if (isFolder && found === undefined) return noModule(`Module "${shown}" is a folder: name a module in it`)
  return noModule(`Module "${shown}" was not found, there is no such file in "${dirname(file)}"${remedy}`)
}

// A path is suggested in the form in which the module was named.
function asWritten(file: string, module: string, from: string): string {
  if (!module.startsWith('.')) return file
  const path = relative(from, file).split(sep).join('/')
  return path.startsWith('.') ? path : `./${path}`
}

const extensions = ['.ts', '.js', '.mts', '.mjs', '.cts', '.cjs', '.tsx', '.jsx']
/** Where compilers write, and where sources are. */
const folders = ['dist', 'build', 'lib', 'out', 'src']

/** The existing module that a path was probably meant to name. */
export function similarFile(file: string): string | undefined {
  return withExtension(file) ?? inOtherFolder(file) ?? withSimilarName(file) ?? inSimilarFolder(file)
}

/** The file that is there with another extension, or the index of the folder. */
export function withExtension(file: string): string | undefined {
  const base = extensions.includes(extname(file)) ? file.slice(0, -extname(file).length) : file
  const candidates = [base, join(file, 'index')].flatMap((path) => extensions.map((each) => path + each))
  return candidates.find(isFile)
}

function inOtherFolder(file: string): string | undefined {
  const [folder, name] = [dirname(file), basename(file)]
  const roots = folders.includes(basename(folder)) ? [folder, dirname(folder)] : [folder]
  const candidates = roots.flatMap((root) => [root, ...folders.map((each) => join(root, each))])
  for (const candidate of candidates) {
    const found = isFile(join(candidate, name)) ? join(candidate, name) : withExtension(join(candidate, name))
    if (found !== undefined) return found
  }
  return undefined
}

function withSimilarName(file: string): string | undefined {
  const names = namesIn(dirname(file)).filter((name) => extensions.includes(extname(name)))
  const meant = nearest(basename(file), names)
  return meant === undefined ? undefined : join(dirname(file), meant)
}

function inSimilarFolder(file: string): string | undefined {
  const folder = dirname(file)
  const meant = nearest(basename(folder), namesIn(dirname(folder)))
  const found = meant === undefined ? file : join(dirname(folder), meant, basename(file))
  return isFile(found) ? found : undefined
}

function namesIn(folder: string): string[] {
  return readSafely(() => readdirSync(folder), [])
}

function missingPackage(module: string, { from, option }: ModuleOrigin): ResourceError {
  const where = `neither as a file in "${from}" nor as an installed package`
  const file = resolvePath(from, module)
  const found = withExtension(file)
  const meant = found === undefined ? '' : `: did you mean "./${relative(from, found).split(sep).join('/')}"?`
  const remedy = meant || howToInstall(module, { from, option })
  return noModule(`Module "${module}" was not found, ${where}${remedy}`)
}

function howToInstall(module: string, { from, option }: ModuleOrigin): string {
  const [name = module] = /^(?:@[^/]+\/)?[^/]+/.exec(module) ?? []
  const known = dependenciesOf(from)
  return known.includes(name) ? ': type "npm install"' : didYouMean(name, known) || `: check "${option}"`
}

/** The packages that the project of a folder depends on. */
export function dependenciesOf(folder: string): string[] {
  try {
    const manifest = JSON.parse(readFileSync(join(projectRoot(folder), 'package.json'), 'utf8'))
    return Object.keys({ ...manifest.devDependencies, ...manifest.dependencies })
  } catch {
    return []
  }
}

function noModule(message: string): ResourceError {
  return new ResourceError(message, { code: 'NO_MODULE' })
}

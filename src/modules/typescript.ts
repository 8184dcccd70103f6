import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ResourceError } from '../errors.js'
import { isPersonal, projectRoot } from '../util/paths.js'
import { readSafely } from '../util/thrown.js'

const extension = /(?<!\.d)\.([cm]?)tsx?$/

/** Whether the name or URL of a file is that of a TypeScript module, and not of declarations. */
export function isTypeScript(file: string): boolean {
  return extension.test(file)
}

/** The name of the JavaScript file into which a TypeScript file is compiled. */
export function compiledName(file: string): string {
  return file.replace(extension, '.$1js')
}

/**
 * Lets this process import a TypeScript module: registers the `tsx` of the module's project, once. Without `tsx`, Node strips
 * the types if it can.
 *
 * @throws {@link ResourceError} when neither can run the module.
 */
export async function enableTypeScript(url: string, name: string): Promise<void> {
  if (!url.startsWith('file:') || !isTypeScript(url) || runsTypeScript(url)) return
  const file = fileURLToPath(url)
  const tsx = await findTsx(file)
  if (tsx !== undefined) await register(tsx, file)
  else if (!stripsTypes() || file.endsWith('x')) throw needsTsx(name, file)
}

let isRegistered = false

/** Whether something that runs TypeScript is active: Bun, Deno, or a `tsx` that this process was started with. */
export function runsTypeScript(url: string): boolean {
  if (isRegistered || 'Deno' in globalThis || process.versions['bun'] !== undefined) return true
  const flags = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ')
  return /(?:^|[\s=/\\])tsx(?:[\s/\\]|$)/.test(flags) || findsExtension(url)
}

// A program may have registered "tsx" itself: then a module is found without its extension.
function findsExtension(url: string): boolean {
  const bare = url.replace(extension, '')
  try {
    return import.meta.resolve(bare) !== bare
  } catch {
    return false
  }
}

function stripsTypes(): boolean {
  return Boolean((process.features as { readonly typescript?: unknown }).typescript)
}

/** The packages of a project that run and compile TypeScript. */
interface Tsx {
  /** The URLs of its programming interfaces. */
  readonly commonjs: string
  readonly esm: string
}

/** The `tsx` that is installed for a file. */
async function findTsx(file: string): Promise<Tsx | undefined> {
  const { resolve } = await import('import-meta-resolve')
  const parent = pathToFileURL(file).href
  try {
    return { commonjs: resolve('tsx/cjs/api', parent), esm: resolve('tsx/esm/api', parent) }
  } catch {
    return undefined
  }
}

// A bundler would put a package into the bundle that is named in the call.
function resolveFrom(file: string, name: string): string {
  return createRequire(file).resolve(name)
}

/** Whether the project of a file has `tsx`. */
export function hasTsx(file: string): boolean {
  return readSafely(() => resolveFrom(file, 'tsx/package.json') !== '', false)
}

const tsconfigVariable = 'TSX_TSCONFIG_PATH'

// "tsx" would take the tsconfig.json of the current folder. The interface for CommonJS reads the path from the environment only.
async function register({ commonjs, esm }: Tsx, file: string): Promise<void> {
  const chosen = process.env[tsconfigVariable]
  const tsconfig = chosen ?? findTsconfig(file)
  if (tsconfig !== undefined) process.env[tsconfigVariable] = tsconfig
  try {
    shareWithCommonjs(file)
    const [forCommonjs, forEsm] = [await import(commonjs), await import(esm)]
    forCommonjs.register()
    forEsm.register({ tsconfig: tsconfig ?? false })
    isRegistered = true
  } finally {
    if (chosen === undefined) delete process.env[tsconfigVariable]
  }
}

// "tsx" would load a second copy of this package for a CommonJS module, unless Node has it already.
function shareWithCommonjs(file: string): void {
  const require = createRequire(file)
  for (const name of ['flambeau', 'flambeau/cluster', 'flambeau/pool'])
    try {
      require(name)
    } catch {
      // The project of the file has none, or this Node cannot require an ES module.
    }
}

/** The nearest `tsconfig.json` upwards of a file, in no home folder. */
export function findTsconfig(file: string): string | undefined {
  for (let folder = dirname(file); !isPersonal(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'tsconfig.json'))) return join(folder, 'tsconfig.json')
  return undefined
}

/** The path of the `esbuild` that the `tsx` of a file's project brings; absent without `tsx`. */
export async function findEsbuild(file: string): Promise<string | undefined> {
  const tsx = await findTsx(file)
  // Package managers may link "tsx", and place what it needs beside the real one.
  return tsx && resolveFrom(realpathSync(fileURLToPath(tsx.esm)), 'esbuild')
}

/** The error for a module that this Node cannot run by itself. */
function needsTsx(name: string, file: string): ResourceError {
  const message = `Node ${process.versions.node} cannot run "${name}", which is TypeScript: ${installTsx(file)}`
  return new ResourceError(message, { code: 'NOT_RUNNABLE_HERE' })
}

/** What to type to install `tsx` in the project of a file. */
export function installTsx(file: string): string {
  const root = projectRoot(dirname(file))
  const isHere = !relative(root, process.cwd()).startsWith('..')
  return `type "npm i -D tsx"${isHere ? '' : ` in "${root}"`}`
}

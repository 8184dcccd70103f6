import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, extname, join, posix, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ClusterConfigurationError, type Problem } from '../../errors.js'
import {
  compiledName,
  findEsbuild,
  findTsconfig,
  installTsx,
  isTypeScript,
} from '../../modules/typescript.js'
import { reportProblems } from '../../problem-report.js'
import { Source } from '../../source.js'
import { projectRoot } from '../../util/paths.js'
import { isMapping } from '../../util/plain-object.js'
import { makeTemporaryFolder } from '../../util/temporary-folder.js'
import { ignoreFile } from './ignore.js'
import type { PackageFile } from './package-files.js'

/** A package whose TypeScript is compiled before it is sent. */
interface SourcePackage {
  readonly folder: string
  readonly files: readonly PackageFile[]
  /** The imported modules, as paths within the package. */
  readonly modules: readonly string[]
}

/**
 * The files of a package with its TypeScript compiled to what plain Node runs, by the `esbuild` of its `tsx`. The compiled files
 * are in a temporary folder until this process exits. A package whose imported modules are JavaScript stays as it is.
 *
 * @throws `ClusterConfigurationError` when `tsx` is not installed, or a file cannot be compiled.
 */
export async function compileTypeScript({ folder, files, modules }: SourcePackage): Promise<PackageFile[]> {
  const module = modules.find(isTypeScript)
  if (module === undefined) return [...files]
  const path = await findEsbuild(join(folder, module))
  if (path === undefined) throw needsTsx(join(folder, module))
  const { default: esbuild }: { default: Esbuild } = await import(pathToFileURL(path).href)
  const output = await makeTemporaryFolder(tmpdir())
  const replaced = new Map<string, PackageFile>()
  const sentPaths = new Map(files.map(({ source, path }) => [source, path]))
  const plugin = { name: 'flambeau', setup: (build: PluginBuild) => rewriteImports(build, sentPaths) }
  for (const group of groupsOf(files)) {
    const compiled = await compileGroup(esbuild, group, plugin).catch((error) => {
      throw notCompiled(error, group.root, files)
    })
    for (const [index, text] of compiled.entries()) {
      const { path } = group.files[index]!
      replaced.set(path, { ...(await write(output, compiledName(path), text)), compiledOf: path })
    }
  }
  for (const file of files.filter(isOwnManifest)) {
    const text = await readFile(file.source, 'utf8')
    const changed = compiledManifest(text)
    if (changed !== text) replaced.set(file.path, await write(output, file.path, changed))
  }
  return withReplaced(files, replaced)
}

// JavaScript beside its source is older than what was compiled of it now.
function withReplaced(
  files: readonly PackageFile[],
  replaced: ReadonlyMap<string, PackageFile>,
): PackageFile[] {
  const names = new Set([...replaced.values()].map(({ path }) => path))
  const kept = files.filter(({ path }) => !replaced.has(path) && !names.has(path))
  return [...kept, ...replaced.values()]
}

async function write(folder: string, path: string, text: string): Promise<PackageFile> {
  const source = join(folder, path)
  await mkdir(dirname(source), { recursive: true })
  await writeFile(source, text)
  return { path, source, size: Buffer.byteLength(text) }
}

/** Files that are compiled with the same settings. */
interface Group {
  /** The package that they belong to. */
  readonly root: string
  readonly format: 'esm' | 'cjs'
  /** Of the compiled files. */
  readonly extension: string
  readonly files: PackageFile[]
}

function groupsOf(files: readonly PackageFile[]): Group[] {
  const groups = new Map<string, Group>()
  for (const file of files.filter((each) => isTypeScript(each.path) && isOwn(each))) {
    const root = projectRoot(dirname(file.source))
    const format = formatOf(file.source, root)
    const extension = extname(compiledName(file.path))
    const key = [root, extension].join('\0')
    const group = groups.get(key) ?? { root, format, extension, files: [] }
    groups.set(key, group)
    group.files.push(file)
  }
  return [...groups.values()]
}

// A linked package, such as a workspace, is below "node_modules" on the hosts only.
function isOwn({ path, source }: PackageFile): boolean {
  return !isInstalled(path) || !/[\\/]node_modules[\\/]/.test(source)
}

function isInstalled(path: string): boolean {
  return /(?:^|\/)node_modules\//.test(path)
}

function isOwnManifest(file: PackageFile): boolean {
  return /(?:^|\/)package\.json$/.test(file.path) && isOwn(file)
}

function formatOf(file: string, root: string): Group['format'] {
  const extension = extname(file)
  if (extension === '.mts' || extension === '.cts') return extension === '.mts' ? 'esm' : 'cjs'
  return typeOf(root) === 'module' ? 'esm' : 'cjs'
}

function typeOf(root: string): unknown {
  try {
    return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).type
  } catch {
    return undefined
  }
}

/** What is used of `esbuild`, which is the user's own. */
interface Esbuild {
  build(options: object): Promise<{ readonly outputFiles: readonly { path: string; text: string }[] }>
}

interface Resolution {
  readonly path: string
  readonly suffix: string
}

interface ImportArguments {
  readonly path: string
  readonly importer: string
  readonly kind: string
  readonly resolveDir: string
  readonly pluginData: unknown
  readonly with: Readonly<Record<string, string>>
}

interface PluginBuild {
  resolve(path: string, options: object): Promise<Resolution>
  onResolve(filter: { filter: RegExp }, resolve: (args: ImportArguments) => Promise<object | undefined>): void
}

/** In CommonJS, `import.meta` is not there. */
const metaUrl = {
  esm: {},
  cjs: {
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  },
}

/** Compiles each file by itself; returns the texts in the order of the files. */
async function compileGroup(esbuild: Esbuild, group: Group, plugin: object): Promise<string[]> {
  const { root, format, extension, files } = group
  const sources = files.map(({ source }) => source)
  const { outputFiles } = await esbuild.build({
    entryPoints: sources.map((source) => ({ in: source, out: withoutExtension(relative(root, source)) })),
    // Nothing is written there: source maps name files relative to it.
    outdir: root,
    write: false,
    outExtension: { '.js': extension },
    absWorkingDir: root,
    tsconfig: findTsconfig(join(root, 'package.json')),
    // Only a build that bundles asks how imports are resolved; all of them stay imports.
    bundle: true,
    plugins: [plugin],
    treeShaking: false,
    keepNames: true,
    platform: 'node',
    // Node 20.0 has no import attributes.
    target: 'node20.19',
    format,
    charset: 'utf8',
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'silent',
    ...metaUrl[format],
  })
  const texts = new Map(outputFiles.map(({ path, text }) => [path, withOpenImports(text, format)]))
  return sources.map((source) => texts.get(compiledName(source))!)
}

/**
 * Lets ``import(`./plugins/${name}.js`)`` import any module: esbuild lists those that it finds here, and knows neither that
 * `a.js` is compiled of `a.ts`, nor what a run writes.
 */
function withOpenImports(text: string, format: Group['format']): string {
  const imports = `return ${format === 'esm' ? 'import' : 'require'}(path);`
  return text.replace(/throw new Error\("Module not found in bundle: " \+ path\);/, imports)
}

function withoutExtension(path: string): string {
  return path.slice(0, -extname(path).length)
}

const resolved = Symbol('resolved')

/**
 * Makes imports name the files that are sent, as Node finds them: with the extension, and without aliases of tsconfig.json.
 * `sentPaths` has the path of each file on the hosts.
 */
function rewriteImports(build: PluginBuild, sentPaths: ReadonlyMap<string, string>): void {
  build.onResolve({ filter: /.*/ }, async (args) => {
    const { path, importer, kind, resolveDir, pluginData } = args
    if (kind === 'entry-point' || pluginData === resolved) return undefined
    const asWritten = { path, external: true }
    // The "imports" of package.json are changed there.
    if (/^(?:#|node:|data:)/.test(path)) return asWritten
    const found = await build.resolve(path, { importer, kind, resolveDir, pluginData: resolved })
    const [from, target] = [sentPaths.get(importer), sentPaths.get(found.path)]
    if (from === undefined || target === undefined) return asWritten
    const isByName = !path.startsWith('.') && packageOf(from) !== packageOf(target)
    if (isByName) return asWritten
    // Node imports JSON only with an attribute, so it becomes part of the module.
    if (target.endsWith('.json') && kind !== 'require-call' && args.with['type'] === undefined)
      return undefined
    return { path: specifierOf(target, from) + found.suffix, external: true }
  })
}

// The folder of the package in which a file is sent.
function packageOf(path: string): string {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? ''
}

function specifierOf(target: string, from: string): string {
  const path = posix.relative(posix.dirname(from), compiledName(target))
  return path.startsWith('.') ? path : `./${path}`
}

/** A `package.json` whose entry points name the compiled files; one that is no JSON object, such as a fixture, stays. */
function compiledManifest(text: string): string {
  const manifest = parsedObject(text)
  if (!manifest) return text
  const { main, exports, imports } = manifest
  const changed = { ...manifest, ...compiledTargets({ main, exports, imports }) }
  return JSON.stringify(changed) === JSON.stringify(manifest) ? text : JSON.stringify(changed, null, 2)
}

function parsedObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ''))
    return isMapping(value) ? value : undefined
  } catch {
    return undefined
  }
}

function compiledTargets<T>(value: T): T {
  if (typeof value === 'string') return (isTypeScript(value) ? compiledName(value) : value) as T
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, each]) => [key, compiledTargets(each)])
  return (Array.isArray(value) ? entries.map(([, each]) => each) : Object.fromEntries(entries)) as T
}

function needsTsx(module: string): ClusterConfigurationError {
  const message = `"${module}" is TypeScript, which is compiled for the hosts with the "esbuild" of "tsx", but "tsx" is not installed: ${installTsx(module)}`
  return new ClusterConfigurationError(message, { code: 'NOT_COMPILED' })
}

/** What `esbuild` reports; lines count from 1, columns from 0. */
interface EsbuildMessage {
  readonly text: string
  readonly location: { readonly file: string; readonly line: number; readonly column: number } | null
}

function notCompiled(
  error: Error & { errors?: readonly EsbuildMessage[] },
  root: string,
  files: readonly PackageFile[],
): Error {
  const problems = (error.errors ?? []).flatMap((each) => problemOf(each, root, files) ?? [])
  if (problems.length === 0) return error
  return new ClusterConfigurationError(reportProblems(problems), {
    code: 'NOT_COMPILED',
    problems,
    cause: error,
  })
}

function problemOf(
  { text, location }: EsbuildMessage,
  root: string,
  files: readonly PackageFile[],
): Problem | undefined {
  if (location === null) return undefined
  const file = join(root, location.file)
  const sent = files.find(({ source }) => source === file)
  const message = `${sent ? 'This file is sent to the hosts and' : 'This file'} cannot be compiled: ${text}${sent ? `; ${howToLeaveOut(sent)}` : ''}`
  const source = new Source(readFileSync(file, 'utf8'), file)
  const start = source.offsetOf(location.line, location.column + 1)
  return source.problem('NOT_COMPILED', message, { start, end: start + 1 })
}

// The file with ignored paths is in the folder that is sent, and not in that of a package within it.
function howToLeaveOut({ path, source }: PackageFile): string {
  const within = path.slice(packageOf(path).length).replace(/^\//, '')
  const folder = source.slice(0, -within.length)
  return `if no run needs it, write "/${within}" into "${join(folder, ignoreFile)}"`
}

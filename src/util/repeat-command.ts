import { existsSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { findProgram } from './find-program.js'
import { realPath } from './paths.js'
import { commandLine } from './shell.js'

/** The options of a command that another command of the same user needs as well. */
export type SharedOption = 'project' | 'imports' | 'secrets' | 'env' | 'cluster' | 'includes'

/** The words of each option. */
export type SharedOptions = Readonly<Partial<Record<SharedOption, readonly string[]>>>

/** A call of the command line. It is plain data, so that a run on a cluster can print commands for the machine of its user. */
export interface Call {
  /** The words after the name of the program. */
  readonly argv: readonly string[]
  /** The current folder. */
  readonly folder: string
  /** How the program is started from there. */
  readonly program: readonly string[]
  /** The options of this call. */
  readonly flags: SharedOptions
  /** What the setting in `package.json` gives to commands that name a file in its folder, or no file. */
  readonly project: { readonly folder: string; readonly options: SharedOptions } | undefined
  /** The URLs of the modules that were imported, with the word that names each. */
  readonly modules: Readonly<Record<string, ImportedModule>>
}

/** How a module was named. */
export interface ImportedModule {
  readonly name: string
  /** Whether the setting in `package.json` names it. */
  readonly isOfProject: boolean
}

/** A run on a cluster that this process is, as the machine of its user sees it. */
export interface RemoteCall {
  readonly id: string
  readonly folders: readonly SentFolder[]
}

/** A folder on this host that was sent. */
export interface SentFolder {
  readonly here: string
  /** Where it is on the machine of the user. */
  readonly there: string
  /** The sources there of the files that were compiled, both as paths in the folder. */
  readonly sources: Readonly<Record<string, string>>
}

let current: Call | undefined
let remote: RemoteCall | undefined

/** The call of the command line that this process is; `undefined` in a program that uses the library. */
export function currentCall(): Call | undefined {
  return current
}

/** Records the call of the command line, for the commands that messages print. */
export function setCall(call: Call | undefined, run?: RemoteCall): void {
  current = call
  remote = run
}

/** A call with these words, of which no option is known yet. */
export function callOf(argv: readonly string[]): Call {
  const folder = process.cwd()
  return { argv, folder, program: programIn(folder), flags: {}, project: undefined, modules: {} }
}

const ofCluster: readonly SharedOption[] = ['project', 'cluster', 'imports', 'secrets', 'env']

/** The options that each command takes. */
const optionsOf: Readonly<Record<string, readonly SharedOption[]>> = {
  run: [...ofCluster, 'includes'],
  ...Object.fromEntries(
    ['runs', 'status', 'logs', 'wait', 'cancel', 'fetch'].map((name) => [name, ofCluster]),
  ),
  down: ['project', 'imports', 'secrets', 'env'],
  tags: ['project', 'imports'],
}

/** What a command names that decides about its options. */
export interface RepeatOptions {
  /** The file that it names: the setting in `package.json` does not apply to one elsewhere. */
  readonly file?: string
  /** URLs of the modules that it needs, in place of those of this call. */
  readonly modules?: readonly string[]
}

/**
 * A command line that works when it is pasted: the program as it is installed here, with the options of this call that it
 * needs, and without those that the setting in `package.json` gives.
 */
export function repeatCommand(words: readonly string[], options: RepeatOptions = {}): string {
  const { program = programIn(process.cwd()), flags = {}, project } = current ?? {}
  const isGiven = project !== undefined && (options.file === undefined || isIn(project.folder, options.file))
  const all: SharedOptions = isGiven || !project ? flags : withProject(project.options, flags)
  const own = options.modules ? { ...all, imports: importWords(options.modules, isGiven) } : all
  const taken = (optionsOf[words[0] ?? ''] ?? []).flatMap((name) => own[name] ?? [])
  return commandLine([...program, ...words, ...taken])
}

/** The command that removes the cluster of this call. */
export function repeatDown(): string {
  const [, file] = current?.flags.cluster ?? []
  const isNamed = file !== undefined || current?.project?.options.cluster
  return repeatCommand(['down', ...(isNamed ? [] : ['cluster.yaml']), ...(file === undefined ? [] : [file])])
}

/** This call with more options. */
export function repeatCall(options: readonly string[]): string | undefined {
  if (!current) return undefined
  const { program, argv } = current
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  return commandLine([...program, ...argv.slice(0, end), ...options, ...argv.slice(end)])
}

/** The command that runs the file of a task that this process wrote. A run on a cluster wrote it there, so that it has to be fetched. */
export function repeatRun(path: string, { modules, seed, needs = '' }: TaskRepeat): string {
  const words = ['--seed', seed, ...(needs === '' ? [] : ['--needs', needs])]
  if (!remote || !current) return repeatCommand(['run', path, ...words], { file: path, modules })
  const name = basename(path)
  const fetched = repeatCommand(['fetch', remote.id, path.startsWith('..') ? resolve(path) : path, name])
  return `${fetched} && ${repeatCommand(['run', name, ...words], { modules: modules.map(onMachineOfUser) })}`
}

/** What a task was run with. */
interface TaskRepeat {
  /** The URLs of the modules that it needs. */
  readonly modules: readonly string[]
  readonly seed: string
  /** What its worker had and its class does not state, as `--needs` takes it. */
  readonly needs?: string | undefined
}

function isIn(folder: string, file: string): boolean {
  return realPath(dirname(file))
    .concat(sep)
    .startsWith(folder.replace(/[\\/]?$/, sep))
}

// Flags add to the modules of the project, and replace the rest.
function withProject(project: SharedOptions, flags: SharedOptions): SharedOptions {
  const imports = [...(project.imports ?? []), ...(flags.imports ?? [])]
  return { ...project, ...flags, imports }
}

function importWords(modules: readonly string[], isGiven: boolean): string[] {
  // A pool on a cluster has the modules of its run, which the run may have given to it as well.
  return [...new Set(modules)].flatMap((module) => {
    const named = current?.modules[module]
    if (named?.isOfProject) return isGiven ? [] : ['--import', pathOf(module)]
    return ['--import', named?.name ?? pathOf(module)]
  })
}

function pathOf(module: string): string {
  if (!module.startsWith('file:')) return module
  const path = relative(current?.folder ?? '', fileURLToPath(module))
  return path.startsWith('.') ? path : `./${path}`
}

function onMachineOfUser(module: string): string {
  const file = module.startsWith('file:') ? sourceOfUser(fileURLToPath(module)) : undefined
  return file === undefined ? module : pathToFileURL(file).href
}

/** The path on the machine of the user of a file that was sent, or of what it was compiled of; `undefined` for another file. */
export function sourceOfUser(file: string): string | undefined {
  const folder = remote?.folders.find(({ here }) => file.startsWith(here + sep))
  if (!folder) return undefined
  const path = file.slice(folder.here.length + 1)
  return join(folder.there, folder.sources[path] ?? path)
}

/** How this program is started from a folder: by `npx` where it is installed in the project, else by its name. */
function programIn(folder: string): string[] {
  if (isInstalledAbove(folder)) return ['npx', '--no-install', 'flambeau']
  // What npx downloads for one command is in PATH for that command alone.
  return /[\\/]_npx[\\/]/.test(findProgram('flambeau') ?? '') ? ['npx', 'flambeau'] : ['flambeau']
}

function isInstalledAbove(folder: string): boolean {
  if (existsSync(join(folder, 'node_modules', '.bin', 'flambeau'))) return true
  return dirname(folder) !== folder && isInstalledAbove(dirname(folder))
}

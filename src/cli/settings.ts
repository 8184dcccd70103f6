import { realpathSync } from 'node:fs'
import { documentError } from '../document/problems.js'
import { isFlambeauError } from '../errors.js'
import type { Logger } from '../logger.js'
import { importModules } from '../modules/import-modules.js'
import { type ModuleOrigin, resolveModule } from '../modules/resolve.js'
import {
  type FileSetting,
  importProblem,
  isInProject,
  missingFile,
  type Project,
  projectPath,
  readProject,
} from '../project.js'
import type { SecretsDialect } from '../runnable/secrets/read-secrets.js'
import { printable } from '../util/printable.js'
import {
  callOf,
  currentCall,
  type ImportedModule,
  type SharedOptions,
  setCall,
} from '../util/repeat-command.js'
import type { Command } from './commander.js'
import { stdinOperand } from './input.js'
import type { EnvFileFlags, ImportFlags, IncludeFlags, SecretsFlags } from './options.js'

/** The flags that complete, or replace, the setting `"flambeau"` of a `package.json`. */
export interface SettingFlags extends ImportFlags, SecretsFlags, Partial<EnvFileFlags>, IncludeFlags {
  /** `false` for `--no-cluster`. */
  readonly cluster?: string | false | undefined
}

/** What a command works with: its flags, completed by the setting of the project. */
export interface Settings {
  /** The project, if it applies to the files of the command. */
  readonly project: Project | undefined
  /** What `--import` names. */
  readonly imports: readonly string[]
  /** `false` for none; `undefined` for the default file. */
  readonly secrets: string | false | undefined
  readonly cluster: string | undefined
  readonly secretsDialect: SecretsDialect | undefined
}

/** What a command uses: a file of the setting that a command does not use may be absent. */
export interface SettingsUse {
  /** The files that the command names: the project applies when they are in it. */
  readonly files: readonly string[]
  readonly uses: readonly FileSetting[]
  readonly logger: Logger
}

/**
 * Completes flags by the setting of the project.
 *
 * @throws `DocumentError` with every mistake in the setting.
 */
export async function completeSettings(flags: SettingFlags, use: SettingsUse): Promise<Settings> {
  const found = flags.project ? await readProject() : undefined
  const outside = found && use.files.find((file) => !isInside(found, file))
  if (found && outside !== undefined) use.logger.info(notApplied(found, outside))
  const project = outside === undefined ? found : undefined
  const settings: Settings = {
    project,
    imports: flags.import,
    secrets: flags.secrets ?? secretsOf(project),
    cluster: flags.cluster === false ? undefined : (flags.cluster ?? clusterOf(project)),
    secretsDialect: flags.secretsDialect,
  }
  recordCall({ ...flags, project: flags.project && outside === undefined }, project)
  if (project)
    expectFiles(
      project,
      use.uses.filter((name) => flags[name] === undefined),
    )
  return settings
}

/** Files in the project, and files elsewhere, which must be opened before the modules of the project are imported. */
export async function groupFiles(
  files: readonly string[],
  readsProject: boolean,
): Promise<{ inside: readonly string[]; outside: readonly string[] }> {
  const project = readsProject ? await readProject() : undefined
  if (!project) return { inside: files, outside: [] }
  const inside = new Set(files.filter((file) => isInside(project, file)))
  return { inside: [...inside], outside: files.filter((file) => !inside.has(file)) }
}

// The paths in a text on standard input start at the current folder, which is in the project.
function isInside(project: Project, file: string): boolean {
  return file === stdinOperand || isInProject(project, file)
}

function notApplied({ folder }: Project, file: string): string {
  return printable(`"${file}" is outside of the project "${folder}": its setting in package.json is not used`)
}

function expectFiles(project: Project, uses: readonly FileSetting[]): void {
  const problems = uses.flatMap((name) => missingFile(project, name) ?? [])
  if (problems.length > 0) throw documentError(problems)
}

function secretsOf(project: Project | undefined): string | false | undefined {
  if (!project?.secrets || project.secrets.startsWith('env:')) return project?.secrets
  return projectPath(project, project.secrets)
}

function clusterOf(project: Project | undefined): string | undefined {
  return project?.cluster === undefined ? undefined : projectPath(project, project.cluster)
}

/** Whether a file is the one that the setting names as the cluster: running it means to bring it up. */
export function isSameFile(file: string, other: string): boolean {
  try {
    return realpathSync(file) === realpathSync(other)
  } catch {
    return false
  }
}

/** Ends a command that needs a cluster when neither a flag nor the project names one. */
export function expectCluster({ cluster }: Settings, command: Command): string {
  if (cluster !== undefined) return cluster
  return command.error(
    'error: no cluster is named: add "--cluster FILE", or "flambeau": { "cluster": "FILE" } to package.json',
  )
}

/** Imports the modules of the project, then those of the flags, and returns their URLs. */
export async function importSettings(settings: Settings): Promise<string[]> {
  return eachModule(settings, importOne)
}

// A module that ends the process must not look like a run that has succeeded.
async function importOne(module: string, origin: ModuleOrigin): Promise<string> {
  const onExit = (): void => {
    process.exitCode ||= 1
    console.error(printable(`The process exited while module "${module}" was imported`))
  }
  process.once('exit', onExit)
  try {
    const [url] = await importModules([module], origin)
    return url!
  } finally {
    process.off('exit', onExit)
  }
}

/** The URLs of the modules of the project, then those of the flags, without importing them. */
export async function resolveSettings(settings: Settings): Promise<string[]> {
  return eachModule(settings, resolveModule)
}

async function eachModule(
  { project, imports }: Settings,
  locate: (module: string, origin: ModuleOrigin) => Promise<string>,
): Promise<string[]> {
  const modules: Record<string, ImportedModule> = {}
  for (const [index, name] of (project?.imports ?? []).entries()) {
    const origin: ModuleOrigin = { from: project!.folder, option: 'imports' }
    const url = await locate(name, origin).catch((error) => Promise.reject(inSetting(error, project!, index)))
    modules[url] = { name, isOfProject: true }
  }
  for (const name of imports) {
    const url = await locate(name, { from: process.cwd(), option: '--import' })
    modules[url] ??= { name, isOfProject: false }
  }
  const call = currentCall()
  if (call) setCall({ ...call, modules })
  return Object.keys(modules)
}

function inSetting(error: unknown, project: Project, index: number): unknown {
  if (!isFlambeauError(error) || error.problems.length > 0) return error
  return Object.assign(documentError([importProblem(project, index, error)]), { cause: error })
}

function recordCall(flags: SettingFlags, project: Project | undefined): void {
  const call = currentCall() ?? callOf([])
  const given = project && { folder: project.folder, options: optionsOf(project) }
  setCall({ ...call, flags: wordsOf(flags), project: given })
}

function wordsOf(flags: SettingFlags): SharedOptions {
  const { secrets, secretsDialect: dialect, cluster, includeRoot: root } = flags
  const words = (option: string, value: string | undefined): string[] =>
    value === undefined ? [] : [option, value]
  return defined({
    project: flags.project ? [] : ['--no-project'],
    imports: flags.import.flatMap((module) => ['--import', module]),
    env: (flags.envFile ?? []).flatMap((file) => ['--env-file', file]),
    includes: words('--include-root', root),
    secrets: [
      ...(secrets === false ? ['--no-secrets'] : words('-s', secrets)),
      ...words('--secrets-dialect', dialect),
    ],
    cluster: cluster === false ? ['--no-cluster'] : words('-c', cluster),
  })
}

/** What the setting gives, as flags for a command that it does not apply to. */
function optionsOf(project: Project): SharedOptions {
  const secrets = secretsOf(project)
  const cluster = clusterOf(project)
  const imports = project.imports.map((module) =>
    /^\.{0,2}\//.test(module) ? fromHere(project, module) : module,
  )
  return defined({
    imports: imports.flatMap((module) => ['--import', module]),
    secrets: secrets === undefined ? [] : secrets === false ? ['--no-secrets'] : ['-s', secrets],
    cluster: cluster === undefined ? [] : ['-c', cluster],
  })
}

function fromHere(project: Project, module: string): string {
  const path = projectPath(project, module)
  return path.startsWith('.') ? path : `./${path}`
}

// A word that is not given must not replace one of the project.
function defined(options: SharedOptions): SharedOptions {
  return Object.fromEntries(Object.entries(options).filter(([, words]) => words.length > 0))
}

import { dirname } from 'node:path'
import { textOfKey } from '../document/nodes.js'
import { nodeProblem } from '../document/problems.js'
import { readText } from '../document/read/read-text.js'
import { isFlambeauError, type Problem, RunnableFileError } from '../errors.js'
import type { FailedExtension, ImportedExtension, Lock, ResolveOptions } from '../extensions/index.js'
import type { Logger } from '../logger.js'
import { reportProblems } from '../problem-report.js'
import type { Registry } from '../registry/registry.js'
import type { RunnableFile } from './runnable-file.js'

/** How the extensions of a runnable file are resolved. */
export interface ExtensionOptions {
  /** Download remote extensions when they are installed; default `true`. */
  downloadExtensions?: boolean
  /** Install extensions that are not installed, into `~/.flambeau/extensions`; default `false`. */
  installExtensions?: boolean
  /** Refuse extensions that differ from `job.lock.yaml`; default `false`. */
  frozen?: boolean
  /** The names of the extensions whose install scripts may run; none by default. */
  allowScripts?: readonly string[]
}

/** The signal that aborts an install, and the logger that it reports to. */
export interface Surroundings {
  readonly signal?: AbortSignal | undefined
  readonly logger?: Logger | undefined
}

/** Extensions that were imported. */
export interface ImportedExtensions {
  /** A child of the given registry, so that two files can have different extensions of the same name. */
  readonly registry: Registry
  readonly imported: readonly ImportedExtension[]
}

/** Extensions that were imported, and those that could not be. */
interface ImportAttempt extends ImportedExtensions {
  readonly failures: readonly FailedExtension[]
}

/** Imports the extensions that a file declares, and collects the failures. */
export async function tryImport(
  file: RunnableFile,
  registry: Registry,
  options: ExtensionOptions & Surroundings,
): Promise<ImportAttempt> {
  const lock = await lockBeside(file.source.filename)
  return importSources(file.extensions, registry, resolveOptions(file, options, lock))
}

/**
 * Imports the extensions that a file declares; their tags are in the registry that is returned.
 *
 * @throws {@link ExtensionError} with every extension that cannot be used.
 */
export async function importDeclared(
  file: RunnableFile,
  registry: Registry,
  options: ExtensionOptions & Surroundings,
): Promise<ImportedExtensions> {
  if (file.declarations.length === 0) return { registry, imported: [] }
  const attempt = await tryImport(file, registry, options)
  if (attempt.failures.length === 0) return attempt
  const { extensionError } = await import('../extensions/index.js')
  throw extensionError(attempt.failures, locateIn(file))
}

async function importSources(
  sources: Readonly<Record<string, string>>,
  registry: Registry,
  options: ResolveOptions,
): Promise<ImportAttempt> {
  const { importEach, resolveEach } = await import('../extensions/index.js')
  const own = registry.child()
  const resolved = await resolveEach(sources, options)
  const imported = await importEach(resolved.found, own)
  return { registry: own, imported: imported.found, failures: [...resolved.failures, ...imported.failures] }
}

/** Makes problems that point at the declarations of extensions. */
export function locateIn({ source, declarations }: RunnableFile): (failure: FailedExtension) => Problem {
  const entries = new Map(declarations.map((entry) => [textOfKey(entry.key), entry]))
  return ({ name, code, message }) => {
    const { key, value } = entries.get(name)!
    return nodeProblem(code === 'BAD_EXTENSION_NAME' ? key : value, source, code, message)
  }
}

/** Completes the options for the extensions of a file; paths are relative to the file. */
export function resolveOptions(
  file: RunnableFile,
  options: ExtensionOptions & Surroundings,
  lock: Lock | undefined,
): ResolveOptions {
  const { signal, logger } = options
  return {
    from: dirname(file.source.filename),
    file: file.source.filename,
    download: options.downloadExtensions ?? true,
    install: options.installExtensions ?? false,
    frozen: options.frozen ?? false,
    allowScripts: options.allowScripts ?? [],
    lock,
    signal,
    onNotice: (message) => logger?.info(message),
    locate: locateIn(file),
  }
}

async function lockBeside(filename: string): Promise<Lock | undefined> {
  const { lockName, readLock } = await import('../extensions/index.js')
  const name = lockName(filename)
  const text = await textIfThere(name)
  return text === undefined ? undefined : readLock(text, name)
}

// A lock that cannot be read is an error: without it, an extension could run that it forbids.
async function textIfThere(filename: string): Promise<string | undefined> {
  try {
    return (await readText(filename)).text
  } catch (error) {
    if (isFlambeauError(error) && error.code === 'NO_FILE') return undefined
    throw error
  }
}

/** Extensions that a worker imported before it read any file: its files may declare these and no others. */
export interface PreparedExtensions extends ImportedExtensions {
  /** The source of each, as files have to spell it. */
  readonly sources: Readonly<Record<string, string>>
}

/**
 * Imports extensions by their sources, whose paths are relative to the current folder.
 *
 * @throws {@link ExtensionError} with every extension that cannot be used.
 */
export async function prepareExtensions(
  sources: Readonly<Record<string, string>>,
  registry: Registry,
): Promise<PreparedExtensions> {
  if (Object.keys(sources).length === 0) return { sources, registry, imported: [] }
  const { extensionError, installedOnly } = await import('../extensions/index.js')
  const attempt = await importSources(sources, registry, { ...installedOnly, from: '.' })
  if (attempt.failures.length > 0) throw extensionError(attempt.failures, undefined)
  return { ...attempt, sources }
}

/**
 * Refuses a file that declares an extension which was not prepared from the same source.
 *
 * @throws {@link RunnableFileError} with each of them.
 */
export function expectPrepared(file: RunnableFile, { sources }: PreparedExtensions): void {
  const others = file.declarations.filter(({ key }) => {
    const name = textOfKey(key)
    return !Object.hasOwn(sources, name) || sources[name] !== file.extensions[name]
  })
  if (others.length === 0) return
  const problems = others.map(({ key }) =>
    nodeProblem(key, file.source, 'EXTENSION_REFUSED', refusalOf(textOfKey(key), sources)),
  )
  throw new RunnableFileError(reportProblems(problems), { problems })
}

function refusalOf(name: string, sources: PreparedExtensions['sources']): string {
  const started = Object.hasOwn(sources, name) ? 'with another source of it' : 'without it'
  return `Extension "${name}" is refused: the worker was started ${started}; add it to "extensions" in the call that starts the worker ("openPool", "startWorkers")`
}

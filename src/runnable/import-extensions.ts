import { dirname } from 'node:path'
import { textOfKey } from '../document/nodes.js'
import { spanOf } from '../document/problems.js'
import { readText } from '../document/read/read-text.js'
import { isFlambeauError, type Problem, RunnableFileError } from '../errors.js'
import type { FailedExtension, ImportedExtension, Lock, ResolveOptions } from '../extensions/index.js'
import type { Entry } from '../node.js'
import { reportProblems } from '../problem-report.js'
import type { Registry } from '../registry/registry.js'
import type { Source } from '../source.js'
import type { Logger } from './logger.js'

/** How the extensions of a runnable file are had. */
export interface ExtensionOptions {
  /** Fetch extensions that are remote, when they are to be installed; default `true`. */
  downloadExtensions?: boolean
  /** Install extensions that are not installed, into `~/.flambeau/extensions`; default `false`. */
  installExtensions?: boolean
  /** Refuse extensions that are not as `job.lock.yaml` says; default `false`. */
  frozen?: boolean
  /** The names of the extensions whose install scripts may run; none by default. */
  allowScripts?: readonly string[]
}

/** Whom an install listens to, and tells. */
export interface Surroundings {
  readonly signal?: AbortSignal | undefined
  readonly logger?: Logger | undefined
}

/** What a runnable file declares, and where. */
export interface DeclaredExtensions {
  readonly source: Source
  readonly extensions: Readonly<Record<string, string>>
  readonly declarations: readonly Entry[]
}

/** Extensions that were imported. */
export interface ImportedExtensions {
  /** A child of the registry that was given, so that two files may have different extensions of one name. */
  readonly registry: Registry
  readonly imported: readonly ImportedExtension[]
}

/** What became of the extensions of a file. */
interface ImportAttempt extends ImportedExtensions {
  readonly failures: readonly FailedExtension[]
}

/** Imports the extensions that a file declares, as far as they can be had. */
export async function tryImport(
  declared: DeclaredExtensions,
  registry: Registry,
  options: ExtensionOptions & Surroundings,
): Promise<ImportAttempt> {
  const { importEach, resolveEach } = await import('../extensions/index.js')
  const own = registry.child()
  const lock = await lockBeside(declared.source.filename)
  const resolved = await resolveEach(declared.extensions, { ...resolveOptions(declared, options), lock })
  const imported = await importEach(resolved.found, own)
  return { registry: own, imported: imported.found, failures: [...resolved.failures, ...imported.failures] }
}

/**
 * Imports the extensions that a file declares; their tags are in the registry that is returned.
 *
 * @throws {@link ExtensionError} with every extension that cannot be had.
 */
export async function importDeclared(
  declared: DeclaredExtensions,
  registry: Registry,
  options: ExtensionOptions & Surroundings,
): Promise<ImportAttempt> {
  if (declared.declarations.length === 0) return { registry, imported: [], failures: [] }
  const tried = await tryImport(declared, registry, options)
  if (tried.failures.length === 0) return tried
  const { extensionError } = await import('../extensions/index.js')
  throw extensionError(tried.failures, locateIn(declared))
}

/** Makes problems of extensions, each at the place where its extension is declared. */
export function locateIn({
  source,
  declarations,
}: DeclaredExtensions): (failure: FailedExtension) => Problem {
  const entries = new Map(declarations.map((entry) => [textOfKey(entry.key), entry]))
  return ({ name, code, message }) => {
    const { key, value } = entries.get(name)!
    return source.problem(code, message, spanOf(code === 'BAD_EXTENSION_NAME' ? key : value))
  }
}

/** How the extensions of a file are resolved: relative to it. */
export function resolveOptions(
  declared: DeclaredExtensions,
  options: ExtensionOptions & Surroundings,
): ResolveOptions {
  const { downloadExtensions, installExtensions, frozen, allowScripts, signal, logger } = options
  return {
    from: dirname(declared.source.filename),
    download: downloadExtensions ?? true,
    install: installExtensions ?? false,
    frozen: frozen ?? false,
    allowScripts: allowScripts ?? [],
    onNotice: (message) => logger?.info(message),
    locate: locateIn(declared),
    ...(signal ? { signal } : {}),
  }
}

async function lockBeside(filename: string): Promise<Lock | undefined> {
  const { lockName, readLock } = await import('../extensions/index.js')
  const name = lockName(filename)
  const text = await textIfThere(name)
  return text === undefined ? undefined : readLock(text, name)
}

// A lock that cannot be read still counts: going on without it would allow what it forbids.
async function textIfThere(filename: string): Promise<string | undefined> {
  try {
    return (await readText(filename)).text
  } catch (error) {
    if (isFlambeauError(error) && error.code === 'NO_FILE') return undefined
    throw error
  }
}

/** Extensions that a process imported before it read any file: its files may declare these and no others. */
export interface PreparedExtensions extends ImportedExtensions {
  /** Where each comes from, as files have to spell it. */
  readonly sources: Readonly<Record<string, string>>
}

/**
 * Imports extensions by their sources, where paths are relative to the current folder.
 *
 * @throws {@link ExtensionError} with every extension that cannot be had.
 */
export async function prepareExtensions(
  sources: Readonly<Record<string, string>>,
  registry: Registry,
): Promise<PreparedExtensions> {
  if (Object.keys(sources).length === 0) return { sources, registry, imported: [] }
  const { extensionError, importEach, resolveEach } = await import('../extensions/index.js')
  const own = registry.child()
  const resolved = await resolveEach(sources, { from: '.' })
  const imported = await importEach(resolved.found, own)
  const failures = [...resolved.failures, ...imported.failures]
  if (failures.length > 0) throw extensionError(failures)
  return { sources, registry: own, imported: imported.found }
}

/**
 * Refuses a file that declares an extension which is not among those that are prepared, from the same source.
 *
 * @throws {@link RunnableFileError} with each of them.
 */
export function expectPrepared(declared: DeclaredExtensions, { sources }: PreparedExtensions): void {
  const others = declared.declarations.filter(({ key }) => {
    const name = textOfKey(key)
    return !Object.hasOwn(sources, name) || sources[name] !== declared.extensions[name]
  })
  if (others.length === 0) return
  const problems = others.map(({ key }) =>
    declared.source.problem('EXTENSION_REFUSED', refusalOf(textOfKey(key), sources), spanOf(key)),
  )
  throw new RunnableFileError(reportProblems(problems), { problems })
}

function refusalOf(name: string, sources: PreparedExtensions['sources']): string {
  const started = Object.hasOwn(sources, name) ? 'with another source of it' : 'without it'
  return `Extension "${name}" is refused: the worker was started ${started}; give it to "extensions" of what starts the worker ("openPool", "startWorkers")`
}

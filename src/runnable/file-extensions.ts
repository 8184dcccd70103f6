import { dirname } from 'node:path'
import { textOf } from '../document/nodes.js'
import { spanOf } from '../document/problems.js'
import { readText } from '../document/read/read-text.js'
import { isFlambeauError, type Problem } from '../errors.js'
import type { Failure, ImportedExtension, Lock, ResolveOptions } from '../extensions/index.js'
import type { Entry } from '../node.js'
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
export interface Declared {
  readonly source: Source
  readonly extensions: Readonly<Record<string, string>>
  readonly declarations: readonly Entry[]
}

/** Extensions that were imported. */
export interface Imported {
  /** A child of the registry that was given, so that two files may have different extensions of one name. */
  readonly registry: Registry
  readonly imported: readonly ImportedExtension[]
}

/** What became of the extensions of a file. */
interface Tried extends Imported {
  readonly failures: readonly Failure[]
}

/** Imports the extensions that a file declares, as far as they can be had. */
export async function tryImport(
  declared: Declared,
  registry: Registry,
  options: ExtensionOptions & Surroundings,
): Promise<Tried> {
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
  declared: Declared,
  registry: Registry,
  options: ExtensionOptions & Surroundings,
): Promise<Tried> {
  if (declared.declarations.length === 0) return { registry, imported: [], failures: [] }
  const tried = await tryImport(declared, registry, options)
  if (tried.failures.length === 0) return tried
  const { extensionError } = await import('../extensions/index.js')
  throw extensionError(tried.failures, locateIn(declared))
}

/** Makes problems of extensions, each at the place where its extension is declared. */
export function locateIn({ source, declarations }: Declared): (failure: Failure) => Problem {
  const entries = new Map(declarations.map((entry) => [textOf(entry.key), entry]))
  return ({ name, code, message }) => {
    const { key, value } = entries.get(name)!
    return source.problem(code, message, spanOf(code === 'BAD_EXTENSION_NAME' ? key : value))
  }
}

/** How the extensions of a file are resolved: relative to it. */
export function resolveOptions(declared: Declared, options: ExtensionOptions & Surroundings): ResolveOptions {
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

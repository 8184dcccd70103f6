import { readFile } from 'node:fs/promises'
import { ResourceError, throwNotWritten } from '../errors.js'
import type { Pruned, Resolved } from '../extensions/index.js'
import { currentRegistry } from '../registry/default-registry.js'
import type { Tag } from '../registry/tag.js'
import { type ExtensionOptions, resolveOptions, type Surroundings, tryImport } from './import-extensions.js'
import { type RunnableFile, RunnableText } from './runnable-file.js'

/** One extension of a runnable file: see {@link listExtensions}. */
export interface ListedExtension {
  readonly name: string
  /** Its source, without credentials. */
  readonly source: string
  /** What the source resolved to; empty for a folder that is used where it is. */
  readonly resolved?: Resolved
  /** The folder of its code on this machine. */
  readonly folder?: string
  readonly tags: readonly Tag[]
  /** Why it cannot be used. */
  readonly problem?: string
}

/**
 * Lists the extensions of a runnable file: the source of each, what it resolves to, and its tags.
 *
 * ```ts
 * for (const { name, tags } of await listExtensions('job.yaml')) console.log(name, tags)
 * ```
 */
export async function listExtensions(
  file: string | URL,
  options: ExtensionOptions & Surroundings = {},
): Promise<ListedExtension[]> {
  const { withoutCredentials } = await import('../extensions/index.js')
  const declared = await readWellFormed(file)
  const { imported, failures } = await tryImport(declared, currentRegistry(), options)
  const byName = new Map(imported.map((extension) => [extension.name, extension]))
  const problems = new Map(failures.map(({ name, message }) => [name, message]))
  return Object.entries(declared.extensions).map(([name, source]) => {
    const found = byName.get(name)
    if (found)
      return { name, source: found.source, resolved: found.resolved, folder: found.folder, tags: found.tags }
    return { name, source: withoutCredentials(source), tags: [], problem: problems.get(name)! }
  })
}

/**
 * Writes what the extensions of a runnable file resolve to now to `job.lock.yaml` beside `job.yaml`, and returns its
 * path. From then on `job.yaml` runs with these extensions and no others, until a lock is written again.
 *
 * ```ts
 * const path = await lockExtensions('job.yaml')   // job.lock.yaml
 * ```
 *
 * @throws {@link DocumentError} when the file is not well-formed.
 * @throws {@link ExtensionError} with every extension that cannot be resolved.
 * @throws {@link ResourceError} when the file at that path is not a lock.
 */
export async function lockExtensions(
  file: string | URL,
  options: ExtensionOptions & Surroundings = {},
): Promise<string> {
  const { isLockText, lockName, lockSources, writeLock } = await import('../extensions/index.js')
  const declared = await readWellFormed(file)
  const path = lockName(declared.source.filename)
  const before = await readFile(path, 'utf8').catch(() => '')
  if (before.trim() !== '' && !isLockText(before)) throw notALock(path)
  const lock = await lockSources(declared.extensions, resolveOptions(declared, options, undefined))
  const { writeAtomically } = await import('../util/atomic-write.js')
  await writeAtomically(path, writeLock(lock), { mode: 0o666 }).catch(throwNotWritten(path))
  return path
}

function notALock(path: string): ResourceError {
  const message = `The lock would replace "${path}", which is not a lock: rename that file`
  return new ResourceError(message, { code: 'LOCK_TAKEN' })
}

/**
 * Removes installed extensions that were not used for some days (default 30), and the leftovers of interrupted installs.
 *
 * ```ts
 * const { removed, bytes } = await pruneExtensions({ days: 7 })
 * ```
 */
export async function pruneExtensions(options: { days?: number } = {}): Promise<Pruned> {
  const { prune } = await import('../extensions/index.js')
  return prune(options)
}

async function readWellFormed(file: string | URL): Promise<RunnableFile> {
  const text = await RunnableText.read(file)
  text.expectWellFormed()
  return text.split()
}

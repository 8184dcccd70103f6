import { readFile } from 'node:fs/promises'
import { documentError } from '../document/problems.js'
import { parse } from '../document/read/parse.js'
import { readText } from '../document/read/read-text.js'
import { ResourceError } from '../errors.js'
import type { Pruned, Resolved } from '../extensions/index.js'
import { currentRegistry } from '../registry/default-registry.js'
import type { Tag } from '../registry/tag.js'
import { writeAtomically } from '../util/atomic-write.js'
import {
  type DeclaredExtensions,
  type ExtensionOptions,
  resolveOptions,
  type Surroundings,
  tryImport,
} from './import-extensions.js'
import { splitRunnableFile } from './runnable-file.js'

/** One extension of a runnable file: see {@link listExtensions}. */
export interface ListedExtension {
  readonly name: string
  /** Where it comes from, without credentials. */
  readonly source: string
  /** What the source resolved to; nothing of a folder that is used where it is. */
  readonly resolved?: Resolved
  /** The folder of its code on this machine. */
  readonly folder?: string
  readonly tags: readonly Tag[]
  /** Why it cannot be had. */
  readonly problem?: string
}

/**
 * Tells of every extension of a runnable file where it comes from, what that is now, and which tags it has.
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
  const declared = await readDeclared(file)
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
 * Writes what the extensions of a runnable file resolve to now, into `job.lock.yaml` beside `job.yaml`; returns its
 * path. From then on `job.yaml` runs with these and no others, until a lock is written again.
 *
 * ```ts
 * const path = await lockExtensions('job.yaml')   // job.lock.yaml
 * ```
 *
 * @throws {@link DocumentError} when the file is not well-formed.
 * @throws {@link ExtensionError} with every extension that cannot be had.
 * @throws {@link ResourceError} when something else has the place of the lock.
 */
export async function lockExtensions(
  file: string | URL,
  options: ExtensionOptions & Surroundings = {},
): Promise<string> {
  const { isLockText, lockName, lockSources, writeLock } = await import('../extensions/index.js')
  const declared = await readDeclared(file)
  const path = lockName(declared.source.filename)
  const before = await readFile(path, 'utf8').catch(() => '')
  if (before.trim() !== '' && !isLockText(before)) throw noLockThere(path)
  const lock = await lockSources(declared.extensions, resolveOptions(declared, options))
  await writeAtomically(path, writeLock(lock), { mode: 0o666 })
  return path
}

function noLockThere(path: string): ResourceError {
  const message = `"${path}" is where the lock is written, but what is there is no lock: rename it`
  return new ResourceError(message, { code: 'LOCK_TAKEN' })
}

/**
 * Removes installed extensions that nobody has used for some days (30), and what broken installs have left.
 *
 * ```ts
 * const { removed, bytes } = await pruneExtensions({ days: 7 })
 * ```
 */
export async function pruneExtensions(options: { days?: number } = {}): Promise<Pruned> {
  const { prune } = await import('../extensions/index.js')
  return prune(options)
}

async function readDeclared(file: string | URL): Promise<DeclaredExtensions> {
  const { text, filename } = await readText(file)
  const parsed = parse(text, filename)
  if (parsed.problems.length > 0) throw documentError(parsed.problems)
  return { ...splitRunnableFile(parsed), source: parsed.source }
}

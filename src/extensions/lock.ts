import { load } from '../document/load.js'
import { dump } from '../document/write/dump.js'
import { ExtensionError } from '../errors.js'
import { Registry } from '../registry/registry.js'
import { isMapping } from '../util/plain-object.js'
import { repeatCommand } from '../util/repeat-command.js'
import type { Resolved } from './source.js'

/** What one extension resolved to when the lock was written. */
export interface LockedExtension extends Resolved {
  /** Its source, without credentials. */
  readonly source: string
}

/** The entries of a lock, by the name of the extension. */
export type Lock = ReadonlyMap<string, LockedExtension>

/** The path of the lock of a runnable file: `job.lock.yaml` for `job.yaml`. */
export function lockName(filename: string): string {
  return `${filename.replace(/\.ya?ml$/, '')}.lock.yaml`
}

const header = '# What each extension resolved to. Written by "flambeau lock": commit it, do not edit it.\n'

/** Whether a text was written as a lock, even if it is broken now: replacing it by a new lock loses nothing. */
export function isLockText(text: string): boolean {
  return text.includes('"flambeau lock"') || /^version: \d+$/m.test(text)
}

/** The command that writes the lock of a file. */
export function lockCommand(file: string | undefined): string {
  return file === undefined ? 'flambeau lock FILE' : repeatCommand(['lock', file])
}

export function writeLock(lock: Lock): string {
  return header + dump({ version: 1, extensions: Object.fromEntries(lock) })
}

/**
 * Reads a lock.
 *
 * @throws {@link ExtensionError} when the text is not a lock, or one of a later version.
 */
export function readLock(text: string, filename: string): Lock {
  const lock = load(text, { filename, registry: new Registry() }) as {
    version?: unknown
    extensions?: unknown
  } | null
  if (lock?.version !== 1 || !isMapping(lock.extensions)) throw noLock(filename)
  const entries = Object.entries(lock.extensions)
  if (!entries.every((entry): entry is [string, LockedExtension] => isLocked(entry[1])))
    throw noLock(filename)
  return new Map(entries)
}

function isLocked(value: unknown): value is LockedExtension {
  if (!isMapping(value) || typeof value['source'] !== 'string') return false
  const { commit, folder, version, integrity } = value
  if (![folder, version].every((field) => field === undefined || typeof field === 'string')) return false
  if (commit === undefined) return isHash(integrity)
  return isCommit(commit) && (integrity === undefined || isHash(integrity))
}

function isHash(value: unknown): boolean {
  return typeof value === 'string' && /^sha512-[A-Za-z0-9+/]{86}==$/.test(value)
}

function isCommit(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{40,64}$/.test(value)
}

function noLock(filename: string): ExtensionError {
  const file = filename.replace(/\.lock\.yaml$/, '.yaml')
  const message = `"${filename}" is not a lock that this version can read: write it again with "${lockCommand(file)}"`
  return new ExtensionError(message, { code: 'BAD_LOCK' })
}

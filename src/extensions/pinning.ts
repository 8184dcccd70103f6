import { realpath } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { ExtensionFailure, extensionError, settleEach } from './extension-failure.js'
import { resolveLocally, resolveSource } from './install.js'
import { isHashed, linkToElsewhere } from './integrity.js'
import type { Lock, LockedExtension } from './lock.js'
import { entryOf, readPackageJson } from './package-json.js'
import { type ExtensionRequest, type ResolveOptions, requestOf } from './request.js'
import type { ExtensionSource, Resolved } from './source.js'
import { expectLocal } from './source-check.js'
import { inWorkFolder } from './store.js'
import { hashMismatch } from './tool.js'

/**
 * What the lock has of an extension; nothing when it was declared otherwise since, and may be.
 *
 * @throws {@link Trouble} when only what is in the lock is allowed.
 */
export function lockedFor({
  name,
  shown,
  source,
  lock,
  frozen,
}: ExtensionRequest): LockedExtension | undefined {
  const locked = lock?.get(name)
  if (locked?.source === shown) return pins(locked, source) ? locked : refuse(name)
  if (!frozen) return undefined
  const found = locked ? `in the lock with another source, "${locked.source}"` : 'not in the lock'
  throw new ExtensionFailure(
    'NOT_LOCKED',
    `is ${found}, and "--frozen" allows nothing else: write the lock anew with "flambeau lock"`,
  )
}

// A lock that was edited may say a commit of a package, which would pin nothing.
function pins({ commit, integrity }: LockedExtension, { kind }: ExtensionSource): boolean {
  return (kind === 'git' ? commit : integrity) !== undefined
}

function refuse(name: string): never {
  throw new ExtensionFailure(
    'BAD_LOCK',
    `is in the lock as another kind of source: write the lock of "${name}" anew with "flambeau lock"`,
  )
}

/** @throws {@link Trouble} when the hash of a folder would not see all that is imported from it. */
async function expectPinnable(source: ExtensionSource): Promise<void> {
  if (source.kind !== 'folder') return
  const folder = await realpath(source.path)
  await expectPinnedLinks(folder)
  await expectPinnedEntry(folder)
}

async function expectPinnedLinks(folder: string): Promise<void> {
  const link = await linkToElsewhere(folder)
  if (link === undefined) return
  throw new ExtensionFailure(
    'NOT_PINNED',
    `cannot be pinned: its link "${link}" leads to what no hash of its folder sees; put a copy there, or make it a dependency`,
  )
}

async function expectPinnedEntry(folder: string): Promise<void> {
  const entry = await builtEntryOf(folder)
  if (entry === undefined || (await isHashed(folder, fileURLToPath(entry)))) return
  throw new ExtensionFailure(
    'NOT_PINNED',
    `cannot be pinned: its module "${fileURLToPath(entry)}" lies outside what is hashed of "${folder}"; name one in "main" or "exports" that lies there`,
  )
}

// A folder may be locked before it is built: an install with scripts builds it.
async function builtEntryOf(folder: string): Promise<string | undefined> {
  try {
    return await entryOf(folder, await readPackageJson(folder))
  } catch (error) {
    if (error instanceof ExtensionFailure && error.code === 'NOT_BUILT') return undefined
    throw error
  }
}

/**
 * Compares what is on this machine with the lock; what is remote is compared when it is fetched. A folder is being
 * worked in, and may change as long as nothing is said of "frozen".
 */
export async function expectUnchanged(request: ExtensionRequest, locked: LockedExtension): Promise<void> {
  const { source, shown, frozen } = request
  if (source.kind === 'folder' && !frozen) return
  await expectPinnable(source)
  const now = await resolveLocally(source)
  if (now && now.integrity !== locked.integrity)
    throw new ExtensionFailure(
      'TAMPERED',
      hashMismatch(shown, locked.integrity ?? 'none', now.integrity ?? 'none'),
    )
}

/**
 * Asks every source what it gives now, whatever is installed or locked.
 *
 * @throws {@link ExtensionError} that tells of all that cannot be had.
 */
export async function lockSources(
  declared: Readonly<Record<string, string>>,
  options: ResolveOptions,
): Promise<Lock> {
  const requests = Object.entries(declared).map(([name, text]) => ({ name, text }))
  const { found, failures } = await settleEach(requests, async ({ name, text }) =>
    lockSource(requestOf(name, text, options)),
  )
  if (failures.length > 0) throw extensionError(failures, options.locate)
  return new Map(found)
}

async function lockSource(request: ExtensionRequest): Promise<[string, LockedExtension]> {
  const { name, source, shown } = request
  await expectLocal(source)
  await expectPinnable(source)
  return [name, { source: shown, ...(await resolveNow(request)) }]
}

// What is on this machine needs no folder to be fetched into.
async function resolveNow(request: ExtensionRequest): Promise<Resolved> {
  const { source } = request
  const local = await resolveLocally(source)
  return local ?? inWorkFolder((work) => resolveSource(source, { ...request, work }))
}

import { realpath } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { changed } from './explain.js'
import { resolveLocally } from './fetch.js'
import { isHashed, linkToElsewhere } from './folder-contents.js'
import type { LockedExtension } from './lock.js'
import { entryOf, manifestOf } from './manifest.js'
import type { Request } from './request.js'
import type { ExtensionSource } from './source.js'
import { Trouble } from './trouble.js'

/**
 * What the lock has of an extension; nothing when it was declared otherwise since, and may be.
 *
 * @throws {@link Trouble} when only what is in the lock is allowed.
 */
export function lockedFor({ name, shown, source, lock, frozen }: Request): LockedExtension | undefined {
  const locked = lock?.get(name)
  if (locked?.source === shown) return pins(locked, source) ? locked : refuse(name)
  if (!frozen) return undefined
  const found = locked ? `in the lock with another source, "${locked.source}"` : 'not in the lock'
  throw new Trouble(
    'NOT_LOCKED',
    `is ${found}, and "--frozen" allows nothing else: write the lock anew with "flambeau lock"`,
  )
}

// A lock that was edited may say a commit of a package, which would pin nothing.
function pins({ commit, integrity }: LockedExtension, { kind }: ExtensionSource): boolean {
  return (kind === 'git' ? commit : integrity) !== undefined
}

function refuse(name: string): never {
  throw new Trouble(
    'BAD_LOCK',
    `is in the lock as another kind of source: write the lock of "${name}" anew with "flambeau lock"`,
  )
}

/** @throws {@link Trouble} when the hash of a folder would not see all that is imported from it. */
export async function expectPinnable(source: ExtensionSource): Promise<void> {
  if (source.kind !== 'folder') return
  const folder = await realpath(source.path)
  await expectPinnedLinks(folder)
  await expectPinnedEntry(folder)
}

async function expectPinnedLinks(folder: string): Promise<void> {
  const link = await linkToElsewhere(folder)
  if (link === undefined) return
  throw new Trouble(
    'NOT_PINNED',
    `cannot be pinned: its link "${link}" leads to what no hash of its folder sees; put a copy there, or make it a dependency`,
  )
}

async function expectPinnedEntry(folder: string): Promise<void> {
  const entry = await builtEntryOf(folder)
  if (entry === undefined || (await isHashed(folder, fileURLToPath(entry)))) return
  throw new Trouble(
    'NOT_PINNED',
    `cannot be pinned: its module "${fileURLToPath(entry)}" lies outside what is hashed of "${folder}"; name one in "main" or "exports" that lies there`,
  )
}

// A folder may be locked before it is built: an install with scripts builds it.
async function builtEntryOf(folder: string): Promise<string | undefined> {
  try {
    return await entryOf(folder, await manifestOf(folder))
  } catch (error) {
    if (error instanceof Trouble && error.code === 'NOT_BUILT') return undefined
    throw error
  }
}

/**
 * Compares what is on this machine with the lock; what is remote is compared when it is fetched. A folder is being
 * worked in, and may change as long as nothing is said of "frozen".
 */
export async function expectUnchanged(request: Request, locked: LockedExtension): Promise<void> {
  const { source, shown, frozen } = request
  if (source.kind === 'folder' && !frozen) return
  await expectPinnable(source)
  const now = await resolveLocally(source)
  if (now && now.integrity !== locked.integrity)
    throw new Trouble('TAMPERED', changed(shown, locked.integrity ?? 'none', now.integrity ?? 'none'))
}

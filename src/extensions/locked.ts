import { changed } from './explain.js'
import { resolveLocally } from './fetch.js'
import type { LockedExtension } from './lock.js'
import type { Request } from './request.js'
import { Trouble } from './trouble.js'

/**
 * What the lock has of an extension; nothing when it was declared otherwise since, and may be.
 *
 * @throws {@link Trouble} when only what is in the lock is allowed.
 */
export function lockedFor({ name, shown, lock, frozen }: Request): LockedExtension | undefined {
  const locked = lock?.get(name)
  if (locked?.source === shown) return locked
  if (!frozen) return undefined
  const found = locked ? `in the lock with another source, "${locked.source}"` : 'not in the lock'
  throw new Trouble(
    'NOT_LOCKED',
    `is ${found}, and "--frozen" allows nothing else: write the lock anew with "flambeau lock"`,
  )
}

/**
 * Compares what is on this machine with the lock; what is remote is compared when it is fetched. A folder is being
 * worked in, and may change as long as nothing is said of "frozen".
 */
export async function expectUnchanged(request: Request, locked: LockedExtension): Promise<void> {
  const { source, shown, frozen } = request
  if (source.kind === 'folder' && !frozen) return
  const now = await resolveLocally(source)
  if (now && now.integrity !== locked.integrity)
    throw new Trouble('TAMPERED', changed(shown, locked.integrity ?? 'none', now.integrity ?? 'none'))
}

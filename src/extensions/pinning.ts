import { ExtensionFailure, extensionError, settleEach } from './extension-failure.js'
import { resolveLocally, resolveSource } from './install.js'
import { type Lock, type LockedExtension, lockCommand } from './lock.js'
import { type ExtensionRequest, type ResolveOptions, requestOf } from './request.js'
import type { ExtensionSource, Resolved } from './source.js'
import { expectLocal, expectPinnable } from './source-check.js'
import { inWorkFolder } from './store.js'
import { hashMismatch } from './tool.js'

/**
 * Resolves every source as it is now, whatever is installed or locked.
 *
 * @throws {@link ExtensionError} with every source that cannot be resolved.
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
  const { name, source, displaySource } = request
  await expectLocal(source)
  await expectPinnable(source)
  const resolved = await resolveNow(request)
  return [name, { source: displaySource, ...resolved }]
}

// A source on this machine is hashed where it is: it needs no folder to be fetched into.
async function resolveNow(request: ExtensionRequest): Promise<Resolved> {
  const { source } = request
  const local = await resolveLocally(source)
  return local ?? inWorkFolder((work) => resolveSource(source, { ...request, work, locked: undefined }))
}

/**
 * The entry of an extension in the lock; `undefined` when its source was changed since, and `frozen` is not set.
 *
 * @throws {@link ExtensionFailure} when `frozen` requires an entry that the lock does not have.
 */
export function lockedFor({
  name,
  displaySource,
  source,
  lock,
  file,
  frozen,
}: ExtensionRequest): LockedExtension | undefined {
  const locked = lock?.get(name)
  if (locked?.source === displaySource) return pins(locked, source) ? locked : refuseOtherKind(file)
  if (!frozen) return undefined
  const found = locked ? `in the lock with another source, "${locked.source}"` : 'not in the lock'
  throw new ExtensionFailure(
    'NOT_LOCKED',
    `is ${found}, and "--frozen" accepts only what is locked: update the lock with "${lockCommand(file)}"`,
  )
}

// A lock that was edited may have a commit for a package, which would pin nothing.
function pins({ commit, integrity }: LockedExtension, { kind }: ExtensionSource): boolean {
  return (kind === 'git' ? commit : integrity) !== undefined
}

function refuseOtherKind(file: string | undefined): never {
  throw new ExtensionFailure(
    'BAD_LOCK',
    `has another kind of source in the lock: update the lock with "${lockCommand(file)}"`,
  )
}

/**
 * Compares a source on this machine with the lock; a remote source is compared when it is fetched. Somebody may be
 * working in a folder, so it may differ unless `frozen` is set.
 *
 * @throws {@link ExtensionFailure} with both hashes when they differ.
 */
export async function expectUnchanged(request: ExtensionRequest, locked: LockedExtension): Promise<void> {
  const { source, frozen } = request
  if (source.kind === 'folder' && !frozen) return
  await expectPinnable(source)
  const now = await resolveLocally(source)
  if (now && now.integrity !== locked.integrity)
    throw new ExtensionFailure(
      'TAMPERED',
      hashMismatch(request, locked.integrity ?? 'none', now.integrity ?? 'none'),
    )
}

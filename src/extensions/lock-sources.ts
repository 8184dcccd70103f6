import { resolveLocally, resolveSource } from './fetch.js'
import { expectLocal } from './local-path.js'
import type { Lock, LockedExtension } from './lock.js'
import { expectPinnable } from './locked.js'
import { type Request, type ResolveOptions, requestOf } from './request.js'
import type { Resolved } from './resolved.js'
import { inWorkFolder } from './store.js'
import { extensionError, gather } from './trouble.js'

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
  const { found, failures } = await gather(requests, async ({ name, text }) =>
    lockSource(requestOf(name, text, options)),
  )
  if (failures.length > 0) throw extensionError(failures, options.locate)
  return new Map(found)
}

async function lockSource(request: Request): Promise<[string, LockedExtension]> {
  const { name, source, shown } = request
  await expectLocal(source)
  await expectPinnable(source)
  return [name, { source: shown, ...(await resolveNow(request)) }]
}

// What is on this machine needs no folder to be fetched into.
async function resolveNow(request: Request): Promise<Resolved> {
  const { source } = request
  const local = await resolveLocally(source)
  return local ?? inWorkFolder((work) => resolveSource(source, { ...request, work }))
}

import { join } from 'node:path'
import { changed } from './explain.js'
import { type Fetched, type FetchOptions, fetchSource, resolveSource } from './fetch.js'
import { sizeOfFolder } from './folder-contents.js'
import { installInto } from './npm.js'
import type { Request } from './request.js'
import type { Resolved } from './resolved.js'
import { inWorkFolder, lookAt, placeFor, putInPlace } from './store.js'
import { Trouble } from './trouble.js'

const largeBytes = 100_000_000

/**
 * Fetches an extension and installs it into a folder of its own. All happens in a work folder beside it, which is
 * moved to its place at the very end.
 *
 * @throws {@link Trouble} when it cannot be fetched or installed, or is not what the lock says.
 */
export async function install(request: Request, locked: Resolved | undefined): Promise<Resolved> {
  request.onNotice?.(`Installing extension "${request.name}" from "${request.shown}"`)
  return inWorkFolder(async (work) => {
    const wanted = await wantedOf({ ...request, work, locked })
    if (wanted && (await isIntact(wanted, request))) return wanted
    const fetched = await fetchSource(request.source, { ...request, work, locked: wanted })
    expectLocked(request, fetched, locked)
    await installFetched(join(work, 'installed'), request, fetched)
    return fetched.resolved
  })
}

// Two branches may be one commit, which a repository tells without being fetched.
async function wantedOf(request: Request & FetchOptions): Promise<Resolved | undefined> {
  return (
    request.locked ?? (request.source.kind === 'git' ? resolveSource(request.source, request) : undefined)
  )
}

async function isIntact(resolved: Resolved, { scripts, frozen = false }: Request): Promise<boolean> {
  return (await lookAt(placeFor(resolved, scripts), frozen)).state === 'intact'
}

function expectLocked({ shown }: Request, { resolved }: Fetched, locked: Resolved | undefined): void {
  if (!locked?.integrity || locked.integrity === resolved.integrity) return
  throw new Trouble('TAMPERED', changed(shown, locked.integrity, resolved.integrity ?? 'none'))
}

async function installFetched(
  folder: string,
  request: Request,
  { tarball, resolved }: Fetched,
): Promise<void> {
  const { from: project, shown, scripts, signal } = request
  await installInto(folder, tarball, { tried: shown, project, scripts, signal })
  const bytes = await sizeOfFolder(folder)
  if (bytes > largeBytes) request.onNotice?.(tooLarge(request.name, bytes))
  await putInPlace(folder, placeFor(resolved, scripts), { source: shown, resolved, bytes })
}

function tooLarge(name: string, bytes: number): string {
  const size = Math.round(bytes / 1_000_000)
  return `Extension "${name}" takes ${size} MB with all that it depends on: "flambeau extensions prune" removes what is not used any more`
}

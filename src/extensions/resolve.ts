import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NearNames } from '../registry/suggest.js'
import { resolveLocally } from './fetch.js'
import { stepsWithin } from './folder-contents.js'
import { install } from './install.js'
import { expectLocal } from './local-path.js'
import { expectUnchanged, lockedFor } from './locked.js'
import { entryOf, manifestOf, missingDependencies } from './manifest.js'
import { expectMayInstall } from './may-install.js'
import { packageFolder } from './npm.js'
import { type Request, type ResolveOptions, requestOf } from './request.js'
import type { Resolved, ResolvedExtension } from './resolved.js'
import type { FolderSource } from './source.js'
import { lookAt, placeFor, remember, remembered } from './store.js'
import { type Gathered, gather, Trouble } from './trouble.js'

/**
 * Finds the code of extensions on this machine, and installs what is missing when it may; goes on without those that
 * cannot be had.
 *
 * ```ts
 * const { found, failures } = await resolveEach({ vision: './vision' }, { from: '/jobs' })
 * found[0]?.folder   // '/jobs/vision'
 * ```
 *
 * A folder whose dependencies are there is used where it is: nothing is installed, and no network is needed.
 */
export async function resolveEach(
  declared: Readonly<Record<string, string>>,
  options: ResolveOptions,
): Promise<Gathered<ResolvedExtension>> {
  const requests = Object.entries(declared).map(([name, text]) => ({ name, text }))
  const near = new NearNames()
  return gather(requests, async ({ name, text }) => resolveOne(requestOf(name, text, options), near))
}

async function resolveOne(request: Request, near: NearNames): Promise<ResolvedExtension> {
  const { source } = request
  await expectLocal(source, near)
  const locked = lockedFor(request)
  if (locked) await expectUnchanged(request, locked)
  const inPlace = source.kind === 'folder' ? await foundInPlace(request, source) : undefined
  return inPlace ?? installed(request, locked)
}

async function foundInPlace(
  request: Request,
  { path }: FolderSource,
): Promise<ResolvedExtension | undefined> {
  const folder = await realpath(path)
  const manifest = await manifestOf(folder)
  if (missingDependencies(folder, manifest).length > 0) return undefined
  return {
    name: request.name,
    source: request.shown,
    folder,
    entry: await entryOf(folder, manifest),
    resolved: {},
    installed: false,
  }
}

async function installed(request: Request, locked: Resolved | undefined): Promise<ResolvedExtension> {
  const { source, scripts, shown, frozen } = request
  const local = await resolveLocally(source)
  const known = local ?? locked ?? (await remembered(shown))
  const there = known && (await lookAt(placeFor(known, scripts), frozen))
  if (known && there?.state === 'intact') return at(request, known)
  if (there?.alteration !== undefined && !request.install) throw altered(there.alteration)
  await expectMayInstall(request)
  const resolved = await install(request, local ? undefined : locked)
  if (!local) await remember(shown, resolved)
  return at(request, resolved)
}

async function at({ name, shown, scripts }: Request, resolved: Resolved): Promise<ResolvedExtension> {
  const folder = await realpath(join(placeFor(resolved, scripts), packageFolder))
  const entry = await entryOf(folder, await manifestOf(folder))
  if (!(await stepsWithin(folder, fileURLToPath(entry)))) throw outside(entry)
  return { name, source: shown, folder, entry, resolved, installed: true }
}

function altered(alteration: string): Trouble {
  return new Trouble(
    'ALTERED',
    `is not as it was installed: ${alteration}; add "--install-extensions" ("installExtensions: true" in code) to install it anew`,
  )
}

function outside(entry: string): Trouble {
  return new Trouble(
    'NOT_PINNED',
    `is refused: its module "${fileURLToPath(entry)}" lies outside the package; "main" must name one that lies in it`,
  )
}

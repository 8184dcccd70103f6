import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Suggester } from '../registry/suggest.js'
import { ExtensionFailure, type SettledExtensions, settleEach } from './extension-failure.js'
import { expectMayInstall, install, resolveLocally } from './install.js'
import { stepsWithin } from './integrity.js'
import { packageFolder } from './npm.js'
import { entryOf, missingDependencies, readPackageJson } from './package-json.js'
import { expectUnchanged, lockedFor } from './pinning.js'
import { type ExtensionRequest, type ResolveOptions, requestOf } from './request.js'
import type { FolderSource, Resolved, ResolvedExtension } from './source.js'
import { expectLocal } from './source-check.js'
import { inspectInstalled, installFolder, readResolution, writeResolution } from './store.js'

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
): Promise<SettledExtensions<ResolvedExtension>> {
  const requests = Object.entries(declared).map(([name, text]) => ({ name, text }))
  const near = new Suggester()
  return settleEach(requests, async ({ name, text }) => resolveOne(requestOf(name, text, options), near))
}

async function resolveOne(request: ExtensionRequest, near: Suggester): Promise<ResolvedExtension> {
  const { source } = request
  await expectLocal(source, near)
  const locked = lockedFor(request)
  if (locked) await expectUnchanged(request, locked)
  const inPlace = source.kind === 'folder' ? await foundInPlace(request, source) : undefined
  return inPlace ?? installed(request, locked)
}

async function foundInPlace(
  request: ExtensionRequest,
  { path }: FolderSource,
): Promise<ResolvedExtension | undefined> {
  const folder = await realpath(path)
  const manifest = await readPackageJson(folder)
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

async function installed(
  request: ExtensionRequest,
  locked: Resolved | undefined,
): Promise<ResolvedExtension> {
  const { source, scripts, shown, frozen } = request
  const local = await resolveLocally(source)
  const known = local ?? locked ?? (await readResolution(shown))
  const there = known && (await inspectInstalled(installFolder(known, scripts), frozen))
  if (known && there?.state === 'intact') return at(request, known)
  if (there?.alteration !== undefined && !request.install) throw altered(there.alteration)
  await expectMayInstall(request)
  const resolved = await install(request, local ? undefined : locked)
  if (!local) await writeResolution(shown, resolved)
  return at(request, resolved)
}

async function at(
  { name, shown, scripts }: ExtensionRequest,
  resolved: Resolved,
): Promise<ResolvedExtension> {
  const folder = await realpath(join(installFolder(resolved, scripts), packageFolder))
  const entry = await entryOf(folder, await readPackageJson(folder))
  if (!(await stepsWithin(folder, fileURLToPath(entry)))) throw outside(entry)
  return { name, source: shown, folder, entry, resolved, installed: true }
}

function altered(alteration: string): ExtensionFailure {
  return new ExtensionFailure(
    'ALTERED',
    `is not as it was installed: ${alteration}; add "--install-extensions" ("installExtensions: true" in code) to install it anew`,
  )
}

function outside(entry: string): ExtensionFailure {
  return new ExtensionFailure(
    'NOT_PINNED',
    `is refused: its module "${fileURLToPath(entry)}" lies outside the package; "main" must name one that lies in it`,
  )
}

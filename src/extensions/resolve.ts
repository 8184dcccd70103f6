import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Suggester } from '../registry/suggest.js'
import { ExtensionFailure, type SettledExtensions, settleEach } from './extension-failure.js'
import { expectMayInstall, install, repeatInstalling, resolveLocally } from './install.js'
import { stepsWithin } from './integrity.js'
import { packageFolder } from './npm.js'
import { entryOf, missingDependencies, readPackageJson } from './package-json.js'
import { expectUnchanged, lockedFor } from './pinning.js'
import { type ExtensionRequest, type ResolveOptions, requestOf } from './request.js'
import type { FolderSource, Resolved, ResolvedExtension } from './source.js'
import { expectLocal } from './source-check.js'
import { inspectInstalled, installFolder, readResolution, writeResolution } from './store.js'

/**
 * Finds the code of extensions on this machine, and installs what is missing if the options allow it.
 *
 * ```ts
 * const { found, failures } = await resolveEach({ vision: './vision' }, { ...installedOnly, from: '/jobs' })
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
  const suggester = new Suggester()
  return settleEach(requests, async ({ name, text }) => resolveOne(requestOf(name, text, options), suggester))
}

async function resolveOne(request: ExtensionRequest, suggester: Suggester): Promise<ResolvedExtension> {
  const { source } = request
  await expectLocal(source, suggester)
  const locked = lockedFor(request)
  if (locked) await expectUnchanged(request, locked)
  const inPlace = source.kind === 'folder' ? await foundInPlace(request, source) : undefined
  return inPlace ?? installed(request, locked)
}

async function foundInPlace(
  { name, displaySource }: ExtensionRequest,
  { path }: FolderSource,
): Promise<ResolvedExtension | undefined> {
  const folder = await realpath(path)
  const packageJson = await readPackageJson(folder)
  if (missingDependencies(folder, packageJson).length > 0) return undefined
  const entry = await entryOf(folder, packageJson)
  return { name, source: displaySource, folder, entry, resolved: {}, installed: false }
}

async function installed(
  request: ExtensionRequest,
  locked: Resolved | undefined,
): Promise<ResolvedExtension> {
  const { source, scripts, displaySource, frozen } = request
  const local = await resolveLocally(source)
  const known = local ?? locked ?? (await readResolution(displaySource))
  if (known) {
    const found = await inspectInstalled(installFolder(known, scripts), frozen)
    if (found.state === 'intact') return inStore(request, known)
    if (found.state === 'altered' && !request.install) throw altered(found.alteration)
  }
  await expectMayInstall(request)
  const resolved = await install(request, local ? undefined : locked)
  if (!local) await writeResolution(displaySource, resolved)
  return inStore(request, resolved)
}

async function inStore(
  { name, displaySource, scripts }: ExtensionRequest,
  resolved: Resolved,
): Promise<ResolvedExtension> {
  const folder = await realpath(join(installFolder(resolved, scripts), packageFolder))
  const entry = await entryOf(folder, await readPackageJson(folder))
  if (!(await stepsWithin(folder, fileURLToPath(entry)))) throw outside(entry)
  return { name, source: displaySource, folder, entry, resolved, installed: true }
}

function altered(alteration: string): ExtensionFailure {
  return new ExtensionFailure(
    'ALTERED',
    `was changed after it was installed: ${alteration}; add "--install-extensions" ("installExtensions: true" in code) to install it again${repeatInstalling()}`,
  )
}

function outside(entry: string): ExtensionFailure {
  return new ExtensionFailure(
    'NOT_PINNED',
    `is refused: its module "${fileURLToPath(entry)}" is outside the package; set "main" to a module in the package`,
  )
}

import { cp, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ExtensionFailure } from './extension-failure.js'
import { type CheckOutOptions, checkOut, type GitLocation, locateCommit } from './git.js'
import { hashOfFolder, isContent, sizeOfFolder } from './integrity.js'
import { installForBuild, installInto, integrityOf, pack, type Tarball } from './npm.js'
import { missingDependencies, readPackageJson } from './package-json.js'
import type { ExtensionRequest } from './request.js'
import { type ExtensionSource, type FolderSource, type GitSource, isLocal, type Resolved } from './source.js'
import { inspectInstalled, installFolder, inWorkFolder, moveIntoStore } from './store.js'
import { explainingToolErrors, hashMismatch } from './tool.js'

const largeBytes = 100_000_000

/**
 * Fetches an extension and installs it into a folder of its own. All happens in a work folder beside it, which is
 * moved to its place at the very end.
 *
 * @throws {@link Trouble} when it cannot be fetched or installed, or is not what the lock says.
 */
export async function install(request: ExtensionRequest, locked: Resolved | undefined): Promise<Resolved> {
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
async function wantedOf(request: ExtensionRequest & FetchOptions): Promise<Resolved | undefined> {
  return (
    request.locked ?? (request.source.kind === 'git' ? resolveSource(request.source, request) : undefined)
  )
}

async function isIntact(resolved: Resolved, { scripts, frozen = false }: ExtensionRequest): Promise<boolean> {
  return (await inspectInstalled(installFolder(resolved, scripts), frozen)).state === 'intact'
}

function expectLocked(
  { shown }: ExtensionRequest,
  { resolved }: Fetched,
  locked: Resolved | undefined,
): void {
  if (!locked?.integrity || locked.integrity === resolved.integrity) return
  throw new ExtensionFailure('TAMPERED', hashMismatch(shown, locked.integrity, resolved.integrity ?? 'none'))
}

async function installFetched(
  folder: string,
  request: ExtensionRequest,
  { tarball, resolved }: Fetched,
): Promise<void> {
  const { from: project, shown, scripts, signal } = request
  await installInto(folder, tarball, { tried: shown, project, scripts, signal })
  const bytes = await sizeOfFolder(folder)
  if (bytes > largeBytes) request.onNotice?.(tooLarge(request.name, bytes))
  await moveIntoStore(folder, installFolder(resolved, scripts), { source: shown, resolved, bytes })
}

function tooLarge(name: string, bytes: number): string {
  const size = Math.round(bytes / 1_000_000)
  return `Extension "${name}" takes ${size} MB with all that it depends on: "flambeau extensions prune" removes what is not used any more`
}

/** An extension as a package in one file, and what its source resolved to. */
interface Fetched {
  readonly tarball: Tarball
  readonly resolved: Resolved
}

/** How an extension is fetched. */
interface FetchOptions {
  /** A folder to work in. */
  readonly work: string
  /** The folder of the file that declares it. */
  readonly from: string
  /** Where it comes from, without credentials. */
  readonly shown: string
  /** Whether scripts of the package may build it. */
  readonly scripts: boolean
  /** What it must resolve to. */
  readonly locked?: Resolved | undefined
  readonly signal?: AbortSignal | undefined
}

/** Makes one package of an extension, wherever it comes from. */
async function fetchSource(source: ExtensionSource, options: FetchOptions): Promise<Fetched> {
  if (source.kind === 'git') return fetchGit(source, options)
  if (source.kind === 'folder') return fetchFolder(source, options)
  const { work, from: cwd, shown, signal, locked } = options
  const spec = source.kind === 'npm' && locked ? `${source.package}@${locked.version}` : source.spec
  const tarball = await explainingToolErrors(shown, () =>
    pack(spec, { into: join(work, 'package'), cwd, signal }),
  )
  return { tarball, resolved: { version: tarball.version, integrity: tarball.integrity } }
}

/** What a source resolves to now; nothing is installed. */
export async function resolveSource(source: ExtensionSource, options: FetchOptions): Promise<Resolved> {
  if (source.kind === 'git') return resolvedCommit(await locateCommit(source, repositoryIn(options)))
  if (source.kind === 'folder') return { integrity: await hashOfFolder(source.path) }
  const { resolved } = await fetchSource(source, options)
  return resolved
}

/** What a source on this machine resolves to; `undefined` for a remote one. */
export async function resolveLocally(source: ExtensionSource): Promise<Resolved | undefined> {
  if (source.kind === 'folder') return { integrity: await hashOfFolder(source.path) }
  if (source.kind !== 'tarball' || source.remote) return undefined
  return { integrity: integrityOf(await readFile(source.spec)) }
}

async function fetchGit(source: GitSource, options: FetchOptions): Promise<Fetched> {
  const { locked } = options
  const place = locked?.commit
    ? { commit: locked.commit, folder: locked.folder ?? '' }
    : await locateCommit(source, repositoryIn(options))
  const { folder } = await checkOut(source.url, place, repositoryIn(options))
  return { tarball: await packFolder(folder, options), resolved: resolvedCommit(place) }
}

function repositoryIn({ work, signal }: FetchOptions): CheckOutOptions {
  return { into: join(work, 'repository'), signal }
}

function resolvedCommit({ commit, folder }: GitLocation): Resolved {
  return folder === '' ? { commit } : { commit, folder }
}

// A copy: what npm does there must not show in the user's own folder, nor what is changed there meanwhile here.
async function fetchFolder({ path }: FolderSource, options: FetchOptions): Promise<Fetched> {
  const folder = join(options.work, 'folder')
  await cp(path, folder, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (from) => from === path || isContent(basename(from)),
  })
  const resolved = { integrity: await hashOfFolder(folder) }
  return { tarball: await packFolder(folder, options), resolved }
}

async function packFolder(folder: string, options: FetchOptions): Promise<Tarball> {
  const { work, scripts, signal, shown } = options
  return explainingToolErrors(shown, async () => {
    if (scripts) await installForBuild(folder, { signal })
    return pack(folder, { into: join(work, 'package'), scripts, cwd: work, signal })
  })
}

/** @throws {@link Trouble} that says what to type when an extension would have to be installed, and may not. */
export async function expectMayInstall({
  source,
  shown,
  install,
  download,
}: ExtensionRequest): Promise<void> {
  if (!install)
    throw new ExtensionFailure(
      'NOT_INSTALLED',
      `is not installed: ${await whyInstall(source)}add "--install-extensions" ("installExtensions: true" in code) to install "${shown}"`,
    )
  if (download === false && !isLocal(source))
    throw new ExtensionFailure(
      'NOT_INSTALLED',
      `is not installed, and may not be fetched from "${shown}": leave out "--no-download-extensions" ("downloadExtensions: false" in code)`,
    )
}

async function whyInstall(source: ExtensionSource): Promise<string> {
  if (source.kind !== 'folder') return ''
  const missing = missingDependencies(source.path, await readPackageJson(source.path))
  const names = missing.map((name) => `"${name}"`).join(', ')
  return `its folder "${source.path}" has no ${names}; run "npm install" there, or `
}

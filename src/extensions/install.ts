import { cp, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { repeatCall, repeatCommand } from '../util/repeat-command.js'
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
 * Fetches an extension and installs it into a folder of its own. This happens in a work folder, which is moved into
 * the store at the very end.
 *
 * @throws {@link ExtensionFailure} when it cannot be fetched or installed, or differs from the lock.
 */
export async function install(request: ExtensionRequest, locked: Resolved | undefined): Promise<Resolved> {
  request.onNotice(`Installing extension "${request.name}" from "${request.displaySource}"`)
  return inWorkFolder(async (work) => {
    const wanted = locked ?? (await resolveRepository({ ...request, work, locked }))
    if (wanted && (await isIntact(wanted, request))) return wanted
    const fetched = await fetchSource(request.source, { ...request, work, locked: wanted })
    expectLocked(request, fetched, locked)
    await installFetched(join(work, 'installed'), request, fetched)
    return fetched.resolved
  })
}

// A repository says which commit a branch is without being fetched, and that commit may be installed.
async function resolveRepository(request: ExtensionRequest & FetchOptions): Promise<Resolved | undefined> {
  return request.source.kind === 'git' ? resolveSource(request.source, request) : undefined
}

async function isIntact(resolved: Resolved, { scripts, frozen }: ExtensionRequest): Promise<boolean> {
  return (await inspectInstalled(installFolder(resolved, scripts), frozen)).state === 'intact'
}

function expectLocked(
  request: ExtensionRequest,
  { resolved }: FetchedPackage,
  locked: Resolved | undefined,
): void {
  if (!locked?.integrity || locked.integrity === resolved.integrity) return
  throw new ExtensionFailure(
    'TAMPERED',
    hashMismatch(request, locked.integrity, resolved.integrity ?? 'none'),
  )
}

async function installFetched(
  folder: string,
  request: ExtensionRequest,
  { tarball, resolved }: FetchedPackage,
): Promise<void> {
  const { from: project, displaySource, file, scripts, signal } = request
  await installInto(folder, tarball, { displaySource, file, project, scripts, signal })
  const bytes = await sizeOfFolder(folder)
  if (bytes > largeBytes) request.onNotice(tooLarge(request.name, bytes))
  await moveIntoStore(folder, installFolder(resolved, scripts), { source: displaySource, resolved, bytes })
}

function tooLarge(name: string, bytes: number): string {
  const size = Math.round(bytes / 1_000_000)
  const command = repeatCommand(['extensions', 'prune'])
  return `Extension "${name}" takes ${size} MB with its dependencies: "${command}" removes unused extensions`
}

/** An extension as a package in one file, and what its source resolved to. */
interface FetchedPackage {
  readonly tarball: Tarball
  readonly resolved: Resolved
}

/** How an extension is fetched. */
interface FetchOptions {
  /** A folder to work in. */
  readonly work: string
  /** The folder of the file that declares it. */
  readonly from: string
  readonly displaySource: string
  readonly file: string | undefined
  /** Whether scripts of the package may build it. */
  readonly scripts: boolean
  /** What it must resolve to. */
  readonly locked: Resolved | undefined
  readonly signal: AbortSignal | undefined
}

async function fetchSource(source: ExtensionSource, options: FetchOptions): Promise<FetchedPackage> {
  if (source.kind === 'git') return fetchGit(source, options)
  if (source.kind === 'folder') return fetchFolder(source, options)
  const { work, from: cwd, signal, locked } = options
  const spec = source.kind === 'npm' && locked ? `${source.package}@${locked.version}` : source.spec
  const tarball = await explainingToolErrors(options, () =>
    pack(spec, { into: join(work, 'package'), scripts: false, cwd, signal }),
  )
  return { tarball, resolved: { version: tarball.version, integrity: tarball.integrity } }
}

/** Resolves a source as it is now; nothing is installed. */
export async function resolveSource(source: ExtensionSource, options: FetchOptions): Promise<Resolved> {
  if (source.kind === 'git') return resolvedCommit(await locateCommit(source, checkOutOptions(options)))
  if (source.kind === 'folder') return { integrity: await hashOfFolder(source.path) }
  const { resolved } = await fetchSource(source, options)
  return resolved
}

/** Resolves a source on this machine; `undefined` for a remote one. */
export async function resolveLocally(source: ExtensionSource): Promise<Resolved | undefined> {
  if (source.kind === 'folder') return { integrity: await hashOfFolder(source.path) }
  if (source.kind !== 'tarball' || source.remote) return undefined
  return { integrity: integrityOf(await readFile(source.spec)) }
}

async function fetchGit(source: GitSource, options: FetchOptions): Promise<FetchedPackage> {
  const { locked } = options
  const location = locked?.commit
    ? { commit: locked.commit, folder: locked.folder ?? '' }
    : await locateCommit(source, checkOutOptions(options))
  const { folder } = await checkOut(source.url, location, checkOutOptions(options))
  return { tarball: await packFolder(folder, options), resolved: resolvedCommit(location) }
}

function checkOutOptions({ work, signal }: FetchOptions): CheckOutOptions {
  return { into: join(work, 'repository'), signal }
}

function resolvedCommit({ commit, folder }: GitLocation): Resolved {
  return folder === '' ? { commit } : { commit, folder }
}

// A copy: npm must change nothing in the user's folder, and changes that the user makes meanwhile must not be packed.
async function fetchFolder({ path }: FolderSource, options: FetchOptions): Promise<FetchedPackage> {
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
  const { work, scripts, signal } = options
  return explainingToolErrors(options, async () => {
    if (scripts) await installForBuild(folder, signal)
    return pack(folder, { into: join(work, 'package'), scripts, cwd: work, signal })
  })
}

/**
 * Checks that an extension which is not installed may be.
 *
 * @throws {@link ExtensionFailure} that says what to type when it may not.
 */
export async function expectMayInstall(request: ExtensionRequest): Promise<void> {
  const { source, displaySource } = request
  if (!request.install)
    throw new ExtensionFailure(
      'NOT_INSTALLED',
      `is not installed: ${await missingOf(source)}add "--install-extensions" ("installExtensions: true" in code) to install "${displaySource}"${repeatInstalling()}`,
    )
  if (!request.download && !isLocal(source))
    throw new ExtensionFailure(
      'NOT_INSTALLED',
      `is not installed, and downloads are turned off: remove "--no-download-extensions" ("downloadExtensions: false" in code) to fetch "${displaySource}"`,
    )
}

/** The end of a message that says to install: the command, if there is one. */
export function repeatInstalling(): string {
  const command = repeatCall(['--install-extensions'])
  return command === undefined ? '' : `: type "${command}"`
}

async function missingOf(source: ExtensionSource): Promise<string> {
  if (source.kind !== 'folder') return ''
  const missing = missingDependencies(source.path, await readPackageJson(source.path))
  const names = missing.map((name) => `"${name}"`).join(', ')
  return `its folder "${source.path}" has no ${names}; run "npm install" there, or `
}

import { cp, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type CheckOutOptions, checkOut, type Place } from './check-out.js'
import { explained } from './explain.js'
import { hashOfFolder, isContent } from './folder-contents.js'
import { findPlace } from './git.js'
import { installForBuild, integrityOf, pack, type Tarball } from './npm.js'
import type { Resolved } from './resolved.js'
import type { ExtensionSource, FolderSource, GitSource } from './source.js'

/** An extension as a package in one file, and what its source resolved to. */
export interface Fetched {
  readonly tarball: Tarball
  readonly resolved: Resolved
}

/** How an extension is fetched. */
export interface FetchOptions {
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
export async function fetchSource(source: ExtensionSource, options: FetchOptions): Promise<Fetched> {
  if (source.kind === 'git') return fetchGit(source, options)
  if (source.kind === 'folder') return fetchFolder(source, options)
  const { work, from: cwd, shown, signal, locked } = options
  const spec = source.kind === 'npm' && locked ? `${source.package}@${locked.version}` : source.spec
  const tarball = await explained(shown, () => pack(spec, { into: join(work, 'package'), cwd, signal }))
  return { tarball, resolved: { version: tarball.version, integrity: tarball.integrity } }
}

/** What a source resolves to now; nothing is installed. */
export async function resolveSource(source: ExtensionSource, options: FetchOptions): Promise<Resolved> {
  if (source.kind === 'git') return resolvedPlace(await findPlace(source, repositoryIn(options)))
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
    : await findPlace(source, repositoryIn(options))
  const { folder } = await checkOut(source.url, place, repositoryIn(options))
  return { tarball: await packFolder(folder, options), resolved: resolvedPlace(place) }
}

function repositoryIn({ work, signal }: FetchOptions): CheckOutOptions {
  return { into: join(work, 'repository'), signal }
}

function resolvedPlace({ commit, folder }: Place): Resolved {
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
  return explained(shown, async () => {
    if (scripts) await installForBuild(folder, { signal })
    return pack(folder, { into: join(work, 'package'), scripts, cwd: work, signal })
  })
}

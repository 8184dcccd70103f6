import { existsSync, statSync } from 'node:fs'
import { readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { temporaryBeside } from '../../util/atomic-write.js'
import { mapLimited } from '../../util/concurrency.js'
import { clusterFolder, packagesFolder, rootFolder, writeWhole } from '../protocol/layout.js'
import type { Request } from '../protocol/messages.js'
import { hashFile, type TreeFile, type TreeManifest } from '../protocol/tree.js'
import { withFileLock } from './file-lock.js'
import { bootId } from './process-identity.js'

interface StoredManifest {
  readonly manifest: TreeManifest
  /** The boot in which the tree was received or verified: what was written before a power cut may be lost. */
  readonly boot: string
}

/** Inside the folder, so that both come into place with one rename. */
export const manifestName = '.flambeau-tree.json'

/**
 * Whether a tree is there, whole: received since the host was started and not written to, or verified since. Notes that
 * it was asked for.
 */
export async function isComplete(folder: string): Promise<boolean> {
  const receipt = await readManifest(folder)
  if (!receipt) return false
  const { manifest } = receipt
  if (receipt.boot === (await bootId()) && (await isUntouched(folder, manifest))) return touch(folder)
  const intact = (await findCopies(manifest, [folder])).size === manifest.files.length
  if (intact) await writeManifest(folder, manifest)
  return intact
}

/** When a tree was asked for last, in milliseconds; 0 where there is none. */
async function lastUsedAt(folder: string): Promise<number> {
  const found = await stat(join(folder, manifestName)).catch(() => undefined)
  return found?.mtimeMs ?? 0
}

// A run may write into the folder of its own code, and so into each folder that shares the file.
async function isUntouched(folder: string, { files }: TreeManifest): Promise<boolean> {
  const noted = await lastUsedAt(folder)
  return files.every(({ path, size }) => {
    const found = statSync(join(folder, path), { throwIfNoEntry: false })
    return found?.size === size && found.mtimeMs <= noted
  })
}

async function touch(folder: string): Promise<true> {
  const now = new Date()
  await utimes(join(folder, manifestName), now, now).catch(() => undefined)
  return true
}

async function readManifest(folder: string): Promise<StoredManifest | undefined> {
  const text = await readFile(join(folder, manifestName), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
}

/** Notes in a folder what it holds, as seen in this boot. */
export async function writeManifest(folder: string, manifest: TreeManifest): Promise<void> {
  const receipt: StoredManifest = { manifest, boot: await bootId() }
  await writeWhole(join(folder, manifestName), JSON.stringify(receipt))
}

/** The files of a tree that are in one of the folders, under the same path and with the same content. */
export async function findCopies(
  manifest: TreeManifest,
  places: readonly string[],
): Promise<Map<TreeFile, string>> {
  const copies = new Map<TreeFile, string>()
  const folders = places.filter((folder) => existsSync(folder))
  if (folders.length === 0) return copies
  await mapLimited(manifest.files, 16, async (file) => {
    for (const folder of folders) {
      const path = join(folder, file.path)
      if (await hasSameContent(path, file)) return copies.set(file, path)
    }
    return copies
  })
  return copies
}

// Of a size that fits, the content decides: times say nothing between two machines.
async function hasSameContent(path: string, { size, hash }: TreeFile): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true && found.size === size && (await hashFile(path, size)).hash === hash
}

/** The trees of so many runs of a cluster are kept: who goes back and forth between two versions sends nothing. */
const runsKept = 3
/** A tree that was sent for a run which has not started in this time is no longer expected to be used. */
const expectedMs = 3_600_000
/** A tree that no cluster uses goes when nobody has asked for it in this time. */
const unusedMs = 7 * 86_400_000

/** `trees.json` of a cluster: what it uses, as paths below `packages`. */
interface TreeUsage {
  /** The trees of its latest runs, the last one first; a cluster does one run at a time. */
  readonly runs: readonly (readonly string[])[]
  /** What was sent for a run that is yet to start, and when. */
  readonly expected: Readonly<Record<string, number>>
}

/** Notes that a cluster is about to use a tree. */
export async function expectTree(cluster: string, folder: string): Promise<void> {
  const path = relative(packagesFolder, folder)
  await updateUsage(cluster, ({ runs, expected }) => ({
    runs,
    expected: { ...expected, [path]: Date.now() },
  }))
}

/** Notes what the run uses that a cluster has just started, and removes what no cluster uses any more. */
export async function retain({ cluster, trees }: Request<'retain'>): Promise<void> {
  const before = await treesUsedBy(cluster)
  await updateUsage(cluster, ({ runs, expected }) => ({
    runs: [trees, ...runs.filter((each) => each.join() !== trees.join())].slice(0, runsKept),
    expected: Object.fromEntries(
      Object.entries(expected).filter(([path, at]) => !trees.includes(path) && Date.now() - at < expectedMs),
    ),
  }))
  await removeUnusedTrees(before)
  await removeExpiredTrees()
}

/** What a cluster uses. */
export async function treesUsedBy(cluster: string): Promise<string[]> {
  const { runs, expected } = await readUsage(cluster)
  return [...runs.flat(), ...Object.keys(expected)]
}

/** Removes those of some trees that no cluster uses; a package itself may be what another one was just told to use. */
export async function removeUnusedTrees(paths: readonly string[]): Promise<void> {
  const used = await treesUsedByAny()
  const trees = new Set(paths.filter((path) => path.includes('/')))
  for (const path of trees) if (!used.has(path)) await removeTree(path)
}

// What was sent and never run, or belongs to a version of this package that nobody has any more.
async function removeExpiredTrees(): Promise<void> {
  const used = await treesUsedByAny()
  for (const path of await allTrees()) {
    const isUsed = used.has(path) || [...used].some((each) => each.startsWith(`${path}/`))
    if (!isUsed && Date.now() - (await lastTouchedAt(path)) > unusedMs) await removeTree(path)
  }
}

async function allTrees(): Promise<string[]> {
  const trees: string[] = []
  for (const hash of await listNames(packagesFolder)) {
    trees.push(hash)
    for (const kind of ['programs', 'extensions'])
      for (const name of await listNames(join(packagesFolder, hash, kind)))
        trees.push(`${hash}/${kind}/${name}`)
  }
  return trees
}

// Of what arrived in part there is no receipt.
async function lastTouchedAt(path: string): Promise<number> {
  const folder = join(packagesFolder, path)
  const found = await stat(folder).catch(() => undefined)
  return (await lastUsedAt(folder)) || (found?.mtimeMs ?? Date.now())
}

async function treesUsedByAny(): Promise<Set<string>> {
  const all = await Promise.all((await listNames(join(rootFolder, 'clusters'))).map(treesUsedBy))
  return new Set(all.flat())
}

// First out of its place: what is there is whole at any time.
async function removeTree(path: string): Promise<void> {
  const folder = join(packagesFolder, path)
  if (!existsSync(folder)) return
  const old = temporaryBeside(folder)
  await rename(folder, old)
  await rm(old, { recursive: true, force: true })
}

async function updateUsage(cluster: string, next: (used: TreeUsage) => TreeUsage): Promise<void> {
  const path = usagePath(cluster)
  await withFileLock(path, async () => writeWhole(path, JSON.stringify(next(await readUsage(cluster)))))
}

async function readUsage(cluster: string): Promise<TreeUsage> {
  const text = await readFile(usagePath(cluster), 'utf8').catch(() => undefined)
  return text === undefined ? { runs: [], expected: {} } : JSON.parse(text)
}

function usagePath(cluster: string): string {
  return join(clusterFolder(cluster), 'trees.json')
}

async function listNames(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}

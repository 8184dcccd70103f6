import { existsSync, statSync } from 'node:fs'
import { readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { temporaryBeside } from '../../util/atomic-write.js'
import { mapLimited } from '../../util/concurrency.js'
import { bootId } from '../../util/process-identity.js'
import { treeManifest } from '../protocol/layout.js'
import type { Request } from '../protocol/messages.js'
import { hashFile, type TreeFile, type TreeManifest } from '../protocol/tree.js'
import { withFileLock } from './file-lock.js'
import { layout, writeDurably } from './home.js'

interface StoredManifest {
  readonly manifest: TreeManifest
  /** The boot during which the tree was received or verified: a power failure may lose earlier writes. */
  readonly boot: string
}

/**
 * Whether a tree is complete: received during this boot and not modified since, or verified again. Records the use of
 * the tree.
 */
export async function isComplete(folder: string): Promise<boolean> {
  const stored = await readManifest(folder)
  if (!stored) return false
  const { manifest } = stored
  if (stored.boot === (await bootId()) && (await isUntouched(folder, manifest))) return touch(folder)
  const intact = await isIntact(folder, manifest)
  if (intact) await writeManifest(folder, manifest)
  return intact
}

/**
 * The same on a node of Slurm, for a tree that the host of its run has verified. Nodes share the file system with that host, not
 * its boots, so nothing is recorded.
 */
export async function isUnchanged(folder: string): Promise<boolean> {
  const manifest = (await readManifest(folder))?.manifest
  return manifest !== undefined && ((await isUntouched(folder, manifest)) || isIntact(folder, manifest))
}

async function isIntact(folder: string, manifest: TreeManifest): Promise<boolean> {
  return (await findCopies(manifest, [folder])).size === manifest.files.length
}

/** The time of the last use of a tree, in milliseconds; 0 if there is none. */
async function lastUsedAt(folder: string): Promise<number> {
  const found = await stat(join(folder, treeManifest)).catch(() => undefined)
  return found?.mtimeMs ?? 0
}

// A run may modify the folder of its own code, and with it every folder that shares the file.
async function isUntouched(folder: string, { files }: TreeManifest): Promise<boolean> {
  const recorded = await lastUsedAt(folder)
  return files.every(({ path, size }) => {
    const found = statSync(join(folder, path), { throwIfNoEntry: false })
    return found?.size === size && found.mtimeMs <= recorded
  })
}

async function touch(folder: string): Promise<true> {
  const now = new Date()
  await utimes(join(folder, treeManifest), now, now).catch(() => undefined)
  return true
}

async function readManifest(folder: string): Promise<StoredManifest | undefined> {
  const text = await readFile(join(folder, treeManifest), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
}

/** Writes the manifest of a tree into its folder, so that one rename puts both in place. */
export async function writeManifest(folder: string, manifest: TreeManifest): Promise<void> {
  const stored: StoredManifest = { manifest, boot: await bootId() }
  await writeDurably(join(folder, treeManifest), JSON.stringify(stored))
}

/** Finds the files of a tree that exist in one of the folders, with the same path and content. */
export async function findCopies(
  manifest: TreeManifest,
  candidates: readonly string[],
): Promise<Map<TreeFile, string>> {
  const copies = new Map<TreeFile, string>()
  const folders = candidates.filter((folder) => existsSync(folder))
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

// If the size matches, the content decides: times of two machines are not comparable.
async function hasSameContent(path: string, { size, hash }: TreeFile): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true && found.size === size && (await hashFile(path, size)).hash === hash
}

/** How many runs of a cluster keep their trees, so that switching between versions sends nothing. */
const runsKept = 3
/** How long a tree that was sent is kept for a run that has not started. */
const expectedMs = 3_600_000
/** How long a tree that no cluster uses is kept after its last use. */
const unusedMs = 7 * 86_400_000

/** `trees.json` of a cluster: the trees that it uses, as paths below `packages`. */
interface TreeUsage {
  /** The trees of its latest runs, the latest first. */
  readonly runs: readonly (readonly string[])[]
  /** The trees of runs that were active or queued when the latest run was submitted, by id. */
  readonly unfinished?: Readonly<Record<string, readonly string[]>>
  /** The trees that were sent for a run that has not started yet, and when. */
  readonly expected: Readonly<Record<string, number>>
}

/** Records that a cluster is about to use a tree. */
export async function expectTree(cluster: string, folder: string): Promise<void> {
  const path = relative(layout.packages, folder)
  await updateUsage(cluster, (usage) => ({
    ...usage,
    expected: { ...usage.expected, [path]: Date.now() },
  }))
}

/** Records the trees of a new run, and removes trees that no cluster uses any more. */
export async function retain({ cluster, run, trees, unfinished: others }: Request<'retain'>): Promise<void> {
  const before = await treesUsedBy(cluster)
  await updateUsage(cluster, ({ runs, unfinished = {}, expected }) => {
    // The command that submitted a run may have been killed before it said which trees the run uses.
    const isUnknown = others.some((id) => unfinished[id] === undefined)
    // That of a later run may have been faster: ids sort by time.
    const isKept = (id: string): boolean => others.includes(id) || id > run
    return {
      runs: [trees, ...runs.filter((each) => each.join() !== trees.join())].slice(0, runsKept),
      unfinished: {
        ...Object.fromEntries(Object.entries(unfinished).filter(([id]) => isKept(id))),
        [run]: trees,
      },
      expected: Object.fromEntries(
        Object.entries(expected).filter(
          ([path, sentAt]) => isUnknown || (!trees.includes(path) && Date.now() - sentAt < expectedMs),
        ),
      ),
    }
  })
  await removeUnusedTrees(before)
  await removeExpiredTrees()
}

/** The trees that a cluster uses. */
export async function treesUsedBy(cluster: string): Promise<string[]> {
  const { runs, unfinished = {}, expected } = await readUsage(cluster)
  return [...runs.flat(), ...Object.values(unfinished).flat(), ...Object.keys(expected)]
}

/** Removes those of some trees that no cluster uses, but no package: another cluster may be about to use it. */
export async function removeUnusedTrees(paths: readonly string[]): Promise<void> {
  const used = await treesUsedByAny()
  const trees = new Set(paths.filter((path) => path.includes('/')))
  for (const path of trees) if (!used.has(path)) await removeTree(path)
}

// Trees that were sent and never used, and old versions of this package.
async function removeExpiredTrees(): Promise<void> {
  const used = await treesUsedByAny()
  for (const path of await allTrees()) {
    const isUsed = used.has(path) || [...used].some((each) => each.startsWith(`${path}/`))
    if (!isUsed && Date.now() - (await lastTouchedAt(path)) > unusedMs) await removeTree(path)
  }
}

async function allTrees(): Promise<string[]> {
  const trees: string[] = []
  for (const hash of await listNames(layout.packages)) {
    trees.push(hash)
    for (const kind of ['programs', 'extensions', 'files'])
      for (const name of await listNames(layout.package(hash, kind))) trees.push(`${hash}/${kind}/${name}`)
  }
  return trees
}

// An incomplete transfer has no manifest.
async function lastTouchedAt(path: string): Promise<number> {
  const folder = layout.package(path)
  const found = await stat(folder).catch(() => undefined)
  return (await lastUsedAt(folder)) || (found?.mtimeMs ?? Date.now())
}

async function treesUsedByAny(): Promise<Set<string>> {
  const all = await Promise.all((await listNames(layout.clusters)).map(treesUsedBy))
  return new Set(all.flat())
}

// It is renamed first, so that a tree is complete at any time.
async function removeTree(path: string): Promise<void> {
  const folder = layout.package(path)
  if (!existsSync(folder)) return
  const old = temporaryBeside(folder)
  await rename(folder, old)
  await rm(old, { recursive: true, force: true })
}

async function updateUsage(cluster: string, next: (used: TreeUsage) => TreeUsage): Promise<void> {
  const path = layout.cluster(cluster, 'trees')
  await withFileLock(path, async () => writeDurably(path, JSON.stringify(next(await readUsage(cluster)))))
}

async function readUsage(cluster: string): Promise<TreeUsage> {
  const text = await readFile(layout.cluster(cluster, 'trees'), 'utf8').catch(() => undefined)
  return text === undefined ? { runs: [], expected: {} } : JSON.parse(text)
}

async function listNames(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}

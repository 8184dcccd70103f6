import { existsSync } from 'node:fs'
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { temporaryBeside } from '../../util/atomic-write.js'
import type { Ask } from '../wire/protocol.js'
import { inTurn } from './in-turn.js'
import { clusterFolder, packages, root, writeWhole } from './paths.js'
import { lastUseOf } from './receipt.js'

/** The trees of so many runs of a cluster are kept: who goes back and forth between two versions sends nothing. */
const runsKept = 3
/** A tree that was sent for a run which has not started in this time is no longer expected to be used. */
const expectedMs = 3_600_000
/** A tree that no cluster uses goes when nobody has asked for it in this time. */
const unusedMs = 7 * 86_400_000

/** `trees.json` of a cluster: what it uses, as paths below `packages`. */
interface UsedTrees {
  /** The trees of its latest runs, the last one first; a cluster does one run at a time. */
  readonly runs: readonly (readonly string[])[]
  /** What was sent for a run that is yet to start, and when. */
  readonly expected: Readonly<Record<string, number>>
}

/** Notes that a cluster is about to use a tree. */
export async function expect(cluster: string, folder: string): Promise<void> {
  const path = relative(packages, folder)
  await change(cluster, ({ runs, expected }) => ({ runs, expected: { ...expected, [path]: Date.now() } }))
}

/** Notes what the run uses that a cluster has just started, and removes what no cluster uses any more. */
export async function retain({ cluster, trees }: Ask<'retain'>): Promise<void> {
  const before = await usedBy(cluster)
  await change(cluster, ({ runs, expected }) => ({
    runs: [trees, ...runs.filter((each) => each.join() !== trees.join())].slice(0, runsKept),
    expected: Object.fromEntries(
      Object.entries(expected).filter(([path, at]) => !trees.includes(path) && Date.now() - at < expectedMs),
    ),
  }))
  await removeUnused(before)
  await removeForgotten()
}

/** What a cluster uses. */
export async function usedBy(cluster: string): Promise<string[]> {
  const { runs, expected } = await readUsed(cluster)
  return [...runs.flat(), ...Object.keys(expected)]
}

/** Removes those of some trees that no cluster uses; a package itself may be what another one was just told to use. */
export async function removeUnused(paths: readonly string[]): Promise<void> {
  const used = await usedByAny()
  const trees = new Set(paths.filter((path) => path.includes('/')))
  for (const path of trees) if (!used.has(path)) await removeTree(path)
}

// What was sent and never run, or belongs to a version of this package that nobody has any more.
async function removeForgotten(): Promise<void> {
  const used = await usedByAny()
  for (const path of await allTrees()) {
    const isUsed = used.has(path) || [...used].some((each) => each.startsWith(`${path}/`))
    if (!isUsed && Date.now() - (await ageMarkOf(path)) > unusedMs) await removeTree(path)
  }
}

async function allTrees(): Promise<string[]> {
  const trees: string[] = []
  for (const hash of await namesIn(packages)) {
    trees.push(hash)
    for (const kind of ['programs', 'extensions'])
      for (const name of await namesIn(join(packages, hash, kind))) trees.push(`${hash}/${kind}/${name}`)
  }
  return trees
}

// Of what arrived in part there is no receipt.
async function ageMarkOf(path: string): Promise<number> {
  const folder = join(packages, path)
  const found = await stat(folder).catch(() => undefined)
  return (await lastUseOf(folder)) || (found?.mtimeMs ?? Date.now())
}

async function usedByAny(): Promise<Set<string>> {
  const all = await Promise.all((await namesIn(join(root, 'clusters'))).map(usedBy))
  return new Set(all.flat())
}

// First out of its place: what is there is whole at any time.
async function removeTree(path: string): Promise<void> {
  const folder = join(packages, path)
  if (!existsSync(folder)) return
  const old = temporaryBeside(folder)
  await rename(folder, old)
  await rm(old, { recursive: true, force: true })
}

async function change(cluster: string, next: (used: UsedTrees) => UsedTrees): Promise<void> {
  const path = fileOf(cluster)
  await inTurn(path, async () => writeWhole(path, JSON.stringify(next(await readUsed(cluster)))))
}

async function readUsed(cluster: string): Promise<UsedTrees> {
  const text = await readFile(fileOf(cluster), 'utf8').catch(() => undefined)
  return text === undefined ? { runs: [], expected: {} } : JSON.parse(text)
}

function fileOf(cluster: string): string {
  return join(clusterFolder(cluster), 'trees.json')
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}

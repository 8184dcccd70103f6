import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readlink, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../util/thrown.js'
import { layout } from './home.js'

/** A run in the order of its cluster. */
interface Claim {
  readonly number: number
  readonly id: string
}

/** The last run to which the cluster was given. */
export async function lastClaim(cluster: string): Promise<Claim | undefined> {
  const folder = layout.cluster(cluster, 'claims')
  const names = await listNames(folder)
  if (names.length === 0) return undefined
  const number = Math.max(...names.map(Number))
  return { number, id: await readlink(join(folder, String(number))) }
}

/**
 * Gives the cluster to a run, after the claim with the last number. Returns `false` if another process was faster.
 *
 * A claim is a symbolic link to the run's id: only one of several processes can create it, and it never exists without its id.
 */
export async function addClaim(cluster: string, { number, id }: Claim): Promise<boolean> {
  const folder = layout.cluster(cluster, 'claims')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return symlink(id, join(folder, String(number))).then(
    () => true,
    (error) => {
      if (error.code !== 'EEXIST') throw error
      return false
    },
  )
}

/** Appends a run to the queue of a cluster, or puts it in front. From then on, any process may start it. */
export async function enqueue(cluster: string, id: string, { isFirst }: { isFirst: boolean }): Promise<void> {
  const numbers = (await entriesOf(cluster)).map(({ number }) => number)
  const number = isFirst ? Math.min(0, ...numbers) - 1 : Math.max(0, ...numbers) + 1
  const folder = layout.cluster(cluster, 'queue')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = await open(join(folder, nameOf({ number, id })), 'wx', 0o600)
  try {
    // A power failure must not lose what the user was promised.
    await file.sync()
  } finally {
    await file.close()
  }
}

/** The runs of the queue that have not begun, the next one first. Those that have are removed from it. */
export async function waitingRuns(cluster: string): Promise<string[]> {
  const waiting: string[] = []
  for (const entry of await entriesOf(cluster))
    if (canBegin(entry.id)) waiting.push(entry.id)
    else await rm(join(layout.cluster(cluster, 'queue'), nameOf(entry)), { force: true })
  return waiting
}

function canBegin(id: string): boolean {
  return existsSync(layout.run(id, 'spec')) && !existsSync(layout.run(id, 'state'))
}

// Two processes may draw the same number: the ids decide then.
async function entriesOf(cluster: string): Promise<Claim[]> {
  const names = await listNames(layout.cluster(cluster, 'queue'))
  const entries = names.flatMap((name) => {
    const [, number, id] = /^(-?\d+)\.([\w-]+)$/.exec(name) ?? []
    return id === undefined ? [] : [{ number: Number(number), id }]
  })
  return entries.sort((a, b) => a.number - b.number || (a.id < b.id ? -1 : 1))
}

function nameOf({ number, id }: Claim): string {
  return `${number}.${id}`
}

async function listNames(folder: string): Promise<string[]> {
  return readdir(folder).catch((error) => {
    if (codeOf(error) !== 'ENOENT') throw error
    return []
  })
}

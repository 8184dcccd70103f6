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
  const number = Math.max(...(await claimNumbers(cluster)))
  return number > 0 ? { number, id: await readlink(claimPath(cluster, number)) } : undefined
}

/** How many claims stay below the last one: a process that is about to create one of these numbers would find it taken. */
const claimsKept = 16

/**
 * Gives the cluster to a run, after the claim with the last number. Returns `false` if another process was faster.
 *
 * A claim is a symbolic link to the run's id: only one of several processes can create it, and it never exists without its id. Early
 * claims are removed, but never the last one: a process so slow that its number was used and removed meanwhile sees a later one.
 */
export async function addClaim(cluster: string, { number, id }: Claim): Promise<boolean> {
  await mkdir(layout.cluster(cluster, 'claims'), { recursive: true, mode: 0o700 })
  const isNew = await symlink(id, claimPath(cluster, number)).then(
    () => true,
    (error) => {
      if (error.code !== 'EEXIST') throw error
      return false
    },
  )
  if (!isNew) return false
  const numbers = await claimNumbers(cluster)
  const isLast = numbers.every((each) => each <= number)
  const removed = isLast ? numbers.filter((each) => each < number - claimsKept) : [number]
  for (const each of removed) await rm(claimPath(cluster, each), { force: true })
  return isLast
}

/** The numbers of the claims, which are positive. */
async function claimNumbers(cluster: string): Promise<number[]> {
  return (await listNames(layout.cluster(cluster, 'claims'))).filter((name) => /^\d+$/.test(name)).map(Number)
}

function claimPath(cluster: string, number: number): string {
  return join(layout.cluster(cluster, 'claims'), String(number))
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
  const ids: string[] = []
  for await (const id of waiting(cluster)) ids.push(id)
  return ids
}

/** The first of {@link waitingRuns}. */
export async function nextRun(cluster: string): Promise<string | undefined> {
  for await (const id of waiting(cluster)) return id
  return undefined
}

async function* waiting(cluster: string): AsyncGenerator<string> {
  for (const entry of await entriesOf(cluster))
    if (canBegin(entry.id)) yield entry.id
    else await rm(join(layout.cluster(cluster, 'queue'), nameOf(entry)), { force: true })
}

/** The queue of a cluster, and who has the cluster, as they were read at one time. */
export interface QueueView {
  /** The runs in the queue, the next one first; some may have begun. */
  readonly ids: readonly string[]
  readonly last: Claim | undefined
}

export async function readQueue(cluster: string): Promise<QueueView> {
  // First the queue: a run leaves it after its claim was added.
  const ids = (await entriesOf(cluster)).map(({ id }) => id)
  return { ids, last: await lastClaim(cluster) }
}

/** Whether a run that is in the queue has not begun. */
export function canBegin(id: string): boolean {
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

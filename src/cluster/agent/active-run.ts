import { mkdir, readdir, readlink, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { clusterFolder } from './paths.js'
import { isOver, statusOf } from './run-files.js'

interface Claim {
  readonly number: number
  readonly id: string
}

/** The run that is under way in a cluster; nothing when there is none, or it is over. */
export async function activeRun(cluster: string): Promise<string | undefined> {
  const last = await lastClaim(cluster)
  return last && (await isUnderWay(cluster, last.id)) ? last.id : undefined
}

/** Tells who asked that another run has the cluster. */
export function runActive(id: string): Error {
  return Object.assign(new Error(id), { code: 'RUN_ACTIVE' })
}

/** Whether a run is the last that took the cluster. */
export async function holds(cluster: string, id: string): Promise<boolean> {
  return (await lastClaim(cluster))?.id === id
}

/**
 * Takes the cluster for a run; answers with the run that has it, if another one has.
 *
 * Each run claims the next number, and may do so when the run with the last one is over. A claim is a link with the
 * run's id as its target: of many who make the same one, just one succeeds, and it is never there without its id.
 */
export async function take(cluster: string, id: string): Promise<string | undefined> {
  await mkdir(claimsOf(cluster), { recursive: true, mode: 0o700 })
  for (;;) {
    const last = await lastClaim(cluster)
    if (last && (await isUnderWay(cluster, last.id))) return last.id
    const next = join(claimsOf(cluster), String((last?.number ?? 0) + 1))
    const taken = await symlink(id, next).then(
      () => true,
      (error) => {
        if (error.code !== 'EEXIST') throw error
        return false
      },
    )
    if (taken) return undefined
  }
}

function claimsOf(cluster: string): string {
  return join(clusterFolder(cluster), 'claims')
}

async function lastClaim(cluster: string): Promise<Claim | undefined> {
  const names = await readdir(claimsOf(cluster)).catch(() => [])
  if (names.length === 0) return undefined
  const number = Math.max(...names.map(Number))
  return { number, id: await readlink(join(claimsOf(cluster), String(number))) }
}

async function isUnderWay(cluster: string, id: string): Promise<boolean> {
  const status = await statusOf(cluster, id).catch(() => undefined)
  return status !== undefined && !isOver(status.state)
}

import { preventRun } from './run-begin.js'
import { addClaim, lastClaim, nextRun, waitingRuns } from './run-queue.js'
import { findState, isActive, isFinished } from './run-store.js'
import { unfinishedJobs } from './slurm-control.js'

/** The id of the run that has the cluster, if there is one; it may not have begun yet. */
export async function activeRun(cluster: string): Promise<string | undefined> {
  const last = await lastClaim(cluster)
  return last && (await isActive(cluster, last.id)) ? last.id : undefined
}

/** The runs of a cluster that are active or queued, in order. */
export async function unfinishedRuns(cluster: string): Promise<string[]> {
  const waiting = await waitingRuns(cluster)
  const active = await activeRun(cluster)
  return active === undefined ? waiting : [active, ...waiting.filter((id) => id !== active)]
}

/** The same, with the jobs of Slurm, of which any number may be active. */
export async function allUnfinished(cluster: string): Promise<string[]> {
  return [...new Set([...(await unfinishedRuns(cluster)), ...(await unfinishedJobs(cluster))])]
}

/** The error that a run is active or queued; `operation` is the one that it prevents. */
export function runActiveError(id: string, operation: 'start' | 'down'): Error {
  return Object.assign(new Error(id), { code: 'RUN_ACTIVE', detail: operation })
}

/** Claims the cluster for a run, once the run with the last claim is over. Returns the id of another run that has the cluster. */
export async function claimCluster(cluster: string, id: string): Promise<string | undefined> {
  for (;;) {
    const last = await lastClaim(cluster)
    if (last && !(await isOver(cluster, last.id))) return last.id === id ? undefined : last.id
    if (await addClaim(cluster, { number: (last?.number ?? 0) + 1, id })) return undefined
  }
}

/** Whether a run is over, and stays so: a run that is lost before it has begun cannot begin after this. */
async function isOver(cluster: string, id: string): Promise<boolean> {
  const state = await findState(cluster, id)
  if (state !== 'lost') return state === undefined || isFinished(state)
  await preventRun(id, null)
  return isFinished((await findState(cluster, id)) ?? 'lost')
}

/** Gives the cluster to the next run of the queue, if no run has it. Returns the run that has it. */
export async function giveTurn(cluster: string): Promise<string | undefined> {
  for (;;) {
    const active = await activeRun(cluster)
    if (active !== undefined) return active
    const next = await nextRun(cluster)
    if (next === undefined) return undefined
    await claimCluster(cluster, next)
  }
}

import { mkdir, readdir, readFile, readlink, rm, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { isTemporary } from '../../util/atomic-write.js'
import { mapLimited } from '../../util/concurrency.js'
import { isAlive, type ProcessIdentity } from '../../util/process-identity.js'
import type { RunFile } from '../protocol/layout.js'
import type { RunState, RunStatus, Unwritten } from '../protocol/messages.js'
import { layout } from './home.js'
import { type JobStatus, jobStatus } from './slurm-jobs.js'

/** `spec.json`: describes a run; written before anything is started. */
export interface RunRecord {
  readonly id: string
  readonly cluster: string
  readonly file: string
  readonly packageHash: string
  readonly startedAt: string
  /** The process that starts the run: while it lives, a run without a supervisor is `starting`. */
  readonly starter: ProcessIdentity
  /** Present when the run is a job of Slurm: its processes are on another host. */
  readonly slurm?: true
}

/** `state.json`: the processes of a run. */
export interface RunProcesses {
  readonly supervisor: ProcessIdentity
  /** The leader of the process group of the run itself. */
  readonly runner: ProcessIdentity | undefined
}

/** `exit.json`: how a run exited; written atomically, and last. */
interface RunExit {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly cancelled: boolean
  /** The state in which Slurm ended it, when it did. */
  readonly reason?: string
  readonly endedAt: string
}

/** `cancel.json`: tells the supervisor how to cancel the run. */
export interface Cancellation {
  /** How long the run may take to clean up. */
  readonly graceMs: number
}

/** `losses.json`: what the disk had no space for. */
export interface RunLosses {
  /** The error code of the first failed write to the log. */
  readonly log?: string
  /** The same for the result. */
  readonly result?: string
}

/** The files that are written during or after a run, for which space is reserved: a run may fill the disk. */
export const reservedFiles = [
  'state',
  'exit',
  'cancel',
  'result',
  'losses',
] as const satisfies readonly RunFile[]

/** How many runs are read at once: the number of open files is limited. */
const maxConcurrency = 16

/** The files of secrets that are removed when a run is over: its own, and those that `sendSecrets` wrote. */
export function secretsPaths(cluster: string, id: string): string[] {
  return [layout.run(id, 'secrets'), layout.cluster(cluster, 'secrets')]
}

/** Reads a JSON file of a run folder; `undefined` if it does not exist. */
export async function readJson<T>(id: string, file: RunFile): Promise<T | undefined> {
  const text = await readFile(layout.run(id, file), 'utf8').catch((error) => {
    if (error.code !== 'ENOENT') throw error
    return undefined
  })
  return text === undefined ? undefined : JSON.parse(text)
}

/** The status of a run; throws if the cluster has no run with this id. */
export async function statusOf(cluster: string, id: string): Promise<Unwritten<RunStatus>> {
  const record = /^[\w-]+$/.test(id) ? await readJson<RunRecord>(id, 'spec') : undefined
  if (record?.cluster !== cluster) throw Object.assign(new Error(id), { code: 'RUN_NOT_FOUND' })
  const early = await readJson<RunExit>(id, 'exit')
  const current = early ? undefined : await currentStatus(record)
  // It may have exited while its processes were checked.
  const exit = early ?? (await readJson<RunExit>(id, 'exit'))
  const { file, startedAt } = record
  const status = { id, cluster, file, startedAt, logSize: await sizeOfLog(id) }
  if (!exit) return { ...status, ...current! }
  const { exitCode, signal, endedAt, reason } = exit
  const state = finalState(exit)
  return { ...status, state, endedAt, exitCode: exitCode ?? undefined, signal: signal ?? undefined, reason }
}

async function currentStatus(record: RunRecord): Promise<JobStatus> {
  if (!record.slurm) return { state: await currentState(record) }
  const { id } = record
  const status = await jobStatus(record, (await readJson<RunProcesses>(id, 'state')) !== undefined)
  const isCancelled = isFinished(status.state) && (await readJson<Cancellation>(id, 'cancel')) !== undefined
  return isCancelled ? { ...status, state: 'cancelled', reason: undefined } : status
}

function finalState({ exitCode, cancelled, reason }: RunExit): RunState {
  if (cancelled) return 'cancelled'
  // Whatever it exited with, it was not done.
  return exitCode === 0 && reason === undefined ? 'succeeded' : 'failed'
}

async function currentState({ id, starter }: RunRecord): Promise<RunState> {
  const early = await readJson<RunProcesses>(id, 'state')
  if (!early && (await isAlive(starter))) return 'starting'
  // The starter exits once the supervisor has started, perhaps between the two checks.
  const processes = early ?? (await readJson<RunProcesses>(id, 'state'))
  if (!processes) return 'lost'
  const { supervisor, runner } = processes
  const alive = (await isAlive(supervisor)) || (runner !== undefined && (await isAlive(runner)))
  return alive ? 'running' : 'lost'
}

async function sizeOfLog(id: string): Promise<number> {
  return stat(layout.run(id, 'log')).then(
    ({ size }) => size,
    () => 0,
  )
}

/** The runs of a cluster, the latest first. */
export async function runsOf(cluster: string): Promise<Unwritten<RunStatus>[]> {
  const names = await readdir(layout.runs).catch(() => [])
  const ids = names
    .filter((name) => !name.includes('.'))
    .sort()
    .reverse()
  const found = await mapLimited(ids, maxConcurrency, (id) => statusOf(cluster, id).catch(() => undefined))
  return found.filter((status) => status !== undefined)
}

export function isFinished(state: RunState): boolean {
  return state !== 'queued' && state !== 'starting' && state !== 'running'
}

/** Removes the secrets of finished runs whose supervisor could not do it. */
export async function removeStaleSecrets(cluster: string): Promise<void> {
  for (const { id, state } of await runsOf(cluster))
    if (isFinished(state)) await rm(layout.run(id, 'secrets'), { force: true })
}

/** How long an incomplete transfer must be unchanged before it is removed. */
const staleMs = { [layout.runs]: 3_600_000, [layout.packages]: 86_400_000 }

/** Removes incomplete transfers. */
export async function removeStaleTransfers(): Promise<void> {
  for (const [folder, ms] of Object.entries(staleMs))
    for (const name of await readdir(folder).catch(() => []))
      if (isTemporary(name) && (await ageOf(join(folder, name))) > ms)
        await rm(join(folder, name), { recursive: true, force: true })
}

async function ageOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined)
  return found ? Date.now() - found.mtimeMs : 0
}

interface Claim {
  readonly number: number
  readonly id: string
}

/** The id of the active run of a cluster, if there is one. */
export async function activeRun(cluster: string): Promise<string | undefined> {
  const last = await lastClaim(cluster)
  return last && (await isActive(cluster, last.id)) ? last.id : undefined
}

/** The error that another run is active. */
export function runActiveError(id: string): Error {
  return Object.assign(new Error(id), { code: 'RUN_ACTIVE' })
}

/** Whether a run made the last claim of the cluster. */
export async function holdsCluster(cluster: string, id: string): Promise<boolean> {
  return (await lastClaim(cluster))?.id === id
}

/**
 * Claims the cluster for a run. Returns the id of the active run if there is one.
 *
 * Each run claims the next number, once the run with the last number is over. A claim is a symbolic link to the run's
 * id: only one of several processes can create it, and it never exists without its id.
 */
export async function claimCluster(cluster: string, id: string): Promise<string | undefined> {
  await mkdir(layout.cluster(cluster, 'claims'), { recursive: true, mode: 0o700 })
  for (;;) {
    const last = await lastClaim(cluster)
    if (last && (await isActive(cluster, last.id))) return last.id
    const next = join(layout.cluster(cluster, 'claims'), String((last?.number ?? 0) + 1))
    const isClaimed = await symlink(id, next).then(
      () => true,
      (error) => {
        if (error.code !== 'EEXIST') throw error
        return false
      },
    )
    if (isClaimed) return undefined
  }
}

async function lastClaim(cluster: string): Promise<Claim | undefined> {
  const names = await readdir(layout.cluster(cluster, 'claims')).catch(() => [])
  if (names.length === 0) return undefined
  const number = Math.max(...names.map(Number))
  return { number, id: await readlink(join(layout.cluster(cluster, 'claims'), String(number))) }
}

async function isActive(cluster: string, id: string): Promise<boolean> {
  const status = await statusOf(cluster, id).catch(() => undefined)
  return status !== undefined && !isFinished(status.state)
}

import { appendFile, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isTemporary } from '../../util/atomic-write.js'
import { mapLimited } from '../../util/concurrency.js'
import { notStartedCode } from '../../util/exit-codes.js'
import { isAlive, type ProcessIdentity } from '../../util/process-identity.js'
import type { RunFile } from '../protocol/layout.js'
import type { RunState, RunStatus, Unwritten } from '../protocol/messages.js'
import { layout } from './home.js'
import { preventRun, type RunBeginning, type RunExit, type RunPrevention } from './run-begin.js'
import { canBegin, type QueueView, readQueue } from './run-queue.js'
import { type JobStatus, jobStatus, knownJob, reasonInLog } from './slurm-jobs.js'

/** `spec.json`: describes a run; written before anything is started. */
export interface RunRecord {
  readonly id: string
  readonly cluster: string
  readonly file: string
  readonly packageHash: string
  /** The trees that it uses, as paths below `packages`. */
  readonly trees: readonly string[]
  /** When the run was submitted. */
  readonly startedAt: string
  /** The process that writes the run: while it lives, a run that is not queued yet is `starting`. */
  readonly starter: ProcessIdentity
  /** Whether any process may start the run once it is in the queue. */
  readonly isQueued?: boolean
  /** Present when the run is a job of Slurm: its processes are on another host. */
  readonly slurm?: true
}

/** `cancel.json`: tells the supervisor how to cancel the run. */
export interface Cancellation {
  /** How long the run may take to clean up. */
  readonly graceMs: number
}

/** The files that are written during or after a run, for which space is reserved: a run may fill the disk. */
export const reservedFiles = [
  'starter',
  'state',
  'exit',
  'cancel',
  'result',
  'losses',
] as const satisfies readonly RunFile[]

/** How many runs are read at once: the number of open files is limited. */
const maxConcurrency = 16

/** Removes what a run was given that others must not see; it has read it when it begins, and needs it no more when it is over. */
export async function removeRunSecrets(id: string): Promise<void> {
  for (const file of ['secrets', 'environment'] as const) await rm(layout.run(id, file), { force: true })
}

/** Reads a JSON file of a run folder; `undefined` if it does not exist, or something else than a run has the name. */
export async function readJson<T>(id: string, file: RunFile): Promise<T | undefined> {
  const text = await readFile(layout.run(id, file), 'utf8').catch((error) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
    return undefined
  })
  return text === undefined ? undefined : JSON.parse(text)
}

/** Gives the queue of a cluster: read anew, or as it was when several runs began to be looked at. */
type QueueReader = () => Promise<QueueView>

/** The status of a run; throws if the cluster has no run with this id. */
export async function statusOf(
  cluster: string,
  id: string,
  queue: QueueReader = () => readQueue(cluster),
): Promise<Unwritten<RunStatus>> {
  const record = /^[\w-]+$/.test(id) ? await readJson<RunRecord>(id, 'spec') : undefined
  if (record?.cluster !== cluster) throw Object.assign(new Error(id), { code: 'RUN_NOT_FOUND' })
  const early = await readJson<RunExit>(id, 'exit')
  const current = early ? undefined : await currentState(record, queue)
  // It may have exited while its processes were checked.
  const exit = early ?? (await readJson<RunExit>(id, 'exit'))
  const { file } = record
  const startedAt = await startOf(record)
  const state = exit ? await endOf(record, exit) : current!
  return { id, cluster, file, startedAt, logSize: await sizeOfLog(id), ...state }
}

// A run that was queued has waited before.
async function startOf({ id, isQueued, slurm, startedAt }: RunRecord): Promise<string> {
  const beginning = isQueued || slurm ? await readJson<RunBeginning>(id, 'state') : undefined
  return beginning && 'startedAt' in beginning ? beginning.startedAt : startedAt
}

type CurrentState = Pick<
  Unwritten<RunStatus>,
  'state' | 'waitsFor' | 'endedAt' | 'exitCode' | 'signal' | 'reason'
>

// A process that the kernel has killed for its memory looks like any other one that was killed, but Slurm writes it down.
async function endOf(record: RunRecord, exit: RunExit): Promise<CurrentState> {
  const end = endState(exit)
  if (!record.slurm || exit.signal !== 'SIGKILL' || end.state !== 'failed') return end
  const jobId = (await knownJob(record.id))?.jobId
  const written = jobId === undefined ? undefined : reasonInLog(record.id, jobId)
  return written === 'OUT_OF_MEMORY' ? { ...end, reason: written } : end
}

function endState({ exitCode, signal, cancelled, endedAt, reason }: RunExit): CurrentState {
  // One that Slurm has ended was not done, whatever it exited with.
  const isDone = exitCode === 0 && reason === undefined
  const state = cancelled ? 'cancelled' : isDone ? 'succeeded' : 'failed'
  // Then its process has not exited by itself.
  const ownCode = reason === undefined ? (exitCode ?? undefined) : undefined
  return { state, endedAt, exitCode: ownCode, signal: signal ?? undefined, reason }
}

async function stateOfJob(record: RunRecord): Promise<CurrentState> {
  const { id } = record
  const beginning = await readJson<RunBeginning>(id, 'state')
  if (beginning && 'unstarted' in beginning) return unstartedState(beginning)
  const status = await jobStatus(record, beginning !== undefined)
  if (!isFinished(status.state)) return status
  // Neither a supervisor nor a command of this package may have seen the end of the job.
  await removeRunSecrets(id).catch(() => undefined)
  if (await readJson<Cancellation>(id, 'cancel')) return { ...status, state: 'cancelled', reason: undefined }
  return status.hasFailedToStart ? failedToStart(record, status) : status
}

function unstartedState({ unstarted }: RunPrevention): CurrentState {
  return unstarted ? endState(unstarted) : { state: 'lost' }
}

// The supervisor had nothing to say, but the log must say why the run has failed.
async function failedToStart({ id }: RunRecord, { endedAt }: JobStatus): Promise<CurrentState> {
  const exit = { exitCode: notStartedCode, signal: null, cancelled: false }
  const unstarted = { ...exit, endedAt: endedAt ?? new Date().toISOString() }
  const line = '[flambeau: the Slurm job ended before this run started: submit the run again]\n'
  // On a full disk, the next look does it.
  if (await preventRun(id, unstarted).catch(() => false))
    await appendFile(layout.run(id, 'log'), line).catch(() => undefined)
  return endState(unstarted)
}

async function currentState(record: RunRecord, queue: QueueReader): Promise<CurrentState> {
  if (record.slurm) return stateOfJob(record)
  const early = await readJson<RunBeginning>(record.id, 'state')
  const waiting = early ? undefined : await waitingState(record, queue)
  if (waiting) return waiting
  // It may have begun while it was looked for in the queue.
  const beginning = early ?? (await readJson<RunBeginning>(record.id, 'state'))
  if (!beginning) return { state: 'lost' }
  if ('unstarted' in beginning) return unstartedState(beginning)
  const { supervisor, runner } = beginning
  const alive = (await isAlive(supervisor)) || (runner !== undefined && (await isAlive(runner)))
  return { state: alive ? 'running' : 'lost' }
}

/** The state of a run that has not begun; `undefined` when nothing is left that could begin it. */
async function waitingState(
  { id, cluster, starter, isQueued }: RunRecord,
  queue: QueueReader,
): Promise<CurrentState | undefined> {
  if (await isBeingStarted(id)) return { state: 'starting' }
  // It may have been queued since the queue was read.
  const views = isQueued ? [queue, () => readQueue(cluster)] : []
  for (const view of views) {
    const queued = await queuedState(cluster, id, await view())
    if (queued) return queued
  }
  return (await isAlive(starter)) ? { state: 'starting' } : undefined
}

/** The state of a run in the queue; `undefined` if it is not there. */
async function queuedState(
  cluster: string,
  id: string,
  { ids, last }: QueueView,
): Promise<CurrentState | undefined> {
  if (last?.id === id) return { state: 'queued' }
  const position = ids.indexOf(id)
  if (position < 0 || !canBegin(id)) return undefined
  // Usually the one in front of it; a long queue is not searched.
  const previous = ids.slice(0, position).findLast(canBegin)
  if (previous !== undefined) return { state: 'queued', waitsFor: previous }
  const isActiveLast = last !== undefined && (await isActive(cluster, last.id))
  return { state: 'queued', waitsFor: isActiveLast ? last.id : undefined }
}

/** Whether a run is active or queued. */
export async function isActive(cluster: string, id: string): Promise<boolean> {
  const state = await findState(cluster, id)
  return state !== undefined && !isFinished(state)
}

/** The state of a run; `undefined` if it does not exist any more, or cannot be read as one. */
export async function findState(cluster: string, id: string): Promise<RunState | undefined> {
  return (await statusOf(cluster, id).catch(throwIfOfSystem))?.state
}

/** Whether a run is a job of Slurm of this cluster that is active or queued. */
export async function isActiveJob(cluster: string, id: string): Promise<boolean> {
  const record = await readJson<RunRecord>(id, 'spec').catch(throwIfOfSystem)
  return record?.slurm === true && record.cluster === cluster && (await isActive(cluster, id))
}

// With too many open files, for example, a run may well be active; what has no valid content is none.
function throwIfOfSystem(error: Error): undefined {
  if ('syscall' in error) throw error
}

/** Whether a process is about to begin a run. */
export async function isBeingStarted(id: string): Promise<boolean> {
  // The file is overwritten in its place.
  const starter = await readJson<ProcessIdentity>(id, 'starter').catch(() => undefined)
  return starter !== undefined && (await isAlive(starter))
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
  let view: Promise<QueueView> | undefined
  const queue: QueueReader = () => {
    view ??= readQueue(cluster)
    return view
  }
  const found = await mapLimited(ids, maxConcurrency, (id) =>
    statusOf(cluster, id, queue).catch(() => undefined),
  )
  return found.filter((status) => status !== undefined)
}

export function isFinished(state: RunState): boolean {
  return state !== 'queued' && state !== 'starting' && state !== 'running'
}

/** Removes the secrets of finished runs whose supervisor could not do it. */
export async function removeStaleSecrets(cluster: string): Promise<void> {
  for (const { id, state } of await runsOf(cluster)) if (isFinished(state)) await removeRunSecrets(id)
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

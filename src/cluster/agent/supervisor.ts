import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { settledWithin } from '../../util/concurrency.js'
import { mistakeCode, notStartedCode } from '../../util/exit-codes.js'
import { type GpuLease, type LeaseRequest, leaseGpus } from '../../util/gpu-leases.js'
import { countByVendor, listGpus } from '../../util/gpus.js'
import { projectVariable } from '../../util/not-sent.js'
import { defaultGraceMs, type ExitStatus, waitForExit } from '../../util/process.js'
import { identify, type ProcessIdentity } from '../../util/process-identity.js'
import { messageOf } from '../../util/thrown.js'
import { projectFolder, runFiles } from '../protocol/layout.js'
import type { RunSurroundings } from '../protocol/messages.js'
import { layout } from './home.js'
import { recordLoss, writeReserved } from './reserved-file.js'
import { beginRun, type RunBeginning } from './run-begin.js'
import { killRun, runVariable, signalRun } from './run-processes.js'
import { nextRun } from './run-queue.js'
import { announceStarter, endUnstarted, refuseChanged, startNext } from './run-start.js'
import { type Cancellation, type RunRecord, readJson, removeRunSecrets } from './run-store.js'
import { unfinishedJobs } from './slurm-control.js'
import { reasonInLog } from './slurm-jobs.js'
import { isUnchanged } from './tree-store.js'

/**
 * The supervisor of a run: `node supervise.js RUN_FOLDER`. It starts the run in its own process group with a log
 * file, and records how it exited.
 */

/** How often a run that waits for GPUs looks whether it was cancelled. */
const lookMs = 500
/** How often, and at what intervals, the log is searched for why Slurm has terminated the run. */
const mostReasonLooks = 50
const reasonLookMs = 100
/** How often the process of a run is started: it may be killed before it begins the run. */
const mostStarts = 3

const folder = process.argv[2]!
const id = basename(folder)
let cancelled = false
/** What Slurm had written when it terminated this process: the run may print much more before it ends. */
let reasonWhenCancelled: string | undefined

await supervise()

async function supervise(): Promise<void> {
  const record = (await readJson<RunRecord>(id, 'spec'))!
  const { cluster, slurm } = record
  const supervisor = (await identify(process.pid))!
  await announceStarter(id, supervisor)
  if (slurm && (await refuseChanged(record, isUnchanged))) return endRefused(record)
  const log = openSync(join(folder, runFiles.log), 'a', 0o600)
  const surroundings = (await readJson<RunSurroundings>(id, 'program')) ?? {}
  // Slurm itself gives GPUs to a job.
  const lease = slurm ? {} : await leaseFor(surroundings, log)
  if (!lease) return endWithoutLease(cluster)
  const start = starterOf(supervisor, { surroundings, lease, log })
  let current = start()
  process.on('SIGTERM', () => void cancel(record, current))
  let exit = await exitOf(current, lease)
  // A process that was killed before it began the run has done nothing of it.
  for (let starts = 1; starts < mostStarts && exit.signal !== null; starts++) {
    if ((await readJson(id, 'state')) || cancelled) break
    current = start()
    exit = await exitOf(current, lease)
  }
  // A SIGTERM that arrives after this does not change how the run ended.
  const interruption = cancelled ? await interruptionOf(record) : { cancelled: false }
  if (!(await supervises(supervisor))) return
  // Background processes of the run are killed with it, cancelled or not.
  await killRun({ folder, leader: current.runner.pid })
  await lease.releaseAfter?.(current.runner.pid)
  await removeRunSecrets(id)
  if (!slurm) await removeClusterSecrets(record)
  await recordFullDisk()
  await writeReserved(
    join(folder, runFiles.exit),
    JSON.stringify({ ...exit, ...interruption, endedAt: new Date().toISOString() }),
  )
  // Slurm, which is asked for other jobs, may not answer for long.
  if (slurm) await removeClusterSecrets(record)
  // For the accounts of Slurm.
  process.exitCode = exit.exitCode ?? 1
  // A host that is shut down terminates this process as well: the queue stays for its next start.
  if (!slurm && !(await isShutDown())) await startNext(cluster)
}

async function endRefused(record: RunRecord): Promise<void> {
  process.exitCode = notStartedCode
  await removeClusterSecrets(record)
}

/** A process that is to begin the run. */
interface RunProcess {
  readonly runner: ChildProcess
  readonly exited: Promise<ExitStatus>
}

interface RunSetup {
  readonly surroundings: RunSurroundings
  readonly lease: Partial<GpuLease>
  /** The file descriptor of its output. */
  readonly log: number
}

function starterOf(supervisor: ProcessIdentity, { surroundings, lease, log }: RunSetup): () => RunProcess {
  const program = fileURLToPath(new URL('run-job.js', import.meta.url))
  const args = ['--enable-source-maps', program, folder, JSON.stringify(supervisor)]
  const options: SpawnOptions = {
    detached: true,
    cwd: join(folder, runFiles.work),
    env: {
      ...process.env,
      ...surroundings.variables,
      ...lease.variables,
      [runVariable]: folder,
      [projectVariable]: projectOf(folder),
    },
    stdio: ['ignore', log, log],
  }
  return () => {
    const runner = spawn(process.execPath, args, options)
    const exited = waitForExit(runner).catch(() => ({ exitCode: notStartedCode, signal: null }))
    return { runner, exited }
  }
}

async function exitOf({ runner, exited }: RunProcess, lease: Partial<GpuLease>): Promise<ExitStatus> {
  if (runner.pid !== undefined) await lease.passTo?.(runner.pid)
  return exited
}

/** The GPUs of the run; `undefined` when it is cancelled while it waits for them, or can never have them. */
async function leaseFor(
  { gpus: count = 0, variables = {} }: RunSurroundings,
  log: number,
): Promise<Partial<GpuLease> | undefined> {
  if (count === 0) return {}
  const waiting = new AbortController()
  const abort = (): void => waiting.abort()
  process.once('SIGTERM', abort)
  // With the folder, the run is gone.
  const isOver = async (): Promise<boolean> => !existsSync(folder) || Boolean(await readJson(id, 'state'))
  const look = setInterval(() => void isOver().then((over) => over && abort(), abort), lookMs)
  const say = (message: string): void => void writeSync(log, `${message}\n`)
  const { signal } = waiting
  const lease = await leaseOf(count, { variables, signal, onWait: say }).catch((error) => {
    if (!signal.aborted) say(messageOf(error))
    return undefined
  })
  clearInterval(look)
  process.off('SIGTERM', abort)
  if (lease && !signal.aborted) return lease
  await lease?.release()
  if (!signal.aborted) await endUnstarted(id, { exitCode: mistakeCode, cancelled: false })
  return undefined
}

interface RunLeaseRequest extends Pick<LeaseRequest, 'signal' | 'onWait'> {
  /** Environment variables of the run, which may hide GPUs. */
  readonly variables: Readonly<Record<string, string>>
}

async function leaseOf(count: number, { variables, ...options }: RunLeaseRequest): Promise<GpuLease> {
  const gpus = await listGpus(process.env, variables)
  const most = Math.max(...countByVendor(gpus))
  if (most >= count) return leaseGpus({ gpus, count, ...options })
  throw new Error(`The run needs ${count} GPUs, but this host has ${most}`)
}

// When the host is shut down, the run has not ended: it starts again from the queue.
async function endWithoutLease(cluster: string): Promise<void> {
  if (await readJson(id, 'state')) await startNext(cluster)
}

/** Whether a run was terminated, and why. */
interface Interruption {
  readonly cancelled: boolean
  /** The state in which Slurm has ended its job. */
  readonly reason?: string
}

/** Why this supervisor was terminated: the user has cancelled the run, or Slurm has ended its job. */
async function interruptionOf({ slurm }: RunRecord): Promise<Interruption> {
  if (!slurm || (await readJson<Cancellation>(id, 'cancel'))) return { cancelled: true }
  const reason = reasonWhenCancelled ?? (await soonWrittenReason())
  if (reason === 'CANCELLED') return { cancelled: true }
  return reason === undefined ? { cancelled: false } : { cancelled: false, reason }
}

// Slurm may terminate a job a moment before it writes why, and a run may end at once.
async function soonWrittenReason(): Promise<string | undefined> {
  for (let looks = 0; looks < mostReasonLooks; looks++) {
    const reason = writtenReason()
    if (reason !== undefined) return reason
    await delay(reasonLookMs)
  }
  return undefined
}

function writtenReason(): string | undefined {
  return reasonInLog(id, process.env['SLURM_JOB_ID'] ?? '')
}

/** Whether the run has begun under this supervisor, or failed before it could. */
async function supervises(supervisor: ProcessIdentity): Promise<boolean> {
  const early = await readJson<RunBeginning>(id, 'state')
  if (!early) {
    if (await isShutDown()) return false
    const startedAt = new Date().toISOString()
    if (await beginRun(id, { supervisor, runner: undefined, startedAt })) return true
  }
  const beginning = early ?? (await readJson<RunBeginning>(id, 'state'))
  if (!beginning || !('supervisor' in beginning)) return false
  const { pid, started, boot } = beginning.supervisor
  return pid === supervisor.pid && started === supervisor.started && boot === supervisor.boot
}

async function isShutDown(): Promise<boolean> {
  return cancelled && !(await readJson<Cancellation>(id, 'cancel'))
}

// Those that a user sent after the run had begun, or for runs that are still queued, are not for this run.
async function removeClusterSecrets(record: RunRecord): Promise<void> {
  const secrets = layout.cluster(record.cluster, 'secrets')
  const [sent, beginning] = [secrets, layout.run(id, 'state')].map((path) =>
    statSync(path, { throwIfNoEntry: false }),
  )
  const isLater = sent && beginning && sent.mtimeMs > beginning.mtimeMs
  if (!isLater && !(await areRunsToCome(record))) rmSync(secrets, { force: true })
}

async function areRunsToCome({ cluster, slurm }: RunRecord): Promise<boolean> {
  if (!slurm) return (await nextRun(cluster)) !== undefined
  const unfinished = await unfinishedJobs(cluster).catch(() => ['unknown'])
  return unfinished.some((other) => other !== id)
}

// Without files of the project, the working directory stands for it.
function projectOf(folder: string): string {
  const project = join(folder, projectFolder)
  return existsSync(project) ? project : join(folder, runFiles.work)
}

// Programs of the run may have lost output silently.
async function recordFullDisk(): Promise<void> {
  const { bavail, ffree, files } = statfsSync(folder)
  const isFull = bavail === 0 || (files > 0 && ffree === 0)
  if (isFull) await recordLoss(folder, { log: 'ENOSPC' })
}

async function cancel({ slurm }: RunRecord, { runner: { pid }, exited }: RunProcess): Promise<void> {
  if (cancelled || pid === undefined) return
  cancelled = true
  if (slurm) reasonWhenCancelled = writtenReason()
  await signalRun({ folder, leader: pid }, 'SIGTERM')
  const { graceMs } = (await readJson<Cancellation>(id, 'cancel')) ?? { graceMs: defaultGraceMs }
  await settledWithin(exited, graceMs)
  await killRun({ folder, leader: pid })
}

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, fstatSync, openSync, readSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { settledWithin } from '../../util/concurrency.js'
import { mistakeCode, notStartedCode } from '../../util/exit-codes.js'
import { type GpuLease, type LeaseRequest, leaseGpus } from '../../util/gpu-leases.js'
import { listGpus } from '../../util/gpus.js'
import { projectVariable } from '../../util/not-sent.js'
import { defaultGraceMs, type ExitStatus, signalGroup, waitForExit } from '../../util/process.js'
import { identify, type ProcessIdentity } from '../../util/process-identity.js'
import { messageOf } from '../../util/thrown.js'
import { projectFolder, runFiles } from '../protocol/layout.js'
import type { RunSurroundings } from '../protocol/messages.js'
import { recordLoss, writeReserved } from './reserved-file.js'
import { killRun, runVariable, signalRun } from './run-processes.js'
import {
  type Cancellation,
  holdsCluster,
  type RunProcesses,
  type RunRecord,
  readJson,
  secretsPaths,
} from './run-store.js'
import { endReason } from './slurm-jobs.js'

/**
 * The supervisor of a run: `node supervise.js RUN_FOLDER`. It starts the run in its own process group with a log
 * file, and records how it exited.
 */

/** How much of the end of a log is searched for what Slurm has written there. */
const maxTail = 1 << 16

const folder = process.argv[2]!
const id = basename(folder)
let cancelled = false

await supervise()

async function supervise(): Promise<void> {
  const record = (await readJson<RunRecord>(id, 'spec'))!
  const { cluster } = record
  if (!(await mayStart(record))) return
  const program = fileURLToPath(new URL('run-job.js', import.meta.url))
  const log = openSync(join(folder, runFiles.log), 'a', 0o600)
  const surroundings = (await readJson<RunSurroundings>(id, 'program')) ?? {}
  // Slurm itself gives GPUs to a job.
  const lease = record.slurm ? {} : await leaseFor(cluster, surroundings, log)
  if (!lease) return
  const runner = spawn(process.execPath, ['--enable-source-maps', program, folder], {
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
  })
  const exited = waitForExit(runner).catch(() => ({ exitCode: notStartedCode, signal: null }))
  process.on('SIGTERM', () => void cancel(runner, exited))
  if (runner.pid !== undefined) await lease.passTo?.(runner.pid)
  await writeState({ supervisor: (await identify(process.pid))!, runner: await identityOf(runner) }).catch(
    (error) => {
      // A run whose state is not recorded could neither be listed nor cancelled.
      signalGroup(runner.pid, 'SIGKILL')
      throw error
    },
  )
  const exit = await exited
  // A SIGTERM that arrives after this does not change how the run ended.
  const interruption = cancelled ? await interruptionOf(record) : { cancelled: false }
  // Background processes of the run are killed with it, cancelled or not.
  await killRun({ folder, leader: runner.pid })
  await recordExit(cluster, { ...exit, ...interruption })
}

async function recordExit(cluster: string, exit: ExitStatus & Interruption): Promise<void> {
  for (const secrets of secretsPaths(cluster, id)) rmSync(secrets, { force: true })
  await recordFullDisk()
  await writeReserved(
    join(folder, runFiles.exit),
    JSON.stringify({ ...exit, endedAt: new Date().toISOString() }),
  )
  // For the accounts of Slurm.
  process.exitCode = exit.exitCode ?? 1
}

async function mayStart({ cluster, slurm }: RunRecord): Promise<boolean> {
  // Where the user has Slurm requeue jobs, it may start one again, whose secrets are gone.
  if (slurm) return (await readJson<RunProcesses>(id, 'state')) === undefined
  // Otherwise the starter was killed meanwhile, and another run has started.
  return holdsCluster(cluster, id)
}

/** Whether a run was terminated, and why. */
interface Interruption {
  readonly cancelled: boolean
  /** The state in which Slurm has ended its job. */
  readonly reason?: string
}

/** Why this supervisor was terminated: the user has cancelled the run, or Slurm has ended its job. */
async function interruptionOf({ slurm }: RunRecord): Promise<Interruption> {
  const isWanted = !slurm || (await readJson<Cancellation>(id, 'cancel')) !== undefined
  const jobId = process.env['SLURM_JOB_ID'] ?? ''
  const reason = isWanted ? undefined : endReason(readTail(join(folder, runFiles.log)), jobId)
  return reason === undefined || reason === 'CANCELLED' ? { cancelled: true } : { cancelled: false, reason }
}

function readTail(path: string): string {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const tail = Buffer.alloc(Math.min(size, maxTail))
    readSync(file, tail, 0, tail.length, size - tail.length)
    return tail.toString()
  } finally {
    closeSync(file)
  }
}

/** The GPUs of the run; `undefined` when it ended before it had them. While it waits for them, it can be cancelled. */
async function leaseFor(
  cluster: string,
  { gpus: count = 0 }: RunSurroundings,
  log: number,
): Promise<Partial<GpuLease> | undefined> {
  if (count === 0) return {}
  const waiting = new AbortController()
  const abort = (): void => waiting.abort()
  process.once('SIGTERM', abort)
  // The run exists from now on, for those who start, list and cancel it.
  await writeState({ supervisor: (await identify(process.pid))!, runner: undefined })
  const say = (message: string): void => void writeSync(log, `${message}\n`)
  const { signal } = waiting
  const lease = await leaseOf(count, { signal, onWait: say }).catch((error) => {
    if (!signal.aborted) say(messageOf(error))
    return undefined
  })
  process.off('SIGTERM', abort)
  if (lease && !signal.aborted) return lease
  await lease?.release()
  await recordExit(cluster, {
    exitCode: signal.aborted ? null : mistakeCode,
    signal: null,
    cancelled: signal.aborted,
  })
  return undefined
}

async function leaseOf(count: number, options: Pick<LeaseRequest, 'signal' | 'onWait'>): Promise<GpuLease> {
  const gpus = await listGpus()
  if (gpus.length >= count) return leaseGpus({ gpus, count, ...options })
  throw new Error(`The run needs ${count} GPUs, but this host has ${gpus.length}`)
}

// Without files of the project, the working directory stands for it.
function projectOf(folder: string): string {
  const project = join(folder, projectFolder)
  return existsSync(project) ? project : join(folder, runFiles.work)
}

async function identityOf({ pid }: ChildProcess): Promise<ProcessIdentity | undefined> {
  return pid === undefined ? undefined : identify(pid)
}

async function writeState(processes: RunProcesses): Promise<void> {
  await writeReserved(join(folder, runFiles.state), JSON.stringify(processes))
}

// Programs of the run may have lost output silently.
async function recordFullDisk(): Promise<void> {
  const { bavail, ffree, files } = statfsSync(folder)
  const isFull = bavail === 0 || (files > 0 && ffree === 0)
  if (isFull) await recordLoss(folder, { log: 'ENOSPC' })
}

async function cancel({ pid }: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (cancelled || pid === undefined) return
  cancelled = true
  await signalRun({ folder, leader: pid }, 'SIGTERM')
  const { graceMs } = (await readJson<Cancellation>(id, 'cancel')) ?? { graceMs: defaultGraceMs }
  await settledWithin(exited, graceMs)
  await killRun({ folder, leader: pid })
}

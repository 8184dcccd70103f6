import { type ChildProcess, spawn } from 'node:child_process'
import { openSync, rmSync, statfsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { notStartedCode } from '../../util/exit-codes.js'
import { defaultGraceMs, signalGroup, waitForExit } from '../../util/process.js'
import { identify } from './process-identity.js'
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

/**
 * The process that stays with a run: starts it as a process group of its own, with a file as its log, and writes down
 * how it ended. `node supervise.js RUN_FOLDER`.
 */

const folder = process.argv[2]!
const id = basename(folder)
let cancelled = false

await supervise()

async function supervise(): Promise<void> {
  const { cluster } = (await readJson<RunRecord>(id, 'spec.json'))!
  // Whoever was to start this was killed meanwhile, and another run has begun.
  if (!(await holdsCluster(cluster, id))) return
  const me = (await identify(process.pid))!
  const program = fileURLToPath(new URL('run-job.js', import.meta.url))
  const log = openSync(join(folder, 'log'), 'a', 0o600)
  const runner = spawn(process.execPath, [program, folder], {
    detached: true,
    cwd: join(folder, 'work'),
    env: { ...process.env, [runVariable]: folder },
    stdio: ['ignore', log, log],
  })
  const ended = waitForExit(runner).catch(() => ({ exitCode: notStartedCode, signal: null }))
  process.on('SIGTERM', () => void cancel(runner, ended))
  await writeState({ supervisor: me, ...(await identityOf(runner)) }).catch((error) => {
    // A run of which nothing is known could neither be told of nor be cancelled.
    signalGroup(runner.pid, 'SIGKILL')
    throw error
  })
  const exit = await ended
  // A SIGTERM that comes from here on finds a run that has ended.
  const wasCancelled = cancelled
  // What the run has left running goes with it, cancelled or not.
  await killRun({ folder, leader: runner.pid })
  for (const secrets of secretsPaths(cluster, id)) rmSync(secrets, { force: true })
  await recordFullDisk()
  await writeReserved(
    join(folder, 'exit.json'),
    JSON.stringify({ ...exit, cancelled: wasCancelled, endedAt: new Date().toISOString() }),
  )
}

async function identityOf({ pid }: ChildProcess): Promise<Partial<RunProcesses>> {
  const runner = pid === undefined ? undefined : await identify(pid)
  return runner ? { runner } : {}
}

async function writeState(processes: RunProcesses): Promise<void> {
  await writeReserved(join(folder, 'state.json'), JSON.stringify(processes))
}

// What programs of the run have written themselves is lost without a word.
async function recordFullDisk(): Promise<void> {
  const { bavail, ffree, files } = statfsSync(folder)
  const isFull = bavail === 0 || (files > 0 && ffree === 0)
  if (isFull) await recordLoss(folder, { log: 'ENOSPC' })
}

async function cancel({ pid }: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (cancelled || pid === undefined) return
  cancelled = true
  await signalRun({ folder, leader: pid }, 'SIGTERM')
  const { graceMs } = (await readJson<Cancellation>(id, 'cancel.json')) ?? { graceMs: defaultGraceMs }
  await Promise.race([ended, delay(graceMs, undefined, { ref: false })])
  await killRun({ folder, leader: pid })
}

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, openSync, rmSync, statfsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { settledWithin } from '../../util/concurrency.js'
import { notStartedCode } from '../../util/exit-codes.js'
import { projectVariable } from '../../util/not-sent.js'
import { defaultGraceMs, signalGroup, waitForExit } from '../../util/process.js'
import { identify, type ProcessIdentity } from '../../util/process-identity.js'
import { projectFolder, runFiles } from '../protocol/layout.js'
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
 * The supervisor of a run: `node supervise.js RUN_FOLDER`. It starts the run in its own process group with a log
 * file, and records how it exited.
 */

const folder = process.argv[2]!
const id = basename(folder)
let cancelled = false

await supervise()

async function supervise(): Promise<void> {
  const { cluster } = (await readJson<RunRecord>(id, 'spec'))!
  // The starter was killed meanwhile, and another run has started.
  if (!(await holdsCluster(cluster, id))) return
  const program = fileURLToPath(new URL('run-job.js', import.meta.url))
  const log = openSync(join(folder, runFiles.log), 'a', 0o600)
  const runner = spawn(process.execPath, ['--enable-source-maps', program, folder], {
    detached: true,
    cwd: join(folder, runFiles.work),
    env: { ...process.env, [runVariable]: folder, [projectVariable]: projectOf(folder) },
    stdio: ['ignore', log, log],
  })
  const exited = waitForExit(runner).catch(() => ({ exitCode: notStartedCode, signal: null }))
  process.on('SIGTERM', () => void cancel(runner, exited))
  await writeState({ supervisor: (await identify(process.pid))!, runner: await identityOf(runner) }).catch(
    (error) => {
      // A run whose state is not recorded could neither be listed nor cancelled.
      signalGroup(runner.pid, 'SIGKILL')
      throw error
    },
  )
  const exit = await exited
  // A SIGTERM that arrives after this does not change how the run ended.
  const wasCancelled = cancelled
  // Background processes of the run are killed with it, cancelled or not.
  await killRun({ folder, leader: runner.pid })
  for (const secrets of secretsPaths(cluster, id)) rmSync(secrets, { force: true })
  await recordFullDisk()
  await writeReserved(
    join(folder, runFiles.exit),
    JSON.stringify({ ...exit, cancelled: wasCancelled, endedAt: new Date().toISOString() }),
  )
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

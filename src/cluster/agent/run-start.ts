import { type ChildProcess, spawn } from 'node:child_process'
import { appendFile, readFile, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { notStartedCode } from '../../util/exit-codes.js'
import { identify, type ProcessIdentity } from '../../util/process-identity.js'
import { ownPackage } from '../protocol/layout.js'
import { layout } from './home.js'
import { writeReserved } from './reserved-file.js'
import { preventRun, type RunExit } from './run-begin.js'
import { runVariable } from './run-processes.js'
import { isBeingStarted, type RunRecord, readJson, removeRunSecrets } from './run-store.js'
import { giveTurn } from './run-turn.js'
import { isComplete } from './tree-store.js'

const pauseMs = 10

/**
 * Starts the run that has the cluster, if it has not begun, and gives the cluster to the next run of the queue if no run has it. The
 * supervisor of a run calls this at its end, and the agent whenever it looks at a queued run: after a restart of the host, or
 * when a supervisor was killed, nothing else would start it.
 */
export async function startNext(cluster: string): Promise<void> {
  for (;;) {
    const id = await giveTurn(cluster)
    const record = id === undefined ? undefined : await readJson<RunRecord>(id, 'spec')
    // What is not queued is started by the process that has submitted it.
    if (!record?.isQueued || (await readJson(record.id, 'state')) || (await isBeingStarted(record.id))) return
    if (await refuseChanged(record, isComplete)) continue
    const end = await startSupervisor(record)
    if (!end) return
    // It was killed: a later call starts the run.
    if (end.exitCode === null) return
  }
}

/** How often a process looks for a run to start; that of the run before does it at once. */
const lookMs = 1000
const looks = new Map<string, number>()

/** Does {@link startNext} for an operation that must not fail because of it. */
export async function startNextIfPossible(cluster: string): Promise<void> {
  await startNext(cluster).catch(() => undefined)
}

/** The same, but not more often than once a second. */
export async function lookForNext(cluster: string): Promise<void> {
  const now = performance.now()
  if (now - (looks.get(cluster) ?? Number.NEGATIVE_INFINITY) < lookMs) return
  looks.set(cluster, now)
  await startNextIfPossible(cluster)
}

/** How a supervisor ended that has not begun its run. */
interface SupervisorEnd {
  readonly exitCode: number | null
}

/**
 * Starts the supervisor of a run. It is detached, with its own streams: it survives this process and the connection. Returns
 * nothing once it is up, or how it ended; a run whose supervisor fails never begins.
 */
export async function startSupervisor(record: RunRecord): Promise<SupervisorEnd | undefined> {
  const { id, packageHash } = record
  const self = (await identify(process.pid))!
  // Others leave the run alone meanwhile.
  await announceStarter(id, self)
  const program = layout.package(packageHash, ownPackage, 'dist/cluster/supervise.js')
  const child = spawn(process.execPath, [program, layout.run(id)], {
    detached: true,
    stdio: 'ignore',
    cwd: layout.run(id),
    env: await environmentOf(record),
  })
  const settled = new AbortController()
  const end = await Promise.race([endOf(child), supervisorReady(id, self, settled.signal)]).finally(() =>
    settled.abort(),
  )
  child.removeAllListeners().unref()
  if (!end || (await readJson(id, 'state'))) return undefined
  if (end.exitCode === null) await rm(layout.run(id, 'starter'), { force: true })
  else await failToStart(id, `the supervisor of this run exited with ${end.exitCode}`)
  return end
}

/**
 * Prevents that a run begins with other code than it was submitted with, and returns whether it did: an earlier run may have changed
 * the code, or a power failure lost it, since it was verified for this run.
 */
export async function refuseChanged(
  { id, trees }: RunRecord,
  isWhole: (folder: string) => Promise<boolean>,
): Promise<boolean> {
  for (const tree of trees) {
    if (await isWhole(layout.package(tree))) continue
    await failToStart(id, `"${tree}" was changed or lost on this host since this run was queued`)
    return true
  }
  return false
}

/** Says which process is about to begin a run. */
export async function announceStarter(id: string, starter: ProcessIdentity): Promise<void> {
  // On a full disk, at worst two processes start the run, and one of them begins it.
  await writeReserved(layout.run(id, 'starter'), JSON.stringify(starter)).catch(() => undefined)
}

// A run that was queued has the environment in which it was submitted, whichever process starts it.
async function environmentOf({ id, isQueued }: RunRecord): Promise<NodeJS.ProcessEnv> {
  const text = isQueued
    ? await readFile(layout.run(id, 'environment'), 'utf8').catch(() => undefined)
    : undefined
  const environment: NodeJS.ProcessEnv = text === undefined ? process.env : JSON.parse(text)
  // A run that another run starts must outlive it.
  return { ...environment, [runVariable]: undefined }
}

function endOf(child: ChildProcess): Promise<SupervisorEnd> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ exitCode: notStartedCode }))
    child.once('exit', (exitCode) => resolve({ exitCode }))
  })
}

async function supervisorReady(
  id: string,
  { pid }: ProcessIdentity,
  signal: AbortSignal,
): Promise<undefined> {
  for (; !signal.aborted; await delay(pauseMs)) {
    const starter = await readJson<ProcessIdentity>(id, 'starter').catch(() => undefined)
    if ((starter && starter.pid !== pid) || (await readJson(id, 'state'))) return undefined
  }
  return undefined
}

// Otherwise it would keep the cluster for ever.
async function failToStart(id: string, reason: string): Promise<void> {
  const message = `[flambeau: ${reason}: submit the run again]\n`
  await appendFile(layout.run(id, 'log'), message).catch(() => undefined)
  await endUnstarted(id, { exitCode: notStartedCode, cancelled: false })
}

/** Ends a run that has not begun. Returns `false` if it has. */
export async function endUnstarted(
  id: string,
  { exitCode, cancelled }: Pick<RunExit, 'exitCode' | 'cancelled'>,
): Promise<boolean> {
  const endedAt = new Date().toISOString()
  const isPrevented = await preventRun(id, { exitCode, signal: null, cancelled, endedAt })
  if (isPrevented) await removeRunSecrets(id)
  return isPrevented
}

import { mkdir, rename, rm, symlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { temporaryBeside } from '../../util/atomic-write.js'
import { defaultGraceMs, signalProcess } from '../../util/process.js'
import { identify, isAlive } from '../../util/process-identity.js'
import { reserve } from '../../util/reserved-file.js'
import { runFiles } from '../protocol/layout.js'
import type {
  Reply,
  Request,
  RunSpecification,
  RunStatus,
  Unwritten,
  WorkFiles,
} from '../protocol/messages.js'
import { layout, writeDurably } from './home.js'
import { writeReserved } from './reserved-file.js'
import { type RunBeginning, type RunProcesses } from './run-begin.js'
import { killRun, type RunProcessTree, signalRun } from './run-processes.js'
import { enqueue } from './run-queue.js'
import { endUnstarted, startNext, startNextIfPossible, startSupervisor } from './run-start.js'
import {
  type Cancellation,
  isFinished,
  type RunRecord,
  readJson,
  reservedFiles,
  statusOf,
} from './run-store.js'
import { activeRun, claimCluster, runActiveError, unfinishedRuns } from './run-turn.js'
import { cancelJob, submitJob, unfinishedJobs } from './slurm-control.js'
import { copyRunFiles } from './work-folder.js'

/**
 * Starts a run that continues without this process, or queues it. Fails while other runs are active or queued, unless the run is
 * queued as well, or forced: then it cancels the active run, and goes first.
 */
export async function start(specification: RunSpecification): Promise<Unwritten<Reply<'start'>>> {
  const { id, cluster, force, queue, slurm } = specification
  if (!/^[\w-]+$/.test(id)) throw new Error(`"${id}" is not the id of a run`)
  if (slurm) return startOnSlurm(specification)
  if (queue) await startInOrder(specification, { isFirst: false })
  else if (force) await startInPlace(specification)
  else await startAlone(specification)
  const { waitsFor } = await statusOf(cluster, id)
  return { id, waitsFor, unfinished: (await unfinishedRuns(cluster)).filter((other) => other !== id) }
}

async function startAlone(specification: RunSpecification): Promise<void> {
  const { id, cluster } = specification
  // After a restart of the host, queued runs go first.
  await startNext(cluster)
  // Before the files of a run are copied in vain.
  const [first] = await unfinishedRuns(cluster)
  if (first !== undefined) throw runActiveError(first, 'start')
  const record = await writeRun(specification, { isQueued: false })
  await removeOnFailure(id, async () => {
    const other = await claimCluster(cluster, id)
    if (other !== undefined) throw runActiveError(other, 'start')
  })
  const end = await startSupervisor(record)
  // When it was killed, its run may have begun nevertheless.
  if (end && (end.exitCode !== null || (await endUnstarted(id, { exitCode: null, cancelled: false }))))
    throw new Error(`the supervisor exited with ${end.exitCode}`)
}

async function startInOrder(
  specification: RunSpecification,
  position: { readonly isFirst: boolean },
): Promise<void> {
  const { id, cluster } = specification
  await writeRun(specification, { isQueued: true })
  await removeOnFailure(id, () => enqueue(cluster, id, position))
  await startNextIfPossible(cluster)
}

// It is in front of the queue before the active run ends: no queued run starts in between, to be cancelled as well.
async function startInPlace(specification: RunSpecification): Promise<void> {
  const { id, cluster } = specification
  await startInOrder(specification, { isFirst: true })
  for (let active = await activeRun(cluster); active && active !== id; active = await activeRun(cluster)) {
    // Another one that was forced meanwhile has cancelled this one.
    if (await readJson(id, 'state')) return
    await cancel({ cluster, id: active, graceMs: defaultGraceMs })
    await startNextIfPossible(cluster)
  }
}

// Slurm decides when it runs: any number of runs may wait.
async function startOnSlurm(specification: RunSpecification): Promise<Unwritten<Reply<'start'>>> {
  const { id, cluster } = specification
  // Nothing may fail once Slurm has the job: the user would submit the run again.
  const unfinished = await unfinishedJobs(cluster)
  await writeRun(specification, { isQueued: false })
  const job = await removeOnFailure(id, () => submitJob(specification))
  return { id, waitsFor: undefined, job, unfinished }
}

async function removeOnFailure<T>(id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await rm(layout.run(id), { recursive: true, force: true })
    throw error
  }
}

// The files contain secrets, so an incomplete folder is removed.
async function writeRun(
  specification: RunSpecification,
  { isQueued }: { readonly isQueued: boolean },
): Promise<RunRecord> {
  const folder = layout.run(specification.id)
  const record: RunRecord = { ...(await recordOf(specification)), isQueued }
  const incoming = temporaryBeside(folder)
  try {
    await makeWork(incoming, specification.work)
    for (const file of reservedFiles) reserve(join(incoming, runFiles[file]), { sync: true })
    await writeDurably(join(incoming, runFiles.log), '')
    const all = { ...specification.files, [runFiles.spec]: JSON.stringify(record) }
    for (const [name, content] of Object.entries(all)) await writeDurably(join(incoming, name), content)
    if (isQueued) await writeDurably(join(incoming, runFiles.environment), JSON.stringify(process.env))
    await rename(incoming, folder)
    return record
  } finally {
    await rm(incoming, { recursive: true, force: true })
  }
}

async function makeWork(folder: string, work: WorkFiles | undefined): Promise<void> {
  const path = join(folder, runFiles.work)
  if (!work) return void (await mkdir(path, { recursive: true, mode: 0o700 }))
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // A relative link: the folder is renamed.
  await symlink(relative(folder, await copyRunFiles(folder, work)), path)
}

async function recordOf({
  id,
  cluster,
  file,
  packageHash,
  trees,
  slurm,
}: RunSpecification): Promise<RunRecord> {
  const starter = (await identify(process.pid))!
  const record = { id, cluster, file, packageHash, trees, startedAt: new Date().toISOString(), starter }
  return slurm ? { ...record, slurm: true } : record
}

/**
 * Takes a run out of the queue, or terminates its processes: SIGTERM, then SIGKILL after `graceMs`. A run that is over stays as it
 * is. It is over when this settles.
 */
export async function cancel(request: Request<'cancel'>): Promise<Unwritten<RunStatus>> {
  const { cluster, id } = request
  const status = await statusOf(cluster, id)
  if (isFinished(status.state)) return status
  if ((await readJson<RunRecord>(id, 'spec'))?.slurm) return cancelOnSlurm(request)
  if (!(await endUnstarted(id, { exitCode: null, cancelled: true }))) {
    const beginning = await readJson<RunBeginning>(id, 'state')
    if (beginning && 'supervisor' in beginning) await cancelProcesses(beginning, request)
  }
  return statusOf(cluster, id)
}

async function cancelOnSlurm(request: Request<'cancel'>): Promise<Unwritten<RunStatus>> {
  const { id } = request
  const isFirst = (await readJson<Cancellation>(id, 'cancel')) === undefined
  await writeCancellation(request)
  return cancelJob(request).catch(async (error) => {
    // Nobody has cancelled it then, however it ends.
    if (isFirst && error.code === 'SLURM_SILENT') await rm(layout.run(id, 'cancel'), { force: true })
    throw error
  })
}

async function cancelProcesses(processes: RunProcesses, request: Request<'cancel'>): Promise<void> {
  const { cluster, id, graceMs } = request
  const tree = (): Promise<RunProcessTree> => processTreeOf(processes, id)
  await writeCancellation(request)
  const supervised = await isAlive(processes.supervisor)
  // The supervisor terminates its run, and records that it was cancelled.
  if (supervised) signalProcess(processes.supervisor.pid, 'SIGTERM')
  else await signalRun(await tree(), 'SIGTERM')
  const deadline = Date.now() + graceMs
  let status = await statusOf(cluster, id)
  for (; !isFinished(status.state); status = await statusOf(cluster, id)) {
    if (Date.now() > deadline) await killRun(await tree())
    await delay(20)
  }
  // Without a supervisor, the remaining processes are killed here.
  if (!supervised) await killRun(await tree())
}

async function writeCancellation({ id, graceMs }: Request<'cancel'>): Promise<void> {
  await writeReserved(layout.run(id, 'cancel'), JSON.stringify({ graceMs } satisfies Cancellation))
}

async function processTreeOf({ runner }: RunProcesses, id: string): Promise<RunProcessTree> {
  const isRunning = runner !== undefined && (await isAlive(runner))
  return { folder: layout.run(id), leader: isRunning ? runner.pid : undefined }
}

import { spawn } from 'node:child_process'
import { mkdir, rename, rm, symlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { temporaryBeside } from '../../util/atomic-write.js'
import { defaultGraceMs, signalProcess } from '../../util/process.js'
import { identify, isAlive } from '../../util/process-identity.js'
import { reserve } from '../../util/reserved-file.js'
import { ownPackage, runFiles } from '../protocol/layout.js'
import type { Request, RunSpecification, RunStatus, Unwritten, WorkFiles } from '../protocol/messages.js'
import { layout, writeDurably } from './home.js'
import { writeReserved } from './reserved-file.js'
import { killRun, type RunProcessTree, runVariable, signalRun } from './run-processes.js'
import {
  activeRun,
  type Cancellation,
  claimCluster,
  isFinished,
  type RunProcesses,
  type RunRecord,
  readJson,
  reservedFiles,
  runActiveError,
  statusOf,
} from './run-store.js'
import { cancelJob, submitJob } from './slurm-control.js'
import { copyRunFiles } from './work-folder.js'

/** Starts a run that continues without this process. Fails while another run is active, unless forced. */
export async function start(specification: RunSpecification): Promise<{ id: string }> {
  const { id, cluster, force, slurm } = specification
  if (!/^[\w-]+$/.test(id)) throw new Error(`"${id}" is not the id of a run`)
  if (slurm) return startOnSlurm(specification)
  // Before the files of a run are copied in vain.
  const active = force ? undefined : await activeRun(cluster)
  if (active) throw runActiveError(active)
  await writeRun(specification)
  try {
    for (let other = await claimCluster(cluster, id); other; other = await claimCluster(cluster, id)) {
      if (!force) throw runActiveError(other)
      await cancel({ cluster, id: other, graceMs: defaultGraceMs })
    }
  } catch (error) {
    await rm(layout.run(id), { recursive: true, force: true })
    throw error
  }
  await startSupervisor(specification)
  return { id }
}

// Slurm decides when it runs: any number of runs may wait.
async function startOnSlurm(specification: RunSpecification): Promise<{ id: string }> {
  const { id } = specification
  await writeRun(specification)
  try {
    await submitJob(specification)
  } catch (error) {
    await rm(layout.run(id), { recursive: true, force: true })
    throw error
  }
  return { id }
}

// The files contain secrets, so an incomplete folder is removed.
async function writeRun(specification: RunSpecification): Promise<void> {
  const folder = layout.run(specification.id)
  const incoming = temporaryBeside(folder)
  try {
    await makeWork(incoming, specification.work)
    for (const file of reservedFiles) reserve(join(incoming, runFiles[file]), { sync: true })
    await writeDurably(join(incoming, runFiles.log), '')
    const all = { ...specification.files, [runFiles.spec]: JSON.stringify(await recordOf(specification)) }
    for (const [name, content] of Object.entries(all)) await writeDurably(join(incoming, name), content)
    await rename(incoming, folder)
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

async function recordOf({ id, cluster, file, packageHash, slurm }: RunSpecification): Promise<RunRecord> {
  const starter = (await identify(process.pid))!
  const record = { id, cluster, file, packageHash, startedAt: new Date().toISOString(), starter }
  return slurm ? { ...record, slurm: true } : record
}

// Detached, with its own streams: it survives this process and the connection.
async function startSupervisor({ id, cluster, packageHash }: RunSpecification): Promise<void> {
  const program = layout.package(packageHash, ownPackage, 'dist/cluster/supervise.js')
  const child = spawn(process.execPath, [program, layout.run(id)], {
    detached: true,
    stdio: 'ignore',
    cwd: layout.run(id),
    // A run that another run starts must outlive it.
    env: { ...process.env, [runVariable]: undefined },
  })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the supervisor exited with ${code}`)))
  })
  failed.catch(() => undefined)
  await Promise.race([failed, supervisorReady(id)]).catch(async (error) => {
    const other = await activeRun(cluster)
    throw other && other !== id ? runActiveError(other) : error
  })
  child.removeAllListeners().unref()
}

async function supervisorReady(id: string): Promise<void> {
  while (!(await readJson(id, 'state')) && !(await readJson(id, 'exit'))) await delay(10)
}

/** Terminates the processes of a run: SIGTERM, then SIGKILL after `graceMs`. A run that is over stays as it is. */
export async function cancel({ cluster, id, graceMs }: Request<'cancel'>): Promise<Unwritten<RunStatus>> {
  for (;;) {
    const status = await statusOf(cluster, id)
    if (isFinished(status.state)) return status
    const { slurm } = (await readJson<RunRecord>(id, 'spec'))!
    if (slurm) return cancelOnSlurm({ cluster, id, graceMs })
    const processes = await readJson<RunProcesses>(id, 'state')
    if (processes) return cancelProcesses(processes, { cluster, id, graceMs })
    await delay(20)
  }
}

async function cancelOnSlurm(request: Request<'cancel'>): Promise<Unwritten<RunStatus>> {
  await writeCancellation(request)
  const status = await cancelJob(request)
  // The supervisor of a job that never ran has not removed them.
  if (isFinished(status.state)) await rm(layout.run(request.id, 'secrets'), { force: true })
  return status
}

async function cancelProcesses(
  processes: RunProcesses,
  request: Request<'cancel'>,
): Promise<Unwritten<RunStatus>> {
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
  return status
}

async function writeCancellation({ id, graceMs }: Request<'cancel'>): Promise<void> {
  await writeReserved(layout.run(id, 'cancel'), JSON.stringify({ graceMs } satisfies Cancellation))
}

async function processTreeOf({ runner }: RunProcesses, id: string): Promise<RunProcessTree> {
  const isRunning = runner !== undefined && (await isAlive(runner))
  return { folder: layout.run(id), leader: isRunning ? runner.pid : undefined }
}

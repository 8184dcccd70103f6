import { spawn } from 'node:child_process'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { temporaryBeside } from '../../util/atomic-write.js'
import { defaultGraceMs, signalProcess } from '../../util/process.js'
import { packagesFolder, runFolder, writeWhole } from '../protocol/layout.js'
import type { Request, RunSpecification, RunStatus } from '../protocol/messages.js'
import { identify, isAlive } from './process-identity.js'
import { reserve, writeReserved } from './reserved-file.js'
import { killRun, type RunProcessTree, runVariable, signalRun } from './run-processes.js'
import {
  activeRun,
  type Cancellation,
  claimCluster,
  isFinished,
  type RunProcesses,
  type RunRecord,
  readJson,
  reservedNames,
  runActiveError,
  statusOf,
} from './run-store.js'

/** Starts a run that goes on without this process; refused while another one has the cluster, unless forced. */
export async function start(specification: RunSpecification): Promise<{ id: string }> {
  const { id, cluster, force } = specification
  if (!/^[\w-]+$/.test(id)) throw new Error(`"${id}" is no id of a run`)
  await writeRun(specification)
  try {
    for (let other = await claimCluster(cluster, id); other; other = await claimCluster(cluster, id)) {
      if (!force) throw runActiveError(other)
      await cancel({ cluster, id: other, graceMs: defaultGraceMs })
    }
  } catch (error) {
    await rm(runFolder(id), { recursive: true, force: true })
    throw error
  }
  await startSupervisor(specification)
  return { id }
}

// Secrets are among its files: of what could not be written whole nothing stays.
async function writeRun(specification: RunSpecification): Promise<void> {
  const folder = runFolder(specification.id)
  const incoming = temporaryBeside(folder)
  try {
    await mkdir(join(incoming, 'work'), { recursive: true, mode: 0o700 })
    for (const name of reservedNames) reserve(join(incoming, name))
    await writeWhole(join(incoming, 'log'), '')
    const all = { ...specification.files, 'spec.json': JSON.stringify(await factsOf(specification)) }
    for (const [name, content] of Object.entries(all)) await writeWhole(join(incoming, name), content)
    await rename(incoming, folder)
  } finally {
    await rm(incoming, { recursive: true, force: true })
  }
}

async function factsOf({ id, cluster, file, packageHash }: RunSpecification): Promise<RunRecord> {
  const starter = (await identify(process.pid))!
  return { id, cluster, file, packageHash, startedAt: new Date().toISOString(), starter }
}

// A session and streams of its own: neither the end of this process nor of the connection reaches it.
async function startSupervisor({ id, cluster, packageHash }: RunSpecification): Promise<void> {
  const program = join(packagesFolder, packageHash, 'node_modules/flambeau/dist/cluster/supervise.js')
  const child = spawn(process.execPath, [program, runFolder(id)], {
    detached: true,
    stdio: 'ignore',
    cwd: runFolder(id),
    // A run that another one starts outlives it.
    env: { ...process.env, [runVariable]: undefined },
  })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the supervisor ended with ${code}`)))
  })
  failed.catch(() => undefined)
  await Promise.race([failed, supervisorReady(id)]).catch(async (error) => {
    const other = await activeRun(cluster)
    throw other && other !== id ? runActiveError(other) : error
  })
  child.removeAllListeners().unref()
}

async function supervisorReady(id: string): Promise<void> {
  while (!(await readJson(id, 'state.json')) && !(await readJson(id, 'exit.json'))) await delay(10)
}

/** Ends a run's whole process group: TERM, then KILL after a grace. A run that is over stays as it is. */
export async function cancel({ cluster, id, graceMs }: Request<'cancel'>): Promise<RunStatus> {
  for (;;) {
    const status = await statusOf(cluster, id)
    if (isFinished(status.state)) return status
    const processes = await readJson<RunProcesses>(id, 'state.json')
    if (processes) return cancelProcesses(processes, { cluster, id, graceMs })
    await delay(20)
  }
}

async function cancelProcesses(processes: RunProcesses, ask: Request<'cancel'>): Promise<RunStatus> {
  await writeCancellation(ask)
  const supervised = await isAlive(processes.supervisor)
  // The supervisor knows what to do with its run, and notes that it was cancelled.
  if (supervised) signalProcess(processes.supervisor.pid, 'SIGTERM')
  else await signalRun(await processTreeOf(processes, ask.id), 'SIGTERM')
  const deadline = Date.now() + ask.graceMs
  let status = await statusOf(ask.cluster, ask.id)
  for (; !isFinished(status.state); status = await statusOf(ask.cluster, ask.id)) {
    if (Date.now() > deadline) await killRun(await processTreeOf(processes, ask.id))
    await delay(20)
  }
  // Without a supervisor nobody else does it.
  if (!supervised) await killRun(await processTreeOf(processes, ask.id))
  return status
}

async function writeCancellation({ id, graceMs }: Request<'cancel'>): Promise<void> {
  await writeReserved(join(runFolder(id), 'cancel.json'), JSON.stringify({ graceMs } satisfies Cancellation))
}

async function processTreeOf({ runner }: RunProcesses, id: string): Promise<RunProcessTree> {
  const isRunning = runner !== undefined && (await isAlive(runner))
  return { folder: runFolder(id), leader: isRunning ? runner.pid : undefined }
}

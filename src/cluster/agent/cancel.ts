import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { signalProcess } from '../../util/process.js'
import type { Ask, RunStatus } from '../wire/protocol.js'
import { runFolder } from './paths.js'
import { isAlive } from './process-identity.js'
import { writeReserved } from './reserved.js'
import { type Cancellation, isOver, type RunProcesses, readJson, statusOf } from './run-files.js'
import { killRun, type RunTree, signalRun } from './run-processes.js'

/** Ends a run's whole process group: TERM, then KILL after a grace. A run that is over stays as it is. */
export async function cancel({ cluster, id, graceMs }: Ask<'cancel'>): Promise<RunStatus> {
  for (;;) {
    const status = await statusOf(cluster, id)
    if (isOver(status.state)) return status
    const processes = await readJson<RunProcesses>(id, 'state.json')
    if (processes) return cancelProcesses(processes, { cluster, id, graceMs })
    await delay(20)
  }
}

async function cancelProcesses(processes: RunProcesses, ask: Ask<'cancel'>): Promise<RunStatus> {
  await noteGrace(ask)
  const supervised = await isAlive(processes.supervisor)
  // The supervisor knows what to do with its run, and notes that it was cancelled.
  if (supervised) signalProcess(processes.supervisor.pid, 'SIGTERM')
  else await signalRun(await treeOf(processes, ask.id), 'SIGTERM')
  const deadline = Date.now() + ask.graceMs
  let status = await statusOf(ask.cluster, ask.id)
  for (; !isOver(status.state); status = await statusOf(ask.cluster, ask.id)) {
    if (Date.now() > deadline) await killRun(await treeOf(processes, ask.id))
    await delay(20)
  }
  // Without a supervisor nobody else does it.
  if (!supervised) await killRun(await treeOf(processes, ask.id))
  return status
}

async function noteGrace({ id, graceMs }: Ask<'cancel'>): Promise<void> {
  await writeReserved(join(runFolder(id), 'cancel.json'), JSON.stringify({ graceMs } satisfies Cancellation))
}

async function treeOf({ runner }: RunProcesses, id: string): Promise<RunTree> {
  const isRunning = runner !== undefined && (await isAlive(runner))
  return { folder: runFolder(id), leader: isRunning ? runner.pid : undefined }
}

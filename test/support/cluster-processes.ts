// What runs on the hosts of a cluster, looked for among all processes of this machine.
import { spawnSync } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { allProcesses, argumentsOf, read } from './processes.js'
import type { SshHosts } from './ssh-hosts.js'
import { until } from './until.js'

/**
 * The processes that run in a folder, or have their home there, on whichever host; but for agents, which wait for the
 * next question.
 */
export function below(folder: string): number[] {
  const isBelow = (pid: number): boolean =>
    folderOf(pid).startsWith(folder) || read(`/proc/${pid}/environ`).includes(`\0HOME=${folder}/`)
  return allProcesses().filter((pid) => isBelow(pid) && !argumentsOf(pid).includes('-e'))
}

function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}

/** Settles when nothing runs in a folder any more. */
export async function nothingBelow(folder: string): Promise<void> {
  await until(
    () => below(folder).length === 0,
    `no process is left: ${below(folder).map(argumentsOf).join('; ')}`,
  )
}

export function isRedis(pid: number): boolean {
  return /redis-server|valkey-server/.test(argumentsOf(pid)[0] ?? '')
}

/** Whether it is the run itself. */
export function isOrchestrator(pid: number): boolean {
  return argumentsOf(pid).some((each) => each.endsWith('run-job.js'))
}

/** A machine keeps its address on the wire when it boots, but the hosts of this lab get another one. */
export function forgetNeighbours({ all }: SshHosts): void {
  for (const [pid] of all.map((host) => host.processes()))
    spawnSync('nsenter', ['-t', String(pid), '--net', 'ip', 'neigh', 'flush', 'all'])
}

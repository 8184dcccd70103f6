import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { signalGroup, signalProcess } from '../../util/process.js'
import { statFields } from '../../util/process-identity.js'

const execute = promisify(execFile)

/** The environment variable with the folder of the run. Every process of a run inherits it, even in its own session. */
export const runVariable = 'FLAMBEAU_RUN'

/** How often processes are searched again: they may have started others meanwhile. */
const maxAttempts = 100
const pauseMs = 20

/** The processes of a run. */
export interface RunProcessTree {
  /** The folder of the run, which its processes have in their environment. */
  readonly folder: string
  /** The leader of its process group. */
  readonly leader: number | undefined
}

/** Sends a signal to every process of a run, whichever group it is in. */
export async function signalRun({ folder, leader }: RunProcessTree, signal: NodeJS.Signals): Promise<void> {
  const others = (await processesOf(folder)).filter(({ group }) => group !== leader)
  signalGroup(leader, signal)
  for (const { pid } of others) signalProcess(pid, signal)
}

/** Kills all processes of a run, and those that they start meanwhile. */
export async function killRun({ folder, leader }: RunProcessTree): Promise<void> {
  signalGroup(leader, 'SIGKILL')
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const remaining = await processesOf(folder)
    if (remaining.length === 0) return
    for (const { pid } of remaining) signalProcess(pid, 'SIGKILL')
    await delay(pauseMs)
  }
}

interface RunProcess {
  readonly pid: number
  readonly group: number
}

async function processesOf(folder: string): Promise<RunProcess[]> {
  const names = await readdir('/proc').catch(() => undefined)
  if (!names) return listWithPs(folder)
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(pids.map((pid) => processOf(pid, folder)))
  return found.filter((each) => each !== undefined)
}

// The environment of other users' processes cannot be read.
async function processOf(pid: number, folder: string): Promise<RunProcess | undefined> {
  if (pid === process.pid) return undefined
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  if (!`\0${environment}`.includes(`\0${runVariable}=${folder}\0`)) return undefined
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const [, , group] = statFields(stat)
  return { pid, group: Number(group) }
}

// Without /proc, "ps" shows environments.
async function listWithPs(folder: string): Promise<RunProcess[]> {
  const { stdout } = await execute('ps', ['-AEww', '-o', 'pid=,pgid=,command='], {
    maxBuffer: 1 << 28,
  }).catch(() => ({ stdout: '' }))
  const lines = stdout.split('\n').filter((line) => line.includes(` ${runVariable}=${folder}`))
  const found = lines.map((line) => line.trim().split(/\s+/, 2).map(Number))
  return found.map(([pid = 0, group = 0]) => ({ pid, group })).filter(({ pid }) => pid !== process.pid)
}

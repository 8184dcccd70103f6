import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** Identifies a process: its PID alone may be reused. */
export interface ProcessIdentity {
  readonly pid: number
  /** When the kernel started it, in units of the kernel. */
  readonly started: string
  /** Changes with each boot of the host. */
  readonly boot: string
}

const execute = promisify(execFile)

/** The identity of a running process; `undefined` if there is none. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const [started, boot] = await Promise.all([startOf(pid), bootId()])
  return started === undefined ? undefined : { pid, started, boot }
}

/** Whether this process is still running. */
export async function isAlive(process: ProcessIdentity): Promise<boolean> {
  const now = await identify(process.pid)
  return now?.started === process.started && now.boot === process.boot
}

let boot: Promise<string> | undefined

/** Changes with each boot of the host. */
export function bootId(): Promise<string> {
  boot ??= readBootId()
  return boot
}

async function readBootId(): Promise<string> {
  const linux = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => undefined)
  return (linux ?? (await printed('sysctl', '-n', 'kern.boottime')) ?? '').trim()
}

// Field 22 of /proc/PID/stat.
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined)
    return (await printed('ps', '-o', 'lstart=', '-p', String(pid)))?.trim() || undefined
  const [state, ...fields] = statFields(stat)
  return state === 'Z' ? undefined : fields[18]
}

/** The fields of `/proc/PID/stat` from the third on, which is the state. The name before it may hold anything but ends with the last `)`. */
export function statFields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

async function printed(command: string, ...args: string[]): Promise<string | undefined> {
  return execute(command, args).then(
    ({ stdout }) => stdout,
    () => undefined,
  )
}

import { readdirSync, readFileSync } from 'node:fs'

/** The processes with an argument like this, by number; whichever host they run on. */
export function processesWith(argument: string): number[] {
  return allProcesses().filter((pid) => argumentsOf(pid).includes(argument))
}

/** All processes of this machine, those of its hosts included. */
export function allProcesses(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
}

/** The arguments of a process; none of one that has ended. */
export function argumentsOf(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split('\0')
}

/** What a file of `/proc` says; nothing when its process has ended. */
export function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** Sends a signal to a process that may have ended since it was found: true where it was still there. */
export function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

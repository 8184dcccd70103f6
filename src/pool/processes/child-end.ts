import type { ChildProcess } from 'node:child_process'

/** How a process ended, for a message: `SIGKILL`, `exit code 1`. */
export function howItEnded({ pid, signalCode, exitCode }: ChildProcess): string {
  return pid === undefined ? 'it could not be started' : (signalCode ?? `exit code ${exitCode}`)
}

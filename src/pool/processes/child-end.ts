import type { ChildProcess } from 'node:child_process'

/** Settles when a process has ended, or could not be started. */
export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    child.once('exit', () => resolve())
    child.on('error', () => {
      if (child.pid === undefined) resolve()
    })
  })
}

/** How a process ended, for a message: `SIGKILL`, `exit code 1`. */
export function howItEnded({ pid, signalCode, exitCode }: ChildProcess): string {
  return pid === undefined ? 'it could not be started' : (signalCode ?? `exit code ${exitCode}`)
}

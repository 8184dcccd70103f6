import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Starts the program of a worker as the leader of a process group of its own. */
export function startWorker(): ChildProcess {
  // Standard output is for the results of the program, not for what tasks print.
  return fork(fileURLToPath(import.meta.resolve('#pool-worker')), {
    detached: true,
    stdio: ['ignore', 2, 2, 'ipc'],
    execArgv: process.execArgv.filter((flag) => !/^--(?:inspect|input-type)/.test(flag)),
  })
}

/** Settles when a process has ended, or could not be started. */
export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
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

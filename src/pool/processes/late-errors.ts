import { AsyncLocalStorage } from 'node:async_hooks'
import { printable } from '../../util/printable.js'
import { stackOf } from '../../util/thrown.js'
import type { TaskMessage } from '../engine.js'

const current = new AsyncLocalStorage<TaskMessage>()

/** Runs the work of a task, so that it is known of what it leaves behind whose it is. */
export function asTask<T>(task: TaskMessage, work: () => Promise<T>): Promise<T> {
  return current.run(task, work)
}

/**
 * Keeps what a task throws after its end, in a promise or a timer that it has left behind, from ending the process and
 * with it another task: it is printed with the name of the task. What the running task throws, or nobody knows whose it
 * is, ends the process as ever.
 */
export function surviveLateErrors(isRunning: (task: TaskMessage) => boolean): void {
  const survive = (thrown: unknown): void => {
    const task = current.getStore()
    if (task && !isRunning(task)) printLate(task, thrown)
    // Whoever listens as well decides.
    else if (process.listenerCount('uncaughtException') === 1) crash(thrown)
  }
  process.on('uncaughtException', survive)
  process.on('unhandledRejection', (reason) => {
    if (process.listenerCount('unhandledRejection') === 1) survive(reason)
  })
}

function crash(thrown: unknown): never {
  console.error(stackOf(thrown))
  process.exit(1)
}

function printLate({ id }: TaskMessage, thrown: unknown): void {
  console.error(printable(`Task "${id}" threw after its end, which nobody waits for: ${stackOf(thrown)}`))
}

import { hostname } from 'node:os'
import type { Ended, EndReason, TaskMessage, TaskNews } from './engine.js'
import { type PackedError, packError } from './packed-error.js'
import { packResult } from './packed-result.js'
import type { PreparedWorker } from './prepare-worker.js'
import { runTask } from './run-task.js'

/** The name of this machine, as results and errors show it. */
export const thisHost = hostname()

/** Runs one attempt in this process; what a task throws is how it ended. */
export async function attemptHere(
  task: TaskMessage,
  worker: PreparedWorker,
  watch: { signal: AbortSignal; tell: (news: TaskNews) => void },
): Promise<Ended> {
  try {
    const value = await runTask(task, { ...watch, ...worker })
    return { ok: true, result: await packResult(value, task.id, worker.folder), host: thisHost }
  } catch (thrown) {
    return ended('failed', packError(thrown))
  }
}

/** An attempt that did not come to its result, and why. */
export function ended(reason: EndReason, error: PackedError): Ended {
  return { ok: false, reason, error, host: thisHost }
}

/** What stands for an error of an attempt that was ended from outside. */
export function endedBy(reason: Exclude<EndReason, 'failed'>, message: string): Ended {
  return ended(reason, { name: 'Error', message, stack: message })
}

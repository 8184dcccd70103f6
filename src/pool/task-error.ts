import { UnsuccessfulRunnableError } from '../errors.js'
import type { Ended, EndReason } from './engine.js'
import type { FailedFile } from './failed-file.js'
import { messageOf, timesOf } from './failure-words.js'
import { unpackError } from './packed-error.js'

/** A task that failed for good. `cause` is what it threw, with the stack that it had in its worker. */
export class TaskError extends UnsuccessfulRunnableError {
  override get name(): string {
    return 'TaskError'
  }
  readonly taskId: string
  readonly attempts: number
  /** The host of the last attempt. */
  readonly host: string
  /** The runnable file that repeats it; absent when the task was cancelled. */
  readonly file: string | undefined

  /** @internal */
  constructor(task: FailedTask, ended: Extract<Ended, { ok: false }>) {
    const { exitCode } = ended.error
    super(`${describe(task, ended)}${repeat(task)}`, {
      code: codes[ended.reason],
      cause: unpackError(ended.error),
      ...(exitCode === undefined ? {} : { exitCode }),
    })
    this.taskId = task.id
    this.attempts = task.attempts
    this.host = ended.host
    this.file = task.file?.path
  }
}

/** Which task failed, and how often it was tried. */
export interface FailedTask {
  readonly id: string
  readonly attempts: number
  readonly file: FailedFile | undefined
}

const codes: Record<EndReason, string> = {
  failed: 'TASK_FAILED',
  timeout: 'TASK_TIMEOUT',
  crashed: 'TASK_CRASHED',
  cancelled: 'TASK_CANCELLED',
}

function describe({ id, attempts }: FailedTask, { reason, error }: Extract<Ended, { ok: false }>): string {
  const [what, times] = [messageOf(error), timesOf(attempts)]
  return reason === 'failed' ? `Task "${id}" failed${times}: ${what}` : `Task "${id}" ${what}${times}`
}

function repeat({ file }: FailedTask): string {
  return file === undefined ? '' : ` (repeat it with "${file.command}")`
}

import { UnsuccessfulRunnableError } from '../errors.js'
import type { EndReason, FailedAttempt } from './engine.js'
import { unpackError } from './serialize.js'
import { attemptsText, errorText, type FailedFile } from './task-file.js'

/** A task that failed for good. `cause` is what it threw, with the stack that it had in its worker. */
export class TaskError extends UnsuccessfulRunnableError {
  override get name(): string {
    return 'TaskError'
  }
  readonly taskId: string
  readonly attempts: number
  /** The host of the last attempt. */
  readonly host: string
  /** The path of the runnable file that repeats the task; absent when the task was cancelled. */
  readonly file: string | undefined
  /**
   * The last output of the task, 64 KB at most; absent when it printed nothing. It is also in a `.log` file beside
   * `file`.
   */
  readonly output: string | undefined

  /** @internal */
  constructor(task: FailedTask, attempt: FailedAttempt) {
    super(`${describe(task, attempt)}${repeat(task)}${lastLines(attempt)}`, {
      code: codes[attempt.reason],
      cause: unpackError(attempt.error),
      exitCode: attempt.error.exitCode ?? 1,
    })
    this.taskId = task.id
    this.attempts = task.attempts
    this.host = attempt.host
    this.file = task.file?.path
    this.output = attempt.output
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
  memory: 'TASK_OUT_OF_MEMORY',
  crashed: 'TASK_CRASHED',
  cancelled: 'TASK_CANCELLED',
}

function describe({ id, attempts }: FailedTask, { reason, error }: FailedAttempt): string {
  const [what, times] = [errorText(error), attemptsText(attempts)]
  return reason === 'failed' ? `Task "${id}" failed${times}: ${what}` : `Task "${id}" ${what}${times}`
}

function repeat({ file }: FailedTask): string {
  return file === undefined ? '' : ` (repeat it with "${file.command}")`
}

const maxOutputLines = 5

function lastLines({ output = '' }: FailedAttempt): string {
  const lines = output.trimEnd().split('\n').slice(-maxOutputLines)
  return output.trim() === '' ? '' : `\n${lines.map((line) => `  | ${line}`).join('\n')}`
}

import { UnsuccessfulRunnableError } from '../errors.js'
import { type Ended, type EndReason, unpackError } from './engine.js'
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
  /** The runnable file that repeats it; absent when the task was cancelled. */
  readonly file: string | undefined
  /** What it printed last, 64 KB at most; absent when it printed nothing. Its file of the same name in `.log` has it, too. */
  readonly output: string | undefined

  /** @internal */
  constructor(task: FailedTask, ended: Extract<Ended, { ok: false }>) {
    const { exitCode } = ended.error
    super(`${describe(task, ended)}${repeat(task)}${lastLines(ended)}`, {
      code: codes[ended.reason],
      cause: unpackError(ended.error),
      ...(exitCode === undefined ? {} : { exitCode }),
    })
    this.taskId = task.id
    this.attempts = task.attempts
    this.host = ended.host
    this.file = task.file?.path
    this.output = ended.output
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
  const [what, times] = [errorText(error), attemptsText(attempts)]
  return reason === 'failed' ? `Task "${id}" failed${times}: ${what}` : `Task "${id}" ${what}${times}`
}

function repeat({ file }: FailedTask): string {
  return file === undefined ? '' : ` (repeat it with "${file.command}")`
}

const mostLines = 5

function lastLines({ output = '' }: Extract<Ended, { ok: false }>): string {
  const lines = output.trimEnd().split('\n').slice(-mostLines)
  return output.trim() === '' ? '' : `\n${lines.map((line) => `  | ${line}`).join('\n')}`
}

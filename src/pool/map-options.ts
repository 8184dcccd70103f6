import type { Runnable } from '../runnable/runnable.js'
import type { ResultFile } from './result-file.js'
import type { TaskError } from './task-error.js'

/** Any runnable can be a task. */
export type AnyTask = Runnable<any, any>

/** What `run()` of a task comes to. */
export type ResultOf<Task extends AnyTask> = Awaited<ReturnType<Task['run']>>

/** Options of `pool.map`. */
export interface MapOptions<Task extends AnyTask = AnyTask> {
  /** Names a task: a second one with the same id is not done again. Its number, from `01`, when absent. */
  taskId?: (task: Task, index: number) => string
  /** How often a task that failed is tried again; default 0. A mistake in its options is not tried again. */
  retries?: number
  /** Milliseconds before the first retry, doubled for each further one up to a minute; default 100. */
  backoff?: number | ((attempt: number) => number)
  /** Milliseconds that one attempt may take; endless when absent. Its `signal` aborts then. */
  timeoutMs?: number
  /** What a task that failed for good does: end the map with a {@link TaskError}, or be one of the outcomes. */
  onError?: 'throw' | 'collect'
  /**
   * A folder in which results are kept as tasks come to them, in `done.jsonl`: after a crash, `resume` goes on from
   * there. Nothing is kept when absent.
   */
  output?: string
  /** Gives the results that `output` has of tasks with the same id and options, and does the others; default false. */
  resume?: boolean
  /** Begins anew, whatever `output` has; default false. */
  force?: boolean
  /** Cancels what runs and ends the map. */
  signal?: AbortSignal
  /** Hears of every task while it runs. */
  onEvent?: (event: TaskEvent<Task>) => void
}

/** What is heard of a task while it runs. */
export type TaskEvent<Task extends AnyTask = AnyTask> = {
  readonly id: string
  readonly task: Task
  /** Cancels this task alone. */
  readonly cancel: () => void
} & (
  | { readonly type: 'started'; readonly host?: string }
  | { readonly type: 'progress'; readonly value: unknown }
  | { readonly type: 'retry'; readonly error: Error; readonly delayMs: number }
)

/** What is known of a task that has settled. */
interface Settled<Task extends AnyTask> {
  readonly id: string
  /** Its place among the tasks, from 0. */
  readonly index: number
  readonly task: Task
  readonly attempts: number
  /** Milliseconds from the start of the first attempt to the end of the last one. */
  readonly durationMs: number
  /** Where the last attempt ran. */
  readonly host: string
}

/** A task that has come to its result. */
export interface TaskDone<Task extends AnyTask = AnyTask> extends Settled<Task> {
  readonly ok: true
  /** What `run()` returned, as JSON makes it; more than 64 KB is a file. */
  readonly result: ResultOf<Task> | ResultFile<ResultOf<Task>>
}

/** A task that failed for good, or was cancelled. */
export interface TaskFailed<Task extends AnyTask = AnyTask> extends Settled<Task> {
  readonly ok: false
  readonly error: TaskError
}

/** What `pool.map` gives of each task when errors are collected. */
export type TaskOutcome<Task extends AnyTask = AnyTask> = TaskDone<Task> | TaskFailed<Task>

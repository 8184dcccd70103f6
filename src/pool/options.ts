import type { RemoteEnvironment } from '../cluster/remote-environment.js'
import type { Registry } from '../registry/registry.js'
import type { Logger } from '../runnable/logger.js'
import type { Runnable } from '../runnable/runnable.js'
import type { SecretsConfig } from '../runnable/secrets/secrets.js'
import type { Engine } from './engine.js'
import type { ResultFile } from './result.js'
import type { TaskError } from './task-error.js'

/** Options of `openPool`. */
export interface PoolOptions {
  /**
   * Where tasks run: in child `processes` of this one (the default), `inline` in this very process, or with an engine
   * such as that of `flambeau/bullmq`.
   */
  engine?: 'processes' | 'inline' | Engine
  /**
   * The cluster whose factories do the tasks: `this.env` in the `run` of a `ClusterRunnable`. Tasks run here where it is
   * absent or has no factories, or `engine` says otherwise.
   */
  env?: RemoteEnvironment | undefined
  /** On a cluster: the URL of a Redis of your own, in place of one that begins and ends with the pool. */
  redis?: string
  /** For a `redis` with `rediss://`: the certificate of who vouches for it, as PEM or the path of a file. */
  ca?: string
  /** On a cluster: the Redis of the pool is reached by TLS, with a certificate made for it; default false. */
  tls?: boolean
  /** On a cluster: milliseconds after which a host that went silent loses its tasks to others; default 10 000. */
  lockMs?: number
  /** How many processes at most, on a cluster on each factory; default one for each processor. */
  workers?: number
  /** Modules that register the classes of the tasks, imported by each worker: URLs, paths, packages. */
  imports?: readonly (string | URL)[]
  /** Whose tags count for what this process writes and runs `inline`; the default registry when absent. */
  registry?: Registry
  /** The extensions of the run, by name: `this.extensions` of a runnable. */
  extensions?: Readonly<Record<string, string>>
  /** What `config` of each task gives: `this.config` of a runnable. */
  secrets?: SecretsConfig
  /** Where `failed/` and `results/` are made when they are needed; default the current folder. */
  folder?: string
  /** Where lines of the tasks go, each with its task's id before it; default standard error. */
  logger?: Logger
  /** Ends every map of the pool. */
  signal?: AbortSignal
  /** How often a task is run again whose worker died; default 2. */
  crashRetries?: number
  /** Milliseconds that a cancelled task has to clean up: half of them before TERM, half before KILL; default 5000. */
  graceMs?: number
}

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

/**
 * What `run()` of a task is given besides the usual, when a pool runs it; alone it is given none of these.
 *
 * ```ts
 * class Train extends Runnable<number, TaskOptions> {
 *   run({ progress }: RunOptions & TaskOptions) {
 *     progress?.({ epoch: 1, loss: 0.3 })
 *   }
 * }
 * ```
 */
export interface TaskOptions {
  /** Tells whoever maps how far the task is: any JSON value. */
  readonly progress?: (value: unknown) => void
  /** The id of the task in its pool. */
  readonly taskId?: string
  /**
   * The path of a folder of the task's own on the host where it runs, `tasks/ID` in the folder of the pool. It is made when it is
   * first read here. The current folder is that of all tasks of a worker.
   */
  readonly folder?: string
  /** Counts from 1; more when earlier attempts failed. */
  readonly attempt?: number
}

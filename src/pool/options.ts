import type { RemoteEnvironment } from '../cluster/remote-environment.js'
import { FlambeauError } from '../errors.js'
import type { Logger, LogLevel } from '../logger.js'
import { moduleUrls } from '../modules/resolve.js'
import type { Registry } from '../registry/registry.js'
import { type CompleteNeeds, completeNeeds, type Needs, needsMistake } from '../runnable/needs.js'
import type { Runnable } from '../runnable/runnable.js'
import type { SecretsConfig } from '../runnable/secrets/secrets.js'
import { variablesMistake, variableTexts } from '../util/environment-variables.js'
import { mistakeCode } from '../util/exit-codes.js'
import { defaultGraceMs } from '../util/process.js'
import { availableCpus } from '../util/this-machine.js'
import type { Engine, WorkerProcessSetup } from './engine.js'
import type { ResultFile } from './result.js'
import type { TaskError } from './task-error.js'
import type { TaskLogs } from './task-logs.js'
import { taskSeeds } from './task-seed.js'

/** Options of `openPool`. */
export interface PoolOptions {
  /**
   * Where tasks run: in child `processes` of this one (the default), `inline` in this very process, or with an engine
   * such as that of `flambeau/bullmq`.
   */
  engine?: 'processes' | 'inline' | Engine
  /**
   * The cluster whose worker hosts run the tasks: `this.env` in the `run` of a `ClusterRunnable`. Tasks run on this
   * machine when it is absent or has no workers, or when `engine` is given.
   */
  env?: RemoteEnvironment | undefined
  /** On a cluster: the URL of a Redis of your own, in place of one that is started for the pool. */
  redis?: string
  /** For a `redis` with `rediss://`: the certificate of its authority, as PEM or the path of a file. */
  ca?: string
  /**
   * On a cluster: whether the Redis of the pool takes TLS connections only, with a certificate made for it; default
   * false.
   */
  tls?: boolean
  /** On a cluster: milliseconds after which the tasks of a silent host are run on others; default 10 000. */
  lockMs?: number
  /**
   * The most worker processes, on a cluster for each worker host; by default as many as the `workers` of the cluster file,
   * or one for each processor. There are fewer when their `needs` do not fit.
   */
  workers?: number | undefined
  /**
   * What each worker process has of its machine: its GPUs are its own, a task that uses more than its memory fails, and no more workers
   * start than fit. A pool whose tasks have `static needs` states at least these. It applies to worker processes of this pool, and not
   * `inline` or to an engine of your own.
   */
  needs?: Needs | undefined
  /**
   * Environment variables of the workers, such as `OMP_NUM_THREADS`, besides those of this process; on a cluster, besides the `env` of the
   * cluster file. Secrets have an option of their own. The name `env` is that of the cluster.
   */
  variables?: Readonly<Record<string, string | number>> | undefined
  /** Modules that register the classes of the tasks, imported by each worker: URLs, paths, packages. */
  imports?: readonly (string | URL)[]
  /** The registry for what this process writes and runs `inline`; the default registry when absent. */
  registry?: Registry
  /** The extensions of the run, by name: `this.extensions` of a runnable. */
  extensions?: Readonly<Record<string, string>>
  /** The secrets of the tasks: `this.config` of a runnable. */
  secrets?: SecretsConfig
  /**
   * The folder of `failed/`, `results/`, `tasks/` and `logs/`, which are made when they are needed; default the current folder.
   */
  folder?: string
  /**
   * Whether what each task prints and logs is kept in `logs/ID-KEY.log` in `folder`, each attempt below the one before; default false. An
   * engine of your own passes on what tasks log, and of what they print only the end of an attempt that failed.
   */
  logs?: boolean
  /** Receives what the tasks log, each line with the id of its task; default standard error. */
  logger?: Logger
  /** @internal Names the folder of the tasks on worker hosts, for a later run; it is that of the run when absent. */
  folderId?: string
  /** @internal Receives what the pool itself logs, in place of `logger`. */
  ownLogger?: Logger
  /** Ends every map of the pool. */
  signal?: AbortSignal
  /** How often a task is run again after its worker died; default 2. */
  crashRetries?: number
  /**
   * Milliseconds that a cancelled task has to clean up: after the first half its process group is sent SIGTERM, after
   * the second half SIGKILL; default 5000.
   */
  graceMs?: number
}

/** Any runnable can be a task. */
export type AnyTask = Runnable<any, any>

/** The type of what `run()` of a task returns. */
export type ResultOf<Task extends AnyTask> = Awaited<ReturnType<Task['run']>>

/** Options of `pool.map`. */
export interface MapOptions<Task extends AnyTask = AnyTask> {
  /** The id of a task; a second task with the same id is skipped. When absent, tasks are numbered from `01`. */
  taskId?: (task: Task, index: number) => string
  /** How often a failed task is tried again; default 0. A mistake in its options is not tried again. */
  retries?: number
  /** Milliseconds before the first retry, doubled for each further one up to a minute; default 100. */
  backoff?: number | ((attempt: number) => number)
  /** Milliseconds that one attempt may take, after which its `signal` aborts; no limit when absent. */
  timeoutMs?: number
  /**
   * Whether a task that failed for good ends the map with a {@link TaskError} (the default), or is one of the outcomes.
   */
  onError?: 'throw' | 'collect'
  /**
   * A folder in which results are kept as tasks finish, in `done.jsonl`: after a crash, `resume` continues from there.
   * Nothing is kept when absent.
   */
  output?: string
  /** Takes the results of tasks with the same id and options from `output`, and runs the others; default false. */
  resume?: boolean
  /** Starts over, whatever `output` holds; default false. */
  force?: boolean
  /** The whole number from which the `seed` of each task is derived, by its id; default 0. */
  seed?: number
  /** Cancels what runs and ends the map. */
  signal?: AbortSignal
  /** Called for each event of a running task. */
  onEvent?: (event: TaskEvent<Task>) => void
  /** @internal The name of the span of a task. */
  spanName?: string
  /** @internal Whether the id of a finished task may be used again. */
  isRepeatable?: boolean
  /** @internal Identifies a task in other runs, where its id may be another one. */
  keyOf?: (task: Task) => string | undefined
  /** @internal Whether a task continues where an earlier run of it stopped. */
  isResumed?: (task: Task) => boolean
  /** @internal The worker host of a cluster that ran a task before. */
  workerOf?: (task: Task) => string | undefined
}

/** An event of a running task. */
export type TaskEvent<Task extends AnyTask = AnyTask> = {
  readonly id: string
  readonly task: Task
  /** Cancels this task alone. */
  readonly cancel: () => void
} & (
  | { readonly type: 'started'; readonly host?: string }
  | { readonly type: 'progress'; readonly value: unknown }
  | { readonly type: 'log'; readonly level: LogLevel; readonly text: string }
  | { readonly type: 'retry'; readonly error: Error; readonly delayMs: number }
)

/** A task that has settled. */
interface Settled<Task extends AnyTask> {
  readonly id: string
  /** The position among the tasks, from 0. */
  readonly index: number
  readonly task: Task
  readonly attempts: number
  /** Milliseconds from the start of the first attempt to the end of the last one. */
  readonly durationMs: number
  /** The host of the last attempt. */
  readonly host: string
  /** On a cluster: the worker host of the last attempt, by the name that the cluster has for it. The folder of the task is there. */
  readonly worker?: string
}

/** A task with its result. */
export interface TaskDone<Task extends AnyTask = AnyTask> extends Settled<Task> {
  readonly ok: true
  /** What `run()` returned, as JSON can hold it; a result above 64 KB is a file. */
  readonly result: ResultOf<Task> | ResultFile<ResultOf<Task>>
}

/** A task that failed for good, or was cancelled. */
export interface TaskFailed<Task extends AnyTask = AnyTask> extends Settled<Task> {
  readonly ok: false
  readonly error: TaskError
}

/** What `pool.map` yields for each task when errors are collected. */
export type TaskOutcome<Task extends AnyTask = AnyTask> = TaskDone<Task> | TaskFailed<Task>

/**
 * Options that the pool adds to those of `run()` for a task. They are absent when the task runs without a pool.
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
  /** Reports the progress of the task, any JSON value, to `onEvent` of the map. */
  readonly progress?: (value: unknown) => void
  /** The id of the task in its pool. */
  readonly taskId?: string
  /**
   * The path of the task's own folder on the host where it runs: `tasks/ID-KEY` in the folder of the pool, where `KEY` is the hash of the
   * task. It is made when this property is first read. The current folder is shared by all tasks of a worker. Another attempt finds there
   * what the one before has left, and so does a trial with the same options that is run again by a sweep, with `resume: true` when the
   * sweep had paused it.
   */
  readonly folder?: string
  /** Counts from 1; more when earlier attempts failed. */
  readonly attempt?: number
}

/** What a pool is made of: {@link PoolOptions} with every default filled in. */
export interface PoolParts {
  readonly engine: Engine
  readonly logger: Logger
  readonly folder: string
  readonly imports: readonly string[]
  readonly extensions: Readonly<Record<string, string>>
  readonly registry: Registry | undefined
  readonly secrets: SecretsConfig | undefined
  readonly signal: AbortSignal | undefined
  /** What each worker has; absent when another engine decides that. */
  readonly needs: CompleteNeeds | undefined
  /** Absent when no logs are kept. */
  readonly logs: TaskLogs | undefined
  /** Makes a folder outlive the run that it is made in. */
  readonly keepOutput: (output: string) => Promise<void>
}

type SetupOptions = { readonly [Key in keyof WorkerProcessSetup]?: PoolOptions[Key] | undefined }

/** What workers are started with, with every default filled in. */
export function completeSetup({
  imports = [],
  folder = '.',
  extensions = {},
  secrets,
  registry,
  needs = {},
  variables = {},
  workers = needs.cpus === undefined ? availableCpus() : Number.POSITIVE_INFINITY,
  crashRetries = 2,
  graceMs = defaultGraceMs,
}: SetupOptions): WorkerProcessSetup {
  expectValid('needs', needsMistake(needs))
  expectValid('variables', variablesMistake(variables))
  expectValid('workers', workersMistake(workers))
  return {
    imports: moduleUrls(imports),
    folder,
    extensions,
    secrets,
    registry,
    workers,
    crashRetries,
    graceMs,
    needs: completeNeeds(needs),
    variables: variableTexts(variables),
  }
}

function workersMistake(workers: number): string | undefined {
  if (workers >= 1 && (Number.isInteger(workers) || workers === Number.POSITIVE_INFINITY)) return undefined
  return `must be a whole number from 1, but is ${workers}`
}

function expectValid(option: string, mistake: string | undefined): void {
  if (mistake === undefined) return
  const message = `Option "${option}" of the pool ${mistake}`
  throw new FlambeauError(message, { code: 'BAD_POOL_OPTION', exitCode: mistakeCode })
}

/** {@link MapOptions} of running tasks, with every default filled in. */
export interface CompleteMapOptions<Task extends AnyTask> {
  /** Absent when tasks are numbered. */
  readonly taskId: ((task: Task, index: number) => string) | undefined
  readonly retries: number
  /** Milliseconds before the attempt that follows the given one. */
  readonly backoff: (attempt: number) => number
  /** `Infinity` for no limit. */
  readonly timeoutMs: number
  readonly collectsErrors: boolean
  /** The seed of the task with an id. */
  readonly seedOf: (id: string) => number
  /** Absent when nobody follows the tasks: an event for each of them would cost time. */
  readonly onEvent: ((event: TaskEvent<Task>) => void) | undefined
  readonly spanName: string
  readonly isRepeatable: boolean
  readonly keyOf: (task: Task) => string | undefined
  readonly isResumed: (task: Task) => boolean
  readonly workerOf: (task: Task) => string | undefined
}

const maxBackoffMs = 60_000

/** Fills in the defaults of {@link MapOptions}. */
export function completeMapOptions<Task extends AnyTask>({
  taskId,
  retries = 0,
  backoff = 100,
  timeoutMs = Number.POSITIVE_INFINITY,
  onError,
  seed = 0,
  onEvent,
  spanName = 'flambeau.task',
  isRepeatable = false,
  keyOf = () => undefined,
  isResumed = () => false,
  workerOf = () => undefined,
}: MapOptions<Task>): CompleteMapOptions<Task> {
  const doubled = (attempt: number) => Math.min(Number(backoff) * 2 ** (attempt - 1), maxBackoffMs)
  return {
    taskId,
    retries,
    backoff: typeof backoff === 'function' ? backoff : doubled,
    timeoutMs,
    collectsErrors: onError === 'collect',
    seedOf: taskSeeds(seed),
    onEvent,
    spanName,
    isRepeatable,
    keyOf,
    isResumed,
    workerOf,
  }
}

import type { LogLevel } from '../logger.js'
import type { Registry } from '../registry/registry.js'
import type { CompleteNeeds } from '../runnable/needs.js'
import type { SecretsConfig } from '../runnable/secrets/secrets.js'
import type { TraceCarrier } from '../tracing/tracing.js'
import type { LocalGpu } from '../util/gpus.js'
import type { Cancellation } from './cancellation.js'

export type { LogLevel }

/** One attempt of a task, as it is sent to a worker. */
export interface TaskMessage {
  readonly id: string
  /** Counts from 1. */
  readonly attempt: number
  /** The task as a runnable file: its extensions, and its dump. */
  readonly text: string
  /** Identifies the task in other runs, where its id may be another one; the hash of its text when absent. */
  readonly key?: string
  /** The seed of its run options: the same for each attempt. */
  readonly seed: number
  /** Milliseconds from its start; no limit when absent. */
  readonly timeoutMs?: number
  /** Whether it continues where an earlier run of it stopped. */
  readonly resume?: true
  /** On a cluster: the worker host that ran it before, and has its folder. */
  readonly worker?: string
  /** The context of the trace that the task belongs to. */
  readonly trace?: TraceCarrier
}

/** What a task reports while it runs. */
export type TaskNews =
  | { readonly type: 'started'; readonly host?: string }
  | { readonly type: 'progress'; readonly value: unknown }
  | { readonly type: 'log'; readonly level: LogLevel; readonly text: string }

/** The result of an attempt, or why there is none. */
export type Ended =
  | { readonly ok: true; readonly result: PackedResult; readonly host: string; readonly worker?: string }
  | {
      readonly ok: false
      readonly reason: EndReason
      readonly error: PackedError
      readonly host: string
      /** On a cluster: the worker host, by the name that the cluster has for it. */
      readonly worker?: string
      /** The last output of the task, 64 KB at most; absent when it printed nothing, or where nobody reads it. */
      readonly output?: string
    }

/** An attempt without a result. */
export type FailedAttempt = Extract<Ended, { ok: false }>

/** Why an attempt has no result: the task threw, took too long, used too much memory, killed its workers, or was cancelled. */
export type EndReason = 'failed' | 'timeout' | 'memory' | 'crashed' | 'cancelled'

/** A result as JSON, or the file that holds it; neither when the task returned nothing. */
export type PackedResult = { readonly json?: string } | { readonly file: string; readonly bytes: number }

/** An error as it is sent between processes. */
export interface PackedError {
  readonly name: string
  readonly message: string
  /** For people: the stack with its causes. */
  readonly stack: string
  readonly code?: string
  readonly exitCode?: number
}

/** How the caller of {@link Engine.run} follows and cancels an attempt. */
export interface Watch {
  /** Cancels the attempt; {@link Engine.run} settles within the grace period. */
  readonly signal: AbortSignal
  readonly onNews: (news: TaskNews) => void
  /** @internal The same as {@link signal}, which is made only for those who read it. */
  readonly cancellation?: Cancellation
}

/**
 * Runs tasks somewhere. An engine handles the death of its workers itself: it runs the task again, and reports
 * `crashed` when that happened too often.
 */
export interface Engine {
  /** The most tasks that are passed to it at once, including those that wait for a worker. */
  readonly capacity: number
  /** How many tasks run at once; absent when that is not known. */
  readonly slots?: number | undefined
  /** Runs one attempt. Rejects only when the engine can run no task at all. */
  run(task: TaskMessage, watch: Watch): Promise<Ended>
  /** Cancels what runs, and ends everything that the engine started. */
  close(): Promise<void>
}

/** What every worker is started with. */
export interface WorkerSetup {
  /** Modules that register the classes of the tasks: URLs, or names of packages. */
  readonly imports: readonly string[]
  /** The folder of results above 64 KB, and of the tasks' own folders. */
  readonly folder: string
  /** The sources of the extensions that tasks may declare, by name. */
  readonly extensions: Readonly<Record<string, string>>
  readonly secrets: SecretsConfig | undefined
  /** The tags of tasks that run in this process; other processes use their default registry. */
  readonly registry: Registry | undefined
}

/** The setup of workers that are processes. */
export interface WorkerProcessSetup extends WorkerSetup {
  /** The most processes at once. */
  readonly workers: number
  /** How often a task is run again after its worker died. */
  readonly crashRetries: number
  /** Milliseconds that a cancelled task has to clean up. */
  readonly graceMs: number
  /** What each process has of its machine. */
  readonly needs: CompleteNeeds
  /** Environment variables of the processes. */
  readonly variables: Readonly<Record<string, string>>
}

/** The setup of as many worker processes as fit on this machine. */
export interface FittedSetup extends WorkerProcessSetup {
  /** The GPUs that they may lease; empty when they need none. */
  readonly gpus: readonly LocalGpu[]
  /** Takes what to say while a process waits for GPUs. */
  readonly onWait: (message: string) => void
}

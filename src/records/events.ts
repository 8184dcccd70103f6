import type { Problem } from '../errors.js'
import type { LogLevel } from '../logger.js'

/** A number that a sweep compares its trials by, and whether more or less of it is better. */
export interface Objective {
  readonly name: string
  readonly goal: 'max' | 'min'
}

/** What happens in a run. `time` is an ISO 8601 date. */
export type RunEvent = { readonly time: string } & RunEventBody

/** A {@link RunEvent} without its time. */
export type RunEventBody =
  | RunStarted
  | RunLogged
  | RunProgress
  | SweepStarted
  | TrialStarted
  | TrialProgress
  | TrialEnded
  | RunEnded

/** The run begins: its file has been read, and its classes are imported. */
export interface RunStarted {
  readonly type: 'run.started'
  /** The id of the run; it is that of its record, and of the run on a cluster. */
  readonly id: string
  /** The file, as it was named. */
  readonly file: string
  /** The folder of the record, if there is one. */
  readonly record?: string
  /** The name of the cluster on which it runs. */
  readonly cluster?: string
}

/** The run, or a trial of it, logs a message. */
export interface RunLogged {
  readonly type: 'log'
  readonly level: LogLevel
  readonly message: string
  readonly trial?: string
}

/** The run calls `progress(value)`. */
export interface RunProgress {
  readonly type: 'progress'
  /** The value, as JSON can hold it. */
  readonly value: unknown
}

/** A sweep begins. */
export interface SweepStarted {
  readonly type: 'sweep.started'
  readonly metrics: readonly Objective[]
  /** How many trials it has in all, at most. */
  readonly trials: number
  /** The folder of its results: an absolute path on the machine where it runs. */
  readonly output: string
  /** The command that repeats a failed trial; `{trial}` stands for its number, `{seed}` for its seed. */
  readonly repeat: string
}

/** A trial of a sweep begins, or is tried again. */
export interface TrialStarted {
  readonly type: 'trial.started'
  /** Its number, such as `03`. */
  readonly trial: string
  /** The chosen values by path. */
  readonly options: Readonly<Record<string, unknown>>
  /** Its runnable file. */
  readonly file: string
  /** The seed of its run options. */
  readonly seed: number
  readonly host?: string
  /** Counts from 1. */
  readonly attempt: number
}

/** A trial calls `progress(value)`. */
export interface TrialProgress {
  readonly type: 'trial.progress'
  readonly trial: string
  readonly attempt: number
  readonly value: unknown
}

/** How a trial of a sweep ended: it has a result, was stopped early, or has failed for good. */
export type TrialState = 'done' | 'stopped' | 'failed'

/** Why a trial of a sweep has failed. */
export interface TrialFailure {
  /** Such as `TASK_FAILED`, `TASK_TIMEOUT`, `TASK_CRASHED` and `NO_METRIC`. */
  readonly code: string
  readonly message: string
  /** The end of what its last attempt printed, 4 KB at most; absent when it printed nothing. */
  readonly output?: string
}

/** A trial has finished, or is paused. Trials of an earlier sweep end at the start of this one. */
export interface TrialEnded {
  readonly type: 'trial.ended'
  readonly trial: string
  readonly options: Readonly<Record<string, unknown>>
  readonly state: TrialState
  /** The first metric; absent when it failed. */
  readonly metric?: number
  /** The metrics by name, where the sweep has several. */
  readonly metrics?: Readonly<Record<string, number>>
  readonly result?: unknown
  readonly durationMs: number
  readonly host: string
  readonly attempts: number
  /** The seed of its run options; absent in the results of an earlier version. */
  readonly seed?: number
  readonly error?: TrialFailure
  /** Whether an earlier sweep has done it. */
  readonly isKept?: true
}

/** The run has ended. */
export interface RunEnded {
  readonly type: 'run.ended'
  /** `lost`, on a cluster: its host was restarted, or its supervisor was killed. */
  readonly state: 'succeeded' | 'failed' | 'cancelled' | 'lost'
  readonly exitCode: number
  /** What `run()` returned, as JSON can hold it; absent for nothing. */
  readonly value?: unknown
  /** Why it failed. */
  readonly error?: string
  /** Why Slurm ended it, as Slurm calls it: `TIMEOUT`, `PREEMPTED`. */
  readonly reason?: string
  readonly problems?: readonly Problem[]
}

/** Takes the events of a run. */
export type RunListener = (event: RunEvent) => void

/** An event that happens now. */
export function eventNow(body: RunEventBody): RunEvent {
  return { time: new Date().toISOString(), ...body }
}

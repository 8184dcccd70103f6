import type { Objective, TrialFailure } from '../../records/events.js'

/** A trial of a sweep, as the page shows it. */
export interface Trial {
  /** Its number, such as `03`. */
  readonly id: string
  readonly state: 'running' | 'done' | 'stopped' | 'failed'
  /** The chosen values by path. */
  readonly options: Readonly<Record<string, unknown>>
  /** The first metric of the sweep. */
  readonly metric?: number
  /** The metrics, and all other numbers of its result, by path. */
  readonly values: Readonly<Record<string, number>>
  readonly durationMs?: number
  readonly host?: string
  readonly attempts?: number
  readonly seed?: number
  readonly error?: TrialFailure
  /** Its runnable file. */
  readonly file?: string
  readonly result?: unknown
}

/** What `progress` was told once: the step, and the numbers. */
export interface CurvePoint {
  readonly step: number
  readonly values: Readonly<Record<string, number>>
}

/** A sweep, as the page shows it. */
export interface SweepModel {
  readonly objectives: readonly Objective[]
  /** How many trials it has in all. */
  readonly total: number
  /** By their numbers. */
  readonly trials: readonly Trial[]
  /** What trials told `progress`, by trial. */
  readonly curves: ReadonlyMap<string, readonly CurvePoint[]>
}

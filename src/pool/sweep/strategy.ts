import type { Objective } from '../../records/events.js'
import type { Random } from './random.js'
import type { Point, SearchSpace } from './space.js'

/** A trial of a search that is under way. */
export interface SearchTrial {
  /** Counts from 1. */
  readonly number: number
  readonly point: Point
  readonly state: 'running' | 'done' | 'stopped' | 'failed'
  /**
   * Its metrics, in the order of the {@link SearchHistory.objectives}. Those of a stopped trial are the last that it reported; absent
   * while it runs, and when it failed.
   */
  readonly values?: readonly number[]
  /** The last step that a stopped trial reported. */
  readonly step?: number
}

/** What a {@link Strategy} knows when it suggests a trial. */
export interface SearchHistory {
  /** The trials so far, in the order of their numbers. */
  readonly trials: readonly SearchTrial[]
  readonly objectives: readonly Objective[]
  /** The number of the trial that is to be suggested. */
  readonly number: number
  /** Returns numbers in [0, 1) that follow from the seed and the number of the trial alone. */
  readonly random: Random
}

/**
 * Decides which values are tried next. It keeps nothing between its calls: what it needs is in the history, so that a sweep goes on
 * after a crash as if there had been none.
 *
 * ```ts
 * @registrable('!NearBest')
 * export class NearBest implements Strategy {
 *   suggest(space: SearchSpace, { random }: SearchHistory): Point {
 *     return space.sample(random)
 *   }
 * }
 * ```
 *
 * A point that was tried before is asked for again; a point that is not in the space is an error of the sweep.
 */
export interface Strategy {
  /** Suggests the next point; `undefined` ends the search. */
  suggest(space: SearchSpace, history: SearchHistory): Point | undefined | Promise<Point | undefined>
}

/** Whether a value can suggest trials. */
export function isStrategy(value: unknown): value is Strategy {
  return typeof value === 'object' && value !== null && typeof (value as Strategy).suggest === 'function'
}

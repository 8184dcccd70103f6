import type { Objective } from '../../records/events.js'

/** What a running trial has reported. */
export interface TrialReport {
  /** The number of the trial, such as `03`. */
  readonly trial: string
  /** Above that of its last report. */
  readonly step: number
  /** Its metric at that step; `NaN` where it reported no number. */
  readonly value: number
}

/**
 * What becomes of a trial after a report: it continues, ends for good, or is paused, which means that it ends and may be resumed
 * later.
 */
export type Verdict = 'continue' | 'stop' | 'pause'

/**
 * Decides which trials end early. A sweep that is resumed tells it the reports of the earlier trials again, in the order in which
 * these trials ended.
 *
 * ```ts
 * @registrable('!Threshold')
 * export class Threshold extends MappedRegistrable.with(z.strictObject({ least: z.number() })) implements StoppingRule {
 *   start(): void {}
 *   report({ step, value }: TrialReport): Verdict {
 *     return step >= 5 && value < this.options.least ? 'stop' : 'continue'
 *   }
 * }
 * ```
 */
export interface StoppingRule {
  /** The name of the number in what trials report that is their step; when absent, their reports are counted. */
  readonly stepName?: string | undefined
  /** A sweep begins; what an earlier one has left is forgotten. */
  start(objective: Objective): void
  /** Decides about a running trial. */
  report(report: TrialReport): Verdict
  /** A trial that has failed begins again, at its first step. */
  reset?(trial: string): void
  /** A trial has ended; `stopped` when this rule stopped or paused it. */
  ended?(trial: string, state: 'done' | 'stopped' | 'failed'): void
  /**
   * The number of a paused trial that goes on now, asked for whenever a worker is free; `undefined` for none. `isLast`: nothing runs,
   * and no other trial is left.
   */
  next?(isLast: boolean): string | undefined
}

/** Whether a value can stop trials. */
export function isStoppingRule(value: unknown): value is StoppingRule {
  return typeof value === 'object' && value !== null && typeof (value as StoppingRule).report === 'function'
}

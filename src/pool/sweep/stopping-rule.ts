import type { Objective, TrialState } from '../../records/events.js'

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
export type TrialDecision = 'continue' | 'stop' | 'pause'

/**
 * Decides which trials end early. When a sweep is resumed, the rule receives the reports of the earlier trials again, in the order
 * in which these trials finished.
 *
 * ```ts
 * @registrable('!Threshold')
 * export class Threshold extends MappedRegistrable.with(z.strictObject({ least: z.number() })) implements StoppingRule {
 *   start(): void {}
 *   report({ step, value }: TrialReport): TrialDecision {
 *     return step >= 5 && value < this.options.least ? 'stop' : 'continue'
 *   }
 * }
 * ```
 */
export interface StoppingRule {
  /** The name of the number in what trials report that is their step; when absent, their reports are counted. */
  readonly stepName?: string | undefined
  /** Called when a sweep begins: forgets what an earlier one has left. */
  start(objective: Objective): void
  /** Decides about a running trial. */
  report(report: TrialReport): TrialDecision
  /** Called when a failed trial is tried again, from its first step. */
  reset?(trial: string): void
  /** Called when a trial has finished; `stopped` when this rule stopped or paused it. */
  onTrialEnd?(trial: string, state: TrialState): void
  /**
   * Returns the number of a paused trial to resume; `undefined` for none. Called whenever a worker is free. `isLast`: nothing runs,
   * and no other trial is left.
   */
  next?(isLast: boolean): string | undefined
}

/** Whether a value can stop trials. */
export function isStoppingRule(value: unknown): value is StoppingRule {
  return typeof value === 'object' && value !== null && typeof (value as StoppingRule).report === 'function'
}

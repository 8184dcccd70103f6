import type { TrialRecord } from './records.js'

/** Whether a metric should be large or small. */
export type Goal = 'max' | 'min'

/** Records as a reader wants them. */
export interface Ranking {
  /** The best first; of equal ones the earlier. */
  readonly ranked: readonly TrialRecord[]
  readonly stopped: readonly TrialRecord[]
  readonly failed: readonly TrialRecord[]
}

/** Sorts records: those that came to a result by their metric, those that were stopped, those that failed. */
export function rank(records: readonly TrialRecord[], goal: Goal): Ranking {
  const done = records.filter(({ error, stopped }) => !error && !stopped)
  const sign = goal === 'max' ? -1 : 1
  const ranked = done.toSorted((a, b) => sign * (a.metric! - b.metric!) || (a.trial < b.trial ? -1 : 1))
  return {
    ranked,
    stopped: records.filter(({ stopped }) => stopped),
    failed: records.filter(({ error }) => error),
  }
}

import { isMapping } from '../util/plain-object.js'

/** What a line of `metrics.jsonl` has besides the value that `progress` was told. */
export interface MetricsFacts {
  /** ISO 8601. */
  readonly _time: string
  /** The trial of a sweep, and which attempt of it. */
  readonly _trial?: string
  readonly _attempt?: number
  /** When the attempt started, in the folder of a sweep, which later sweeps may continue. */
  readonly _started?: string
}

/** A line of `metrics.jsonl`: the keys of a mapping, any other value as `value`. */
export function metricsLine(value: unknown, facts: MetricsFacts): object {
  return isMapping(value) ? { ...value, ...facts } : { value, ...facts }
}

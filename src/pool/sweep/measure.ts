import { isFlambeauError } from '../../errors.js'
import type { TaskDone } from '../map-options.js'
import { ResultFile } from '../result-file.js'
import { metricOf } from './metric.js'
import type { TrialRecord } from './records.js'

/** What a trial came to: part of its record. */
export type Measured = Pick<TrialRecord, 'metric' | 'result' | 'stopped' | 'error'>

/**
 * Takes the metric out of the result of a trial, which has failed when it has no such number. Where the result is a file
 * of another host, what was `told` last counts.
 */
export async function measure(
  { result, host }: Pick<TaskDone, 'result' | 'host'>,
  { metric, told }: { metric: string; told: number | undefined },
): Promise<Measured> {
  if (!(result instanceof ResultFile)) return metricOrError(result, result, metric)
  const whole = await result.read().catch(() => undefined)
  if (whole !== undefined) return metricOrError(whole, result, metric)
  return told === undefined ? { error: outOfReach(result, host, metric) } : { metric: told, result }
}

function metricOrError(whole: unknown, result: unknown, metric: string): Measured {
  try {
    return { metric: metricOf(whole, metric), result }
  } catch (error) {
    if (!isFlambeauError(error)) throw error
    return { error: { code: error.code, message: error.message }, result }
  }
}

function outOfReach({ bytes, path }: ResultFile, host: string, metric: string) {
  const what = `The result, of ${bytes} bytes, stays on "${host}" (${path}), so its "${metric}" cannot be read here`
  const message = `${what}: return less than 64 KB, or tell "${metric}" by "progress"`
  return { code: 'RESULT_OUT_OF_REACH', message }
}

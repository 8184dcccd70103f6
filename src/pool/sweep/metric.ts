import { inspect } from 'node:util'
import { isFlambeauError, UnsuccessfulRunnableError } from '../../errors.js'
import { didYouMean } from '../../registry/suggest.js'
import { mistakeCode } from '../../util/exit-codes.js'
import type { TaskDone } from '../options.js'
import { ResultFile } from '../result.js'
import type { TrialRecord } from './records.js'

/**
 * The metric of a result: `accuracy` or, deeper, `test.loss`.
 *
 * @throws {@link UnsuccessfulRunnableError} when there is no such number.
 */
export function metricOf(result: unknown, metric: string): number {
  const value = valueAtPath(result, metric)
  if (typeof value === 'number' && Number.isFinite(value)) return value
  const known = numberNames(result)
  const meant = didYouMean(metric, known)
  const has = known.length === 0 ? 'has no numbers' : `has ${known.map((name) => `"${name}"`).join(', ')}`
  const advice = meant || `: it ${has}; name one of them as "metric"`
  const message =
    value === undefined
      ? `The result has no number "${metric}"${advice}`
      : `"${metric}" must be a finite number, but the trial returned ${describeValue(value)}`
  throw new UnsuccessfulRunnableError(message, { code: 'NO_METRIC', exitCode: mistakeCode })
}

function describeValue(value: unknown): string {
  if (value === null) return 'null, which also stands for NaN and Infinity in JSON'
  const written = inspect(value, { depth: 1, breakLength: Infinity })
  return written.length > 80 ? `${written.slice(0, 79)}…` : written
}

/** The metric of a progress value, if it has one: the value itself may be the number. */
export function progressMetric(progress: unknown, metric: string): number | undefined {
  const value = typeof progress === 'number' ? progress : valueAtPath(progress, metric)
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function valueAtPath(result: unknown, path: string): unknown {
  let value = result
  for (const step of path.split('.'))
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined
  return value
}

function numberNames(result: unknown): string[] {
  if (typeof result !== 'object' || result === null) return []
  return Object.entries(result).flatMap(([name, value]) => (typeof value === 'number' ? [name] : []))
}

/** What a trial came to: part of its record. */
export type Measurement = Pick<TrialRecord, 'metric' | 'result' | 'stopped' | 'error'>

/**
 * Takes the metric out of the result of a trial, which has failed when it has no such number. Where the result is a file
 * of another host, what was `told` last counts.
 */
export async function measure(
  { result, host }: Pick<TaskDone, 'result' | 'host'>,
  { metric, told }: { metric: string; told: number | undefined },
): Promise<Measurement> {
  if (!(result instanceof ResultFile)) return metricOrError(result, result, metric)
  const whole = await result.read().catch(() => undefined)
  if (whole !== undefined) return metricOrError(whole, result, metric)
  return told === undefined ? { error: resultOutOfReach(result, host, metric) } : { metric: told, result }
}

function metricOrError(whole: unknown, result: unknown, metric: string): Measurement {
  try {
    return { metric: metricOf(whole, metric), result }
  } catch (error) {
    if (!isFlambeauError(error)) throw error
    return { error: { code: error.code, message: error.message }, result }
  }
}

function resultOutOfReach({ bytes, path }: ResultFile, host: string, metric: string) {
  const what = `The result, of ${bytes} bytes, stays on "${host}" (${path}), so its "${metric}" cannot be read here`
  const message = `${what}: return less than 64 KB, or tell "${metric}" by "progress"`
  return { code: 'RESULT_OUT_OF_REACH', message }
}

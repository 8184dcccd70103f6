import { inspect } from 'node:util'
import { parsePath, type Step } from '../../document/path.js'
import { isFlambeauError, UnsuccessfulRunnableError } from '../../errors.js'
import type { Objective } from '../../records/events.js'
import { didYouMean } from '../../registry/suggest.js'
import { mistakeCode } from '../../util/exit-codes.js'
import type { TaskDone } from '../options.js'
import { ResultFile } from '../result.js'
import type { TrialRecord } from './records.js'

/**
 * The metric of a result: `accuracy`, or the path `test.loss` or `losses[-1]`.
 *
 * @throws {@link UnsuccessfulRunnableError} when there is no such number.
 */
export function metricOf(result: unknown, metric: string): number {
  const value = valueAtPath(result, metric)
  if (typeof value === 'number' && Number.isFinite(value)) return value
  const known = numberNames(result)
  const { mistake } = parsePath(metric)
  const meant = didYouMean(metric, known) || (mistake ? `: ${mistake.message}` : '')
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

/**
 * A number in what a trial reported; the report itself may be the number. `NaN` for null, which stands for NaN and Infinity in JSON;
 * `undefined` when there is none.
 */
export function progressNumber(progress: unknown, name: string): number | undefined {
  const value = typeof progress === 'number' ? progress : valueAtPath(progress, name)
  if (value === null) return Number.NaN
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

// A name that is no path, such as "val loss", is the key itself.
function valueAtPath(result: unknown, path: string): unknown {
  if (isObject(result) && Object.hasOwn(result, path)) return result[path]
  const { steps, mistake } = parsePath(path)
  return mistake ? undefined : steps.reduce(valueAtStep, result)
}

function valueAtStep(value: unknown, step: Step): unknown {
  if (step.kind === 'index') return Array.isArray(value) ? value.at(step.index) : undefined
  return isObject(value) && !(step.name in Object.prototype && !Object.hasOwn(value, step.name))
    ? value[step.name]
    : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function numberNames(result: unknown): string[] {
  if (!isObject(result)) return []
  return Object.entries(result).flatMap(([name, value]) => (typeof value === 'number' ? [name] : []))
}

/** The part of a trial's record that depends on its outcome. */
export type Measurement = Pick<TrialRecord, 'metric' | 'metrics' | 'result' | 'stopped' | 'error'>

/**
 * Reads the metrics from the result of a trial. The trial has failed when its result lacks one of them. When the result
 * is a file on another host, the last metric of its progress counts.
 */
export async function measure(
  { result, host }: Pick<TaskDone, 'result' | 'host'>,
  { objectives, lastMetric }: { objectives: readonly Objective[]; lastMetric: number | undefined },
): Promise<Measurement> {
  if (!(result instanceof ResultFile)) return metricsOrError(result, result, objectives)
  const whole = await result.read().catch(() => undefined)
  if (whole !== undefined) return metricsOrError(whole, result, objectives)
  if (lastMetric !== undefined && objectives.length === 1) return { metric: lastMetric, result }
  return { error: resultOutOfReach(result, host, objectives[0]!.name) }
}

function metricsOrError(whole: unknown, result: unknown, objectives: readonly Objective[]): Measurement {
  try {
    return { ...metricsOf(whole, objectives), result }
  } catch (error) {
    if (!isFlambeauError(error)) throw error
    return { error: { code: error.code, message: error.message }, result }
  }
}

/**
 * The metrics of a result, as a record has them.
 *
 * @throws {@link UnsuccessfulRunnableError} when it lacks one of them.
 */
export function metricsOf(
  result: unknown,
  objectives: readonly Objective[],
): Pick<TrialRecord, 'metric' | 'metrics'> {
  const values = objectives.map(({ name }) => [name, metricOf(result, name)] as const)
  const metric = values[0]![1]
  return values.length === 1 ? { metric } : { metric, metrics: Object.fromEntries(values) }
}

function resultOutOfReach({ bytes, path }: ResultFile, host: string, metric: string) {
  const what = `The result of ${bytes} bytes stays on "${host}" (${path}), so its "${metric}" cannot be read here`
  const message = `${what}: return less than 64 KB, or report "${metric}" with "progress"`
  return { code: 'RESULT_OUT_OF_REACH', message }
}

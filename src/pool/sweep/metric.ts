import { inspect } from 'node:util'
import { UnsuccessfulRunnableError } from '../../errors.js'
import { didYouMean } from '../../registry/suggest.js'
import { mistakeCode } from '../../util/exit-codes.js'

/**
 * The metric of a result: `accuracy` or, deeper, `test.loss`.
 *
 * @throws {@link UnsuccessfulRunnableError} when there is no such number.
 */
export function metricOf(result: unknown, metric: string): number {
  const value = find(result, metric)
  if (typeof value === 'number' && Number.isFinite(value)) return value
  const known = numbersIn(result)
  const meant = didYouMean(metric, known)
  const has = known.length === 0 ? 'has no numbers' : `has ${known.map((name) => `"${name}"`).join(', ')}`
  const advice = meant || `: it ${has}; name one of them as "metric"`
  const message =
    value === undefined
      ? `The result has no number "${metric}"${advice}`
      : `"${metric}" must be a finite number, but the trial returned ${described(value)}`
  throw new UnsuccessfulRunnableError(message, { code: 'NO_METRIC', exitCode: mistakeCode })
}

function described(value: unknown): string {
  if (value === null) return 'null, which also stands for NaN and Infinity in JSON'
  const written = inspect(value, { depth: 1, breakLength: Infinity })
  return written.length > 80 ? `${written.slice(0, 79)}…` : written
}

/** The metric of a progress value, if it has one: the value itself may be the number. */
export function metricIn(progress: unknown, metric: string): number | undefined {
  const value = typeof progress === 'number' ? progress : find(progress, metric)
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function find(result: unknown, path: string): unknown {
  let value = result
  for (const step of path.split('.'))
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined
  return value
}

function numbersIn(result: unknown): string[] {
  if (typeof result !== 'object' || result === null) return []
  return Object.entries(result).flatMap(([name, value]) => (typeof value === 'number' ? [name] : []))
}

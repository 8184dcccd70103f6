import { UnsuccessfulRunnableError } from '../../errors.js'
import { didYouMean } from '../../registry/suggest.js'

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
  const message = `The result of the trials has no number "${metric}"${meant || `: it ${has}; name one of them as "metric"`}`
  throw new UnsuccessfulRunnableError(message, { code: 'NO_METRIC', exitCode: 22 })
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

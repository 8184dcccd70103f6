import { isFlambeauError } from '../errors.js'
import { type Paint, reportProblems } from '../report.js'
import { stackOf } from './outcome.js'

/**
 * An error as a person reads it: a user's mistake without a stack, a crash with one.
 *
 * `debug` shows stacks and causes for all.
 */
export function describeError(
  error: unknown,
  { debug = false, paint }: { debug?: boolean; paint?: Paint | undefined } = {},
): string {
  if (!isFlambeauError(error)) return stackOf(error)
  if (debug) return stackOf(error)
  if (error.problems.length > 0) return reportProblems(error.problems, paint)
  const message = paint ? paint.message(error.message) : error.message
  return error.code !== 'RUN_FAILED' || error.cause === undefined
    ? message
    : `${message}\n\n${stackOf(error.cause)}`
}

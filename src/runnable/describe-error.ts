import { type FlambeauError, isFlambeauError } from '../errors.js'
import { type Paint, reportProblems } from '../report.js'
import { printable } from '../util/printable.js'
import { messageOf, readSafely, stackOf } from '../util/thrown.js'

/** How {@link describeError} shows an error. */
export interface DescribeOptions {
  /** Show stacks and causes of all. */
  readonly debug?: boolean | undefined
  readonly paint?: Paint | undefined
  /** Masks the secrets in a text; before anything in it is escaped, or it would not find them. */
  readonly mask?: ((text: string) => string) | undefined
}

/** An error as a person reads it: a user's mistake without a stack, a crash with one. */
export function describeError(error: unknown, options: DescribeOptions = {}): string {
  const { debug = false, mask = (text) => text } = options
  const stack = (thrown: unknown): string => printable(mask(stackOf(thrown)))
  if (debug || !isFlambeauError(error)) return stack(error)
  return readSafely(() => describeOwn(error, options, stack), '') || stack(error)
}

function describeOwn(
  error: FlambeauError,
  { paint, mask = (text) => text }: DescribeOptions,
  stack: (thrown: unknown) => string,
): string {
  if (error.problems.length > 0) return reportProblems(masked(error.problems, mask), paint)
  const message = printable(mask(messageOf(error)))
  const painted = paint ? paint.message(message) : message
  return error.code !== 'RUN_FAILED' || error.cause === undefined
    ? painted
    : `${painted}\n\n${stack(error.cause)}`
}

function masked(problems: FlambeauError['problems'], mask: (text: string) => string) {
  return problems.map((problem) => ({
    ...problem,
    message: mask(problem.message),
    frame: mask(problem.frame),
  }))
}

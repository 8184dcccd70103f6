import { type FlambeauError, isFlambeauError, UnsuccessfulRunnableError } from '../errors.js'
import { type Paint, reportProblems } from '../problem-report.js'
import { interruptedCode } from '../util/exit-codes.js'
import { printable } from '../util/printable.js'
import { messageOf, propertyOf, readSafely, stackOf } from '../util/thrown.js'

/**
 * The outcome of a run. The library never exits the process: that is up to its caller. `record` is the folder of its record, if
 * `runFile` made one.
 */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T; readonly exitCode: 0; readonly record?: string }
  | { readonly ok: false; readonly error: Error; readonly exitCode: number; readonly record?: string }

/** The outcome of a run that failed. */
export type Failure = Outcome<never> & { readonly ok: false }

/** The outcome of a run that threw; an abort is an interruption, whatever was thrown. */
export function failedOutcome(thrown: unknown, signal: AbortSignal): Failure {
  if (signal.aborted) return { ok: false, error: interrupted(thrown), exitCode: interruptedCode }
  const error = isFlambeauError(thrown) ? thrown : unsuccessful(thrown)
  return { ok: false, error, exitCode: failureCode(thrown) }
}

function interrupted(cause: unknown): UnsuccessfulRunnableError {
  return new UnsuccessfulRunnableError('Interrupted', {
    code: 'INTERRUPTED',
    exitCode: interruptedCode,
    cause,
  })
}

function unsuccessful(cause: unknown): UnsuccessfulRunnableError {
  const reason = messageOf(cause)
  const message = reason === '' ? 'The run failed' : `The run failed: ${reason}`
  return new UnsuccessfulRunnableError(message, { code: 'RUN_FAILED', exitCode: failureCode(cause), cause })
}

// The `exitCode` of the error, if it is one that a process can fail with.
function failureCode(thrown: unknown): number {
  const code = propertyOf(thrown, 'exitCode')
  return Number.isInteger(code) && Number(code) > 0 && Number(code) < 256 ? Number(code) : 1
}

/** How {@link describeError} shows an error. */
interface DescribeOptions {
  /** Show stacks and causes, even of a user's mistake. */
  readonly debug?: boolean | undefined
  readonly paint?: Paint | undefined
  /** Masks the secrets in a text. It is called before characters are escaped: an escaped secret would not be found. */
  readonly mask?: ((text: string) => string) | undefined
}

/** Describes an error for a person: a user's mistake without a stack, a crash with one. */
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

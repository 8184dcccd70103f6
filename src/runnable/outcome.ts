import { isFlambeauError, UnsuccessfulRunnableError } from '../errors.js'
import { interruptedCode } from '../util/exit-codes.js'
import { messageOf, propertyOf } from '../util/thrown.js'

/** How a run ended. The library never exits a process: that is up to who called it. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T; readonly exitCode: 0 }
  | { readonly ok: false; readonly error: Error; readonly exitCode: number }

/** The outcome of what `body` threw. */
export function failure(thrown: unknown, signal: AbortSignal): Outcome<never> {
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

// A run's own code when it has one: a byte, and none that says success.
function failureCode(thrown: unknown): number {
  const code = propertyOf(thrown, 'exitCode')
  return Number.isInteger(code) && Number(code) > 0 && Number(code) < 256 ? Number(code) : 1
}

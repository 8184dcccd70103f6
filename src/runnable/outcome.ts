import { isFlambeauError, UnsuccessfulRunnableError } from '../errors.js'

/** How a run ended. The library never exits a process: that is up to who called it. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T; readonly exitCode: 0 }
  | { readonly ok: false; readonly error: Error; readonly exitCode: number }

/** What a process that was interrupted exits with. */
export const interruptedCode = 130

/** The outcome of what `body` threw. */
export function failure(thrown: unknown, signal: AbortSignal): Outcome<never> {
  const error = signal.aborted ? interrupted(thrown) : isFlambeauError(thrown) ? thrown : unsuccessful(thrown)
  return { ok: false, error, exitCode: error.exitCode }
}

function interrupted(cause: unknown): UnsuccessfulRunnableError {
  return new UnsuccessfulRunnableError('Interrupted', {
    code: 'INTERRUPTED',
    exitCode: interruptedCode,
    cause,
  })
}

function unsuccessful(cause: unknown): UnsuccessfulRunnableError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = reason === '' ? 'The run failed' : `The run failed: ${reason}`
  return new UnsuccessfulRunnableError(message, { code: 'RUN_FAILED', exitCode: ownCode(cause), cause })
}

// A run's own code when it has one: a byte that is not success.
function ownCode(cause: unknown): number {
  const code =
    typeof cause === 'object' && cause !== null ? (cause as { exitCode?: unknown }).exitCode : undefined
  return Number.isInteger(code) && Number(code) > 0 && Number(code) < 256 ? Number(code) : 1
}

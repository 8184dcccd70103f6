import { inspect } from 'node:util'
import { isFlambeauError, UnsuccessfulRunnableError } from '../errors.js'

/** How a run ended. The library never exits a process: that is up to who called it. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T; readonly exitCode: 0 }
  | { readonly ok: false; readonly error: Error; readonly exitCode: number }

/** What a process that was interrupted exits with. */
export const interruptedCode = 130

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
  const reason = shown(() => (cause instanceof Error ? cause.message : String(cause)))
  const message = reason === '' ? 'The run failed' : `The run failed: ${reason}`
  return new UnsuccessfulRunnableError(message, { code: 'RUN_FAILED', exitCode: failureCode(cause), cause })
}

// A run's own code when it has one: a byte, and none that says success.
function failureCode(thrown: unknown): number {
  const code =
    typeof thrown === 'object' && thrown !== null ? (thrown as { exitCode?: unknown }).exitCode : undefined
  return Number.isInteger(code) && Number(code) > 0 && Number(code) < 256 ? Number(code) : 1
}

/** A text about what was thrown, which may be anything, even what throws when it is looked at. */
export function shown(text: () => string): string {
  try {
    return text()
  } catch {
    return 'what was thrown cannot be shown'
  }
}

/** What was thrown with its stack, if it has one. */
export function stackOf(thrown: unknown): string {
  return shown(() => (thrown instanceof Error ? inspect(thrown) : String(thrown)))
}

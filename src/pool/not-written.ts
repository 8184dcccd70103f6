import { FlambeauError } from '../errors.js'
import { resultLostCode } from '../util/exit-codes.js'

/** Names the file that a result cannot be written to: a full disk, a folder that is gone. */
export function notWritten(path: string, cause: unknown): FlambeauError {
  const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)
  const message = `A result could not be written to "${path}" (${reason})`
  return new FlambeauError(message, { code: 'NOT_WRITTEN', exitCode: resultLostCode, cause })
}

import { isFlambeauError } from '../errors.js'
import { shown, stackOf } from '../runnable/outcome.js'
import type { Redact } from '../runnable/secrets/mask.js'

/** An error as it travels between processes. */
export interface PackedError {
  readonly name: string
  readonly message: string
  /** With its stack and causes, for people. */
  readonly stack: string
  readonly code?: string
  readonly exitCode?: number
}

/** Packs whatever was thrown. */
export function packError(thrown: unknown): PackedError {
  const error = thrown instanceof Error ? thrown : undefined
  const packed = {
    name: shown(() => error?.name ?? 'Error'),
    message: shown(() => error?.message ?? String(thrown)),
    stack: stackOf(thrown),
  }
  return isFlambeauError(thrown) ? { ...packed, code: thrown.code, exitCode: thrown.exitCode } : packed
}

/** A packed error with what people read of it masked. */
export function maskedPacked(error: PackedError, redact: Redact): PackedError {
  return { ...error, message: redact(error.message), stack: redact(error.stack) }
}

/** An error with the name, message and stack of the one that was packed. */
export function unpackError({ name, message, stack, code }: PackedError): Error {
  const error = Object.assign(new Error(message), code === undefined ? {} : { code })
  Object.defineProperties(error, {
    name: { value: name, configurable: true },
    stack: { value: stack, configurable: true },
  })
  return error
}

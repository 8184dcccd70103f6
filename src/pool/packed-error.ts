import { isFlambeauError } from '../errors.js'
import type { Redact } from '../runnable/secrets/mask.js'
import { messageOf, nameOf, propertyOf, stackOf } from '../util/thrown.js'

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
  const packed = { name: nameOf(thrown), message: messageOf(thrown), stack: stackOf(thrown) }
  if (!isFlambeauError(thrown)) return packed
  const [code, exitCode] = [propertyOf(thrown, 'code'), propertyOf(thrown, 'exitCode')]
  return {
    ...packed,
    ...(typeof code === 'string' && { code }),
    ...(typeof exitCode === 'number' && { exitCode }),
  }
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

import { inspect } from 'node:util'

/** Reads something of a value that user code threw: a proxy or a getter may throw as it is looked at. */
export function readSafely<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise
  }
}

/** Whether what was thrown is an error. */
export function isError(thrown: unknown): thrown is Error {
  return readSafely(() => thrown instanceof Error, false)
}

/** A property of what was thrown; nothing where there is none, or it cannot be read. */
export function propertyOf(thrown: unknown, name: string): unknown {
  if ((typeof thrown !== 'object' && typeof thrown !== 'function') || thrown === null) return undefined
  return readSafely(() => (thrown as Record<string, unknown>)[name], undefined)
}

/** A code such as `ENOENT` of what was thrown. */
export function codeOf(thrown: unknown): string | undefined {
  const code = propertyOf(thrown, 'code')
  return typeof code === 'string' ? code : undefined
}

const unreadable = 'what was thrown cannot be shown'

/** The message of an error; anything else that was thrown as a text. */
export function messageOf(thrown: unknown): string {
  return readSafely(() => String(thrown instanceof Error ? thrown.message : thrown), unreadable)
}

/** The name of the class of an error; `Error` for anything else. */
export function nameOf(thrown: unknown): string {
  return readSafely(() => (thrown instanceof Error ? String(thrown.name) : 'Error'), 'Error')
}

/** What was thrown with its stack and causes, if it has them. */
export function stackOf(thrown: unknown): string {
  return readSafely(() => (thrown instanceof Error ? inspect(thrown) : String(thrown)), unreadable)
}

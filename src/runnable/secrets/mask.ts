import { isPlainObject } from '../../document/plain-data.js'
import { messageOf, propertyOf } from '../../util/thrown.js'
import { emptySecrets, type SecretsConfig } from './secrets.js'

/** Masks what must not be shown in a text. */
export type Redact = (text: string) => string

/** What masks the values of secrets; passwords in URLs alone, where there are no secrets. */
export function redactOf(secrets: SecretsConfig = emptySecrets()): Redact {
  return (text) => secrets.redact(text)
}

/** Data of a user with its texts and names masked; what JSON makes of an object stands for it. */
export function maskedData<T>(data: T, redact: Redact, redactName = redact): T {
  const json = JSON.stringify(data)
  return json === undefined || redact(json) === json ? data : masked(JSON.parse(json), redact, redactName)
}

function masked(data: any, redact: Redact, redactName: Redact): any {
  if (typeof data === 'string') return redact(data)
  if (typeof data !== 'object' || data === null) return data
  if (Array.isArray(data)) return data.map((item) => masked(item, redact, redactName))
  const entries = Object.entries(data)
  return Object.fromEntries(
    entries.map(([name, value]) => [redactName(name), masked(value, redact, redactName)]),
  )
}

const asItIs = (text: string): string => text
/** Words that programs compare, even where one of them is a secret, too. */
const identifiers: ReadonlySet<string> = new Set(['name', 'code'])

/**
 * An error with its texts masked: its message and stack, its other properties that are texts or plain data, and its
 * causes. It stays the object that was thrown; one that cannot be changed gets a stand-in.
 */
export function maskedError(error: Error, redact: Redact): Error {
  return new ErrorMask(redact).masked(error)
}

class ErrorMask {
  readonly #seen = new Set<unknown>()

  constructor(readonly redact: Redact) {}

  masked(error: Error): Error {
    if (this.#seen.has(error)) return error
    this.#seen.add(error)
    try {
      const names = new Set(['message', 'stack', ...Object.getOwnPropertyNames(error)])
      for (const name of names) if (!identifiers.has(name)) this.#maskProperty(error, name)
      return error
    } catch {
      return this.#standIn(error)
    }
  }

  #maskProperty(error: Error, name: string): void {
    const value = (error as unknown as Record<string, unknown>)[name]
    const safe = this.#part(value)
    if (safe === value) return
    const { enumerable = false } = Object.getOwnPropertyDescriptor(error, name) ?? {}
    Object.defineProperty(error, name, { value: safe, enumerable, writable: true, configurable: true })
  }

  // What cannot be looked at is no text.
  #part(value: unknown): unknown {
    try {
      if (typeof value === 'string') return this.redact(value)
      if (value instanceof Error) return this.masked(value)
      if (Array.isArray(value)) return this.#items(value)
      return isPlainObject(value) ? maskedData(value, this.redact, asItIs) : value
    } catch {
      return value
    }
  }

  // Errors of an AggregateError, and problems.
  #items(items: readonly unknown[]): readonly unknown[] {
    const masked = items.map((item) => this.#part(item))
    return masked.every((item, at) => item === items[at]) ? items : masked
  }

  #standIn(error: Error): Error {
    const safe = new Error(this.redact(messageOf(error)))
    const stack = this.redact(String(propertyOf(error, 'stack')))
    for (const name of ['code', 'exitCode']) {
      const value = propertyOf(error, name)
      if (value !== undefined) Object.assign(safe, { [name]: value })
    }
    return Object.assign(safe, { stack })
  }
}

import { fromJson, toJson } from '../../util/json.js'
import { isPlainObject } from '../../util/plain-object.js'
import { messageOf, propertyOf, readSafely, stackOf } from '../../util/thrown.js'
import type { Redact } from './redact.js'
import { emptySecrets, type SecretsConfig } from './secrets.js'

export type { Redact } from './redact.js'

/** Returns a function that masks the values of secrets; without secrets, the passwords of URLs only. */
export function redactorFor(secrets: SecretsConfig = emptySecrets()): Redact {
  return (text) => secrets.redact(text)
}

/** Masks the texts and names in data of a user. Data that has to be masked becomes what JSON makes of it. */
export function maskData<T>(data: T, redact: Redact, redactName = redact): T {
  const json = toJson(data)
  return json === undefined || redact(json) === json ? data : masked(fromJson(json), redact, redactName)
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

const unchanged = (text: string): string => text
// Programs compare the values of these: they stay, even if they are equal to a secret.
const identifiers: ReadonlySet<string> = new Set(['name', 'code'])

/**
 * Masks the texts of an error: its message and stack, its other properties that are texts or plain data, and its causes.
 * Returns the same object; an error that cannot be changed is replaced.
 */
export function maskError(error: Error, redact: Redact): Error {
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
      return this.#replacement(error)
    }
  }

  #maskProperty(error: Error, name: string): void {
    const value = (error as unknown as Record<string, unknown>)[name]
    const safe = this.#part(value)
    if (safe === value) return
    const { enumerable = false } = Object.getOwnPropertyDescriptor(error, name) ?? {}
    Object.defineProperty(error, name, { value: safe, enumerable, writable: true, configurable: true })
  }

  // A value that cannot be inspected is not a text.
  #part(value: unknown): unknown {
    try {
      if (typeof value === 'string') return this.redact(value)
      if (value instanceof Error) return this.masked(value)
      if (Array.isArray(value)) return this.#items(value)
      return isPlainObject(value) ? maskData(value, this.redact, unchanged) : value
    } catch {
      return value
    }
  }

  // The errors of an AggregateError, and problems.
  #items(items: readonly unknown[]): readonly unknown[] {
    const masked = items.map((item) => this.#part(item))
    return masked.every((item, index) => item === items[index]) ? items : masked
  }

  #replacement(error: Error): Error {
    const safe = new Error(this.redact(messageOf(error)))
    const stack = this.redact(String(propertyOf(error, 'stack')))
    for (const name of ['code', 'exitCode']) {
      const value = propertyOf(error, name)
      if (value !== undefined) Object.assign(safe, { [name]: value })
    }
    return Object.assign(safe, { stack })
  }
}

/**
 * Masks everything that this process prints from now on, for processes whose output is a log. Each text is masked by
 * itself.
 */
export function maskOutput(redact: Redact): void {
  for (const stream of [process.stdout, process.stderr]) maskStream(stream, redact)
}

/** Prints an uncaught exception through the masked streams: Node would bypass them. */
export function printCrashes(): void {
  process.on('uncaughtException', crash)
}

function maskStream(stream: NodeJS.WriteStream, redact: Redact): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean
  stream.write = (chunk: unknown, ...rest: unknown[]) => write(maskedChunk(chunk, rest[0], redact), ...rest)
}

function maskedChunk(chunk: unknown, encoding: unknown, redact: Redact): unknown {
  if (typeof chunk === 'string') return isOtherEncoding(encoding) ? chunk : redact(chunk)
  const text = chunk instanceof Uint8Array ? textOf(chunk) : undefined
  return text === undefined ? chunk : Buffer.from(redact(text))
}

/** The text of bytes; `undefined` if they are not UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  return readSafely(() => decoder.decode(bytes), undefined)
}

function isOtherEncoding(encoding: unknown): boolean {
  return typeof encoding === 'string' && !/^utf-?8$/i.test(encoding)
}

function crash(thrown: unknown): void {
  // A program with a listener of its own decides what happens.
  if (process.listenerCount('uncaughtException') > 1) return
  console.error(stackOf(thrown))
  process.exit(1)
}

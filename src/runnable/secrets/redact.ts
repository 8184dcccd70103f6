import { hideUrlCredentials } from '../../util/url-credentials.js'
import { decodedViews } from './decoded-views.js'
import { PatternMatcher } from './pattern-matcher.js'
import { SecretValue } from './secret-value.js'
import type { SecretsTable } from './secrets-table.js'

/** Masks secrets in a text. */
export type Redact = (text: string) => string

const mask = '[secret]'

// Shorter values, and these words, are part of too many texts that reveal nothing.
const minLength = 4
// A message may say what to type: `redis://:password@host:6379`.
const placeholder = /^(?:\w+:)?password$/

const common: ReadonlySet<string> = new Set(['true', 'false', 'null', 'none'])

const redactors = new WeakMap<SecretsTable, Redact>()

/**
 * Returns a function that masks the values of a table in a text, whole and line by line, plain and in any
 * {@link decodedViews | encoding}. It masks the passwords of URLs, too, whether they are in the table or not.
 */
export function redactor(table: SecretsTable): Redact {
  const known = redactors.get(table) ?? redactorOfValues(valuesOf(table))
  redactors.set(table, known)
  return known
}

/** Returns a function that masks values as {@link redactor} does those of a table. */
export function redactorOfValues(values: readonly string[]): Redact {
  const patterns = [...new Set(values.flatMap(partsOf))].filter(isRevealing).map((part) => Buffer.from(part))
  if (patterns.length === 0) return withoutUrlPasswords
  const matcher = new PatternMatcher(patterns)
  const least = patterns.reduce(
    (length, pattern) => Math.min(length, pattern.length),
    Number.POSITIVE_INFINITY,
  )
  return (text) => withoutUrlPasswords(masked(text, coverage(text, matcher, least)))
}

function withoutUrlPasswords(text: string): string {
  return hideUrlCredentials(text, (credentials) => (placeholder.test(credentials) ? credentials : mask))
}

/** The number of matches that cover each character, as the difference from the character before. */
function coverage(text: string, matcher: PatternMatcher, least: number): Int32Array {
  const changes = new Int32Array(text.length + 1)
  for (const { units, starts, ends } of decodedViews(text, least))
    matcher.search(units, (start, end) => {
      changes[starts[start]!]!++
      changes[ends[end - 1]!]!--
    })
  return changes
}

function masked(text: string, changes: Int32Array): string {
  const pieces: string[] = []
  let covered = 0
  let start = 0
  for (const [index, change] of changes.entries()) {
    const before = covered
    covered += change
    if ((before === 0) === (covered === 0)) continue
    const piece = text.slice(start, index)
    pieces.push(before === 0 || isPartOfMask(text, start, index) ? piece : mask)
    start = index
  }
  return pieces.join('') + text.slice(start)
}

// A text may be masked more than once, and "secret" may be a secret.
function isPartOfMask(text: string, start: number, end: number): boolean {
  for (let index = Math.max(0, end - mask.length); index <= start; index++)
    if (text.startsWith(mask, index)) return true
  return false
}

function valuesOf(table: SecretsTable): string[] {
  return table
    .names()
    .flatMap((section) => table.ownAndVarying(section).map((key) => complete(table, section, key)))
}

function complete(table: SecretsTable, section: string, key: string): string {
  try {
    return new SecretValue(table, section, key).text()!
  } catch {
    // The value cannot be completed, but its text may be a secret all the same.
    return table.raw(section, key)!
  }
}

// A program may use a part of a value: a line, the text in quotes, the password of a URL.
function partsOf(value: string): string[] {
  const lines = value.split('\n').map((line) => line.trim())
  const inQuotes = /^(["'])(.*)\1$/s.exec(value)?.[2] ?? []
  return [value, ...lines, inQuotes, ...passwordsOf(value)].flat()
}

function passwordsOf(value: string): string[] {
  if (!value.includes('://') || !URL.canParse(value)) return []
  const { password } = new URL(value)
  return [password, decoded(password)]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function isRevealing(value: string): boolean {
  return value.length >= minLength && !common.has(value.toLowerCase())
}

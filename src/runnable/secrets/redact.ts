import { hideUrlCredentials } from '../../util/url-credentials.js'
import { decodedViews } from './decoded-views.js'
import { PatternMatcher } from './pattern-matcher.js'
import { SecretValue } from './secret-value.js'
import type { SecretsTable } from './secrets-table.js'

const mask = '[secret]'

// Shorter values, and these words, are part of too many texts that give nothing away.
const shortest = 4
/** In a message that says what to type: `redis://:password@host:6379`. */
const placeholder = /^(?:\w+:)?password$/

const common: ReadonlySet<string> = new Set(['true', 'false', 'null', 'none'])

type Redact = (text: string) => string

const redactors = new WeakMap<SecretsTable, Redact>()

/**
 * A function that masks the values of a table in a text, whole and line by line, as they stand and in any
 * {@link decodedViews | encoding}, and passwords in URLs, whether they are in the table or not.
 */
export function redactor(table: SecretsTable): Redact {
  const known = redactors.get(table) ?? newRedactor(table)
  redactors.set(table, known)
  return known
}

function newRedactor(table: SecretsTable): Redact {
  const patterns = [...new Set(valuesOf(table).flatMap(partsOf))]
    .filter(isTelling)
    .map((part) => Buffer.from(part))
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

/** By how many matches each character is covered, as the difference to the character before. */
function coverage(text: string, matcher: PatternMatcher, least: number): Int32Array {
  const changes = new Int32Array(text.length + 1)
  for (const { units, from, to } of decodedViews(text, least))
    matcher.search(units, (start, end) => {
      changes[from[start]!]!++
      changes[to[end - 1]!]!--
    })
  return changes
}

function masked(text: string, changes: Int32Array): string {
  const pieces: string[] = []
  let covered = 0
  let at = 0
  for (const [place, change] of changes.entries()) {
    const before = covered
    covered += change
    if ((before === 0) === (covered === 0)) continue
    const piece = text.slice(at, place)
    pieces.push(before === 0 || isOfMask(text, at, place) ? piece : mask)
    at = place
  }
  return pieces.join('') + text.slice(at)
}

// A text may pass here more than once, and "secret" be a secret.
function isOfMask(text: string, start: number, end: number): boolean {
  for (let at = Math.max(0, end - mask.length); at <= start; at++) if (text.startsWith(mask, at)) return true
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
    return table.raw(section, key)! // Nobody can read it as it stands, but it may well be a secret.
  }
}

// What a program may take out of a value: a line, what stands in quotes, the password of a URL.
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

function isTelling(value: string): boolean {
  return value.length >= shortest && !common.has(value.toLowerCase())
}

import type { DialectRules, Expansion } from './secrets-table.js'

const asWritten = (text: string): string => text

/** The name of one of the {@link dialects}. */
export type DialectName = DialectRules['name']

/** The rules by which tables of secrets are read, by name: data that travels names one of them. */
export const dialects: Readonly<Record<DialectName, DialectRules>> = {
  /** Python's `ConfigParser`: keys without case, `%(name)s` filled in on reading. */
  python: {
    name: 'python',
    keyOf: (key) => key.toLowerCase(),
    expand: interpolate,
    quote: (value) => value.replaceAll('%', '%%'),
  },
  /** The npm package `ini`: keys with case. */
  ini: { name: 'ini', keyOf: asWritten, expand: asWritten, quote: asWritten },
  /** Values of a program: keys without case, nothing filled in. */
  literal: { name: 'literal', keyOf: (key) => key.toLowerCase(), expand: asWritten, quote: asWritten },
}

// Python's own limit.
const deepest = 10
// Python has none: a file of a few lines could fill the memory.
const mostFilledIn = 65_536

const reference = /%\(([^)]+)\)s/y

interface Run {
  readonly expansion: Expansion
  readonly pieces: string[]
  filledIn: number
}

/** Fills in `%(name)s` from the same section, and makes `%%` a plain `%`, as Python's `BasicInterpolation`. */
function interpolate(raw: string, expansion: Expansion): string {
  const run: Run = { expansion, pieces: [], filledIn: 0 }
  append(run, raw, 1)
  return run.pieces.join('')
}

function append(run: Run, text: string, depth: number): void {
  if (depth > deepest) failDeep(run)
  let at = 0
  for (let percent = text.indexOf('%'); percent !== -1; percent = text.indexOf('%', at)) {
    run.pieces.push(text.slice(at, percent))
    at = text[percent + 1] === '%' ? appendPercent(run, percent) : appendReference(run, text, percent, depth)
  }
  run.pieces.push(text.slice(at))
}

function appendPercent(run: Run, at: number): number {
  run.pieces.push('%')
  return at + 2
}

function appendReference(run: Run, text: string, at: number, depth: number): number {
  reference.lastIndex = at
  const name = reference.exec(text)?.[1]
  if (name === undefined) failStray(run)
  const end = reference.lastIndex
  const value = run.expansion.lookup(name) ?? failUnknown(run)
  run.filledIn += value.length + 1
  if (run.filledIn > mostFilledIn) failLarge(run)
  if (value.includes('%')) append(run, value, depth + 1)
  else run.pieces.push(value)
  return end
}

// The messages say nothing of the name that is referred to: it may be a part of a password with a "%" in it.

function failStray({ expansion }: Run): never {
  return expansion.fail('SECRETS_STRAY_PERCENT', 'has a stray "%" in its value: write "%%" for a plain "%"')
}

function failUnknown({ expansion }: Run): never {
  const remedy = 'add that key, or write "%%" for a plain "%"'
  return expansion.fail('SECRETS_NO_REFERENCE', `refers to a key that is not there with "%(": ${remedy}`)
}

function failDeep({ expansion }: Run): never {
  const found = `refers to keys that refer to keys, in a circle or more than ${deepest} deep`
  return expansion.fail('SECRETS_DEEP_REFERENCE', `${found}: write the value itself`)
}

function failLarge({ expansion }: Run): never {
  const found = `refers to keys with more than ${mostFilledIn} characters in all`
  return expansion.fail('SECRETS_LARGE_REFERENCE', `${found}: write the value itself`)
}

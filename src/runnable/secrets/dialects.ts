/** How a dialect spells keys and completes values. */
export interface DialectRules {
  readonly name: 'python' | 'ini' | 'literal'
  /** The spelling under which a key is stored. */
  keyOf(key: string): string
  /** The value that a program gets for the text in the file. */
  expand(raw: string, expansion: Expansion): string
  /** The text in a file for a value: `expand` returns the value, and needs no other key. */
  quote(value: string): string
}

/** What a dialect needs to complete a value. */
export interface Expansion {
  /** The text of another key of the same section. */
  lookup(key: string): string | undefined
  /** Throws the error for a value that cannot be completed; `reason` follows the name of the key. */
  fail(code: string, reason: string): never
}

/** The name of a dialect; secrets that are sent to another process name theirs. */
export type DialectName = DialectRules['name']

const unchanged = (text: string): string => text

/** The rules of each dialect. */
export const dialects: Readonly<Record<DialectName, DialectRules>> = {
  /** Python's `ConfigParser`: keys ignore case, `%(name)s` is replaced when a value is read. */
  python: {
    name: 'python',
    keyOf: (key) => key.toLowerCase(),
    expand: interpolate,
    quote: (value) => value.replaceAll('%', '%%'),
  },
  /** The npm package `ini`: keys have case. */
  ini: { name: 'ini', keyOf: unchanged, expand: unchanged, quote: unchanged },
  /** Values that a program provides: keys ignore case, values stay as they are. */
  literal: { name: 'literal', keyOf: (key) => key.toLowerCase(), expand: unchanged, quote: unchanged },
}

// The limit of Python.
const maxDepth = 10
// Python has no limit: a file of a few lines could fill the memory.
const maxCharacters = 65_536

const reference = /%\(([^)]+)\)s/y

interface Interpolation {
  readonly expansion: Expansion
  readonly pieces: string[]
  /** The number of characters of all referenced values so far. */
  characters: number
}

/** Replaces `%(name)s` by the value of that key, and `%%` by `%`, as Python's `BasicInterpolation` does. */
function interpolate(raw: string, expansion: Expansion): string {
  const interpolation: Interpolation = { expansion, pieces: [], characters: 0 }
  append(interpolation, raw, 1)
  return interpolation.pieces.join('')
}

function append(interpolation: Interpolation, text: string, depth: number): void {
  if (depth > maxDepth) failDeep(interpolation)
  let index = 0
  for (let percent = text.indexOf('%'); percent !== -1; percent = text.indexOf('%', index)) {
    interpolation.pieces.push(text.slice(index, percent))
    index =
      text[percent + 1] === '%'
        ? appendPercent(interpolation, percent)
        : appendReference(interpolation, text, { percent, depth })
  }
  interpolation.pieces.push(text.slice(index))
}

function appendPercent({ pieces }: Interpolation, percent: number): number {
  pieces.push('%')
  return percent + 2
}

function appendReference(
  interpolation: Interpolation,
  text: string,
  { percent, depth }: { percent: number; depth: number },
): number {
  reference.lastIndex = percent
  const name = reference.exec(text)?.[1]
  if (name === undefined) failStray(interpolation)
  const end = reference.lastIndex
  const value = interpolation.expansion.lookup(name) ?? failUnknown(interpolation)
  interpolation.characters += value.length + 1
  if (interpolation.characters > maxCharacters) failLarge(interpolation)
  if (value.includes('%')) append(interpolation, value, depth + 1)
  else interpolation.pieces.push(value)
  return end
}

// The messages do not contain the name in the reference: it may be part of a password with a "%" in it.

function failStray({ expansion }: Interpolation): never {
  return expansion.fail('SECRETS_STRAY_PERCENT', 'has a stray "%" in its value: write "%%" for a plain "%"')
}

function failUnknown({ expansion }: Interpolation): never {
  const remedy = 'add that key, or write "%%" for a plain "%"'
  return expansion.fail('SECRETS_NO_REFERENCE', `refers to a key that does not exist with "%(": ${remedy}`)
}

function failDeep({ expansion }: Interpolation): never {
  const found = `refers to keys that refer to keys, in a circle or more than ${maxDepth} deep`
  return expansion.fail('SECRETS_DEEP_REFERENCE', `${found}: write the value itself`)
}

function failLarge({ expansion }: Interpolation): never {
  const found = `refers to keys with more than ${maxCharacters} characters in total`
  return expansion.fail('SECRETS_LARGE_REFERENCE', `${found}: write the value itself`)
}

// Secrets files by chance, and all that a program can learn from one.

import fc from 'fast-check'
import type { SecretsConfig, SecretsDialect } from 'flambeau'

/** One secrets file as data: keys with their values, by section. */
export type SecretsFile = readonly (readonly [
  section: string,
  keys: readonly (readonly [string, string])[],
])[]

const sectionName = fc.constantFrom('A', 'a', 'AWS', 'Mail', 'get', '__proto__', 'ä b', 'dialect')
const keyName = fc.constantFrom('Key', 'key', 'KEY', 'x', 'user', 'constructor', '__proto__', 'ü')
const word = fc.string({ unit: fc.constantFrom(...'abZ09é /+=%@:;#"\'\\-_€😀'), maxLength: 12 })
const reference = keyName.map((name) => `%(${name})s`)
const pythonValue = fc
  .array(fc.oneof(word, reference, fc.constant('%%')), { maxLength: 4 })
  .map((parts) => parts.join(''))

/** A file whose values refer to one another, some of them to nothing that is there. */
export const pythonFile = fileOf(fc.oneof(sectionName, fc.constant('DEFAULT')), pythonValue, (key) =>
  key.toLowerCase(),
)

/** A file whose keys have case. */
export const iniFile = fileOf(
  fc.oneof(
    sectionName.filter((name) => name !== '__proto__'),
    fc.constant('DEFAULT'),
  ),
  word,
  (key) => (key === '__proto__' ? 'proto' : key),
)

function fileOf(
  section: fc.Arbitrary<string>,
  value: fc.Arbitrary<string>,
  spelling: (key: string) => string,
): fc.Arbitrary<SecretsFile> {
  const keys = fc.uniqueArray(fc.tuple(keyName.map(spelling), value), {
    selector: ([key]) => key,
    maxLength: 6,
  })
  return fc.uniqueArray(fc.tuple(section, keys), { selector: ([name]) => name, maxLength: 5 })
}

/** The text of a file in a dialect. */
export function textOf(file: SecretsFile, dialect: SecretsDialect): string {
  const write = (value: string) => (dialect === 'ini' ? JSON.stringify(value) : value)
  const lines = file.flatMap(([name, keys]) => [
    `[${name}]`,
    ...keys.map(([key, value]) => `${key} = ${write(value)}`),
  ])
  return lines.map((line) => `${line}\n`).join('')
}

/** Every answer of secrets to every question about these names: values, and the codes and messages of errors. */
export function answersOf(secrets: SecretsConfig): unknown {
  const names = [...secrets.sections(), 'DEFAULT', 'absent']
  const keys = ['Key', 'key', 'KEY', 'x', 'user', 'constructor', '__proto__', 'ü', 'proto', 'absent']
  return {
    sections: secrets.sections(),
    names: Object.keys(secrets),
    answers: names.map((name) => [
      name,
      secrets.has(name),
      answer(() => secrets.keys(name)),
      ...keys.map((key) => [
        secrets.has(name, key),
        answer(() => secrets.get(name, key)),
        answer(() => secrets.get(name, key, { fallback: 'fallback' })),
        answer(() => secrets.getNumber(name, key)),
        answer(() => secrets.getBoolean(name, key)),
      ]),
    ]),
  }
}

/** What a question comes to. */
export function answer(question: () => unknown): unknown {
  try {
    return question()
  } catch (error) {
    const { code, message } = error as Error & { code: string }
    return { code, message }
  }
}

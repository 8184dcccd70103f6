import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { check, dump, isFlambeauError, loadAll, loadFile, Registry } from 'flambeau'
import { z } from 'zod'
import { random } from '../support/random.js'

const registry = new Registry()

class Box {
  constructor(readonly options: Record<string, unknown> = {}) {}
}

registry.add(Box, '!Box', { factories: [] })
registry.add(class Strict extends Box {}, '!Strict', { schema: z.looseObject({}) })
registry.add(class Snake extends Box {}, '!Snake', { keys: 'snake_case' })
registry.add(class Holder extends Box {}, '!Holder', { templates: ['each'] })

const untouched = Object.getOwnPropertyDescriptors(Object.prototype)
after(() => assert.deepEqual(Object.getOwnPropertyDescriptors(Object.prototype), untouched))

/** Loads, checks and dumps a text; says whether it was loaded. Anything but a value or a typed error fails. */
function survive(text: string): boolean {
  typed(() => check(text, { registry }))
  return typed(() => dump({ all: loadAll(text, { registry }) }, { registry }))
}

function typed(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch (error) {
    assert.ok(isFlambeauError(error), error instanceof Error ? error.stack : String(error))
    assert.doesNotMatch(error.message.slice(0, 10_000), /^ {4}at /m)
    return false
  }
}

const lines = (count: number, line: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => line(at)).join('')
const million = 1_000_000
const many = 25_000
/** Of what takes a good part of a millisecond each. */
const some = 5_000

function bomb(levels: number, repeat: (name: string) => string): string {
  return `a0: &a0 ${repeat('x')}\n${lines(levels, (at) => `a${at + 1}: &a${at + 1} ${repeat(`*a${at}`)}\n`)}`
}

const large: Record<string, () => string> = {
  'a million [': () => '['.repeat(million),
  'a million [ that are closed': () => '['.repeat(million) + ']'.repeat(million),
  'a million {': () => '{'.repeat(million),
  'a million {a: ': () => '{a: '.repeat(million),
  'a million - ': () => '- '.repeat(million),
  'a million ? ': () => '? '.repeat(million),
  'a million quotes': () => '"'.repeat(million),
  'a million tabs': () => '\t'.repeat(million),
  'a million spaces': () => `a:${' '.repeat(million)}b`,
  'a million colons': () => ':'.repeat(million),
  'a million hashes': () => '#'.repeat(million),
  'blocks in blocks': () => lines(3_000, (at) => `${' '.repeat(at)}a:\n`),
  'lists in lists': () => lines(3_000, (at) => `${' '.repeat(at)}-\n`),
  'many anchors of one node': () => '&a '.repeat(some),
  'many tags of one node': () => '!a '.repeat(some),
  'a bomb of sequences': () => bomb(60, (name) => `[${name}, ${name}]`),
  'a bomb of mappings': () => bomb(60, (name) => `{x: ${name}, y: ${name}}`),
  'a bomb of merges': () => bomb(60, (name) => (name === 'x' ? '{k: 1}' : `{<<: [${name}, ${name}]}`)),
  'a long chain of merges': () =>
    `a0: &a0 {k: 1}\n${lines(many, (at) => `a${at + 1}: &a${at + 1} {<<: *a${at}, k${at}: 1}\n`)}`,
  'many aliases': () => `a: &a {b: 1}\nall:\n${lines(many, () => '- *a\n')}`,
  'many aliases without anchors': () => lines(some, (at) => `- *a${at}\n`),
  'many anchors': () => lines(many, (at) => `- &a${at} {b: 1}\n`),
  'many keys': () => lines(many, (at) => `k${at}: 1\n`),
  'one key many times': () => lines(many, () => 'k: 1\n'),
  'keys that begin alike': () => lines(2_000, (at) => `${'k'.repeat(500)}${at}: 1\n`),
  'many tags': () => lines(many, (at) => `- !Box {a: ${at}}\n`),
  'many unknown tags': () => lines(many, (at) => `- !T${at} x\n`),
  'many documents': () => lines(many, (at) => `---\na: ${at}\n`),
  'many comments': () => lines(many, () => '# comment\n'),
  'many open blocks': () => '- |\n'.repeat(many),
  'a long plain text': () => `a: ${'x'.repeat(3 * million)}`,
  'a long quoted text': () => `a: "${'x'.repeat(3 * million)}"`,
  'a long block': () => `a: |\n${'  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n'.repeat(many)}`,
  'a long folded block': () =>
    `a: >\n${'  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n'.repeat(many)}`,
  'a text over many lines': () => `a: ${'x\n  '.repeat(many)}`,
  'a long key': () => `${'x'.repeat(million)}: 1`,
  'a long tag': () => `!${'x'.repeat(10_000)} a`,
}

describe('a text that is large or deep ends in a value or a typed error:', () => {
  for (const [name, make] of Object.entries(large))
    test(name, { timeout: 60_000 }, () => void survive(make()))

  test('10,000 brackets and then 5,000 in one process', () => {
    for (const depth of [10_000, 5_000]) assert.equal(survive('['.repeat(depth) + ']'.repeat(depth)), false)
  })

  test('400 levels load in every form', () => {
    assert.ok(survive('['.repeat(400) + ']'.repeat(400)))
    assert.ok(survive(`${'{a: '.repeat(400)}1${'}'.repeat(400)}`))
    assert.ok(survive(lines(400, (at) => `${' '.repeat(at)}a:\n`)))
    assert.ok(survive(`${'- '.repeat(400)}1`))
  })
})

describe('a name that objects have anyway is data:', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'then', 'toJSON'])
    test(name, () => {
      // zod leaves __proto__ out of what it makes.
      const strict = name === '__proto__' ? [] : ['!Strict ']
      for (const tag of ['', '!Box ', ...strict, '!Snake ', '!Holder ']) {
        const text = `${tag}{ ${name}: { ${name}: 1, polluted: true }, b: &b { ${name}: 2 }, c: { <<: *b } }`
        const [value] = loadAll(text, { registry }) as [any]
        const options = tag === '' ? value : value.options
        assert.deepEqual(Object.keys(options), [name, 'b', 'c'])
        assert.equal(Object.getOwnPropertyDescriptor(options, name)?.value.polluted, true)
        assert.equal(Object.getOwnPropertyDescriptor(options.c, name)?.value, 2)
        assert.equal(dump(value, { registry }), `${text}\n`)
      }
      assert.equal(({} as { polluted?: boolean }).polluted, undefined)
    })
})

describe('what is no text that people write ends in a value or a typed error:', () => {
  const odd = [
    ...[
      '!!js/function "() => 1"',
      '!!python/object:os.system ls',
      '!<tag:x,2000:y> a',
      '!a%20b c',
      '!a%zz c',
      '!%41 c',
    ],
    ...[
      '\ufeffa: 1',
      'a: \ufeff1',
      '\ufeff\ufeffa',
      'a\u0000: 1',
      'a: "\u0000"',
      'a: \ud800',
      '"\udc00": 1',
      '%',
      '%YAML 9.9\n---\na',
    ],
    ...[
      '%TAG ! x\n---\n!y z',
      '...',
      '---',
      '--- ---',
      '&',
      '*',
      '!',
      '|',
      '>',
      '? ',
      '- - -',
      '{,}',
      '[,]',
      '<<: 1',
      '<<: [*a]',
    ],
    ...Array.from({ length: 32 }, (_, code) => `a: x${String.fromCharCode(code)}y`),
  ]
  for (const text of odd) test(JSON.stringify(text), () => void survive(text))
})

describe('the corpus', () => {
  for (const name of readdirSync('test/data/hostile'))
    test(`${name} ends in a value or a typed error, whole and cut off at every character`, async () => {
      const file = join('test/data/hostile', name)
      await loadFile(file, { registry }).catch((error) => assert.ok(isFlambeauError(error), error.stack))
      const text = readFileSync(file, 'utf8').slice(0, 1_000)
      for (let end = 0; end <= text.length; end++) survive(text.slice(0, end))
    })
})

describe('the examples', () => {
  const examples = readdirSync('examples', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => readFileSync(join('examples', file), 'utf8'))

  test('cut off at every character', () => {
    for (const text of examples) for (let end = 0; end <= text.length; end++) survive(text.slice(0, end))
  })

  test('with characters changed at random', () => {
    const next = random(1936)
    const below = (limit: number) => Math.floor(next() * limit)
    for (let times = 0; times < 1_000; times++) {
      const letters = [...examples[times % examples.length]!]
      for (let flips = 1 + below(3); flips > 0; flips--)
        letters[below(letters.length)] = String.fromCharCode(below(256))
      survive(letters.join(''))
    }
  })
})

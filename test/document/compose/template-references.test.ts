import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { check, load, MappedRegistrable, Registry, registrable, Template } from 'flambeau'
import { Choice } from 'flambeau/pool'
import { z } from 'zod'
import '../../support/sweep-tasks.js'

const registry = new Registry()
registry.add(Choice, '!choice')

@registrable('!Holder', { registry, templates: ['each'] })
class Holder extends MappedRegistrable.with(
  z.strictObject({ each: z.instanceof(Template), rest: z.unknown().optional() }),
) {}

@registrable('!Model', { registry })
class Model extends MappedRegistrable.with(
  z.object({ n: z.number().optional(), m: z.unknown().optional(), text: z.string().optional() }),
) {}

function holder(text: string, env: Record<string, string> | false = false): Holder {
  return load(text, { registry, expect: Holder, env })
}

/** The options of what is built from a template with some values. */
function built(text: string, ...all: Record<string, unknown>[]): unknown[] {
  const { each } = holder(`!Holder { each: ${text} }`).options
  return all.map((values) => plain(each.build(values)))
}

/** The options of what is built with each value of the one placeholder. */
function choices(text: string): unknown[] {
  const { each } = holder(`!Holder { each: ${text} }`).options
  const [[path, { items }]] = [...each.placeholders(Choice)] as [[string, Choice]]
  return items.map((item) => plain(each.build({ [path]: item })))
}

function plain(value: unknown): unknown {
  return value instanceof Model
    ? Object.fromEntries(Object.entries(value.options).map(([name, part]) => [name, plain(part)]))
    : value
}

function problems(text: string): string[] {
  return check(text, { registry }).map(
    ({ line, column, code, message }) => `${line}:${column} ${code} ${message}`,
  )
}

describe('references in a template', () => {
  test('start at its top', () => {
    const text = '!Holder { rest: 1, each: !Model { n: 2, m: !ref n } }'
    assert.deepEqual(plain(holder(text).options.each.build()), { n: 2, m: 2 })
    assert.deepEqual(problems('!Holder { rest: 1, each: !Model { m: !ref rest, n: 2 } }').length, 1)
    const [said] = problems('!Holder { rest: 1, each: { m: !ref rest, n: 2 } }')
    assert.equal(
      said,
      '1:36 NO_SUCH_PATH The template has no key "rest": it has "m", "n" (in a template, a path starts at the top of the template)',
    )
  })

  test('follow the value that is chosen for a placeholder', () => {
    const text = '!Model { n: !choice [0.10, 2], m: !ref n, text: !format "r{n}", l: !link n }'
    assert.deepEqual(choices(text), [
      { n: 0.1, m: 0.1, text: 'r0.10' },
      { n: 2, m: 2, text: 'r2' },
    ])
  })

  test('follow a path into the value that is chosen', () => {
    const text =
      '!Model { m: !choice [!Model { n: 0.50 }, !Model { n: 7 }], n: !ref m.n, text: !format "r{m.n}" }'
    assert.deepEqual(choices(text), [
      { m: { n: 0.5 }, n: 0.5, text: 'r0.50' },
      { m: { n: 7 }, n: 7, text: 'r7' },
    ])
    const links = '!Model { m: !choice [!Model { n: 1 }], n: !link m.options.n }'
    assert.deepEqual(choices(links), [{ m: { n: 1 }, n: 1 }])
  })

  test('follow what a program builds it with', () => {
    const text = '!Model { n: 1.0, m: !ref n, text: !format "{n}-{m}" }'
    assert.deepEqual(built(text, {}, { n: 2 }, { n: 2, m: 3 }), [
      { n: 1, m: 1, text: '1.0-1.0' },
      { n: 2, m: 2, text: '2-2' },
      { n: 2, m: 3, text: '2-3' },
    ])
    const chain = '!Model { n: !ref m, m: 1, text: !format "{n}" }'
    assert.deepEqual(built(chain, { m: 2 }, { n: 3 }), [
      { n: 2, m: 2, text: '2' },
      { n: 3, m: 1, text: '3' },
    ])
  })

  test('are read from a value that replaces what they lead into', () => {
    const text = '!Model { m: { a: [1] }, n: !ref "m.a[0]", text: !format \'{m.a[0]}\' }'
    assert.deepEqual(built(text, {}, { m: { a: [5] } }, { 'm.a[0]': 6 }), [
      { m: { a: [1] }, n: 1, text: '1' },
      { m: { a: [5] }, n: 5, text: '5' },
      { m: { a: [6] }, n: 6, text: '6' },
    ])
    assert.throws(
      () => built(text, { m: {} }),
      /A mapping has no attribute "a": it has none\n\n {2}<text>:1:44/,
    )
  })

  test('cannot put a value without a text into a format', () => {
    const text = '!Model { n: 1, m: 1, text: !format "{m}" }'
    for (const value of [null, {}, [1]])
      assert.throws(() => built(text, { m: value }), /BAD_FORMAT|"!format" puts in/)
    assert.throws(() => choices('!Model { m: !choice [~], text: !format "{m}" }'), /A value in it is null/)
  })

  test('cannot lead from one placeholder to another', () => {
    const said =
      'The values of a placeholder are constructed before others are chosen, so they cannot depend on these: write the value out'
    assert.deepEqual(
      problems('!Holder { each: !Model { m: !choice [!Model { n: !ref n }], n: !choice [1] } }'),
      [`1:55 BAD_REFERENCE ${said}`],
    )
    assert.deepEqual(problems('!Holder { each: !Model { m: !choice [!format "{n}"], n: !choice [1] } }'), [
      `1:48 BAD_FORMAT ${said}`,
    ])
    assert.deepEqual(choices('!Model { m: !choice [!Model { n: !ref n }], n: 4 }'), [{ m: { n: 4 }, n: 4 }])
  })

  test('are values of the environment as anywhere else', () => {
    const { each } = holder('!Holder { each: !Model { n: !env N, text: !format "{n}" } }', {
      N: '0.50',
    }).options
    assert.deepEqual(plain(each.build()), { n: 0.5, text: '0.50' })
  })

  test('are resolved where the template is referred to, too', () => {
    const text =
      '- !Holder { each: !ref "[1].rest" }\n- !Holder { rest: !Model { n: !ref "[2]" }, each: {} }\n- 3\n'
    const [first, second] = load(text, { registry }) as Holder[]
    assert.deepEqual([plain(first!.options.each.build()), plain(second!.options.rest)], [{ n: 3 }, { n: 3 }])
  })
})

describe('links into a template', () => {
  test('are refused: nothing is constructed there', () => {
    assert.deepEqual(problems('!Holder { rest: !link each.n, each: !Model { n: 1 } }'), [
      '1:23 BAD_LINK "each.n" is in a template, where nothing is constructed until it is built: write "!ref"',
    ])
    assert.equal(holder('!Holder { rest: !ref each.n, each: !Model { n: 1 } }').options.rest, 1)
  })
})

describe('a check of a sweep', () => {
  const text = (each: string) => `!Sweep { metric: score, output: x, each: !Fit { ${each} } }`
  const found = (each: string) => check(text(each)).map(({ column, message }) => `${column} ${message}`)

  test('validates references and formats with each value', () => {
    assert.deepEqual(found('rate: !choice [1, 2], layers: !ref rate, until: !format "x{rate}"'), [])
    assert.deepEqual(found('rate: !choice [1, 2.5], layers: !ref rate'), [
      '81 Option "layers" of "!Fit": Invalid input: expected int, received number',
    ])
    assert.deepEqual(
      found('optimizer: !choice [!Adam { rate: 1 }, !Adam { rate: 0.5 }], layers: !ref optimizer.rate'),
      ['118 Option "layers" of "!Fit": Invalid input: expected int, received number'],
    )
  })
})

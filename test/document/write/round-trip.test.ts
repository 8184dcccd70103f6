import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import {
  check,
  dump,
  dumpAll,
  load,
  loadAll,
  MappedRegistrable,
  Registry,
  setSerializableAttr,
} from 'flambeau'
import { z } from 'zod'

const { fromJson, toJson } = await import(pathToFileURL(resolve('build/js/util/json.js')).href)

class Box {
  constructor(readonly options: Record<string, any> = {}) {}
}

const registry = new Registry()
registry.add(Box, '!Box')
const options = { registry }

function edited(text: string, change: (value: any) => unknown): string {
  const value = load(text, options)
  change(value)
  return dump(value, options)
}

describe('bytes are written', () => {
  const pool = Buffer.from('secret hello secret')
  const views: [string, ArrayBufferView | ArrayBufferLike, Buffer][] = [
    [
      'of a view, not of the buffer below',
      new Uint8Array(pool.buffer, pool.byteOffset + 7, 5),
      Buffer.from('hello'),
    ],
    ['of a clone of a Buffer', structuredClone(Buffer.from('hello')), Buffer.from('hello')],
    ['of a DataView', new DataView(pool.buffer, pool.byteOffset + 7, 5), Buffer.from('hello')],
    ['of an array of larger elements', new Uint16Array([1, 2, 3]).subarray(1), Buffer.from([2, 0, 3, 0])],
    ['of an ArrayBuffer', new Uint8Array([1, 2]).buffer, Buffer.from([1, 2])],
    ['of a SharedArrayBuffer', new SharedArrayBuffer(2), Buffer.alloc(2)],
    ['where there are none', new Uint8Array(), Buffer.alloc(0)],
    ['where an empty view has a buffer', pool.subarray(3, 3), Buffer.alloc(0)],
  ]
  for (const [what, view, bytes] of views)
    test(what, () => {
      const text = dump({ k: view })
      assert.ok(text.length < 60, text)
      assert.deepEqual((load(text) as { k: Buffer }).k, bytes)
    })

  test('in lines of 76 characters', () => {
    const text = dump({ k: Buffer.alloc(100, 7) })
    assert.deepEqual(
      text.split('\n').map((line) => line.length),
      [14, 78, 62, 0],
    )
    assert.deepEqual(load(text), { k: Buffer.alloc(100, 7) })
  })
})

describe('a number that JavaScript cannot hold', () => {
  const long = 1234567890123456789n
  for (const text of [
    `${long}`,
    `+${long}`,
    `0x${long.toString(16)}`,
    `0o${long.toString(8)}`,
    `!!int ${long}`,
  ])
    test(`"${text}" is a bigint, for either reader, in 1.1 as well`, () => {
      const [quick, exact] = [load(`k: ${text}\n`), load(`%YAML 1.2\n---\nk: ${text}\n`)]
      assert.deepEqual([quick, exact], [{ k: long }, { k: long }])
      const old = text.replace('0o', '0')
      assert.deepEqual(load(`%YAML 1.1\n---\nk: ${old}\n`), { k: long })
      assert.equal(dump(quick), `k: ${text}\n`)
      assert.deepEqual(load(dump([quick])), [quick])
    })

  test('is one from 2^53 on', () => {
    const numbers = load('[9007199254740991, 9007199254740992, -9007199254740991, -9007199254740993]')
    assert.deepEqual(numbers, [9007199254740991, 9007199254740992n, -9007199254740991, -9007199254740993n])
  })

  test('is not what a large number becomes', () => {
    for (const number of [2 ** 53, -(2 ** 60), 1e20, 1e21, 123456789012345680000])
      assert.equal(load(dump(number)), number)
  })

  for (const text of ['1e999', '695e0514', '-1e400', '1e-999', '0.001e-400'])
    test(`"${text}" is a text, for either reader`, () => {
      assert.deepEqual([load(text), load(`%YAML 1.2\n--- ${text}\n`)], [text, text])
      assert.equal(dump({ k: text }), `k: "${text}"\n`)
    })

  test('and "0e10", ".inf" and 0.1 are numbers', () =>
    assert.deepEqual(load('[0e10, .inf, 0.1, -0]'), [0, Infinity, 0.1, -0]))

  class Sized extends MappedRegistrable.with(z.object({ n: z.number() })) {}
  const sized = new Registry()
  sized.add(Sized, '!Sized')
  for (const [text, reason] of [
    [`${long}`, /expected number.*; 1234567890123456789 is an integer that no number holds exactly/],
    ['1e999', /expected number.*; "1e999" is a number that is too large or too small/],
  ] as const)
    test(`is refused where a schema wants a number: ${text}`, () => {
      const [problem, more] = check(`!Sized\nn: ${text}\n`, { registry: sized })
      assert.equal(more, undefined)
      assert.match(problem!.message, reason)
      assert.deepEqual([problem!.line, problem!.column], [2, 4])
    })

  for (const text of [
    '!!timestamp 2001-13-45',
    '!!timestamp 2001-02-30',
    '!!binary "not base64 !!"',
    '!!float 1e999',
  ])
    test(`${text} is a problem at its place`, () => {
      const [problem, more] = check(`k: ${text}\n`)
      assert.deepEqual(
        [problem?.code, problem?.line, problem?.column, more],
        ['BAD_CORE_TAG', 1, 5 + text.indexOf(' '), undefined],
      )
    })

  test('a day that there is not is a text in 1.1', () =>
    assert.deepEqual(load('%YAML 1.1\n---\n[2001-13-45, 2004-02-29]\n'), [
      '2001-13-45',
      new Date('2004-02-29'),
    ]))

  test('goes through JSON in full, and large numbers stay numbers', () => {
    for (const value of [
      { id: long, near: [-long, '1234567890123456789', 2 ** 60], text: 'x"1234567890123456789"' },
      long,
      [1, 1.5, null, 'a'],
      2 ** 70,
    ])
      assert.deepEqual(fromJson(toJson(value)!), value)
    assert.equal(toJson({ id: long }, 2), `{\n  "id": ${long}\n}`)
    assert.equal(toJson(undefined), undefined)
  })
})

describe('a text', () => {
  const texts = [
    'a\nb\u00a0',
    'a\nb\u3000\n',
    'a\u00a0',
    '\u2003',
    'a\nb\ufeff',
    'x\n\u00a0\ny',
    ' \n',
    '\n\n',
    '',
  ]
  for (const text of texts)
    test(`${JSON.stringify(text)} is not cut`, () => {
      assert.deepEqual(load(dump({ k: text, l: [text] })), { k: text, l: [text] })
      for (const style of ['|\n  a', '>\n  a', '"a"', "'a'", 'a', '| # c\n  a'])
        assert.equal((load(edited(`k: ${style}\nz: 1\n`, (v) => (v.k = text))) as any).k, text)
      assert.deepEqual(load(edited('k: [a, {b: c}]\n', (v) => v.k.push(text))), {
        k: ['a', { b: 'c' }, text],
      })
    })

  const old = ['yes', 'No', 'on', '1_000', '0b1', '12:30', '2001-01-01', '0777', '1:20.5', '0x_1F', '=', 'y']
  for (const text of old)
    test(`"${text}" stays one under 1.1, where it has quotes`, () => {
      const written = edited('%YAML 1.1\n---\na: x\n', (v) => (v.a = text))
      assert.deepEqual(load(written), { a: text })
      assert.deepEqual(loadAll(dumpAll([load('%YAML 1.1\n---\na: yes\n'), { a: text }])), [
        { a: true },
        { a: text },
      ])
      if (text !== 'y') assert.equal(dump({ a: text }), `a: ${JSON.stringify(text)}\n`)
    })

  test('and a value of a 1.1 document means the same elsewhere', () => {
    const part = load('%YAML 1.1\n---\na: yes\nb: 0777\nc: 2001-01-01\nd: 1_000\n')
    assert.deepEqual(load(dump([part])), [part])
    assert.deepEqual(load(edited('%YAML 1.1\n---\na: x\n', (v) => (v.b = load('[yes, 12:30, on]')))), {
      a: 'x',
      b: ['yes', '12:30', 'on'],
    })
  })

  test('of 1.1 is one in the documents that follow', () => {
    const text = '%YAML 1.1\n---\na: yes\n---\nb: yes # c\n'
    const [first, second] = loadAll(text)
    assert.deepEqual(second, { b: true })
    assert.equal(dumpAll([first, second]), text)
    assert.deepEqual(load(dump(second)), { b: true })
    assert.deepEqual(loadAll(dumpAll([second, first])), [{ b: true }, { a: true }])
  })
})

describe('comments follow', () => {
  const cases: [string, string, (value: any) => unknown, string][] = [
    ['what is left by a shift', 'l:\n  - a # A\n  - b # B\n', (v) => v.l.shift(), 'l:\n  - b # B\n'],
    ['when one is put before', 'l:\n  - a # A\n', (v) => v.l.unshift('z'), 'l:\n  - z\n  - a # A\n'],
    [
      'a reversal',
      'l:\n  # above\n  - a # A\n  - b # B\n',
      (v) => v.l.reverse(),
      'l:\n  - b # B\n  # above\n  - a # A\n',
    ],
    [
      'a new list with the same objects',
      's:\n  # about one\n  - k: 1 # one\n  # about two\n  - k: 2\n',
      (v) => (v.s = v.s.filter((item: any) => item.k > 1)),
      's:\n  # about two\n  - k: 2\n',
    ],
    [
      'a key that is deleted',
      'a: 1 # A\n# above b\nb: 2 # B\nc: 3 # C\n',
      (v) => delete v.b,
      'a: 1 # A\nc: 3 # C\n',
    ],
    [
      'what stands below, not what stands before',
      'a:\n  b: 1\n  # end of a\n# above c\nc: 1\n',
      (v) => delete v.a,
      '# above c\nc: 1\n',
    ],
    ['nothing that takes the place of a list', 'a: # on a\n  - 1\n', (v) => (v.a = 'x'), 'a: x # on a\n'],
    ['a list in place of a value', 'a: 1 # A\nb: 2\n', (v) => (v.a = [1, 2]), 'a: # A\n  - 1\n  - 2\nb: 2\n'],
    ['a mapping in place of a value', 'a: 1 # A\n', (v) => (v.a = { x: 1 }), 'a: # A\n  x: 1\n'],
    [
      'an object in place of a value',
      'a: 1 # A\n',
      (v) => (v.a = new Box({ x: 1 })),
      'a: !Box # A\n  x: 1\n',
    ],
    [
      'the entries of an ordered map',
      'm: !!omap\n  - a: 1 # A\n  - b: 2 # B\n',
      (v) => v.m.delete('a'),
      'm: !!omap\n  - b: 2 # B\n',
    ],
    [
      'pairs',
      'm: !!pairs\n  - a: 1 # A\n  - a: 2 # B\n',
      (v) => v.m.push(['c', 3]),
      'm: !!pairs\n  - a: 1 # A\n  - a: 2 # B\n  - c: 3\n',
    ],
  ]
  for (const [what, text, change, written] of cases)
    test(what, () => assert.equal(edited(text, change), written))

  test('a shorter list that setSerializableAttr sets', () => {
    const box = load('!Box\nl:\n  - 64 # wide\n  - 32 # narrow\n', options)
    setSerializableAttr(box as object, 'l', [32])
    assert.equal(dump(box, options), '!Box\nl:\n  - 32 # narrow\n')
  })

  test('a nested list that was changed in an object, as in one made in code', () => {
    const box = load('!Box\nl: # on\n  - a # A\n  - b # B\n', options) as Box
    box.options['l'].shift()
    box.options['l'].push('c')
    assert.equal(dump(box, options), '!Box\nl: # on\n  - b # B\n  - c\n')
  })
})

describe('a text that grows', () => {
  test('keeps its line ends', () => {
    const text = 'a: 1\r\nl:\r\n  - x # X\r\nt: |\r\n  two\r\n  lines\r\n'
    for (const change of [
      (v: any) => v.l.unshift('y'),
      (v: any) => (v.t = 'o\np\n'),
      (v: any) => (v.n = { d: 1 }),
    ]) {
      const written = edited(text, change)
      assert.doesNotMatch(written, /[^\r]\n/)
      assert.equal(
        edited(written, () => {}),
        written,
      )
    }
  })

  test('ends once', () => {
    for (const text of [
      'a: 1\n...\n',
      'a: 1\n...\n%YAML 1.2\n---\nb: 1\n',
      'a: 1\n---\n',
      'a: 1\n---\nb: 1\n...\n',
    ])
      assert.equal(dumpAll(loadAll(text)), text)
  })

  test('is the same again when it had an alias of its own key, odd anchors or no line end', () => {
    for (const text of [
      '? &a a\n: *a\n',
      'a: |+\n\n  ',
      'a: 1\r',
      '- &a\u0001 {x: 1}\n- *a\u0001\n',
      'a: >+\n  x\n \n ',
    ]) {
      const values = loadAll(text)
      const written = dumpAll(values)
      assert.deepEqual(loadAll(written), values)
      assert.equal(dumpAll(loadAll(written)), written)
    }
  })
})

describe('what a fromYaml or a factory made', () => {
  class Point {
    static list(given: { n: number }) {
      return Array.from({ length: given.n }, (_, at) => at)
    }
  }
  const own = new Registry()
  own.add(Point, '!Point', { factories: ['list'] })
  own.add(class Day {}, '!Day', { fromYaml: (builder, node) => new Date(builder.constructScalar(node)) })
  own.add(class Words {}, '!Words', {
    fromYaml: (builder, node) => new Set(builder.constructScalar(node).split(' ')),
  })
  const text = '# top\na: !Point.list { n: 3 } # A\nb: !Day 2001-01-01 # B\nc: !Words one two # C\n'

  test('is written as it stood while it is the same, wherever it stands', () => {
    const value = load(text, { registry: own }) as any
    assert.equal(dump(value, { registry: own }), text)
    value.d = value.a
    const again = load(dump(value, { registry: own }), { registry: own }) as any
    assert.deepEqual(again, value)
    assert.match(dump(value, { registry: own }), /!Point\.list \{ n: 3 \}/)
  })

  test('is written as data once it is changed', () => {
    const value = load(text, { registry: own }) as any
    value.a.push(9)
    value.b.setUTCDate(2)
    value.c.add('three')
    assert.deepEqual(load(dump(value, { registry: own }), { registry: own }), value)
  })
})

describe('defaults are written as what is read', () => {
  const schema = z.strictObject({
    text: z.string().transform(Number).prefault('5'),
    late: z
      .string()
      .transform((text) => text.length)
      .default(7),
    number: z.coerce.number().default(3),
    inner: z.object({ q: z.number().default(1), r: z.string().optional() }).optional(),
  })
  class Filled extends MappedRegistrable.with(schema) {}
  const own = new Registry()
  own.add(Filled, '!Filled')
  for (const text of ['!Filled {}\n', '!Filled\ninner: { r: x }\n', '!Filled\ntext: "9"\n'])
    test(JSON.stringify(text), () => {
      const value = load(text, { registry: own, expect: Filled })
      const written = dump(value, { registry: own, defaults: true })
      assert.deepEqual(load(written, { registry: own, expect: Filled }).options, value.options)
      assert.match(written, /number: 3/)
      assert.match(written, /text: "/)
    })
})

describe('keys', () => {
  test('that are one in snake case are refused', () => {
    const own = new Registry()
    own.add(Box, '!Box', { keys: 'snake_case' })
    for (const given of [{ aB: 1, a_b: 2 }, { a_b: 2 }])
      assert.throws(() => dump(new Box(given), { registry: own }), { code: 'UNWRITABLE' })
    assert.equal(dump(new Box({ aB: 1, bC: 2 }), { registry: own }), '!Box\na_b: 1\nb_c: 2\n')
  })

  test('of a set have types', () => {
    const value = { s: new Set([1, '1', null, 'null', true]) }
    assert.deepEqual(load(dump(value)), value)
    assert.throws(() => dump(new Set([new Date(0), new Date(0)])), { code: 'UNWRITABLE' })
  })

  test('have no tags', () => {
    const [problem, more] = check('k:\n  !Box a: 1\n', options)
    assert.deepEqual([problem?.code, problem?.line, problem?.column, more], ['TAGGED_KEY', 2, 3, undefined])
  })
})

describe('merge keys', () => {
  const bases = 'a: &a {x: 1, y: [2]}\n'
  const changes: [string, string, (value: any) => unknown][] = [
    ['an override is deleted', 'z:\n  <<: *a\n  x: 4\n', (v) => delete v.z.x],
    ['a value of the source changes', 'z:\n  <<: *a\n', (v) => (v.a.x = 9)],
    ['a key is added to the source', 'z:\n  <<: *a\n', (v) => (v.a.n = 9)],
    ['a key of the source is deleted', 'z:\n  <<: *a\n', (v) => delete v.a.x],
    ['the source is replaced', 'z:\n  <<: *a\n', (v) => (v.a = { ...v.a })],
    ['the source is deleted', 'z:\n  <<: *a\n', (v) => delete v.a],
    ['a list in the source grows', 'z:\n  <<: *a\n', (v) => v.z.y.push(3)],
    ['the source is put into what merged it', 'z:\n  <<: *a\n', (v) => (v.z.inner = v.a)],
    ['what merged is put into its source', 'z:\n  <<: *a\n', (v) => (v.a.z = v.z)],
    ['it stands in braces', 'z:\n  <<: [*a, {q: 1}]\n', (v) => (v.z.q = 2)],
    ['it stands in an object', 'z: !Box\n  <<: *a\n  k: 1\n', (v) => (v.a.x = 9)],
    ['it is two deep', 'm: &m\n  <<: *a\n  k: 1\nz:\n  <<: *m\n', (v) => (v.a.x = 9)],
  ]
  for (const [what, rest, change] of changes)
    test(`bring what was there when ${what}`, () => {
      const value = load(bases + rest, options) as object
      change(value)
      assert.deepEqual(load(dump(value, options), options), value)
    })

  test('take an alias of a list, and the tag that says what they are', () => {
    assert.deepEqual(load('l: &l [{a: 1}, {b: 2}]\nz: {<<: *l}\n'), {
      l: [{ a: 1 }, { b: 2 }],
      z: { a: 1, b: 2 },
    })
    const tagged = 'a: &a {x: 1}\nz:\n  !!merge <<: *a\n'
    assert.deepEqual(load(tagged), { a: { x: 1 }, z: { x: 1 } })
    assert.equal(dump(load(tagged)), tagged)
    assert.throws(() => load('l: &l [1]\nz: {<<: *l}\n'), { code: 'BAD_MERGE' })
  })
})

describe('messages', () => {
  test('of a class that a circular import has not made yet', () =>
    assert.throws(() => new Registry().add(undefined as never, '!X'), /"!X" is undefined.*import each other/))

  test('of tags that no extension can have', () => {
    for (const [tag, advice] of [
      ['!torch:Adam', '!torch.Adam'],
      ['!@scope/pkg.Tag', '!pkg.Tag'],
      ['!Nobody:', '!Nobody'],
    ])
      assert.match(check(`${tag} {}`)[0]!.message, new RegExp(`write "${advice}"`))
  })

  test('of an attribute that cannot be set, which changes nothing', () => {
    class Fixed extends MappedRegistrable.with(z.object({ rate: z.number(), step: z.number() })) {
      get rate() {
        return this.options.rate
      }
      get step() {
        return 5
      }
    }
    const own = new Registry()
    own.add(Fixed, '!Fixed')
    const fixed = load('!Fixed { rate: 1, step: 1 }\n', { registry: own, expect: Fixed })
    setSerializableAttr(fixed, 'rate', 2)
    assert.throws(() => setSerializableAttr(fixed, 'step', 2), { code: 'NOT_SETTABLE' })
    assert.deepEqual([fixed.rate, fixed.options], [2, { rate: 2, step: 1 }])
    assert.equal(dump(fixed, { registry: own }), '!Fixed { rate: 2, step: 1 }\n')
  })
})

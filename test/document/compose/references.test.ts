import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  check,
  load,
  RegistrationError,
  Registry,
  Runnable,
  registrable,
  SafeExecutionContext,
} from 'flambeau'
import { z } from 'zod'

const registry = new Registry()

const dataSchema = z.strictObject({ file: z.string().optional(), size: z.number().default(1) })

@registrable('!Data', { registry, schema: dataSchema })
class Data {
  readonly classes = 3
  readonly nested = { list: [1, 2, { last: 'z' }] }
  readonly config = { password: 'hunter2' }
  constructor(readonly options: z.output<typeof dataSchema>) {
    order.push(`data ${options.file ?? ''}`)
  }
  get names(): readonly string[] {
    return ['a', 'b']
  }
  get broken(): never {
    throw new Error('no disk')
  }
  act(): void {}
}

class Large extends Data {}
registry.add(Large, '!Large', { schema: dataSchema })

const modelSchema = z.strictObject({
  n: z.number().optional(),
  any: z.any().optional(),
  text: z.string().max(12).optional(),
})

@registrable('!Model', { registry, schema: modelSchema })
export class Model {
  constructor(readonly options: z.output<typeof modelSchema>) {
    order.push('model')
  }
}

/** Has the options that it was constructed with. */
@registrable('!Echo', { registry })
export class Echo extends Runnable {
  constructor(readonly options: object = {}) {
    super(options)
  }
  override run(): void {}
}

let order: string[] = []

function value(text: string, env?: Record<string, string> | false): any {
  order = []
  return load(text, { registry, env })
}

/** The problems of a text, each as `line:column-end CODE message`. */
function problems(text: string, env?: Record<string, string>): string[] {
  return check(text, { registry, env }).map(
    ({ line, column, endColumn, code, message }) => `${line}:${column}-${endColumn} ${code} ${message}`,
  )
}

function problem(text: string, env?: Record<string, string>): string {
  const [first, ...others] = problems(text, env)
  assert.deepEqual(others, [])
  return first ?? 'none'
}

describe('!env', () => {
  const values: [text: string, plain: unknown][] = [
    ['3000', 3000],
    ['0.10', 0.1],
    ['0x10', 16],
    ['12345678901234567890', 12345678901234567890n],
    ['true', true],
    ['yes', 'yes'],
    ['null', null],
    ['', null],
    ['~', null],
    [' 7 ', 7],
    [' a ', ' a '],
    ['[1, 2]', '[1, 2]'],
    ['{a: 1}', '{a: 1}'],
    ['!Data', '!Data'],
    ['*x', '*x'],
    ['"1"', '"1"'],
    ['a: b # c', 'a: b # c'],
    ['1\n2', '1\n2'],
    ['1'.repeat(1001), '1'.repeat(1001)],
  ]
  for (const [text, plain] of values)
    test(`reads ${JSON.stringify(text).slice(0, 20)} as if it were written there, and as text`, () => {
      assert.deepEqual(value('a: !env V\nb: !env { name: V, text: true }\n', { V: text }), {
        a: plain,
        b: text,
      })
    })

  test('reads as its document does: yes is true in YAML 1.1', () => {
    const text = '%YAML 1.1\n---\n- !env A\n- !env B\n- !env C\n'
    assert.deepEqual(value(text, { A: 'yes', B: '010', C: '[1]' }), [true, 8, '[1]'])
  })

  test('may be the whole document, an item, an anchor', () => {
    assert.equal(value('!env V', { V: '1' }), 1)
    assert.deepEqual(value('- &v !env V\n- *v\n', { V: '1' }), [1, 1])
  })

  test('is a number, boolean or null of the core schema, else a string as it is', () => {
    const read: [text: string, value: unknown][] = [
      [' 5 ', 5],
      ['true', true],
      ['~', null],
      [' yes ', ' yes '],
      ['[1, 2]', '[1, 2]'],
      ['"5"', '"5"'],
      ['# a', '# a'],
    ]
    for (const [text, expected] of read) assert.equal(value('!env V', { V: text }), expected, text)
    assert.equal(value('%YAML 1.1\n--- !env V', { V: 'yes' }), true)
  })

  test('with "text", makes a text of the default, too', () => {
    const text = (fallback: string) => `a: !env { name: V, text: true, default: ${fallback} }\nb: 5`
    const made = (fallback: string) => value(text(fallback), { W: '0x10' }).a
    for (const number of ['3000', '0.10', 'true', '2001-01-01']) assert.equal(made(number), number)
    assert.equal(made('a b'), 'a b')
    assert.equal(made('null'), null)
    assert.equal(made('!ref b'), '5')
    assert.equal(made('!env W'), '0x10')
    assert.equal(value(text('1'), { V: '2' }).a, '2')
    const found = (kind: string) =>
      `BAD_ENV With "text: true", the default of "!env" is a string, a number or a boolean, but found ${kind}`
    assert.equal(problem(text('[1]'), {}), `1:41-44 ${found('a sequence')}`)
    assert.equal(problem(text('!Data {}'), {}), `1:41-46 ${found('an object of "!Data"')}`)
  })

  test('takes a default of any kind, which may come from elsewhere, too', () => {
    assert.deepEqual(value('a: !env { name: V, default: [1, 2] }', {}), { a: [1, 2] })
    assert.deepEqual(value('a: !env { name: V, default: !env W }', { W: '2' }), { a: 2 })
    assert.deepEqual(value('a: !env { name: V, default: !ref b }\nb: 5', {}), { a: 5, b: 5 })
    assert.ok(value('!env { name: V, default: !Data {} }', {}) instanceof Data)
    assert.equal(value('!env { name: V, default: 1 }', { V: '2' }), 2)
  })

  test('sees only own variables', () => {
    assert.match(
      problem('a: !env __proto__', {}),
      /^1:9-18 MISSING_VARIABLE There is no environment variable/,
    )
    assert.match(problem('a: !env toString', {}), /MISSING_VARIABLE/)
    assert.deepEqual(value('a: !env { name: constructor, default: 1 }', {}), { a: 1 })
  })

  test('sees none in a text by itself', () => {
    process.env['FLAMBEAU_TEST_PORT'] = '1'
    const said =
      'Variable "FLAMBEAU_TEST_PORT" is not visible: a text sees no environment variables unless the program passes "env: process.env"'
    assert.equal(problem('a: !env FLAMBEAU_TEST_PORT'), `1:9-27 MISSING_VARIABLE ${said}`)
    assert.deepEqual(load('a: !env FLAMBEAU_TEST_PORT', { env: process.env }), { a: 1 })
    delete process.env['FLAMBEAU_TEST_PORT']
  })

  test('explains what is missing or wrong', () => {
    const found = problems(
      'a: !env PROT\nb: !env { nam: X }\nc: !env [X]\nd: !env\ne: !env { name: X, text: maybe }\nf: !env A=B\n',
      { PORT: '1' },
    )
    assert.deepEqual(found, [
      '1:9-13 MISSING_VARIABLE There is no environment variable "PROT": did you mean "PORT"?',
      '2:11-14 BAD_ENV Option "nam" of "!env" is unknown: did you mean "name"?',
      '3:4-8 BAD_ENV "!env" takes the name of a variable, but found a sequence: write "!env PORT", or "!env { name: PORT, default: 3000 }"',
      '4:4-8 BAD_ENV "!env" needs the name of a variable here: write "!env PORT", or "!env { name: PORT, default: 3000 }"',
      '5:26-31 BAD_ENV Option "text" of "!env" must be true or false',
      '6:4-8 BAD_ENV "!env" needs the name of a variable here: write "!env PORT", or "!env { name: PORT, default: 3000 }"',
    ])
  })

  test('never shows a value', () => {
    const env = { S: 'hunter2', B: '12345678901234567890', N: '424242' }
    const own = new Registry()
    const loud = {
      '~standard': {
        version: 1 as const,
        vendor: 'loud',
        validate: ({ a }: any) => ({
          issues: [
            { message: `expected a door but received ${typeof a === 'string' ? `"${a}"` : a}`, path: ['a'] },
          ],
        }),
      },
    }
    own.add(class Loud {}, '!Loud', { schema: loud as never })
    const text =
      '- !Loud { a: !env S }\n- !Loud { a: !env N }\n- !Loud { a: !format "{[3]}-x" }\n- !env S\n- !env B\n- !ref "[3].x"\n'
    const found = JSON.stringify(check(text, { registry: own, env }))
    for (const secret of Object.values(env)) assert.ok(!found.includes(secret), found)
    assert.match(found, /received the value of variable \\"N\\"/)
  })

  // A schema whose message shows the option `a`, at that option or at the object.
  const showing = (path: string[]) => ({
    '~standard': {
      version: 1 as const,
      vendor: 'loud',
      validate: ({ a }: any) => ({ issues: [{ message: `a better door: received ${a}`, path }] }),
    },
  })
  const shownBy = (path: string[], text: string): string => {
    const own = new Registry()
    own.add(class Loud {}, '!Loud', { schema: showing(path) as never })
    const [found] = check('!Loud { a: !env A, b: 1 }', { registry: own, env: { A: text } })
    return found!.message.replace(/^.*received /, '')
  }

  for (const path of [['a'], []])
    test(`is masked as programs print it, in a problem at "${path}"`, () => {
      for (const text of ['0x1F4', '1e3', '0.10', '0o17', 'True', '.5', '12345678901234567890', '7', 'abc'])
        assert.equal(shownBy(path, text), 'the value of variable "A"', text)
      const own = new Registry()
      own.add(class Loud {}, '!Loud', { schema: showing(path) as never })
      const [found] = check('!Loud { a: !env A }', { registry: own, env: { A: 'a' } })
      assert.match(found!.message, /better door: received the value of variable "A"$/)
    })

  test('masks the values of variables in what a class throws', () => {
    const own = new Registry()
    class Loud {
      constructor(options: any) {
        throw new Error(`bad ${options.list[0].b}, ${options.value}: its value is true`)
      }
    }
    own.add(Loud, '!Loud', {})
    const env = { B: 'hunter2', value: 'variable' }
    const text = '!Loud\nlist:\n  - { b: !ref other }\nother: !env B\nvalue: !env value\n'
    assert.throws(
      () => load(text, { registry: own, env }),
      (error: any) => {
        const shown = 'bad the value of variable "B", the value of variable "value": its value is true'
        assert.equal(error.problems[0].message, `"!Loud" could not be constructed: ${shown}`)
        assert.ok(!error.message.includes('hunter2'))
        assert.match(error.cause.message, /hunter2/)
        return true
      },
    )
  })

  test('of another option is masked where a schema shows it, unless it is a part of other words', () => {
    const own = new Registry()
    const schema = z.strictObject({ a: z.any(), b: z.any(), c: z.any() }).check(({ value, issues }) => {
      issues.push({ code: 'custom', message: `${value.a} at least 1 is true`, path: ['b'], input: value })
    })
    own.add(class Loud {}, '!Loud', { schema })
    const env = { A: 'hunter2', ONE: '1', YES: 'true' }
    const [found] = check('!Loud { a: !env A, b: 2, c: [!env ONE, !env YES] }', { registry: own, env })
    assert.match(found!.message, /: the value of variable "A" at least 1 is true$/)
  })

  test('of 10 MB is masked', () => {
    const own = new Registry()
    own.add(class Loud {}, '!Loud', { schema: showing([]) as never })
    const [found] = check('!Loud { a: !env A }', { registry: own, env: { A: 'x'.repeat(10_000_000) } })
    assert.match(found!.message, /received the value of variable "A"$/)
  })

  test('of 10 MB is a string', () => {
    const text = '9'.repeat(10_000_000)
    assert.equal(value('!env V', { V: text }), text)
    assert.match(
      problem('a: !format "{b}"\nb: !env V', { V: text }),
      /BAD_FORMAT The text of "!format" is too long/,
    )
  })
})

describe('!ref', () => {
  test('is what stands at its path, before or after it', () => {
    const text = 'a: !ref b.list[-1]\nb: { list: [1, 0.50] }\nc: !ref "b[\'list\']"\n'.replace(/c:.*\n/, '')
    assert.deepEqual(value(text), { a: 0.5, b: { list: [1, 0.5] } })
    assert.deepEqual(value('"a.b": 1\nc: !ref \'"a.b"\'\n'), { 'a.b': 1, c: 1 })
  })

  test('is the same instance, as by an alias', () => {
    const { a, b, c } = value('a: !ref c\nb: !ref a\nc: !Data {}\n')
    assert.ok(a instanceof Data)
    assert.equal(a, c)
    assert.equal(b, c)
    assert.deepEqual(order, ['data '])
  })

  test('reads through aliases, other references and "<<"', () => {
    const text = 'base: &b { x: 1, y: 2 }\nalias: *b\nmerged: { <<: *b, y: 3 }\nr: !ref alias\n'
    const paths = ['alias.x', 'merged.x', 'merged.y', 'r.y']
    const items = paths.map((path) => `- !ref ${path}\n`).join('')
    assert.deepEqual(value(`${text}found:\n${items}`).found, [1, 1, 3, 2])
  })

  test('may be merged when it leads to mappings', () => {
    const text =
      'a: { <<: !ref b, y: 3 }\nb: { x: 1, y: 2 }\nc: { <<: [!ref a, !ref d] }\nd: { z: 9, x: 0 }\n'
    const { a, c } = value(text)
    assert.deepEqual(
      [a, c],
      [
        { x: 1, y: 3 },
        { y: 3, x: 1, z: 9 },
      ],
    )
    const said = '"<<" takes a mapping, an alias to one, or a sequence of these'
    assert.equal(problem('a: { <<: !ref b }\nb: 1\n'), `1:15-16 BAD_MERGE ${said}`)
    assert.equal(problem('a: { <<: !env V }\n', { V: '1' }), `1:15-16 BAD_MERGE ${said}`)
  })

  test('is checked where it stands', () => {
    const said = 'Option "n" of "!Model": Invalid input: expected number, received string'
    assert.equal(problem('a: !Model { n: !ref b }\nb: text\n'), `1:16-22 BAD_OPTION ${said}`)
  })

  test('names the nearest key, and says where an index or a name is wrong', () => {
    const text = 'a: { rate: 1, list: [1] }\n'
    const wrong: [path: string, said: string][] = [
      ['a.raet', '2:11-15 NO_SUCH_PATH "a" has no key "raet": did you mean "rate"?'],
      ['a.list[1]', '2:15-18 NO_SUCH_PATH "a.list" has 1 item, so there is no "[1]"'],
      ['a.rate.x', '2:16-17 NO_SUCH_PATH "a.rate" is the number 1, so it has no "x"'],
      ['__proto__.x', '2:9-18 NO_SUCH_PATH The document has no key "__proto__": it has "a", "b"'],
      ['a..b', '2:11-12 BAD_PATH A name is missing here: remove the ".", or write \'""\' for an empty name'],
      ['', '2:4-8 BAD_REFERENCE "!ref" takes a path, such as "!ref data.path", but found nothing'],
    ]
    for (const [path, said] of wrong) assert.equal(problem(`${text}b: !ref ${path}\n`), said)
    assert.equal(
      problem('b: !ref [a]\n'),
      '1:4-8 BAD_REFERENCE "!ref" takes a path, such as "!ref data.path", but found a sequence',
    )
  })

  test('says "!link" for what only a class knows', () => {
    const text = 'd: !Data { file: x }\n'
    assert.equal(
      problem(`${text}a: !ref d.size\n`),
      '2:11-15 NO_SUCH_PATH "d" has no key "size", but its class fills it in: write "!link d.size"',
    )
    assert.match(
      problem('!Data { file: !ref size }\n'),
      /NO_SUCH_PATH The document has no key "size", but its class fills it in: write "!link size"$/,
    )
    assert.match(problem(`${text}a: !ref d.names\n`), /but its class fills it in: write "!link d\.names"$/)
    assert.match(problem(`${text}a: !ref d.fiel\n`), /did you mean "file"\?$/)
    assert.match(problem(`${text}a: !ref d.classes\n`), /; write "!link d\.classes" for what its object has$/)
  })

  test('in brackets or braces needs quotes for an index', () => {
    const said = (tag: string, path: string) =>
      `In brackets or braces, a path must be in quotes: write ${tag} "${path}"`
    assert.equal(problem('x: [!ref a[0], 1]\na: [3]\n'), `1:10-14 TAGGED_KEY ${said('!ref', 'a[0]')}`)
    assert.equal(
      problem('x: { y: !link a[0].b }\na: [3]\n'),
      `1:15-21 UNEXPECTED_TOKEN ${said('!link', 'a[0].b')}`,
    )
  })

  test('cannot be a key', () => {
    assert.match(problem('{ !ref a: 1 }'), /TAGGED_KEY/)
  })

  const cycles: Record<string, [text: string, ...said: string[]]> = {
    itself: [
      'a: !ref a\n',
      '1:4-10 REFERENCE_CYCLE "!ref a" needs its own value: write one of these values out',
    ],
    'the whole document': [
      '!ref a\n',
      '1:1-7 REFERENCE_CYCLE "!ref a" needs its own value: write one of these values out',
    ],
    'what is around it': [
      'a: { b: [!ref a] }\n',
      '1:10-16 REFERENCE_CYCLE "!ref a" needs its own value: write one of these values out',
    ],
    'one that leads back': [
      'a: !ref b\nb: !ref a\n',
      '1:4-10 REFERENCE_CYCLE "!ref b" needs its own value through "!ref a": write one of these values out',
    ],
    'what has one that leads back': [
      'a: { x: !ref b }\nb: { y: !ref a }\n',
      '2:9-15 REFERENCE_CYCLE "!ref a" needs its own value through "!ref b": write one of these values out',
    ],
    'two ways to one that leads back': [
      'a: [!ref b, !ref b]\nb: [!ref a]\n',
      '2:5-11 REFERENCE_CYCLE "!ref a" needs its own value through "!ref b": write one of these values out',
    ],
    'what has an alias that leads back': [
      'a: &a { x: !ref b }\nb: [*a]\n',
      '1:12-18 REFERENCE_CYCLE "!ref b" needs its own value: write one of these values out',
    ],
    'mappings that merge each other': [
      'a: { <<: !ref b }\nb: { <<: !ref a }\n',
      '2:10-16 REFERENCE_CYCLE "!ref a" needs its own value through "!ref b": write one of these values out',
    ],
  }
  for (const [name, [text, ...said]] of Object.entries(cycles))
    test(`cannot lead to ${name}`, () => assert.deepEqual(problems(text), said))

  test('of a cycle names the other places', () => {
    const [found] = check('a: !ref b\nb: !ref a\n', { registry })
    assert.deepEqual(found?.related, [{ message: 'through', file: '<text>', line: 2, column: 4 }])
  })

  test('after a problem of its own target has none', () => {
    assert.match(
      problem('a: !ref b\nb: !env V\nc: !format "{a}"\nd: !link a.x\n', {}),
      /^2:9-10 MISSING_VARIABLE/,
    )
    assert.match(problem('a: !ref b.x\nb: *nope\n'), /UNKNOWN_ALIAS/)
  })
})

describe('!format', () => {
  test('puts in texts, and numbers as they are written', () => {
    const text =
      'a: !format "runs/{name}-{o.rate}-{{{on}}}-{n}"\nname: x\no: { rate: 0.10 }\non: True\nn: !env N\n'
    assert.equal(value(text, { N: '1e3' }).a, 'runs/x-0.10-{True}-1e3')
  })

  test('takes another format, quoted names and no path at all', () => {
    assert.equal(value('a: !format "{b}!"\nb: !format "<{c}>"\nc: 1\n').a, '<1>!')
    assert.equal(value('a: !format \'{"x}y"}\'\n"x}y": 1\n').a, '1')
    assert.equal(value('a: !format text\n').a, 'text')
    assert.equal(value('a: !format |\n  {b}\n  end\nb: 1\n').a, '1\nend\n')
  })

  const mistakes: [format: string, said: string][] = [
    [
      '"{b + 1}"',
      '1:13-20 BAD_FORMAT "{b + 1}" is not a path: write "{optimizer.rate}", or "{{" and "}}" for braces; "!format" puts in values and does not calculate',
    ],
    ['"{ b }"', '1:13-18 BAD_FORMAT "{ b }" is not a path: write "{b}"'],
    [
      '"{}"',
      '1:13-15 BAD_FORMAT "{}" is not a path: write "{optimizer.rate}", or "{{" and "}}" for braces; "!format" puts in values and does not calculate',
    ],
    ['"a{b"', '1:14-15 BAD_FORMAT "{" is not closed: write "}" after the path, or "{{" for a brace'],
    ['"a}"', '1:14-15 BAD_FORMAT "}" closes nothing: write "}}" for a brace'],
    [
      '{b}',
      `1:4-11 BAD_FORMAT "!format" takes one text, but found a mapping: write a text in quotes, such as "!format 'runs/{name}'"`,
    ],
    ['"{n}"', '1:14-15 BAD_FORMAT "{n}" is null, but "!format" puts in strings, numbers and booleans'],
    ['"{m}"', '1:14-15 BAD_FORMAT "{m}" is a mapping, but "!format" puts in strings, numbers and booleans'],
    [
      '"{d}"',
      '1:14-15 BAD_FORMAT "{d}" is an object of "!Data", but "!format" puts in strings, numbers and booleans',
    ],
    [
      '"{l}"',
      '1:14-15 BAD_FORMAT "{l}" is a "!link", whose value is known only when objects are constructed, but "!format" puts in strings, numbers and booleans',
    ],
    ['"{bb}"', '1:14-16 NO_SUCH_PATH The document has no key "bb": it has "a", "b", "n", "m", "d", …'],
    ['"{a}"', '1:4-17 REFERENCE_CYCLE "!format {a}" needs its own value: write one of these values out'],
  ]
  for (const [format, said] of mistakes)
    test(`refuses ${format}`, () => {
      const found = problem(`a: !format ${format}\nb: 1\nn: ~\nm: {}\nd: !Data {}\nl: !link d.classes\n`)
      assert.equal(found, said)
    })
})

describe('!link', () => {
  test('needs a space after "!@"', () => {
    const [found, ...others] = check('m: !Model { n: !@d.classes }\nd: !Data {}\n', { registry })
    assert.deepEqual(others, [])
    assert.equal(found!.message, 'Unknown tag "!@d.classes": write "!@ d.classes" or "!link d.classes"')
    assert.equal(found!.hint, '!@ d.classes')
    const [scoped] = check('m: !@lab/data.Model {}\n', { registry })
    assert.match(scoped!.message, /^Unknown tag "!@lab\/data.Model": write "!data.Model", with the name/)
  })

  test('reads what an object became, in whatever order they are written', () => {
    const text = 'm: !Model { n: !link d.classes, any: !@ "d.nested.list[-1].last" }\nd: !Data { file: a }\n'
    const { m, d } = value(text)
    assert.deepEqual(m.options, { n: 3, any: 'z' })
    assert.ok(d instanceof Data)
    assert.deepEqual(order, ['data a', 'model'])
  })

  test('reads options that a schema filled in, getters, and what a class inherits', () => {
    const text =
      'm: !Model { n: !link d.options.size, any: [!link d.names, !link "d.names[0]"] }\nd: !Large {}\n'
    assert.deepEqual(value(text).m.options, { n: 1, any: [['a', 'b'], 'a'] })
  })

  test('leads through other links, and to nodes', () => {
    const text =
      'a: !link b.list\nb: !link d.nested\nc: !link "a[0]"\ne: !link d.file\nd: !Data { file: x }\nf: !ref b\n'
    const { a, c, e, f, d } = value(text)
    assert.deepEqual([a, c, e, f], [d.nested.list, 1, 'x', d.nested])
  })

  test('is unknown to a check, and seen by the schema when it is constructed', () => {
    const text = 'm: !Model { n: !link d.names }\nd: !Data {}\n'
    assert.deepEqual(problems(text), [])
    const said = /Option "n" of "!Model": Invalid input: expected number, received array\n\n {2}<text>:1:16/
    assert.throws(() => value(text), said)
    assert.deepEqual(problems('m: !Model { n: !link d.names, x: 1 }\nd: !Data {}\n'), [
      '1:31-32 UNKNOWN_OPTION Option "x" of "!Model" is unknown: remove it',
    ])
  })

  const atLoad: Record<string, string> = {
    'd.clases': 'An object of class "Data" has no attribute "clases": did you mean "classes"?',
    'd.zzzzzzzz':
      'An object of class "Data" has no attribute "zzzzzzzz": it has "options", "classes", "nested", "names", "broken"',
    'd.act': '"act" is a function: a link reads only data',
    'd.toString': 'An object of class "Data" has no attribute "toString"',
    'd.classes.x': 'A number has no attributes, so it has no "x"',
    'd.nested.list[9]': 'The array has 3 items, so it has no [9]',
    'd.nested[0]': 'A mapping is not an array, so it has no [0]',
    'd.broken': 'Attribute "broken" could not be read: no disk',
  }
  for (const [path, said] of Object.entries(atLoad))
    test(`says at the link that ${path} cannot be read`, () => {
      const text = `d: !Data {}\na: !link ${path}\n`
      assert.deepEqual(problems(text), [])
      assert.throws(
        () => value(text),
        (error: any) => {
          const [{ line, column, code, message }] = error.problems
          assert.deepEqual([line, column, code], [2, 4, 'BAD_LINK'])
          assert.equal(message.slice(0, said.length), said)
          return true
        },
      )
    })

  test('never reads a constructor, a prototype or secrets', () => {
    for (const name of ['config', 'constructor', '__proto__']) {
      const said = `2:10-${12 + name.length} BAD_LINK A link cannot read "${name}"`
      assert.equal(problem(`d: !Data {}\na: !link d.${name}\n`), said)
    }
    assert.match(problem('d: !Data {}\na: !link d.nested.constructor.name\n'), /BAD_LINK/)
  })

  test('of plain data is found in the file', () => {
    assert.match(
      problem('d: { list: 1 }\na: !link d.lits\n'),
      /NO_SUCH_PATH "d" has no key "lits": did you mean "list"/,
    )
    assert.match(
      problem('data: !Data {}\na: !link dta.classes\n'),
      /NO_SUCH_PATH The document has no key "dta": did you mean "data"/,
    )
  })

  test('of a cycle names both places before anything is constructed', () => {
    const text = 'a: !Model { any: !link b.options }\nb: !Model { any: !link a.options }\n'
    order = []
    assert.equal(
      problem(text),
      '2:18-33 REFERENCE_CYCLE "!link a.options" needs its own value through "!link b.options": write one of these values out',
    )
    assert.deepEqual(order, [])
    assert.match(problem('a: !Model { any: !link a.options }\n'), /REFERENCE_CYCLE/)
  })
})

describe('references in a large text', () => {
  const lines = (count: number, line: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => line(index)).join('')

  test('100,000 to one node', () => {
    const { all } = value(`all:\n${lines(100_000, () => '- !ref it\n')}it: { x: 1 }\n`)
    assert.equal(all.length, 100_000)
    assert.equal(all[0], all[99_999])
  })

  test('a chain of 10,000', () => {
    const chain = (tag: string, path: (index: number) => string) =>
      `${lines(10_000, (index) => `k${index}: !${tag} ${path(index + 1)}\n`)}k10000: end\n`
    assert.equal(value(chain('ref', (index) => `k${index}`))['k0'], 'end')
    assert.equal(value(chain('format', (index) => `"{k${index}}"`))['k0'], 'end')
    assert.match(problem(chain('link', (index) => `k${index}`)), /TOO_DEEP/)
    assert.match(
      problem(`${lines(10_000, (index) => `k${index}: [!ref k${index + 1}]\n`)}k10000: end\n`),
      /TOO_DEEP/,
    )
  })

  test('a cycle of 10,000', () => {
    const text = lines(10_000, (index) => `k${index}: !ref k${(index + 1) % 10_000}\n`)
    const found = problem(text)
    assert.match(found, /REFERENCE_CYCLE "!ref k1" needs its own value through "!ref k2", .* 9994 more: /)
  })

  test('a path of as many steps, each through another reference', () => {
    const text = `${lines(5_000, (index) => `k${index}: { a: !ref k${index + 1} }\n`)}k5000: end\nx: !ref k0${'.a'.repeat(5000)}\n`
    assert.match(problems(text).join(), /TOO_DEEP/)
  })

  test('formats that double the text', () => {
    const text = `k0: xxxxxxxxxx\n${lines(40, (index) => `k${index + 1}: !format "{k${index}}{k${index}}"\n`)}`
    assert.match(problem(text), /BAD_FORMAT The text of "!format" is too long/)
  })

  test('a path of a megabyte', () => {
    assert.match(problem(`a: !ref ${'a.'.repeat(500_000)}a\n`), /REFERENCE_CYCLE|NO_SUCH_PATH/)
  })
})

describe('a tag of composition', () => {
  test('cannot be registered', () => {
    for (const tag of ['!env', '!ref', '!format', '!link', '!@', '!include', '!extends'])
      assert.throws(
        () => new Registry().add(Data, tag as never),
        (error: any) => error instanceof RegistrationError && error.code === 'RESERVED_TAG',
      )
  })
})

describe('a run that checks no tags', () => {
  const steps = async (content: string) => {
    const context = new SafeExecutionContext({ content }, { registry, env: { PORT: '80' } })
    return (await context.preprocess({ checkTags: false })).runnable as Echo
  }

  test('resolves references, too', async () => {
    const { options } = await steps('!Echo\na: 1\nb: !ref a\nc: !env PORT\nd: !format "{a}"\n')
    assert.deepEqual(options, { a: 1, b: 1, c: 80, d: '1' })
  })

  test('says what is wrong with them', async () => {
    await assert.rejects(steps('!Echo\nb: !ref c\n'), { code: 'NO_SUCH_PATH' })
  })
})

describe('a text that looks like a variable', () => {
  const variable = (name: string) => `$\{${name}}`

  test('is data, and warned of once', () => {
    const warnings: string[] = []
    const onWarning = ({ code, line, column, message }: any) =>
      warnings.push(`${line}:${column} ${code} ${message}`)
    const [home, user] = [variable('HOME'), variable('USER')]
    const text = `a: ${home}/x\nb: "${user}"\nc: $HOME\n`
    assert.deepEqual(load(text, { registry, onWarning }), { a: `${home}/x`, b: user, c: '$HOME' })
    assert.deepEqual(check(text, { registry, onWarning }), [])
    const message = `"${home}" is data, and no variable is put in its place: write "!env HOME" for an environment variable`
    const said = `1:4 LITERAL_VARIABLE ${message}`
    // Only a check says so: what is loaded may be meant for a shell.
    assert.deepEqual(warnings, [said])
  })

  test('is not warned of in a script, nor where no name is', () => {
    const warnings: unknown[] = []
    const text = `a: |\n  echo ${variable('HOME')}\nb: "${variable('1 + 1')}"\n`
    check(text, { registry, onWarning: (each) => warnings.push(each) })
    assert.deepEqual(warnings, [])
  })
})

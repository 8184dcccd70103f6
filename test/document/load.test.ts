import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import {
  type Builder,
  ConstructionError,
  check,
  DocumentError,
  dump,
  factory,
  load,
  loadAll,
  loadFile,
  MappedRegistrable,
  type Node,
  RegistrationError,
  Registry,
  registrable,
  Template,
  ValidationError,
} from 'flambeau'
import { z } from 'zod'
import { onlyProblem, refused, summary } from '../support/problems.js'

const registry = new Registry()

@registrable('!Box', { registry })
class Box {
  constructor(readonly options: Record<string, any> = {}) {}
}

@registrable('!Crate', { registry })
class Crate extends Box {}

/** A word that YAML holds as one value, and a class whose objects are made by `fromYaml` alone. */
@registrable('!Word', { registry })
class Word {
  constructor(readonly text: string) {}
  static fromYaml(builder: Builder, node: Node) {
    return new Word(builder.constructScalar(node))
  }
}

const read = (text: string): any => load(text, { registry })

describe('objects', () => {
  test('are nested as deep as the file has them', () => {
    const box = load('!Box\na: !Box\n  b: !Crate\n    c: 1\nlist:\n  - !Box { d: 2 }\n', {
      registry,
      expect: Box,
    })
    assert.ok(box.options.a.options.b instanceof Crate)
    assert.equal(box.options.a.options.b.options.c, 1)
    assert.equal(box.options.list[0].options.d, 2)
  })

  test('stand in plain data', () => {
    const config = read('train:\n  box: !Box\nothers: [!Box , 1, null]\n')
    assert.ok(config.train.box instanceof Box)
    assert.ok(config.others[0] instanceof Box)
    assert.deepEqual(config.others.slice(1), [1, null])
  })

  test('with nothing after the tag are made with an empty mapping', () => {
    for (const text of ['!Box', '!Box\n', '!Box # nothing', '--- !Box', '!Box {}'])
      assert.deepEqual(read(text).options, {}, text)
    assert.deepEqual(read('a: !Box\nb: 1').a.options, {})
  })

  test('are made once each, children first and in the order of the file', () => {
    const made: string[] = []
    const here = new Registry()
    class Step {
      constructor(readonly options: { name: string }) {
        made.push(options.name)
      }
    }
    here.add(Step, '!Step')
    load(
      '!Step\nb: !Step { name: b }\nname: top\na: &a !Step\n  deep: [!Step { name: deep }]\n  name: a\nc: *a\n',
      {
        registry: here,
      },
    )
    assert.deepEqual(made, ['b', 'deep', 'a', 'top'])
  })

  test('are not made at all when anything is wrong anywhere', () => {
    const here = new Registry()
    class Loud {
      constructor() {
        assert.fail('constructed')
      }
      static fromYaml() {
        assert.fail('constructed')
      }
      static make() {
        assert.fail('constructed')
      }
    }
    class Plain {
      constructor() {
        assert.fail('constructed')
      }
    }
    here.add(Loud, '!Loud', { factories: ['make'] })
    here.add(Plain, '!Plain')
    here.add(class Strict {}, '!Strict', { schema: z.strictObject({}) })
    const loud = '- !Loud\n- !Plain\n- !Loud.make\n'
    for (const wrong of [
      '- !Nobody\n',
      '- *nobody\n',
      '- {a: 1, a: 2}\n',
      '- !Strict { a: 1 }\n',
      '- !Plain [1]\n',
      '- [\n',
    ])
      assert.throws(() => load(loud + wrong, { registry: here }), DocumentError, wrong)
    assert.throws(() => loadAll(`${loud}---\n!Nobody\n`, { registry: here }), /Unknown tag/)
    assert.throws(() => load(`${loud}---\na: 1\n`, { registry: here }), /Expected one document/)
  })

  test('share no options', () => {
    const [a, b] = read('[!Box {}, !Box {}]')
    a.options.more = 1
    assert.deepEqual(b.options, {})
  })
})

describe('scalars', () => {
  const core: [text: string, value: unknown][] = [
    ['null', null],
    ['~', null],
    ['', null],
    ['Null', null],
    ['true', true],
    ['False', false],
    ['yes', 'yes'],
    ['12', 12],
    ['-12', -12],
    ['+12', 12],
    ['0o17', 15],
    ['0x1F', 31],
    ['017', 17],
    ['1e3', 1000],
    ['.5', 0.5],
    ['1.50', 1.5],
    ['.inf', Number.POSITIVE_INFINITY],
    ['-.Inf', Number.NEGATIVE_INFINITY],
    ['.nan', Number.NaN],
    ['1_000', '1_000'],
    ['12:30', '12:30'],
    ['2001-12-14', '2001-12-14'],
    ['"12"', '12'],
    ["'it''s'", "it's"],
    ['"\\u00e9\\n\\t"', 'é\n\t'],
    ['plain words: no', 'plain words: no'],
    ['<<', '<<'],
  ]
  for (const [text, value] of core.filter(([text]) => !text.includes(': ')))
    test(`${text || 'nothing'} is ${JSON.stringify(value) ?? value}`, () => {
      assert.deepEqual(read(`- ${text}`), [value])
      assert.deepEqual(read(`!Box { a: ${text} }`).options, { a: value })
    })

  test('stand in blocks of either kind', () => {
    assert.deepEqual(read('a: |\n  x\n   y\nb: >-\n  x\n  y\n\n  z\nc: |+\n  x\n\n'), {
      a: 'x\n y\n',
      b: 'x y\nz',
      c: 'x\n\n',
    })
  })
})

describe('the tags of YAML itself', () => {
  const values: [text: string, value: unknown][] = [
    ['!!str 12', '12'],
    ['!!str', ''],
    ['!!int "3"', 3],
    ['!!int 0x10', 16],
    ['!!float 1.5', 1.5],
    ['!!float 1', 1],
    ['!!bool "true"', true],
    ['!!null ""', null],
    ['!!map {a: 1}', { a: 1 }],
    ['!!seq [1]', [1]],
    ['!!set {a, b}', new Set(['a', 'b'])],
    ['!!set {}', new Set()],
    ['!!omap [b: 1, a: 2]', new Map(Object.entries({ b: 1, a: 2 }))],
    ['!!omap [1: one]', new Map([[1, 'one']])],
    [
      '!!pairs [a: 1, a: 2]',
      [
        ['a', 1],
        ['a', 2],
      ],
    ],
    ['!!timestamp 2001-12-14', new Date('2001-12-14')],
    ['!!timestamp 2001-12-14T21:59:43.1Z', new Date('2001-12-14T21:59:43.1Z')],
    ['!<tag:yaml.org,2002:str> 12', '12'],
    ['! 12', '12'],
  ]
  for (const [text, value] of values)
    test(`make of ${text} what they say`, () => {
      assert.deepEqual(read(text), value)
      assert.deepEqual(read(`a: ${text}\nb: 1\n`), { a: value, b: 1 })
      assert.deepEqual(read(`!Box\na: ${text}\n`).options, { a: value })
    })

  test('make bytes of !!binary', () => {
    const bytes = read('!!binary aGVsbG8=')
    assert.ok(bytes instanceof Uint8Array)
    assert.equal(Buffer.from(bytes).toString(), 'hello')
  })

  test('take objects of ours in', () => {
    const map = read('!!omap [a: !Box { b: 1 }]')
    assert.ok(map.get('a') instanceof Box)
    const set = read('!!set {? !Word x }')
    assert.deepEqual([...set], [new Word('x')])
  })

  for (const text of [
    '!!js/function "() => 1"',
    '!!python/object:os.system ls',
    '!!new',
    '!<tag:example.com,2000:app> 1',
  ])
    test(`never run anything: ${text}`, () => {
      const problem = onlyProblem(`- ${text}`, { registry })
      assert.equal(problem.code, 'UNKNOWN_TAG')
      assert.equal(problem.column, 3)
    })

  for (const tag of [
    '!constructor',
    '!Object',
    '!eval',
    '!process.exit',
    '!Function',
    '!Box.constructor',
    '!Box.call',
  ])
    test(`nobody registered ${tag}, so it runs nothing`, () => {
      assert.match(onlyProblem(`- ${tag} { a: 1 }`, { registry }).code, /^UNKNOWN_(TAG|FACTORY)$/)
    })
})

describe('anchors', () => {
  test('are one tagged object, however often it is repeated', () => {
    const { a, b, c } = read('a: &x !Box { n: 1 }\nb: *x\nc: [*x]\n')
    assert.equal(a, b)
    assert.equal(a, c[0])
  })

  test('are one plain mapping or sequence', () => {
    const { a, b, c, d } = read('a: &x { n: 1 }\nb: *x\nc: &y [1]\nd: *y\n')
    assert.equal(a, b)
    assert.equal(c, d)
  })

  test('are one object inside of options as well', () => {
    const box = read('!Box\na: &x { n: 1 }\nb: *x\nc: !Crate { d: *x }\n')
    assert.equal(box.options.a, box.options.b)
    assert.equal(box.options.a, box.options.c.options.d)
  })

  test('are one Date, one Set, one Map', () => {
    for (const text of ['!!timestamp 2001-12-14', '!!set {a}', '!!omap [a: 1]', '!!binary aGk=', '!Word w']) {
      const { a, b } = read(`a: &x ${text}\nb: *x\n`)
      assert.equal(a, b, text)
    }
  })

  test('may name a scalar, or nothing', () => {
    assert.deepEqual(read('a: &x 1\nb: *x\nc: &y\nd: *y\n'), { a: 1, b: 1, c: null, d: null })
  })

  test('may be written before or after the tag', () => {
    const [a, b, c, d] = read('- &x !Box\n- *x\n- !Box &y\n- *y\n')
    assert.equal(a, b)
    assert.equal(c, d)
    assert.ok(c instanceof Box)
  })

  test('mean the last one of their name', () => {
    assert.deepEqual(read('[&a 1, *a, &a 2, *a]'), [1, 1, 2, 2])
  })

  test('do not reach into the next document', () => {
    assert.equal(check('a: &x 1\n---\nb: *x\n')[0]?.code, 'UNKNOWN_ALIAS')
  })

  test('may name a key', () => {
    assert.deepEqual(read('&k a: 1\nb: { *k : 2 }\n'), { a: 1, b: { a: 2 } })
  })

  test('make a fromYaml be called once, whatever it returns', () => {
    for (const value of [undefined, null, 0, 'text', {}]) {
      const here = new Registry()
      let calls = 0
      here.add(class Some {}, '!Some', {
        fromYaml() {
          calls++
          return value
        },
      })
      assert.deepEqual(load('[&x !Some , *x, *x]', { registry: here }), [value, value, value])
      assert.equal(calls, 1, `of ${value}`)
    }
  })
})

describe('merge keys', () => {
  const base = 'base: &base { a: 1, b: 2 }\nother: &other { b: 3, c: 4 }\n'

  test('bring options along, which the mapping’s own override wherever they stand', () => {
    assert.deepEqual(read(`${base}x: { <<: *base, b: 9 }`).x, { a: 1, b: 9 })
    assert.deepEqual(read(`${base}x: { b: 9, <<: *base }`).x, { b: 9, a: 1 })
  })

  test('take several sources, the earlier ones first', () => {
    assert.deepEqual(read(`${base}x: { <<: [*base, *other] }`).x, { a: 1, b: 2, c: 4 })
    assert.deepEqual(read(`${base}x: { <<: [*other, *base] }`).x, { a: 1, b: 3, c: 4 })
  })

  test('are followed through one another', () => {
    assert.deepEqual(read(`${base}x: &x { <<: *base, d: 5 }\ny: { <<: *x, e: 6 }`).y, {
      a: 1,
      b: 2,
      d: 5,
      e: 6,
    })
  })

  test('work in the options of an object, whose sources may be tagged', () => {
    const { box, copy } = read(`${base}box: &box !Box { <<: *base, b: 5 }\ncopy: !Crate { <<: *box, c: 6 }`)
    assert.deepEqual(box.options, { a: 1, b: 5 })
    assert.deepEqual(copy.options, { a: 1, b: 5, c: 6 })
    assert.ok(copy instanceof Crate)
  })

  test('share what they bring along', () => {
    const { x, base: from } = read('base: &base { list: [1] }\nx: { <<: *base }\n')
    assert.equal(x.list, from.list)
  })

  test('are ordinary keys when they are quoted', () => {
    assert.deepEqual(read('{ "<<": { a: 1 }, b: 2 }'), { '<<': { a: 1 }, b: 2 })
  })

  test('take in mappings only', () => {
    assert.equal(summary(onlyProblem('a: 1\n<<: 3\n')), '2:5-6 BAD_MERGE')
    assert.equal(summary(onlyProblem('a: &a [1]\n<<: [{ b: 1 }, *a]\n')), '2:16-18 BAD_MERGE')
  })
})

describe('keys', () => {
  test('named __proto__ are data', () => {
    const parsed = read('__proto__: { polluted: 1 }\na: { __proto__: 2 }\n')
    assert.deepEqual(Object.keys(parsed), ['__proto__', 'a'])
    assert.equal(Object.getPrototypeOf(parsed), Object.prototype)
    assert.equal(parsed.polluted, undefined)
    assert.equal(({} as any).polluted, undefined)
    assert.equal(Object.getOwnPropertyDescriptor(parsed.a, '__proto__')?.value, 2)
  })

  test('named __proto__ are data in options, merged ones too', () => {
    const { options } = read('!Box\n<<: { __proto__: { polluted: 1 } }\nconstructor: 2\n')
    assert.equal(options.polluted, undefined)
    assert.equal(options.constructor, 2)
    assert.deepEqual(Object.getOwnPropertyDescriptor(options, '__proto__')?.value, { polluted: 1 })
  })

  test('that are no strings become strings in plain data', () => {
    assert.deepEqual(read('1: a\ntrue: b\nnull: c\n'), { 1: 'a', true: 'b', null: 'c' })
  })

  test('that stand twice are refused, whatever their spelling', () => {
    const problem = onlyProblem('a: 1\nb: 2\n"a": 3\n')
    assert.equal(summary(problem), '3:1-4 DUPLICATE_KEY')
    assert.equal(problem.message, 'Duplicate key "a": remove one of them')
    assert.equal(summary(onlyProblem('!Box { a: 1, a: 2 }', { registry })), '1:14-15 DUPLICATE_KEY')
    assert.equal(summary(onlyProblem('1: a\n"1": b\n')), '2:1-4 DUPLICATE_KEY')
  })
})

describe('texts', () => {
  test('with nothing in them are null', () => {
    for (const text of ['', '\n', '# a comment\n', '---\n', '---\n...\n'])
      assert.equal(load(text), null, text)
  })

  test('with a byte order mark are read behind it', () => {
    assert.deepEqual(load('\ufeffa: 1'), { a: 1 })
    assert.ok(read('\ufeff!Box') instanceof Box)
  })

  test('with the line ends of Windows mean the same', () => {
    assert.deepEqual(load('a: 1\r\nb:\r\n  - x\r\n  - |\r\n    y\r\n    z\r\n'), { a: 1, b: ['x', 'y\nz\n'] })
  })

  test('with several documents are for loadAll', () => {
    const problem = refused('a: 1\n---\nb: 1\n---\nc: 1\n').problems[0]!
    assert.equal(problem.code, 'SEVERAL_DOCUMENTS')
    assert.equal(problem.line, 3)
    assert.equal(
      problem.message,
      'Expected one document, but found the second of 3 here: use "loadAll" to load all of them',
    )
    const all = loadAll('a: 1\n---\n!Box { b: 1 }\n---\n---\n- x\n', { registry }) as any[]
    assert.deepEqual([all[0], all[1].options, all[2], all[3]], [{ a: 1 }, { b: 1 }, null, ['x']])
  })

  test('without a document give loadAll nothing', () => {
    assert.deepEqual(loadAll(''), [])
  })

  test('may shorten tags with a directive', () => {
    assert.ok(read('%TAG !e! !\n---\n!e!Box { a: 1 }\n') instanceof Box)
    assert.ok(read('!<!Box> { a: 1 }') instanceof Box)
  })
})

describe('loadFile', () => {
  test('reads a file by path or URL, and names it in problems', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flambeau-load-'))
    try {
      const file = join(folder, 'box.yaml')
      await writeFile(file, '\ufeff!Box { name: é }\n')
      const box = await loadFile(file, { registry, expect: Box })
      assert.deepEqual(box.options, { name: 'é' })
      assert.ok((await loadFile(pathToFileURL(file), { registry })) instanceof Box)
      await assert.rejects(loadFile(file), (error: unknown) => {
        assert.ok(error instanceof DocumentError)
        assert.equal(error.problems[0]?.file, file)
        return true
      })
      await assert.rejects(loadFile(file, { filename: 'other.yaml' }), /other\.yaml:1:1/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('expect', () => {
  test('accepts an instance of a class or of the class of a tag, subclasses included', () => {
    assert.ok(load('!Box', { registry, expect: Box }) instanceof Box)
    assert.ok(load('!Crate', { registry, expect: Box }) instanceof Crate)
    assert.ok(load('!Crate', { registry, expect: '!Box' }) instanceof Crate)
  })

  test('refuses what is something else, and points at it', () => {
    const wrongClass = refused('# a crate\n!Crate { a: 1 }', { registry, expect: Word } as object)
    assert.ok(wrongClass instanceof ValidationError)
    assert.equal(summary(wrongClass.problems[0]!), '2:1-7 UNEXPECTED_TYPE')
    assert.equal(wrongClass.problems[0]!.message, 'Expected an object of class "Word", but found "!Crate"')
    const wrongTag = refused('!Box', { registry, expect: '!Crate' } as object)
    assert.equal(wrongTag.problems[0]!.message, 'Expected "!Crate", but found "!Box"')
  })

  test('refuses plain data and an empty text', () => {
    const plain = refused('a: 1\n', { registry, expect: Box } as object).problems[0]!
    assert.match(plain.message, /but found a document without a tag$/)
    assert.equal(refused('', { registry, expect: '!Box' } as object).code, 'UNEXPECTED_TYPE')
  })

  test('refuses everything for a tag that nobody registered', () => {
    assert.throws(() => load('!Box', { registry, expect: '!Nobody' }), /"!Nobody"/)
  })
})

describe('a constructor that throws', () => {
  const here = new Registry()
  const cause = new RangeError('the rate must be positive.\nIt is not')
  class Adam {
    constructor() {
      throw cause
    }
    static make() {
      throw cause
    }
    static fromText() {
      throw 'just text'
    }
  }
  here.add(Adam, '!Adam', { factories: ['make', 'fromText'] })
  here.add(Box, '!Sweep')
  here.add(Box, '!Train')

  function failure(text: string): ConstructionError {
    try {
      load(text, { registry: here, filename: 'sweep.yaml' })
    } catch (error) {
      assert.ok(error instanceof ConstructionError)
      return error
    }
    return assert.fail('it was constructed')
  }

  test('is an error that points at its node, keeps the cause and shows the way', () => {
    const error = failure('!Sweep\neach: !Train\n  layers: [1]\n  optimizer: !Adam\n    rate: -1\n')
    assert.equal(error.cause, cause)
    assert.equal(error.code, 'CONSTRUCTION')
    assert.equal(error.exitCode, 22)
    const [problem] = error.problems
    assert.equal(summary(problem!), '4:14-19 CONSTRUCTION')
    assert.equal(
      problem!.message,
      '"!Adam" could not be constructed (!Sweep › each › !Train › optimizer): the rate must be positive',
    )
    assert.match(error.message, / {2}sweep\.yaml:4:14\n/)
  })

  test('shows the way through lists', () => {
    const { message } = failure('all:\n  - 1\n  - !Train { steps: [!Adam ] }\n')
    assert.ok(
      message.startsWith('"!Adam" could not be constructed (all › [1] › !Train › steps › [0]): '),
      message,
    )
  })

  test('at the top shows no way', () => {
    assert.match(failure('!Adam').message, /^"!Adam" could not be constructed: the rate must be positive\n/)
  })

  test('may be a factory', () => {
    assert.equal(failure('- !Adam.make').cause, cause)
    assert.match(failure('- !Adam.make').message, /^"!Adam\.make" could not be constructed \(\[0\]\)/)
  })

  test('may throw anything', () => {
    assert.equal(failure('!Adam.fromText').cause, 'just text')
    assert.match(failure('!Adam.fromText').message, /: just text\n/)
  })

  test('may be a fromYaml', () => {
    here.add(Word, '!Odd', {
      fromYaml: () => {
        throw cause
      },
    })
    assert.equal(failure('a: !Odd x').cause, cause)
    assert.equal(summary(failure('a: !Odd x').problems[0]!), '1:4-8 CONSTRUCTION')
  })

  test('in a text that a factory loads is the cause, and the place is that of the factory', () => {
    class Outer {
      static fromFile({ text }: { text: string }) {
        return load(text, { registry: here, filename: 'inner.yaml' })
      }
    }
    here.add(Outer, '!Loads', { factories: ['fromFile'] })
    here.add(Word, '!Refused', { fromYaml: (builder) => builder.fail('no such word') })
    for (const inner of ['"!Adam"', '"!Nobody"', '"!Refused x"']) {
      const error = failure(`a: !Loads.fromFile\n  text: ${inner}\n`)
      assert.deepEqual(
        [error.problems[0]?.file, summary(error.problems[0]!)],
        ['sweep.yaml', '1:4-19 CONSTRUCTION'],
      )
      assert.equal((error.cause as DocumentError).problems[0]?.file, 'inner.yaml')
    }
  })

  test('may refuse what its own code gives to a schema', () => {
    class Inner extends MappedRegistrable.with(z.object({ a: z.number() })) {}
    class Outer {
      readonly inner = new Inner({ a: 'x' } as never)
    }
    here.add(Outer, '!Outer')
    const error = failure('- !Outer')
    assert.ok(error.cause instanceof ValidationError)
    assert.match(error.message, /^"!Outer" could not be constructed \(\[0\]\): Option "a" of "Inner"/)
  })
})

describe('fromYaml', () => {
  test('reads a scalar, quoted or not, as its text', () => {
    assert.deepEqual(read('[!Word a-9, !Word "a-9", !Word 12, !Word ~, !Word 0x1F]'), [
      new Word('a-9'),
      new Word('a-9'),
      new Word('12'),
      new Word('~'),
      new Word('0x1F'),
    ])
    assert.equal(read('!Word |\n  two\n  lines\n').text, 'two\nlines\n')
    assert.equal(read('!Word').text, '')
  })

  test('reads a sequence', () => {
    const here = new Registry()
    here.add(Word, '!Choice', { fromYaml: (builder, node) => builder.constructSequence(node) })
    here.add(Box, '!Box')
    const choice = load('!Choice [0.1, !Box { a: 1 }, [x]]', { registry: here }) as any[]
    assert.equal(choice[0], 0.1)
    assert.ok(choice[1] instanceof Box)
    assert.deepEqual(choice[2], ['x'])
  })

  test('reads a mapping with merge keys, and its children are made once', () => {
    const here = new Registry()
    let made = 0
    class Child {
      constructor() {
        made++
      }
    }
    here.add(Child, '!Child')
    here.add(Word, '!Custom', {
      fromYaml(builder, node) {
        const first = builder.constructMapping(node)
        const second = builder.constructMapping(node)
        assert.equal(first['a'], second['a'])
        assert.notEqual(first, second)
        return first
      },
    })
    const custom = load('!Custom { a: !Child , <<: { b: 2 } }', { registry: here }) as any
    assert.deepEqual(Object.keys(custom), ['a', 'b'])
    assert.equal(made, 1)
  })

  test('may construct the nodes below it one by one, or not at all', () => {
    const here = new Registry()
    here.add(Box, '!Box')
    here.add(Word, '!First', {
      fromYaml: (builder, node) =>
        node.kind === 'sequence' ? builder.construct(node.items[0]!) : assert.fail(),
    })
    const kept = load('- &a !Box\n- !First [*a, !Box { never: made }]\n', { registry: here }) as any[]
    assert.equal(kept[0], kept[1])
  })

  test('is given the name of the factory', () => {
    const here = new Registry()
    const names: unknown[] = []
    class Custom {
      static fromYaml(_builder: Builder, _node: Node, factoryName?: string) {
        names.push(factoryName)
        return new this()
      }
      static make() {}
    }
    here.add(Custom, '!Custom', { factories: ['make'] })
    load('[!Custom , !Custom.make {}, !Custom.make x]', { registry: here })
    assert.deepEqual(names, [undefined, 'make', 'make'])
    assert.equal(onlyProblem('!Custom.other', { registry: here }).code, 'UNKNOWN_FACTORY')
  })

  test('sees the node with its tag, its anchor and where it stands', () => {
    const here = new Registry()
    let seen: Node | undefined
    here.add(Word, '!Seen', {
      fromYaml(_builder, node) {
        seen = node
        return node
      },
    })
    load('a: &x !Seen text\n', { registry: here })
    assert.equal(seen?.kind, 'scalar')
    assert.deepEqual([seen?.tag, seen?.anchor, seen?.start, seen?.end], ['!Seen', 'x', 12, 16])
  })

  test('that expects another kind of node says so at the node', () => {
    const error = refused('- !Word { a: 1 }', { registry })
    assert.equal(summary(error.problems[0]!), '1:3-17 REFUSED')
    assert.equal(error.problems[0]!.message, '"!Word" takes one value, but found a mapping')
    const here = new Registry()
    here.add(Word, '!Map', { fromYaml: (builder, node) => builder.constructMapping(node) })
    here.add(Word, '!Seq', { fromYaml: (builder, node) => builder.constructSequence(node) })
    assert.match(
      refused('!Map [1]', { registry: here }).message,
      /^"!Map" takes a mapping, but found a sequence/,
    )
    assert.match(
      refused('!Map x', { registry: here }).message,
      /^"!Map" takes a mapping, but found the string "x"/,
    )
    assert.match(
      refused('!Seq {}', { registry: here }).message,
      /^"!Seq" takes a sequence, but found a mapping/,
    )
  })

  test('may fail with a message of its own, at its node or at one below', () => {
    const here = new Registry()
    here.add(Word, '!Picky', {
      fromYaml: (builder, node) =>
        node.kind === 'sequence'
          ? builder.fail('The second is wrong', node.items[1])
          : builder.fail('No such word'),
    })
    const whole = refused('a: !Picky some text\n', { registry: here })
    assert.ok(whole instanceof ValidationError)
    assert.equal(summary(whole.problems[0]!), '1:4-20 REFUSED')
    assert.match(whole.message, /^No such word\n/)
    assert.equal(summary(refused('a: !Picky [1, two]\n', { registry: here }).problems[0]!), '1:15-18 REFUSED')
  })

  test('that asks for its own node is told so, and does not hang', () => {
    const here = new Registry()
    here.add(Word, '!Loop', { fromYaml: (builder, node) => builder.construct(node) })
    assert.throws(() => load('!Loop x', { registry: here }), /"construct" must not be called with the node/)
  })

  test('keeps the error of a child that could not be constructed', () => {
    const here = new Registry()
    class Broken {
      constructor() {
        throw new Error('boom')
      }
    }
    here.add(Broken, '!Broken')
    here.add(Word, '!Outer', { fromYaml: (builder, node) => builder.constructMapping(node) })
    const error = refusedAs(ConstructionError, () => load('!Outer\na: !Broken\n', { registry: here }))
    assert.equal(summary(error.problems[0]!), '2:4-11 CONSTRUCTION')
  })
})

function refusedAs<E extends Error>(Family: new (...args: any[]) => E, action: () => unknown): E {
  try {
    action()
  } catch (error) {
    assert.ok(error instanceof Family, `${error}`)
    return error
  }
  return assert.fail('nothing was thrown')
}

describe('templates', () => {
  const here = new Registry()
  let constructed = 0

  class Train {
    constructor(readonly options: Record<string, any> = {}) {
      constructed++
    }
  }
  class Choice {
    constructor(readonly values: unknown[]) {}
    static fromYaml(builder: Builder, node: Node) {
      return new Choice(builder.constructSequence(node))
    }
  }
  class Sweep {
    constructor(readonly options: { each: Template<Train>; [name: string]: any }) {}
  }
  here.add(Train, '!Train')
  here.add(Choice, '!choice')
  here.add(Sweep, '!Sweep', { templates: ['each'] })
  here.add(Train, '!Strict', { schema: z.strictObject({ rate: z.number() }) })

  const sweep = (text: string) => load(text, { registry: here, expect: Sweep })
  const each = (text: string) => sweep(`!Sweep\neach: ${text}\n`).options.each
  const write = (value: unknown) => dump(value, { registry: here })

  test('are not constructed until they are built', () => {
    constructed = 0
    const template = each('!Train { inner: !Train }')
    assert.ok(template instanceof Template)
    assert.equal(template.tag, '!Train')
    assert.equal(constructed, 0)
    assert.ok(template.build() instanceof Train)
    assert.equal(constructed, 2)
  })

  test('make a new object each time', () => {
    const template = each('!Train { inner: !Train , list: [1] }')
    const [a, b] = [template.build(), template.build()]
    assert.notEqual(a, b)
    assert.notEqual(a.options['inner'], b.options['inner'])
    assert.notEqual(a.options['list'], b.options['list'])
  })

  test('are built with values in the place of options, however deep', () => {
    const template = each('!Train { rate: 1, inner: !Train { a: [0, { b: 1 }] } }')
    const train = template.build({ rate: 2, 'inner.a[1].b': [3], 'inner.a[0]': null })
    assert.equal(train.options['rate'], 2)
    assert.deepEqual(train.options['inner'].options, { a: [null, { b: [3] }] })
    assert.deepEqual(template.build().options['inner'].options, { a: [0, { b: 1 }] })
  })

  test('take objects as values, and give them on', () => {
    const optimizer = new Train({ a: 1 })
    assert.equal(each('!Train { optimizer: null }').build({ optimizer }).options['optimizer'], optimizer)
  })

  test('are built with options that they lack', () => {
    assert.deepEqual(each('!Train { a: 1 }').build({ b: 2 }).options, { a: 1, b: 2 })
    assert.deepEqual(each('!Train { a: { x: 1 } }').build({ 'a.y': 2 }).options, { a: { x: 1, y: 2 } })
    assert.deepEqual(each('!Train { <<: { a: 1, b: 1 } }').build({ b: 2 }).options, { a: 1, b: 2 })
    assert.deepEqual(each('!Train {}').build({ b: 2 }).options, { b: 2 })
  })

  test('are built with options even when nothing stands after their tag', () => {
    assert.deepEqual(each('!Train').build({ b: 2 }).options, { b: 2 })
    assert.deepEqual(each('!Train { inner: !Train }').build({ 'inner.b': 2 }).options['inner'].options, {
      b: 2,
    })
  })

  test('may be replaced as a whole', () => {
    assert.equal(each('!Train').build({ '': 3 }), 3)
  })

  test('refuse a path that leads nowhere', () => {
    const template = each('!Train { rate: 1, layers: [1] }')
    const noPath = (error: unknown) => error instanceof DocumentError && error.code === 'NO_SUCH_PATH'
    assert.throws(() => template.build({ 'layer.size': 2 }), noPath)
    assert.throws(() => template.build({ 'layers[3]': 2 }), noPath)
    assert.throws(() => template.build({ 'rate.x': 2 }), noPath)
    assert.throws(
      () => template.build({ 'leyers[0]': 2 }),
      /The template has no key "leyers": did you mean "layers"\?/,
    )
  })

  test('refuse a path inside of what is replaced, and say so', () => {
    const template = each('!Train { opt: [!choice [1], !choice [2]] }')
    assert.throws(
      () => template.build({ opt: 1, 'opt[0]': 2 }),
      /^DocumentError: "opt\[0\]" is inside "opt", which is replaced as a whole: replace only one of them$/,
    )
    assert.throws(() => template.build({ '': 1, opt: 2 }), /"opt" is inside the template itself/)
    assert.throws(() => template.build({ opt: 1, optimizer: 2, 'opt.x': 3 }), /"opt\.x" is inside "opt"/)
  })

  test('tell the placeholders of a class by their paths', () => {
    const template = each('!Train { rate: !choice [1, 2], inner: { sizes: [!choice [3], 4] } }')
    const found = template.placeholders(Choice)
    assert.deepEqual([...found.keys()], ['rate', 'inner.sizes[0]'])
    assert.deepEqual(found.get('rate')?.values, [1, 2])
    const train = template.build({ rate: 2, 'inner.sizes[0]': 3 })
    assert.deepEqual(train.options, { rate: 2, inner: { sizes: [3, 4] } })
  })

  test('may be a placeholder themselves', () => {
    const template = each('!choice [!Train { a: 1 }, !Train { a: 2 }]')
    assert.deepEqual([...template.placeholders(Choice).keys()], [''])
  })

  test('share what stands outside of them and has an anchor', () => {
    const { data, each } = sweep(
      '!Sweep\ndata: &data !Train { big: 1 }\neach: !Train { data: *data }\n',
    ).options
    assert.equal(each.build().options['data'], data)
    assert.equal(each.build().options['data'], data)
  })

  test('have anchors of their own, anew in each object', () => {
    const template = each('!Train { a: &a !Train , b: *a, c: [*a] }')
    const [x, y] = [template.build(), template.build()]
    assert.equal(x.options['a'], x.options['b'])
    assert.equal(x.options['a'], x.options['c'][0])
    assert.notEqual(x.options['a'], y.options['a'])
  })

  test('repeat a value that is put in the place of an anchor', () => {
    const train = each('!Train { a: &a 1, b: *a }').build({ a: 5 })
    assert.deepEqual(train.options, { a: 5, b: 5 })
  })

  test('may be an alias of an object that stands elsewhere', () => {
    const { base, each } = sweep('!Sweep\nbase: &base !Train { a: 1 }\neach: *base\n').options
    assert.equal(each.tag, '!Train')
    assert.notEqual(each.build(), base)
    assert.deepEqual(each.build({ a: 2 }).options, { a: 2 })
    assert.deepEqual(base.options, { a: 1 })
  })

  test('are checked for their tags, not for their options', () => {
    const text = '!Sweep\neach: !Strict { rate: !choice [1], more: !Nobody }\n'
    assert.deepEqual(check(text, { registry: here }).map(summary), ['2:42-49 UNKNOWN_TAG'])
    assert.deepEqual(check('!Sweep { each: !Strict { rate: !choice [1] } }', { registry: here }), [])
  })

  test('are validated when they are built, and point into the file', () => {
    const template = each('!Strict { rate: !choice [1] }')
    assert.deepEqual(template.build({ rate: 1 }).options, { rate: 1 })
    const error = refusedAs(ValidationError, () => template.build())
    assert.equal(summary(error.problems[0]!), '2:23-30 BAD_OPTION')
    const unknown = refusedAs(ValidationError, () => template.build({ rate: 1, more: 2 }))
    assert.match(unknown.message, /^Option "more" of "!Strict" is unknown/)
  })

  test('point into the file even for values that are put in', () => {
    const template = each('!Strict { rate: 1 }')
    for (const values of [{ rate: 'fast' }, { more: 2 }]) {
      const [problem] = refusedAs(ValidationError, () => template.build(values)).problems
      assert.equal(problem?.line, 2)
      assert.ok(problem.column >= 7 && problem.endColumn <= 27, summary(problem))
    }
  })

  test('show the way to an object inside of them that could not be constructed', () => {
    class Broken {
      constructor() {
        throw new Error('boom')
      }
    }
    here.add(Broken, '!Broken')
    const template = each('!Train { optimizer: !Broken }')
    const error = refusedAs(ConstructionError, () => template.build())
    assert.equal(summary(error.problems[0]!), '2:27-34 CONSTRUCTION')
    assert.match(error.message, /!Train › optimizer/)
  })

  test('may be plain data, and a list', () => {
    const template = each('[{ a: 1 }, !Train ]') as Template<any>
    const [first, train] = template.build({ '[0].a': 2 })
    assert.deepEqual(first, { a: 2 })
    assert.ok(train instanceof Train)
  })

  test('are dumped as they stand in the file', () => {
    const text = '!Sweep\n# the trials\neach: !Train # one\n  rate: !choice [0.1, 1e-3]\n  a: 0x1F\nn: 3\n'
    const once = write(sweep(text))
    for (const part of ['# the trials', '# one', 'rate: !choice [0.1, 1e-3]', 'a: 0x1F', 'n: 3'])
      assert.ok(once.includes(part), once)
    assert.equal(write(sweep(once)), once)
  })

  test('are dumped by themselves', () => {
    assert.equal(write(each('!Train { a: 0x1F }')), '!Train { a: 0x1F }\n')
  })

  test('make objects that are dumped with their values', () => {
    const template = each('!Train\n  rate: !choice [1, 2]\n  name: "12"\n  inner: !Train')
    const text = write(template.build({ rate: 2, extra: [1] }))
    assert.equal(text, '!Train\nrate: 2\nname: "12"\ninner: !Train\nextra:\n  - 1\n')
  })

  test('make objects whose dump has what an alias meant', () => {
    const { each } = sweep('!Sweep\ndata: &data { big: 1 }\neach: !Train { a: *data, b: *data }\n').options
    const again = load(write(each.build()), { registry: here, expect: Train })
    assert.deepEqual(again.options, { a: { big: 1 }, b: { big: 1 } })
    assert.equal(again.options['a'], again.options['b'])
  })

  test('may be made from a class with a factory tag', () => {
    class Model {
      constructor(readonly options: object = {}) {}
      @factory static make(options: object) {
        return new this({ made: options })
      }
    }
    here.add(Model, '!Model')
    assert.deepEqual((each('!Model.make { a: 1 }').build({ a: 2 }) as any).options, { made: { a: 2 } })
  })

  test('are given in snake case like other options', () => {
    class Snake {
      constructor(readonly options: { eachTrial: Template }) {}
    }
    here.add(Snake, '!Snake', { templates: ['eachTrial'], keys: 'snake_case' })
    const { eachTrial } = load('!Snake { each_trial: !Train }', { registry: here, expect: Snake }).options
    assert.ok(eachTrial.build() instanceof Train)
  })
})

describe('a registry', () => {
  test('that loses a tag between check and build says so', () => {
    const here = new Registry()
    here.add(Box, '!Sweep', { templates: ['each'] })
    here.add(Crate, '!Crate')
    const { each } = load('!Sweep { each: !Crate }', { registry: here, expect: Box }).options
    here.remove('!Crate')
    assert.throws(() => each['build'](), /"!Crate"/)
  })

  test('is asked for a tag with the spelling of the file', () => {
    assert.equal(onlyProblem('!box', { registry }).code, 'UNKNOWN_TAG')
    assert.throws(() => new Registry().add(Box, 'Box' as '!Box'), RegistrationError)
  })
})

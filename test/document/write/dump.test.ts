import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  alias,
  type Builder,
  dump,
  dumpAll,
  FlambeauError,
  factory,
  load,
  loadAll,
  MappedRegistrable,
  type Node,
  RegistrationError,
  Registry,
  type Representer,
  registrable,
  setSerializableAttr,
  type Tag,
} from 'flambeau'

const registry = new Registry()

/** A class of one’s own: its property `options` says what it was made with. */
@registrable('!Box', { registry, factories: ['make'] })
class Box {
  constructor(readonly options: Record<string, any> = {}) {}
  static make(options: object) {
    return new this({ made: options })
  }
}

/** Hands its options to its base and keeps none. */
@alias('!mapped', { registry })
@registrable('!Mapped', { registry })
class Mapped extends MappedRegistrable {
  readonly sum: number
  constructor({ a = 0, b = 0 }: { a?: number; b?: number } = {}) {
    super({ a, b })
    this.sum = a + b
  }
}

/** Has nothing but its own properties. */
@registrable('!Own', { registry })
class Own {
  a = 1
  b: unknown = 'two'
  #hidden = 3
  get hidden() {
    return this.#hidden
  }
}

/** Is one word in YAML. */
@registrable('!Word', { registry })
class Word {
  constructor(readonly text: string) {}
  static fromYaml(builder: Builder, node: Node) {
    return new Word(builder.constructScalar(node))
  }
  static toYaml(representer: Representer, { text }: Word, tag: Tag) {
    return representer.representScalar(tag, text)
  }
}

/** Is a plain number once it is loaded. */
registry.add(class Count {}, '!Count', {
  fromYaml: (builder, node) => Number(builder.constructScalar(node)),
})

const read = (text: string): any => load(text, { registry })
const write = (value: unknown) => dump(value, { registry })

function keeps(text: string) {
  const loaded = read(text)
  assert.equal(write(loaded), text)
  assert.deepEqual(read(write(loaded)), loaded)
}

function mistake(code: string, ...parts: string[]) {
  return (error: unknown) => {
    assert.ok(error instanceof RegistrationError, `${error}`)
    assert.equal(error.code, code)
    for (const part of parts) assert.ok(error.message.includes(part), `${error.message} lacks ${part}`)
    return true
  }
}

describe('what was loaded keeps', () => {
  const texts: Record<string, string> = {
    'its tags': '!Box\na: !Mapped\n  a: 1\nb:\n  - !Own\n  - !Word some-text\n',
    'the very alias that its tag was': 'a: !Mapped\n  a: 1\nb: !mapped\n  a: 2\n',
    'the factory that it was made with': 'a: !Box.make\n  b: 1\n',
    'an empty tag': 'a: !Box\nb: !Box {}\nc:\n  - !Box\n  - &x !Box\n  - *x\n',
    'the order of its keys': '!Mapped\nb: 2\na: 1\n',
    'its order and shape in plain data': 'z: 1\na:\n  - x\n  - - y\n    - z\n  - k: v\n    l: w\n',
    'single and double quotes': 'a: "12"\nb: \'true\'\nc: "x: y"\n"d e": \'f\'\ng: ""\n',
    'quotes inside of quotes': 'a: \'it\'\'s\'\nb: "a \\"b\\" \\\\ c"\n',
    'literal and folded blocks':
      'a: |\n  one\n    two\n\n  three\nb: >-\n  all in a line\nc: |+\n  end\n\nd: |-\n  x\n',
    'flow collections beside blocks': 'a: [1, 2, [3]]\nb: {c: 1, d: {}}\ne:\n  - []\n  - {}\n',
    'the padding of flow collections': 'a: { b: 1 }\nc: {d: 2}\ne: [ 1, 2 ]\nf: [3]\n',
    'flow inside of tags': '!Box { a: !Box { b: 1 }, c: [!Word x, !Word y] }\n',
    'numbers as they are written':
      'a: 0x1F\nb: 1e3\nc: 12345678901234567890\nd: 0o17\ne: +1\nf: 1.50\ng: -0\nh: .5\n',
    'infinities and nothing as they are written':
      'a: .inf\nb: -.Inf\nc: .NaN\nd: ~\ne:\nf: null\ng: Null\nh: TRUE\n',
    'numbers inside of options as they are written': '!Box\na: 0x1F\nb: [1e3, ~, .inf]\nc: !Box { d: 1.0 }\n',
    'anchors and aliases': 'a: &x !Box\n  n: 1\nb: *x\nc: &list [1, 2]\nd: [*list, *x]\n',
    'anchors of scalars': 'a: &rate 0.10\nb: *rate\n',
    'anchors that nothing repeats': 'a: &unused 1\nb: &also !Box\n',
    'merge keys': 'base: &base\n  a: 1\n  b: 2\nx:\n  <<: *base\n  b: 3\ny:\n  <<: [*base, { c: 4 }]\n',
    'merge keys of objects': 'base: &base !Box\n  a: 1\nx: !Box\n  <<: *base\n  b: 2\n',
    'empty lines': '!Box\na: 1\n\nb:\n  c: 2\n\n  d: 3\n\ne: 4\n',
    'a marker at the top': '---\na: 1\n',
    'a marker before the tag': '--- !Box\na: 1\n',
    'a tag alone': '!Box\n',
    'a scalar with a tag at the top': '!Word some-text\n',
    'a quoted scalar with a tag':
      'a: !Word "some text"\nb: !Word \'more\'\nc: !Word 12\nd: !Word |\n  lines\n',
    'tags that make plain values': '!Box\na: !Count 12\nb: [!Count 0x1F]\n',
    'tags that make plain values, in plain data': 'a: !Count 12\nb: [!Count "7"]\n',
    'the tags of YAML itself': 'a: !!timestamp 2001-12-14\nb: !!binary aGk=\nc: !!str text\nd: !!str "12"\n',
    'the tags of YAML itself, in options':
      '!Box\na: !!timestamp 2001-12-14\nb: !!binary aGk=\nc: !!int 3\nd: !!float 1.5\ne: !!null ~\nf: !!bool true\n',
    'an empty !!str': 'a: !!str\nb: 1\n',
    'an !!omap': 'a: !!omap\n  - c: 1\n  - d: 0x10\nb: !!omap [ c: 1 ]\n',
    'keys that are no strings': '1: a\ntrue: b\n~: c\n0x1F: d\n',
    'a key that looks like a merge key': 'a:\n  "<<": 1\n',
    'tags and stars in quotes': 'a: "!Box"\nb: "*x"\nc: "&x"\nd: "# no comment"\n',
    'long lines': `a: ${'word '.repeat(60)}end\nb: "${'word '.repeat(60)}end"\n`,
    'letters of all languages': 'größe: ñandú\nb: "日本語"\n😀: 😀\n',
  }
  for (const [what, text] of Object.entries(texts)) test(what, () => keeps(text))
})

describe('comments are kept', () => {
  const texts: Record<string, string> = {
    'before, beside and behind plain data': '# top\n\n# of a\na: 1 # beside\n# of b\nb:\n  # of c\n  c: 2\n',
    'before a tag at the top': '# top\n\n# of the tag\n!Box\na: 1\n',
    'behind the last line of a tagged document': '!Box\na: 1 # beside\n\n# the end\n',
    'between the options of an object': '!Box\na: 1\n# of b\nb: 2 # beside b\n\n# of c\n\n# of d\nd: 4\n',
    'before the first option of an object': '!Box\n# of a\na: 1\n',
    'before the first option of an object below': 'x: !Box\n  # of a\n  a: 1\n',
    'before the first option of an object in a list': '- !Box\n  # of a\n  a: 1\n',
    'before objects in a list': '# first\n- !Box\n  a: 1\n# second\n- !Box\n  b: 2 # beside\n',
    'beside a tag with nothing behind it': 'a: !Box # beside\nb: 1\n',
    'beside an alias': 'a: &x !Box\n  n: 1\nb: *x # beside\nc: [*x] # list\n',
    'beside an alias of plain data': 'a: &x {n: 1}\nb: *x # beside\n',
    'before an alias': 'a: &x !Box\n  n: 1\n# of b\nb: *x\n',
    'beside an alias inside of options': '!Box\na: &x !Box\n  n: 1\nb: *x # beside\n',
    'beside a merge key': 'a: &x\n  n: 1\nb:\n  <<: *x # beside\n  m: 2\n',
    'in lists': 'a:\n  # of one\n  - 1 # beside one\n  # of two\n  - 2\n',
    'beside flow collections': '!Box\na: [1, 2] # beside\nb: { c: 1 } # as well\n',
    'beside block scalars': 'a: | # beside\n  text\n',
    'behind the marker': '# top\n--- # beside\n# of a\na: 1\n',
    'beside a !!timestamp and the like': 'a: !!timestamp 2001-12-14 # beside\nb: !!binary aGk= # too\n',
    'in an !!omap': 'b: !!omap\n  # of c\n  - c: 1 # beside\n  # of d\n  - d: 2\n',
    'beside a value that is nothing': 'a: # beside\nb: 1\n',
  }
  for (const [where, text] of Object.entries(texts)) test(where, () => keeps(text))

  test('in flow collections and in a !!set, somewhere near', () => {
    for (const text of [
      'a: [\n  1, # one\n  2 # two\n]\nb: {\n  # three\n  c: 1,\n  d: 2\n}\n',
      'a: !!set\n  # one\n  ? x\n  # two\n  ? y\nb: 1 # three\n',
      '!Box {\n  a: 1, # one\n  # two\n  b: !Box { c: 1 } # three\n}\n',
    ]) {
      const once = write(read(text))
      for (const comment of ['# one', '# two', '# three']) assert.ok(once.includes(comment), once)
      assert.deepEqual(read(once), read(text))
      assert.equal(write(read(once)), once)
    }
  })

  test('beside a tag that has something behind it, somewhere near', () => {
    const once = write(read('!Box # why\na: 1\n'))
    assert.match(once, /# why\n/)
    assert.deepEqual(read(once), new Box({ a: 1 }))
    assert.equal(write(read(once)), once)
  })
})

describe('a text that is dumped', () => {
  const texts = {
    'loosely spaced': 'a:   1\nb:    [1,   2 ]\n\n\n\nc: {  d: 1}\n',
    'deeply indented': 'a:\n    b:\n        - 1\n        -   c: 2\n            d: 3\n',
    'with lists in the column of their key': 'a:\n- 1\n- 2\nb:\n- - 3\n',
    'with the line ends of Windows': '# top\r\n!Box # beside\r\na: 1 # one\r\nb: |\r\n  x\r\n  y\r\n',
    'with a byte order mark': '\ufeff# top\na: 1\n',
    'with a byte order mark before YAML 1.1': '\ufeff%YAML 1.1\n---\na:\n- []\n',
    'with folded scalars': 'a: >\n  one\n  two\n\n  three\nb: "x\n  y"\nc: z\n  w\n',
    'with question marks': '? a\n: b\n? "c"\n',
    'with comments all over':
      '# a\n!Box # b\n# c\na: # d\n  # e\n  - 1 # f\n  # g\n\n# h\nb: !Box # i\n  # j\n  c: 1\n# k\n',
    'with a document end': 'a: 1\n...\n# behind\n',
    'with anchors of one name': '- &a 1\n- *a\n- &a [2]\n- *a\n',
    'with properties in another order': '- !Box &x\n- *x\n- !Box &y\n  a: 1\n- !<!Box> { a: *y }\n',
    'with a tag directive': '%TAG !e! !\n---\n!e!Box\na: !e!Word x\n',
    'in the older YAML': '%YAML 1.1\n---\na: yes\nb: 010\nc: !Box { a: off }\n',
    'with empty items': '- a\n-\n- b\n-\n',
    'with trailing commas': '{a: 1, b: [x, y,], }\n',
    'over several lines of flow': '!Box {\n  a: 1,\n  b: [\n    2\n  ]\n}\n',
  }
  for (const [how, text] of Object.entries(texts))
    test(`${how}, loads as it did, and is byte-identical from then on`, () => {
      const loaded = read(text)
      const once = write(loaded)
      assert.deepEqual(read(once), loaded)
      assert.equal(write(read(once)), once)
    })

  test('ends each line without blanks', () => {
    for (const text of [...Object.values(texts), 'a: &nothing\nb: *nothing\n'])
      assert.doesNotMatch(write(read(text)), /[ \t]$/m)
  })

  test('is never widened or cut at some column', () => {
    const words = 'word '.repeat(50).trim()
    for (const value of [words, `${words}\n`, `"${words}"`, [words], { [words]: words }])
      assert.deepEqual(read(write(value)), value)
    assert.equal(write({ a: words }), `a: ${words}\n`)
  })
})

describe('an object made in code is written', () => {
  test('from what it gave to super', () => {
    const mapped = new Mapped({ a: 1 })
    assert.equal(write(mapped), '!mapped\na: 1\nb: 0\n')
    assert.deepEqual(read(write(mapped)), mapped)
  })

  test('from its property options', () => {
    assert.equal(write(new Box({ a: 1, b: [1, { c: 2 }] })), '!Box\na: 1\nb:\n  - 1\n  - c: 2\n')
    assert.equal(write(new Box()), '!Box {}\n')
  })

  test('from its own enumerable properties', () => {
    const own = new Own()
    own.b = [2]
    assert.equal(write(own), '!Own\na: 1\nb:\n  - 2\n')
  })

  test('as it was when super was called', () => {
    const options = { a: 1 }
    const mapped = new Mapped(options)
    options.a = 2
    assert.equal(write(mapped), '!mapped\na: 1\nb: 0\n')
  })

  test('with the objects in it', () => {
    const text = '!Box\na: !mapped\n  a: 1\n  b: 2\nb:\n  - !Word x y\n  - !Own\n    a: 1\n    b: two\n'
    const box = new Box({ a: new Mapped({ a: 1, b: 2 }), b: [new Word('x y'), new Own()] })
    assert.equal(write(box), text)
  })

  test('with objects that were loaded, as they were', () => {
    const { inner } = read('inner: !Mapped\n  a: 0x1F # as written\n')
    assert.equal(write(new Box({ inner })), '!Box\ninner: !Mapped\n  a: 0x1F # as written\n')
  })

  test('by the toYaml of its class, which may nest', () => {
    const here = new Registry()
    class Pair {
      constructor(
        readonly left: unknown,
        readonly right: unknown,
      ) {}
    }
    here.add(Pair, '!Pair', {
      fromYaml: (builder, node) => new Pair(...(builder.constructSequence(node) as [unknown, unknown])),
      toYaml: (representer, pair: Pair, tag) => representer.representSequence(tag, [pair.left, pair.right]),
    })
    const text = '!Pair\n- 1\n- !Pair\n  - a\n  - null\n'
    const pair = new Pair(1, new Pair('a', null))
    assert.equal(dump(pair, { registry: here }), text)
    assert.deepEqual(load(text, { registry: here }), pair)
    const loaded = '!Pair [1, !Pair [ "a", ~ ]] # kept\n'
    assert.equal(dump(load(loaded, { registry: here }), { registry: here }), loaded)
  })

  test('by a toYaml that makes a mapping, and keeps comments where nothing changed', () => {
    const here = new Registry()
    class Point {
      constructor(
        public x: number,
        public y: number,
      ) {}
    }
    here.add(Point, '!Point', {
      fromYaml(builder, node) {
        const { x, y } = builder.constructMapping(node) as { x: number; y: number }
        return new Point(x, y)
      },
      toYaml: (representer, { x, y }: Point, tag) => representer.representMapping(tag, { x, y }),
    })
    assert.equal(dump(new Point(1, 2), { registry: here }), '!Point\nx: 1\ny: 2\n')
    const point = load('!Point\nx: 0x10 # left\ny: 2 # up\n', { registry: here, expect: Point })
    assert.equal(dump(point, { registry: here }), '!Point\nx: 0x10 # left\ny: 2 # up\n')
    point.y = 3
    assert.equal(dump(point, { registry: here }), '!Point\nx: 0x10 # left\ny: 3 # up\n')
  })

  test('by a toYaml that is given the tag it was loaded with', () => {
    const here = new Registry()
    const tags: Tag[] = []
    class Some {}
    const hooks = {
      fromYaml: () => new Some(),
      toYaml(representer: Representer, _: Some, tag: Tag) {
        tags.push(tag)
        return representer.representScalar(tag, 'x')
      },
    }
    here.add(Some, '!Some', hooks)
    here.add(Some, '!some', hooks)
    dump(load('- !Some a\n- !some b\n', { registry: here }), { registry: here })
    dump(new Some(), { registry: here })
    assert.deepEqual(tags, ['!Some', '!some', '!some'])
  })

  test('not by a toYaml that returns no node', () => {
    const here = new Registry()
    here.add(Word, '!Bad', { fromYaml: () => 1, toYaml: () => 'text' as never })
    assert.throws(
      () => dump(new Word('x'), { registry: here }),
      mistake('BAD_TO_YAML', '"toYaml" of class "Word"'),
    )
  })

  test('not at all when nothing tells its options', () => {
    class Silent {
      #options: object
      constructor(options: object) {
        this.#options = options
      }
      size() {
        return Object.keys(this.#options).length
      }
    }
    const here = new Registry()
    here.add(Silent, '!Silent')
    assert.throws(
      () => dump(new Silent({}), { registry: here }),
      mistake('NO_OPTIONS', '"Silent"', 'super(options)', 'toYaml'),
    )
    assert.equal(dump(load('!Silent\na: 1\n', { registry: here }), { registry: here }), '!Silent\na: 1\n')
  })
})

describe('setSerializableAttr', () => {
  const text = '# top\n!Box\n# of a\na: 0x1F # beside a\nb: { c: 1 } # beside b\nd: "x" # beside d\n'

  test('changes one line of what was loaded', () => {
    const box = read(text)
    setSerializableAttr(box, 'a', 2)
    assert.equal(write(box), text.replace('0x1F', '2'))
    setSerializableAttr(box, 'd', 'y')
    assert.equal(write(box), text.replace('0x1F', '2').replace('"x"', '"y"'))
  })

  test('sets the attribute, and the option where there is one', () => {
    const box = read('!Box\na: 1\n')
    setSerializableAttr(box, 'a', 2)
    setSerializableAttr(box, 'other', 3)
    assert.equal(box.a, 2)
    assert.equal(box.other, 3)
    assert.deepEqual(box.options, { a: 2 })
  })

  test('adds an option behind the others', () => {
    const box = read('!Box\na: 1 # beside\n')
    setSerializableAttr(box, 'e', [1, 2])
    assert.equal(write(box), '!Box\na: 1 # beside\ne:\n  - 1\n  - 2\n')
  })

  test('adds an option in the column of the others, whatever stands before the first of them', () => {
    for (const text of [
      '\ufeff!Box\na: 1\n',
      '\ufeffa: !Box\n  a: 1\n',
      '!Box\n? a\n: 1\n',
      '!Box\n&x a: 1\n',
      '!Box\n!!str a: 1\n',
      '- !Box\n  a: 1\n',
    ]) {
      const loaded = read(text)
      const box = [loaded, loaded.a, loaded[0]].find((one) => one instanceof Box)!
      setSerializableAttr(box, 'b', 2)
      const again = read(write(loaded))
      const { options } = [again, again.a, again[0]].find((one) => one instanceof Box)!
      assert.deepEqual(options, { a: 1, b: 2 }, text)
    }
    const data = read('\ufeffa: 1\n')
    data.b = 2
    assert.equal(write(data), 'a: 1\nb: 2\n')
  })

  test('changes what was frozen since it was made', () => {
    const here = new Registry()
    class Frozen extends MappedRegistrable {
      constructor(readonly options: { a?: number } = {}) {
        super(options)
        Object.freeze(this)
      }
    }
    here.add(Frozen, '!Frozen')
    here.alias(Frozen, '!Iced')
    const text = '!Frozen # why\na: 0x1F # how\n'
    assert.equal(dump(load(text, { registry: here }), { registry: here }), text)
    const sealed = Object.seal(read('!Mapped\na: 1\nb: 2 # two\n'))
    setSerializableAttr(sealed, 'sum', 5)
    assert.equal(write(sealed), '!Mapped\na: 1\nb: 2 # two\nsum: 5\n')
  })

  test('adds an option to a tag that has nothing behind it', () => {
    const box = read('a: !Box\nb: 1\n')
    setSerializableAttr(box.a, 'e', 1)
    assert.equal(write(box), 'a: !Box\n  e: 1\nb: 1\n')
  })

  test('keeps the style of a collection that takes the place of another', () => {
    const box = read('!Box\na: [1, 2] # beside\nb: { c: 1 }\n')
    setSerializableAttr(box, 'a', [1, 2, 3])
    setSerializableAttr(box, 'b', { c: 2 })
    assert.equal(write(box), '!Box\na: [1, 2, 3] # beside\nb: { c: 2 }\n')
  })

  test('keeps the rest of an object that was made in code', () => {
    const objects = [
      new Box({ a: 1, b: 2 }),
      new Mapped({ a: 1, b: 2 }),
      Object.assign(new Own(), { a: 1, b: 2 }),
    ]
    for (const object of objects) {
      setSerializableAttr(object, 'b', 3)
      setSerializableAttr(object, 'c', 4)
      assert.match(write(object), /^!\w+\na: 1\nb: 3\nc: 4\n$/, object.constructor.name)
    }
  })

  test('overrides what a merge key brings along', () => {
    const { x } = read('base: &base { a: 1, b: 2 }\nx: !Box\n  <<: *base\n')
    setSerializableAttr(x, 'a', 5)
    assert.deepEqual(read(write(x)).options, { a: 5, b: 2 })
  })

  test('of an object that is repeated shows wherever it is', () => {
    const config = read('a: &x !Box\n  n: 1\nb: *x\n')
    setSerializableAttr(config.b, 'n', 2)
    assert.equal(write(config), 'a: &x !Box\n  n: 2\nb: *x\n')
  })

  test('takes objects as values', () => {
    const box = read('!Box\na: 1\n')
    setSerializableAttr(box, 'a', new Mapped({ a: 1 }))
    assert.equal(write(box), '!Box\na: !mapped\n  a: 1\n  b: 0\n')
  })

  test('leaves other values of an anchor as they were', () => {
    const box = read('!Box\na: &x 0x10\nb: *x\n')
    setSerializableAttr(box, 'a', 2)
    assert.deepEqual(read(write(box)).options, { a: 2, b: 16 })
  })

  test('is the only way: other changes of an object are not written', () => {
    const box = read('!Box\na: 1\n')
    box.options.a = 2
    box.more = 3
    assert.equal(write(box), '!Box\na: 1\n')
  })

  test('writes keys in snake case where the class has them so', () => {
    const here = new Registry()
    here.add(Box, '!Box', { keys: 'snake_case' })
    const box = load('!Box\nlearning_rate: 1 # beside\n', { registry: here, expect: Box })
    setSerializableAttr(box, 'learningRate', 2)
    setSerializableAttr(box, 'batchSize', 3)
    assert.equal(dump(box, { registry: here }), '!Box\nlearning_rate: 2 # beside\nbatch_size: 3\n')
  })
})

describe('plain data that was loaded', () => {
  const text = '# top\na: 1 # one\nb:\n  - x # ex\n  - "y"\n# of c\nc: { d: 0x10 }\n'

  test('is written with its changes, and keeps comments elsewhere', () => {
    const config = read(text)
    config.a = 2
    config.b.push('z')
    config.c.e = 17
    config.f = true
    assert.equal(
      write(config),
      '# top\na: 2 # one\nb:\n  - x # ex\n  - "y"\n  - z\n# of c\nc: { d: 0x10, e: 17 }\nf: true\n',
    )
  })

  test('loses what is deleted', () => {
    const config = read(text)
    delete config.b
    assert.equal(write(config), '# top\na: 1 # one\n# of c\nc: { d: 0x10 }\n')
  })

  test('gets a value behind a key that has none', () => {
    for (const text of ['{a, b: 1}\n', '? a\n', 'x: [a, {a, b}]\n']) {
      const data = read(text)
      const inner = data.x?.[1] ?? data
      inner.a = 5
      assert.deepEqual(read(write(data)), data, text)
    }
  })

  test('gets its own sign of zero', () => {
    const data = read('a: 0 # sign\n')
    data.a = -0
    assert.equal(write(data), 'a: -0 # sign\n')
  })

  test('is written with what changed inside of a map, a set, a date or bytes', () => {
    const text =
      'm: !!omap\n  - x: { y: 1 }\n  - z: [1]\nd: !!timestamp 2001-12-14 # day\nb: !!binary AQID\np: &p !!timestamp 2001-12-14\nq: *p\n'
    keeps(text)
    const data = read(text)
    data.m.get('x').y = 2
    data.m.get('z').push(2)
    data.d.setUTCFullYear(2030)
    data.b[0] = 9
    data.p.setUTCFullYear(2040)
    const again = read(write(data))
    assert.deepEqual(again, data)
    assert.equal(again.p, again.q)
    assert.match(write(data), /2030-12-14.* # day/)
    assert.deepEqual(again.d, new Date('2030-12-14'))
  })

  test('is written with what changed inside of a mapping that was merged', () => {
    const inline = read('a:\n  <<: { x: { y: 1 }, z: 1 }\n')
    inline.a.x.y = 2
    assert.deepEqual(read(write(inline)), { a: { x: { y: 2 }, z: 1 } })
    const named = read('a: &a { x: { y: 1 } }\nb: { <<: *a }\n')
    named.a.x.y = 2
    assert.equal(write(named), 'a: &a { x: { y: 2 } }\nb: { <<: *a }\n')
  })

  test('keeps a merge key as long as it holds', () => {
    const merged = 'base: &base { a: 1, b: 2 }\nx:\n  <<: *base # beside\n  c: 3\n'
    const config = read(merged)
    config.x.a = 9
    assert.equal(write(config), 'base: &base { a: 1, b: 2 }\nx:\n  <<: *base # beside\n  c: 3\n  a: 9\n')
    const other = read(merged)
    delete other.x.a
    assert.deepEqual(read(write(other)), { base: { a: 1, b: 2 }, x: { b: 2, c: 3 } })
  })

  test('may take a new object in', () => {
    const config = read(text)
    config.a = new Box({ n: 1 })
    assert.match(write(config), /^# top\na: !Box(?: # one)?\n {2}n: 1(?: # one)?\nb:\n {2}- x # ex\n/)
  })

  test('may be written without the rest of its file, whose anchors it then brings along', () => {
    const { x, y, z } = read(
      'base: &base !Box\n  n: 0x1F # as written\nx: !Box\n  b: *base\n  c: *base\ny: [*base]\nz: { <<: { q: *base } }\n',
    )
    const once = write(x)
    assert.match(once, /n: 0x1F # as written\n/)
    const again = read(once)
    assert.deepEqual(again.options.b.options, { n: 31 })
    assert.equal(again.options.b, again.options.c)
    assert.deepEqual(read(write(y))[0].options, { n: 31 })
    assert.deepEqual(read(write(z)).q.options, { n: 31 })
  })

  test('may be put together with that of another file, whose anchors have the same names', () => {
    const first = read('a: &x !Box\n  n: 1 # one\nb: *x\n')
    const second = read('c: &x [2] # two\nd: *x\n')
    const again = read(write({ first, second }))
    assert.equal(again.first.a, again.first.b)
    assert.equal(again.second.c, again.second.d)
    assert.notEqual(again.first.a, again.second.c)
    assert.match(write({ first, second }), /# one\n[\s\S]*# two\n/)
  })
})

describe('one object at several places', () => {
  test('is written once, and is one again', () => {
    const box = new Box({ n: 1 })
    const list = [1]
    const text = write({ a: box, b: [box, list], c: list })
    assert.equal(text, 'a: &a1 !Box\n  n: 1\nb:\n  - *a1\n  - &a2\n    - 1\nc: *a2\n')
    const again = read(text)
    assert.equal(again.a, again.b[0])
    assert.equal(again.c, again.b[1])
  })

  test('may be an object that has nothing', () => {
    const box = new Box()
    const again = read(write([box, box]))
    assert.equal(again[0], again[1])
  })

  test('may be made by toYaml', () => {
    const word = new Word('x')
    const text = write([word, word])
    assert.equal(text, '- &a1 !Word x\n- *a1\n')
    const [first, second] = read(text)
    assert.equal(first, second)
  })

  test('may be a Date, a Map, a Set or bytes', () => {
    for (const value of [new Date(0), new Map([['a', 1]]), new Set(['a']), new Uint8Array([1, 2])]) {
      const again = read(write([value, value]))
      assert.equal(again[0], again[1])
    }
  })

  test('is given an anchor that nothing else has', () => {
    const config = read('x: &a1 !Box\n  n: 1\n')
    const box = new Box({ m: 2 })
    const again = read(write({ config, a: box, b: box, c: config.x }))
    assert.deepEqual(again.a.options, { m: 2 })
    assert.equal(again.a, again.b)
    assert.equal(again.c, again.config.x)
  })

  test('is not two equal ones', () => {
    assert.equal(write([new Box({ n: 1 }), new Box({ n: 1 })]), '- !Box\n  n: 1\n- !Box\n  n: 1\n')
    assert.equal(write(['same', 'same']), '- same\n- same\n')
  })
})

describe('what cannot be written is refused:', () => {
  test('a cycle, by its path', () => {
    const list: any = { list: [{ a: 1 }] }
    list.list[0].back = list
    assert.throws(() => write(list), mistake('CYCLE', '"list[0].back" contains itself'))
    const box = new Box({})
    box.options['inner'] = { self: box }
    assert.throws(() => write({ box }), mistake('CYCLE', '"box.inner.self" contains itself'))
  })

  test('a cycle that was closed after loading', () => {
    const config = read('a: { b: 1 }\n')
    config.a.b = config
    assert.throws(() => write(config), mistake('CYCLE', '"a.b"'))
    const box = read('!Box\na: 1\n')
    setSerializableAttr(box, 'a', box)
    assert.throws(() => write(box), mistake('CYCLE', '"a"'))
  })

  test('an object of a class that is not registered, with what to write', () => {
    class Nobody {}
    const remedy =
      '"Nobody" cannot be dumped: the class is not registered; write "@registrable(\'!Nobody\')" above it'
    assert.throws(() => write(new Nobody()), mistake('UNREGISTERED_CLASS', remedy))
    assert.throws(() => write({ a: [new Nobody()] }), mistake('UNREGISTERED_CLASS', remedy))
    assert.throws(() => write(new Box({ a: new Nobody() })), mistake('UNREGISTERED_CLASS', remedy))
    assert.throws(() => dump(new Box()), mistake('UNREGISTERED_CLASS', '"Box"'))
  })

  test('functions and symbols, by their path', () => {
    assert.throws(() => write({ a: { b: [() => 1] } }), mistake('UNWRITABLE', '"a.b[0]" is a function'))
    assert.throws(() => write({ a: Symbol('x') }), mistake('UNWRITABLE', '"a" is a symbol'))
    assert.throws(() => write(() => 1), mistake('UNWRITABLE', 'is a function'))
    assert.throws(() => write(new Box({ a: Box })), mistake('UNWRITABLE', '"a" is a function'))
  })

  test('a date that is none', () => {
    assert.throws(() => write({ a: new Date(Number.NaN) }), mistake('UNWRITABLE', '"a"'))
  })

  test('more levels than could be read', () => {
    let value: unknown = 1
    for (let depth = 0; depth < 5_000; depth++) value = [value]
    assert.throws(() => write(value), mistake('TOO_DEEP'))
  })
})

describe('plain values are written so that they are read again:', () => {
  test('what is undefined is left out, or null in a list', () => {
    assert.equal(write({ a: undefined, b: [undefined, null] }), 'b:\n  - null\n  - null\n')
    assert.equal(write(new Box({ a: undefined, b: 1 })), '!Box\nb: 1\n')
    assert.equal(write(undefined), 'null\n')
  })

  test('dates, maps, sets and bytes', () => {
    const values = [
      new Date(0),
      new Date('2001-12-14T21:59:43.123Z'),
      new Map<string, unknown>([
        ['b', 1],
        ['a', [2]],
      ]),
      new Map(),
      new Set(['a', 1, null]),
      new Set(),
    ]
    assert.deepEqual(read(write(values)), values)
    assert.deepEqual(read(write(new Box({ values }))).options.values, values)
    const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256)
    assert.deepEqual([...read(write({ bytes })).bytes], [...bytes])
    assert.deepEqual([...read(write(new Uint8Array()))], [])
  })

  test('the keys of a map with their types', () => {
    const map = new Map<unknown, unknown>([
      [1, 'one'],
      ['1', 'text'],
      [true, 'yes'],
      [null, 'nothing'],
    ])
    assert.deepEqual(read(write(map)), map)
  })

  test('objects in maps and sets', () => {
    const map = new Map([['a', new Box({ n: 1 })]])
    assert.deepEqual(read(write(map)), map)
    const words = new Set([new Word('x'), new Word('y')])
    assert.deepEqual(read(write(words)), words)
  })

  test('objects without a prototype', () => {
    assert.equal(write(Object.assign(Object.create(null), { a: 1 })), 'a: 1\n')
  })

  test('integers of any size', () => {
    assert.equal(write({ a: 12345678901234567890n }), 'a: 12345678901234567890\n')
    assert.deepEqual(read(write([-0, 1e21, 5e-324, Number.MAX_SAFE_INTEGER])), [
      -0,
      1e21,
      5e-324,
      2 ** 53 - 1,
    ])
    assert.deepEqual(read(write([Infinity, -Infinity, NaN])), [Infinity, -Infinity, NaN])
  })

  const awkward = [
    ...[
      '!Box',
      '*a',
      '&a',
      '~',
      'null',
      'True',
      '0x1F',
      '0o7',
      '12',
      '1e3',
      '.inf',
      '2001-12-14',
      '<<',
      '=',
      '',
    ],
    ...[
      ' a',
      'a ',
      'a: b',
      'a #b',
      '# c',
      '- a',
      '-',
      '?',
      ': a',
      '---',
      '...',
      '%a',
      '@a',
      '`a`',
      '{a',
      '[a',
      '|',
      '>',
    ],
    ...[
      'two\nlines\n',
      '\nx',
      'x\n\n',
      ' x\n y',
      '\t',
      'a\tb',
      '\u0000',
      '\u0007',
      '\u0085',
      '\u2028',
      '\ufeff',
      '\r',
    ],
    ...['a\r\nb', '\ud800', '😀', '"', "'", '\\', "it's", 'a"b', 'no', 'yes', '1_000', '12:30', '  \n  '],
  ]
  for (const text of awkward)
    test(`the text ${JSON.stringify(text)}, as value and as key`, () => {
      assert.deepEqual(read(write([text])), [text])
      assert.deepEqual(read(write({ a: { b: text } })), { a: { b: text } })
      assert.deepEqual(read(write({ [text]: { x: 1 } })), { [text]: { x: 1 } })
      assert.deepEqual(read(write(new Box({ [text]: { x: 1 } }))).options, { [text]: { x: 1 } })
    })

  test('a key named __proto__', () => {
    const value = JSON.parse('{"__proto__": {"polluted": 1}, "a": 1}')
    const again = read(write(value))
    assert.deepEqual(Object.keys(again), ['__proto__', 'a'])
    assert.equal(again.polluted, undefined)
    assert.deepEqual(Object.keys(read(write(new Box(value))).options), ['__proto__', 'a'])
  })

  test('anything that JSON could hold', () => {
    const json = fc.jsonValue({ maxDepth: 4 })
    fc.assert(fc.property(json, (value) => assert.deepEqual(read(write({ value })), { value })))
  })

  test('anything that JSON could hold, loaded and dumped again byte by byte', () => {
    const text = fc.jsonValue({ maxDepth: 4 }).map((value) => write(new Box({ value })))
    fc.assert(fc.property(text, (text) => assert.equal(write(read(text)), text)))
  })
})

describe('dumpAll', () => {
  test('writes the documents that loadAll reads, each as it was', () => {
    const text = '# one\na: 1 # beside\n---\n# two\n!Box\nb: 0x1F\n---\n- x\n- !Word y\n'
    const all = loadAll(text, { registry })
    assert.equal(dumpAll(all, { registry }), text)
    assert.deepEqual(loadAll(dumpAll(all, { registry }), { registry }), all)
  })

  test('writes values of any kind, in any number', () => {
    const values = [1, 'two\n', { a: 3 }, null, [], new Box({ n: 1 }), '--- no marker', '']
    const text = dumpAll(values, { registry })
    assert.deepEqual(loadAll(text, { registry }), values)
    assert.equal(dumpAll(loadAll(text, { registry }), { registry }), text)
    assert.equal(dumpAll([], { registry }), '')
    assert.equal(dumpAll([{ a: 1 }]), 'a: 1\n')
  })

  test('takes documents from different files', () => {
    const [first, second] = [read('--- # first\na: 1\n'), read('--- # second\nb: 2\n# end\n')]
    const text = dumpAll([second, first], { registry })
    assert.deepEqual(loadAll(text), [{ b: 2 }, { a: 1 }])
    for (const comment of ['# first', '# second', '# end']) assert.ok(text.includes(comment), text)
  })

  test('refuses what dump refuses', () => {
    assert.throws(() => dumpAll([{}, () => 1]), FlambeauError)
  })
})

describe('a registry', () => {
  test('other than the one that loaded writes its own tag', () => {
    const here = new Registry()
    here.add(Box, '!Other')
    assert.equal(dump(read('!Box\na: 1\n'), { registry: here }), '!Other\na: 1\n')
  })

  test('that gave the tag to another class does not write it', () => {
    const here = new Registry()
    here.add(Box, '!Other')
    here.add(Word, '!Box')
    assert.equal(dump(read('!Box\na: 1 # kept\n'), { registry: here }), '!Other\na: 1 # kept\n')
  })
})

describe('a factory', () => {
  class Model {
    constructor(readonly options: { path?: string; again?: Model } = {}) {}
    @factory static fromFile(options: { path: string }) {
      return new this(options)
    }
  }
  const here = new Registry()
  here.add(Model, '!Model')

  test('is written back with its own options, comments included', () => {
    const text = '!Model.fromFile\npath: a.bin # where\n'
    assert.equal(dump(load(text, { registry: here }), { registry: here }), text)
  })

  test('is not written for what was made in code', () => {
    assert.equal(dump(Model.fromFile({ path: 'a' }), { registry: here }), '!Model\npath: a\n')
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dump, load, Registry, registrable, setSerializableAttr, Template } from 'flambeau'
import { difference } from '../../support/same-graph.js'

const registry = new Registry()

class Socket {
  readonly #open = true
  get isOpen(): boolean {
    return this.#open
  }
}

@registrable('!Data', { registry })
class Data {
  readonly classes: number
  // No class that is registered.
  readonly socket: object = new Socket()
  constructor(readonly options: Record<string, any> = {}) {
    this.classes = options['classes'] ?? 3
  }
  get names(): readonly string[] {
    return ['a', 'b']
  }
}

@registrable('!Train', { registry })
class Train {
  constructor(readonly options: Record<string, any>) {}
}

@registrable('!Repeat', { registry, templates: ['each'] })
export class Repeat {
  constructor(readonly options: { each: Template<Train> }) {}
}

const env = { PORT: '3000', NAME: 'no: "quotes"' }
const read = (text: string): any => load(text, { registry, env })
const write = (value: unknown): string => dump(value, { registry })
const resolve = (value: unknown): string => dump(value, { registry, resolved: true })

describe('what was loaded with references', () => {
  const texts: Record<string, string> = {
    variables: '!Train\nport: !env   PORT   # the port\nname: &n !env { name: NAME, text: true }\nsame: *n\n',
    defaults:
      '!Train\nport: !env { name: NO_PORT, default: 80 } # one\ndata: !env\n  name: NO_DATA\n  default:\n    x: !Data {}\n',
    'defaults that are texts': '!Train\nport: !env { name: NO_PORT, text: true, default: 0080 } # one\n',
    'a reference before and after':
      '!Train\na: !ref b.data\nb:\n  data: !Data { x:   1 }\nc: !ref   b.data # again\n',
    'a reference to a scalar and a list': '!Train\nx: 0.10\ny: !ref x\nlist: [1, 2]\nz: !ref list\n',
    'a reference to a reference': '!Train\na: !ref b\nb: !ref c\nc: !Data {}\n',
    'a reference to a reference to a scalar': '!Train\na: !ref b\nb: !ref own.x\nown:\n  <<: &m { x: 1 }\n',
    'a link to a link, and a reference to one':
      '!Train\na: !link b.x\nb: !link data.options\nc: !ref a\ndata: !Data { x: 1 }\n',
    'a merged mapping': '!Train\nown:\n  <<: !ref base\n  y: 2\nbase: { x: 1 }\n',
    formats: '!Train\nrate: 0.10\nname: !format "runs/{rate}-{{x}}"   # the name\n',
    links:
      '!Train\nclasses: !link data.classes # how many\ndata: !Data { classes: 7 }\nagain: !@ data.classes\n',
    templates:
      '!Repeat\neach: !Train\n  rate: 0.10\n  copy: !ref rate\n  data: !Data {}\n  name: !format "{rate}"\n  same: !ref data\n  n: !link data.classes\n',
  }
  for (const [name, text] of Object.entries(texts)) {
    test(`${name}: is dumped byte for byte`, () => assert.equal(write(read(text)), text))
    test(`${name}: resolved, loads to an equal graph`, () => {
      const value = read(text)
      const resolved = resolve(value)
      if (name !== 'templates') assert.doesNotMatch(resolved, /!(?:env|ref|format|include)/)
      const [a, b] = [value, load(resolved, { registry })] as any[]
      if (name === 'templates')
        assert.equal(difference(a.options.each.build(), b.options.each.build()), undefined)
      else assert.equal(difference(a, b), undefined, resolved)
    })
  }

  test('resolved values are written so that they read back the same', () => {
    const resolved = resolve(read(texts['variables']!))
    assert.equal(resolved, '!Train\nport: 3000 # the port\nname: &n "no: \\"quotes\\""\nsame: *n\n')
    assert.match(resolve(read(texts['formats']!)), /name: "runs\/0\.10-\{x\}" # the name/)
    assert.match(resolve(read(texts['defaults that are texts']!)), /port: "0080" # one/)
    assert.match(resolve(read(texts['links']!)), /classes: !link data\.classes # how many/)
  })

  test('a reference stays when what it leads to changed', () => {
    const train = read('!Train\na: !Data { x: 1 }\nb: !ref a\n')
    setSerializableAttr(train.options.a, 'x', 2)
    assert.equal(write(train), '!Train\na: !Data { x: 2 }\nb: !ref a\n')
  })

  test('a reference becomes an alias or a value when its path leads elsewhere', () => {
    const train = read('!Train\na: !Data { x: 1 }\nb: !ref a\n')
    setSerializableAttr(train, 'a', new Data({ x: 5 }))
    const text = write(train)
    const { a, b } = (load(text, { registry }) as Train).options
    assert.deepEqual([a.options, b.options], [{ x: 5 }, { x: 1 }])
    assert.doesNotMatch(text, /!ref/)
  })

  test('a link becomes a value when its path leads elsewhere', () => {
    const train = read('!Train\nn: !link data.classes\ndata: !Data { classes: 7 }\n')
    setSerializableAttr(train, 'data', new Data({ classes: 5 }))
    const text = write(train)
    assert.equal((load(text, { registry }) as Train).options['n'], 7)
  })

  test('a link becomes its value when the attribute changed since', () => {
    const train = read('!Train\nn: !link data.classes # how many\ndata: !Data {}\n')
    train.options.data.classes = 7
    assert.equal(write(train), '!Train\nn: 3 # how many\ndata: !Data {}\n')
    const plain = read('n: !link data.options.list\ndata: !Data { list: [1] }\n')
    plain.data.options.list = [2]
    assert.deepEqual((load(write(plain), { registry }) as any).n, [1])
  })

  test('a link stays when the attribute changed, but its value cannot be written', () => {
    const train = read('!Train\nn: !link data.socket\ndata: !Data {}\n')
    train.options.data.socket = 7
    assert.equal(write(train), '!Train\nn: !link data.socket\ndata: !Data {}\n')
  })

  test('a link to an attribute that is made anew for each reader stays', () => {
    const text = '!Train\nn: !link data.names\nother: 1\ndata: !Data {}\n'
    const train = read(text)
    setSerializableAttr(train, 'other', 2)
    assert.equal(write(train), text.replace('other: 1', 'other: 2'))
  })

  test('a value in the place of a reference is written', () => {
    const train = read('!Train\nx: 1\ny: !ref x\nport: !env PORT\nname: !format "{x}"\n')
    for (const name of ['y', 'port', 'name']) setSerializableAttr(train, name, 'other')
    assert.equal(write(train), '!Train\nx: 1\ny: other\nport: other\nname: "other"\n')
  })

  const changed = (text: string): string => {
    const train = read(text)
    setSerializableAttr(train, 'other', 2)
    return write(train)
  }

  test('references stay when something else changed', () => {
    for (const name of Object.keys(texts).filter((each) => /refer|link/.test(each)))
      assert.equal(changed(`${texts[name]!}other: 1\n`), `${texts[name]!}other: 2\n`)
  })

  test('a long chain of references stays when something else changed', () => {
    const chain = Array.from({ length: 20_000 }, (_, index) => `k${index}: !ref k${index + 1}\n`).join('')
    const text = `!Train\n${chain}k20000: 1\nother: `
    assert.equal(changed(`${text}1\n`), `${text}2\n`)
  })

  test('a format becomes its text when a value in it changed', () => {
    const train = read('!Train\na: 1\nx: { b: !ref a }\nc: !format "x{a}-{x.b}"  # why\nd: !format "{c}"\n')
    setSerializableAttr(train, 'a', 7)
    const text = write(train)
    assert.equal(text, '!Train\na: 7\nx: { b: 1 }\nc: "x1-1" # why\nd: !format "{c}"\n')
    assert.equal(difference(read(text).options.c, train.options.c), undefined)

    const plain = read('x: { a: 1 }\nc: !format "x{x.a}"\n')
    plain.x.a = 7
    assert.equal(write(plain), 'x: { a: 7 }\nc: "x1"\n')
  })

  test('a format stays when the values in it are written elsewhere in the same way', () => {
    const train = read('!Train\na: 0.10\nb: !ref a\nother: 1\nc: !format "x{b}"\n')
    setSerializableAttr(train, 'other', 2)
    assert.match(write(train), /c: !format "x\{b\}"/)
    setSerializableAttr(train, 'a', '0.10')
    assert.match(write(train), /a: "0\.10"\n(?:.*\n)*c: !format "x\{b\}"/)
  })

  test('a part is dumped by itself, without what its references lead to elsewhere', () => {
    const train = read('!Train\na: !Data { x: 1 }\nb: !Train\n  c: !ref a\n  n: !link a.classes\n')
    const { c, n } = (load(resolve(train.options.b), { registry }) as Train).options
    assert.ok(c instanceof Data)
    assert.equal(n, 3)
  })

  test('what a template builds is dumped with the values of its formats', () => {
    const { each } = read(texts['templates']!).options
    const built = each.build({ rate: 0.2 })
    assert.equal(built.options.name, '0.2')
    const text = resolve(built)
    const again = (load(text, { registry }) as Train).options
    assert.deepEqual([again['rate'], again['copy'], again['name'], again['n']], [0.2, 0.2, '0.2', 3])
    assert.equal(again['data'], again['same'])
  })
})

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import {
  ConstructionError,
  disposeAll,
  dump,
  type Loaded,
  load,
  loadAll,
  loadAsync,
  type RegistrationOptions,
  Registry,
  type StandardSchema,
  setSerializableAttr,
} from 'flambeau'
import { mutate } from '../../support/mutate.js'
import { random } from '../../support/random.js'

const emitted = (file: string) => import(pathToFileURL(join('build/js', file)).href)
const { parse } = await emitted('document/read/parse.js')
const { planOf } = await emitted('document/construct/tape-construction.js')

const seed = Number(
  process.env.SEED ?? [...import.meta.url].reduce((sum, letter) => sum + letter.charCodeAt(0), 0),
)

class Box {
  constructor(readonly options: Record<string, any> = {}) {
    if (options['fail'] !== undefined) throw new Error(`fails: ${options['fail']}`)
  }
}

class Door {
  constructor(readonly options: Record<string, any> = {}) {}
}

function registryOf(options: RegistrationOptions = {}): Registry {
  const registry = new Registry()
  registry.add(Box, '!Box', options)
  registry.add(Door, '!Door')
  return registry
}

const registry = registryOf()

/** Whether a text is constructed without nodes. */
function isQuick(text: string, known = registry): boolean {
  const { documents } = parse(text, 'text')
  return documents.every((document: object) => planOf(document, known, true) !== undefined)
}

/** The same text, as only the exact reader takes it. */
const exactly = (text: string): string => `%YAML 1.2\n---\n${text}`

const written = `!Box
list: [1, 2.50, -0, "two", 'three', ~, !Door, !Door {}, { a: b }]
nested: &nested !Door
  text: |
    a
    b
  folded: >-
    a
    b
  empty:
again: *nested
shared: &list
- *nested
- &word word
- *word
more: *list
0x10: number
`.replace('0x10: number\n', '')

describe('a text that is constructed from its tape', () => {
  test('gives the same objects as from nodes', () => {
    assert.ok(isQuick(written))
    const [quick, exact] = [written, exactly(written)].map((text) => load(text, { registry })) as any[]
    assert.deepEqual(quick, exact)
    for (const { options } of [quick, exact]) {
      assert.equal(options.again, options.nested)
      assert.equal(options.shared[0], options.nested)
      assert.equal(options.more, options.shared)
    }
  })

  test(`so does every mutated one, or it has the same problems (seed ${seed})`, () => {
    const next = random(seed)
    let count = 0
    for (let round = 0; round < 1_500; round++) {
      const text = mutate(written, next)
      if (!isQuick(text)) continue
      count++
      assert.deepEqual(attempt(text), attempt(exactly(text)), text)
    }
    assert.ok(count > 100, String(count))
  })

  test('is only one whose classes construct themselves from their options', () => {
    assert.ok(isQuick('!Box { a: 1 }'))
    for (const options of [
      { keys: 'snake_case' },
      { templates: ['a'] },
      { deprecated: 'use !Door' },
      { fromYaml: () => new Box() },
      { abstract: true },
    ] as RegistrationOptions[])
      assert.ok(!isQuick('!Box { a: 1 }', registryOf(options)), JSON.stringify(options))
    for (const text of ['!Box [1]', '!Box word', '!Other {}', '!Box { 1: a }', '!Box { <<: { a: 1 } }'])
      assert.ok(!isQuick(text), text)
  })

  test('its schemas see what they see of nodes: stubs before anything is constructed, then the objects', () => {
    const seen: unknown[][] = []
    const schema = schemaOf((options: any) => {
      seen.push([options.inner instanceof Door, options.inner?.options, constructed])
      return { value: { ...options, rate: Number(options.rate) } }
    })
    let constructed = 0
    class Counted extends Door {
      constructor(options = {}) {
        super(options)
        constructed++
      }
    }
    for (const text of [
      '!Box { rate: "2", inner: !Door { a: 1 } }\n',
      exactly('!Box { rate: "2", inner: !Door { a: 1 } }\n'),
    ]) {
      constructed = 0
      seen.length = 0
      const known = new Registry()
      known.add(Box, '!Box', { schema })
      known.add(Counted, '!Door')
      assert.equal(isQuick(text, known), !text.startsWith('%'))
      assert.equal(load(text, { registry: known, expect: Box }).options['rate'], 2)
      assert.deepEqual(seen, [
        [true, undefined, 0],
        [true, { a: 1 }, 1],
      ])
    }
  })

  test('options that a schema refuses, or cannot validate at once, have the problems that nodes have', async () => {
    const refuses = schemaOf((options: any) =>
      options.a === 1 ? { issues: [{ message: 'must not be 1', path: ['a'] }] } : { value: options },
    )
    const asynchronous = schemaOf(async (value) => ({ value }))
    const throwing = schemaOf(() => {
      throw new Error('broken')
    })
    for (const schema of [refuses, asynchronous, throwing]) {
      const known = registryOf({ schema })
      const text = '- !Box { a: 0 }\n- !Box { a: 1 }\n'
      assert.ok(isQuick(text, known))
      const found = [text, exactly(text)].map((given) => attempt(given, known))
      assert.deepEqual(found[0], found[1])
      assert.equal((found[0] as string[]).length > 0, true)
    }
    const value = await loadAsync('!Box { a: 1 }', {
      registry: registryOf({ schema: asynchronous }),
      expect: Box,
    })
    assert.deepEqual(value.options, { a: 1 })
  })

  test('its keys are data, whatever they are called', () => {
    const { __proto__: own, ...others } = load('!Box { __proto__: { a: 1 }, constructor: b }', {
      registry,
      expect: Box,
    }).options
    assert.deepEqual([own, { ...others }], [{ a: 1 }, JSON.parse('{"constructor":"b"}')])
    assert.equal(({} as any).a, undefined)
  })

  test('a failure points at its node, and what was constructed is disposed of', async () => {
    const closed: string[] = []
    class Open {
      constructor(readonly options: { name?: string } = {}) {}
      [Symbol.dispose]() {
        closed.push(this.options.name!)
      }
    }
    const known = registryOf()
    known.add(Open, '!Open')
    const text = '- !Open { name: a }\n- !Open { name: b }\n- !Box { inner: !Box { fail: now } }\n'
    assert.ok(isQuick(text, known))
    assert.throws(
      () => load(text, { registry: known, filename: 'x.yaml' }),
      (error: ConstructionError) => {
        const [{ line, column, message }] = error.problems as [any]
        assert.deepEqual([line, column], [3, 17])
        assert.equal(message, '"!Box" could not be constructed ([2] › !Box › inner): fails: now')
        return true
      },
    )
    // It is disposed of in the background.
    await setImmediate()
    assert.deepEqual(closed, ['b', 'a'])
  })

  test('an asynchronous load names every object that fails, and constructs nothing that uses one', async () => {
    const text =
      '- &one !Box { fail: 1 }\n- !Box { fail: 2 }\n- !Door { a: [*one] }\n- !Door { a: !Box { fail: 3 } }\n'
    assert.ok(isQuick(text))
    const messages = async (given: string) =>
      loadAsync(given, { registry }).then(
        () => assert.fail(),
        (error: ConstructionError) => error.problems.map(({ message }) => message),
      )
    const found = await messages(text)
    assert.equal(found.length, 3)
    assert.deepEqual(found, await messages(exactly(text)))
  })

  test('what is loaded is disposed of once, in reverse order', async () => {
    const closed: string[] = []
    class Open {
      constructor(readonly options: Record<string, any> = {}) {}
      async [Symbol.asyncDispose]() {
        closed.push(this.options['name'])
      }
    }
    const known = new Registry()
    known.add(Open, '!Open')
    const value = load('- !Open { name: a, in: !Open { name: b } }\n- !Open { name: c }\n', {
      registry: known,
    })
    await disposeAll(value)
    await disposeAll(value)
    assert.deepEqual(closed, ['c', 'a', 'b'])
  })

  test('a constructor may look at what its options were loaded from', () => {
    const seen: string[] = []
    class Curious {
      constructor({ door }: { door?: Door } = {}) {
        seen.push(dump(door, { registry: known }))
      }
    }
    const known = registryOf()
    known.add(Curious, '!Curious')
    const text = '!Curious\ndoor: !Door { a: 1 } # kept\n'
    const value = load(text, { registry: known })
    assert.deepEqual(seen, ['!Door { a: 1 } # kept\n'])
    assert.equal(dump(value, { registry: known }), text)
  })

  test('what a constructor returns in place of itself keeps what it is', () => {
    const door = new Door({ a: 1 })
    class Returning {
      constructor() {
        // biome-ignore lint/correctness/noConstructorReturn: it is what is tested
        return door
      }
    }
    const known = registryOf()
    known.add(Returning, '!Returning')
    const value = load('[!Returning, !Returning]', { registry: known }) as Loaded<typeof Door>[]
    assert.equal(value[0], door)
    assert.equal(value[1], door)
  })

  test('changes are written into the text', () => {
    const value = load('!Box\na: 1 # one\nb: !Door { c: 2 }\n', { registry, expect: Box })
    setSerializableAttr(value.options['b'], 'c', 3)
    assert.equal(dump(value, { registry }), '!Box\na: 1 # one\nb: !Door { c: 3 }\n')
    setSerializableAttr(value, 'a', 2)
    assert.equal(dump(value, { registry }), '!Box\na: 2 # one\nb: !Door { c: 3 }\n')
  })

  test('each document of a text has its own anchors and values', () => {
    const text = '&a !Box { n: 1 }\n---\n- &a !Box { n: 2 }\n- *a\n'
    const [first, second] = loadAll(text, { registry }) as [Box, Box[]]
    assert.deepEqual([first.options, second[0]!.options], [{ n: 1 }, { n: 2 }])
    assert.equal(second[1], second[0])
    assert.equal(dump(second, { registry }), '---\n- &a !Box { n: 2 }\n- *a\n')
  })

  test('many keys, tags and names do not collide', () => {
    const known = new Registry()
    const count = 5_000
    for (let index = 0; index < count; index++) known.add(class {}, `!Class${index}`)
    const lines = Array.from({ length: count }, (_, index) => `key${index}: !Class${index}\n`)
    const value = load(lines.join(''), { registry: known }) as Record<string, object>
    assert.equal(Object.keys(value).length, count)
    for (const index of [0, 16, 17, 4_999])
      assert.equal(value[`key${index}`]!.constructor, known.get(`!Class${index}`)!.Class)
    assert.throws(() => load(`${lines.join('')}key17: 1\n`, { registry: known }), /Duplicate key "key17"/)
  })
})

function schemaOf(validate: (value: unknown) => any): StandardSchema {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

function attempt(text: string, known = registry): unknown {
  try {
    return load(text, { registry: known })
  } catch (error) {
    return (error as ConstructionError).problems?.map(({ code, message }) => `${code} ${message}`) ?? error
  }
}

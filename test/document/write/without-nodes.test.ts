import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { random } from '../../support/random.js'

// What no user calls is imported from what tsc emits.
const emitted = (file: string) => import(pathToFileURL(join('build/js', file)).href)
const { load } = await emitted('document/load.js')
const { Registry } = await emitted('registry/registry.js')
const { represent, writeNodes } = await emitted('document/write/dump.js')
const { writeObject } = await emitted('document/write/object-writer.js')
const { unchangedText } = await emitted('document/write/unchanged-text.js')
const { setSerializableAttr } = await emitted('document/construct/provenance.js')
const { MappedRegistrable } = await emitted('document/construct/registrable-base.js')

const seed = Number(
  process.env.SEED ?? [...import.meta.url].reduce((sum, letter) => sum + letter.charCodeAt(0), 0),
)
type Next = () => number

class Box {
  options: Record<string, unknown>
  constructor(options = {}) {
    this.options = options
  }
}

/** Keeps no property of its own for its options. */
class Mapped extends (MappedRegistrable as new (options?: object) => object) {}

const registry = new Registry()
registry.add(Box, '!Box')
registry.add(Mapped, '!Mapped')

function withNodes(value: unknown): string {
  return writeNodes(represent(value, { registry, defaults: false, resolved: false }), false)
}

function pick<T>(items: readonly T[], next: Next): T {
  return items[Math.floor(next() * items.length)]!
}

const scalars: readonly unknown[] = [
  ...[0, 1, -0, 1.5, 1e21, 2 ** 60, Number.NaN, -Infinity, true, false, null, undefined, 10n],
  ...[
    '',
    'a',
    'yes',
    'null',
    'a word or two',
    'ends in space ',
    ' begins',
    'a: b',
    'a #b',
    '- x',
    '1_000',
    '12:30',
  ],
  ...[
    '2001-01-01',
    '<<',
    '0x1F',
    'line\nline',
    'line\n',
    '\n',
    'tab\there',
    'ümlaut',
    'abcdef',
    'abcde:',
    '---',
    '@x',
    'a,b',
  ],
]
const names = ['a', 'b', 'name', '1', 'yes', 'with space', '', '__proto__x', 'a: b', '#']

/** A value as programs make them, sometimes with an object that occurs twice or that cannot be written. */
function made(next: Next, depth: number, all: object[]): unknown {
  const choice = next()
  if (depth === 0 || choice < 0.4) return pick(scalars, next)
  if (choice < 0.43 && all.length > 0) return pick(all, next)
  if (choice < 0.44)
    return pick([new Date(0), new Map([['a', 1]]), new Set([1]), Symbol('x'), () => {}], next)
  const value = collection(next, depth, all)
  all.push(value)
  return value
}

function collection(next: Next, depth: number, all: object[]): object {
  const count = Math.floor(next() * 4)
  if (next() < 0.3) return Array.from({ length: count }, () => made(next, depth - 1, all))
  const entries = Array.from({ length: count }, () => [pick(names, next), made(next, depth - 1, all)])
  const options = Object.fromEntries(entries)
  const choice = next()
  return choice < 0.4 ? options : choice < 0.8 ? new Box(options) : new Mapped(options)
}

describe('objects that are written without nodes', () => {
  test(`are written as they are from nodes (seed ${seed})`, () => {
    const next = random(seed)
    let count = 0
    for (let round = 0; round < 5_000; round++) {
      const value = made(next, 5, [])
      const text = writeObject(value, registry)
      if (text === undefined) continue
      count++
      assert.equal(text, withNodes(value))
    }
    assert.ok(count > 3_000, String(count))
  })

  test('are no loaded, repeated or very deep ones', () => {
    const shared = { a: 1 }
    const cycle: unknown[] = []
    cycle.push(cycle)
    let deep: unknown = 1
    for (let depth = 0; depth < 600; depth++) deep = [deep]
    for (const value of [
      [shared, shared],
      cycle,
      deep,
      load('!Box { a: 1 }', { registry }),
      new (class {})(),
    ])
      assert.equal(writeObject(value, registry), undefined)
    const changed = new Box({ a: 1 })
    setSerializableAttr(changed, 'a', 2)
    assert.equal(writeObject([changed], registry), undefined)
  })
})

const texts = [
  '!Box\na: 1 # one\nb: [1, "two", ~, !Box { c: x }]\nc: !Mapped\n  list:\n    - a: 1\n      b: {}\n    - []\nd: !Mapped\n',
  '# head\nlist:\n- &one !Box { a: 1.50 }\n- *one\n- &s text\n- *s\n- { a: *one, b: *s }\nword: |\n  a\n  b\nempty:\n',
  '- 0x10\n- .5\n- 1e3\n- ~\n- true\n- "true"\n- &a { x: 1 }\n- &a { y: 2 }\n- *a\n',
]

/** Changes something below a value, or nothing. */
function change(value: any, next: Next): void {
  const below = [value]
  for (let index = 0; index < below.length; index++)
    for (const child of Object.values(below[index] as object))
      if (typeof child === 'object' && child !== null && !below.includes(child)) below.push(child)
  const target = pick(below, next)
  const keys = Object.keys(target)
  const choice = next()
  if (choice < 0.3) target[pick(keys, next) ?? 'x'] = pick(scalars, next)
  else if (choice < 0.5) target[pick(keys, next) ?? 'x'] = pick(below, next)
  else if (choice < 0.6 && !Array.isArray(target)) delete target[pick(keys, next) ?? 'x']
  else if (choice < 0.7 && target instanceof Box) setSerializableAttr(target, 'a', pick(scalars, next))
  else if (choice < 0.8 && Array.isArray(target)) target.pop()
}

describe('a loaded text', () => {
  test('is found unchanged, without nodes', () => {
    for (const text of texts.slice(0, 2))
      assert.equal(unchangedText(load(text, { registry }), registry), text)
  })

  test(`is only taken as it is where its nodes give the same (seed ${seed})`, () => {
    const next = random(seed)
    let [same, changed] = [0, 0]
    for (let round = 0; round < 4_000; round++) {
      const value = load(pick(texts, next), { registry })
      change(value, next)
      const text = unchangedText(value, registry)
      if (text === undefined) changed++
      else {
        same++
        assert.equal(text, withNodes(value))
      }
    }
    assert.ok(same > 400 && changed > 400, `${same} the same, ${changed} changed`)
  })

  test('is not taken where another registry writes it in another way', () => {
    const value = load('!Box { a: 1 }\n', { registry })
    const other = new Registry()
    other.add(Box, '!Crate')
    assert.equal(unchangedText(value, other), undefined)
    const custom = new Registry()
    custom.add(Box, '!Box', { toYaml: () => null })
    assert.equal(unchangedText(value, custom), undefined)
  })
})

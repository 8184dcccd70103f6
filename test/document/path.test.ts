import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { type Model, model, rendered } from '../support/random-yaml.js'

const emitted = (file: string) => import(pathToFileURL(join('build/js/document', file)).href)
const { parsePath, printPath, nodeAt, pathOf, stepsOf, explainMiss, keyText } = await emitted('path.js')
const { parse } = await emitted('read/parse.js')

type Step = { kind: 'key'; name: string } | { kind: 'index'; index: number }

const key = (name: string): Step => ({ kind: 'key', name })
const index = (number: number): Step => ({ kind: 'index', index: number })
const stepsIn = (text: string): Step[] => {
  const { steps, mistake } = parsePath(text)
  assert.equal(mistake, undefined, `${text}: ${mistake?.message}`)
  return steps.map(({ start: _, end: __, ...step }: any) => step)
}
const mistakeIn = (text: string) => {
  const { mistake } = parsePath(text)
  assert.ok(mistake, text)
  assert.equal(mistake.code, 'BAD_PATH')
  return mistake
}

describe('a path', () => {
  const paths: [text: string, ...steps: Step[]][] = [
    [''],
    ['optimizer.rate', key('optimizer'), key('rate')],
    ['layers[0]', key('layers'), index(0)],
    ['layers[-1]', key('layers'), index(-1)],
    ['steps[1].by', key('steps'), index(1), key('by')],
    ['"a key.with dots"[2]', key('a key.with dots'), index(2)],
    ['[0][1].a', index(0), index(1), key('a')],
    ['"".""', key(''), key('')],
    ['a."[0]".1', key('a'), key('[0]'), key('1')],
    ['__proto__.constructor', key('__proto__'), key('constructor')],
    ['größe.层.🙂', key('größe'), key('层'), key('🙂')],
    ['a~b.c+d.<<.x-y/z', key('a~b'), key('c+d'), key('<<'), key('x-y/z')],
    ['"~a"."b+"."\\u0000\\""', key('~a'), key('b+'), key('\0"')],
  ]
  for (const [text, ...steps] of paths)
    test(`${JSON.stringify(text)} is parsed and printed`, () => {
      assert.deepEqual(stepsIn(text), steps)
      assert.equal(printPath(steps), text)
    })

  test('has the part of the text of each step', () => {
    const text = 'a."b c"[-12].d'
    const parts = parsePath(text).steps.map(({ start, end }: any) => text.slice(start, end))
    assert.deepEqual(parts, ['a', '"b c"', '[-12]', 'd'])
  })

  const mistakes: [text: string, marked: string, message: RegExp][] = [
    ['.a', '.', /^A name is missing here: remove the "\.", or write '""' for an empty name$/],
    ['a..b', '.', /^A name is missing here/],
    ['a.', '.', /^A name is missing here/],
    ['a.[0]', '.', /^Write "\[" without "\." before it/],
    ['a[0]b', 'b', /^Write "\." before the next name$/],
    ['"a"b', 'b', /^Write "\." before the next name$/],
    ['a[0', '[0', /^"\[" is not closed/],
    ['a[x]', '[x]', /^"\[x\]" is not an index: write "\[0\]" for the first item/],
    ['a[01]', '[01]', /is not an index/],
    ['a[-0]', '[-0]', /is not an index/],
    ['a[]', '[]', /is not an index/],
    ['a[9007199254740993]', '[9007199254740993]', /is not an index/],
    ['a]', ']', /^A name with "\]" must be in double quotes: write "a\]"$/],
    ['a b.c', ' ', /^A name with " " must be in double quotes: write "a b"$/],
    ["'a b'", "'", /^A name with "'" must be in double quotes: write "a b"$/],
    ['a:b', ':', /write "a:b"$/],
    ['a=b', '=', /write "a=b"$/],
    ['x.~a', '~', /write "~a"$/],
    ['a+', '+', /write "a\+"$/],
    ['a"b"', '"', /must be in double quotes/],
    ['a\u0007', '\u0007', /^A name with "\\u0007" must be in double quotes/],
    ['"a', '"a', /^The double quote is not closed/],
    ['"\\q"', '"\\q"', /^A name in double quotes must be a JSON string/],
  ]
  for (const [text, marked, message] of mistakes)
    test(`${JSON.stringify(text)} is refused`, () => {
      const { message: found, span } = mistakeIn(text)
      assert.match(found, message)
      assert.equal(text.slice(span.start, span.end), marked)
    })

  test('of random names and indexes is read as it was printed', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constantFrom('__proto__', 'constructor', '', '0', '-1', '[0]', '~', '+', 'a.b', '"', "'", '\ud800'),
    )
    const step = fc.oneof(name.map(key), fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 }).map(index))
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        // There is no negative zero among indexes.
        const wanted = steps.map((each) => (each.kind === 'index' ? index(each.index + 0) : each))
        assert.deepEqual(stepsIn(printPath(wanted)), wanted)
      }),
      { numRuns: 5_000 },
    )
  })

  test('that is a random text is refused, or printed as a text that is read alike', () => {
    const piece = fc.constantFrom('a', 'b', '.', '[', ']', '0', '1', '-', '"', '\\', ' ', '~', '+', '=', '🙂')
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const { steps, mistake } = parsePath(pieces.join(''))
        if (!mistake) assert.deepEqual(stepsIn(printPath(steps)), stepsIn(pieces.join('')))
      }),
      { numRuns: 5_000 },
    )
  })

  test('of a megabyte is read, and so is one of as many steps', () => {
    const length = 2 ** 20
    assert.deepEqual(stepsIn('x'.repeat(length)), [key('x'.repeat(length))])
    assert.deepEqual(stepsIn(`"${'\\n'.repeat(length / 2)}"`), [key('\n'.repeat(length / 2))])
    const many = `a${'.a'.repeat(length / 2)}`
    assert.equal(printPath(stepsIn(many)), many)
    assert.equal(stepsIn('[0]'.repeat(length / 4)).length, length / 4)
    assert.match(mistakeIn(`${'x'.repeat(length)} `).message, /^.{0,200}$/)
  })
})

describe('in a document', () => {
  const rootOf = (text: string) => parse(text, 'a.yaml').documents[0].root
  const messageOf = (text: string, path: string) => {
    const root = rootOf(text)
    const { steps } = parsePath(path)
    const found = nodeAt(root, steps)
    assert.ok(found.miss, path)
    return explainMiss(steps, found, { root, rootName: 'document' })
  }

  test('every path leads back to its node', () => {
    let count = 0
    fc.assert(
      fc.property(model, (document: Model) => {
        const root = rootOf(rendered(document))
        for (const [steps, node] of walk(root)) {
          const path = printPath(steps)
          assert.equal(nodeAt(root, stepsIn(path)).node, node, path)
          assert.equal(pathOf(root, node), path)
          count++
        }
      }),
      { numRuns: 1_000 },
    )
    assert.ok(count > 5_000, `${count}`)
  })

  test('keys of all kinds are found', () => {
    const text = '1: a\n1.5: b\n"": c\n__proto__: d\nconstructor: e\n"x.y": f\n~: g\ntrue: h\n'
    const root = rootOf(text)
    const values = ['1', '"1.5"', '""', '__proto__', 'constructor', '"x.y"', 'null', 'true'].map(
      (path) => nodeAt(root, stepsIn(path)).node.value,
    )
    assert.deepEqual(values, [...'abcdefgh'])
    assert.ok(nodeAt(root, stepsIn('toString')).miss)
  })

  test('an index may count from the end', () => {
    const root = rootOf('[a, b, c]')
    assert.deepEqual(
      ['[0]', '[-1]', '[-3]'].map((path) => nodeAt(root, stepsIn(path)).node.value),
      ['a', 'c', 'a'],
    )
    for (const path of ['[3]', '[-4]']) assert.ok(nodeAt(root, stepsIn(path)).miss)
  })

  const document = `base: &base
  rate: 1
  inner: { deep: [1, 2] }
copy: *base
own:
  <<: *base
  name: x
layers: [64, 32]
none: []
empty:
`
  const misses: [path: string, message: string][] = [
    ['layer', 'The document has no key "layer": did you mean "layers"?'],
    ['own.nme', '"own" has no key "nme": did you mean "name"?'],
    ['own.other', '"own" has no key "other": it has "name"'],
    ['zzzzzzzz', 'The document has no key "zzzzzzzz": it has "base", "copy", "own", "layers", "none", …'],
    ['layers[2]', '"layers" has 2 items, so there is no "[2]"'],
    ['layers[-3]', '"layers" has 2 items, so there is no "[-3]"'],
    ['none[0]', '"none" has no items, so there is no "[0]"'],
    [
      'layers.first',
      '"layers" is a sequence, so it has no key "first": write "layers[0]" for its first item',
    ],
    ['own[0]', '"own" is a mapping: write the name of a key, not "[0]"'],
    ['own.name.x', '"own.name" is the string "x", so it has no "x"'],
    ['base.rate[0]', '"base.rate" is the number 1, so it has no "[0]"'],
    ['empty.x', '"empty" is null, so it has no "x"'],
    ['copy.inner.deep[0]', '"copy" is the alias "*base": write "base.inner.deep[0]", the path of its anchor'],
    ['own.inner.deep', '"own.inner" comes from "<<": write "base.inner.deep", its own path'],
  ]
  for (const [path, message] of misses)
    test(`"${path}" is explained`, () => assert.equal(messageOf(document, path), message))
})

function* walk(node: any, steps: Step[] = []): Generator<[Step[], any]> {
  yield [steps, node]
  for (const [step, child] of stepsOf(node)) yield* walk(child, [...steps, step])
}

test('the text of a key is that of its alias', () => {
  const { root } = parse('&a x: 1\n? *a\n: 2\n', 'a.yaml').documents[0]
  assert.deepEqual(
    root.entries.map(({ key: node }: any) => keyText(node)),
    ['x', 'x'],
  )
})

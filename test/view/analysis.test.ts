// What the page computes: Pareto fronts, the importance of options, axes, and the lines that it reads.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { build } from 'esbuild'
import fc from 'fast-check'

// The page is bundled for browsers; these parts need none.
const folder = mkdtempSync(join(tmpdir(), 'flambeau-analysis-'))
after(() => rmSync(folder, { recursive: true }))
const outfile = join(folder, 'analysis.mjs')
await build({
  stdin: {
    contents: ['importance', 'pareto', 'axis']
      .map((name) => `export * from './analysis/${name}.js'`)
      .concat(`export * from './parse.js'`)
      .join('\n'),
    resolveDir: 'src/view/page',
    loader: 'ts',
  },
  bundle: true,
  format: 'esm',
  platform: 'node',
  outfile,
  logLevel: 'silent',
})
const { importances, paretoFront, axisFor, spread, TrialReader, CurveReader, logOfTrial } = await import(
  outfile
)

const point = fc.record({
  id: fc.string(),
  x: fc.integer({ min: 0, max: 20 }),
  y: fc.integer({ min: 0, max: 20 }),
})
const goal = fc.constantFrom('max' as const, 'min' as const)

describe('a Pareto front', () => {
  test('has exactly the points that no other one beats', () => {
    fc.assert(
      fc.property(fc.array(point, { maxLength: 60 }), goal, goal, (points, x, y) => {
        const better = (a: number, b: number, to: string): boolean => (to === 'min' ? a < b : a > b)
        const beats = (a: any, b: any): boolean =>
          (better(a.x, b.x, x) && !better(b.y, a.y, y)) || (better(a.y, b.y, y) && !better(b.x, a.x, x))
        const expected = points.filter((each) => !points.some((other) => beats(other, each)))
        const front = paretoFront(points, x, y)
        assert.deepEqual(new Set(front), new Set(expected))
        assert.equal(front.length, expected.length)
        assert.deepEqual(
          front.map(({ x }: any) => x),
          front.map(({ x }: any) => x).toSorted((a: number, b: number) => a - b),
        )
      }),
    )
  })
})

function trials(count: number, of: (n: number) => { options: object; metric: number }): unknown[] {
  return Array.from({ length: count }, (_, n) => ({ id: String(n), state: 'done', values: {}, ...of(n) }))
}

describe('the importance of options', () => {
  test('sums up to 1, is 0 for a constant option, and finds the option that matters', () => {
    const found = importances(
      trials(200, (n) => ({
        options: { rate: n / 200, kind: n % 3 === 0 ? 'a' : 'b', constant: 1, noise: (n * 7919) % 101 },
        metric: (n / 200) ** 2 + (n % 3 === 0 ? 0.3 : 0),
      })),
    )
    const shares = Object.fromEntries(found.map(({ option, share }: any) => [option, share]))
    assert.ok(Math.abs(found.reduce((sum: number, { share }: any) => sum + share, 0) - 1) < 1e-9)
    assert.deepEqual(
      found.slice(0, 2).map(({ option }: any) => option),
      ['rate', 'kind'],
    )
    assert.equal(shares.constant, 0)
    assert.ok(shares.noise < 0.05, String(shares.noise))
  })

  test('is not claimed for too few trials, and is 0 where the metric does not change', () => {
    assert.deepEqual(importances(trials(5, (n) => ({ options: { a: n }, metric: n }))), [])
    const flat = importances(trials(50, (n) => ({ options: { a: n }, metric: 1 })))
    assert.deepEqual(flat, [{ option: 'a', share: 0 }])
  })

  test('stands numbers, texts, and options that only some trials have', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ a: fc.option(fc.anything()), b: fc.double() }), { maxLength: 40 }),
        (list) => {
          const found = importances(
            list.map(({ a, b }, n) => ({
              id: String(n),
              state: 'done',
              values: {},
              metric: Number.isFinite(b) ? b % 1e6 : 0,
              options: a === null ? {} : { a },
            })),
          )
          for (const { share } of found) assert.ok(share >= 0 && share <= 1 + 1e-9)
        },
      ),
    )
  })
})

describe('an axis', () => {
  test('is logarithmic for a wide range of positive numbers, and has categories for what is no number', () => {
    assert.deepEqual(axisFor([0.001, 1]), { kind: 'number', isLog: true })
    assert.deepEqual(axisFor([1, 2]), { kind: 'number', isLog: false })
    assert.deepEqual(axisFor([0, 1000]), { kind: 'number', isLog: false })
    assert.deepEqual(axisFor([1, 'a', true, 1]), { kind: 'category', names: ['1', 'a', 'true'] })
    assert.equal(axisFor([]).kind, 'category')
    assert.equal(axisFor([Number.NaN, 1]).kind, 'category')
    assert.ok([...Array(100).keys()].every((n) => Math.abs(spread(n)) <= 0.25))
  })
})

describe('the lines of a run', () => {
  test('of a trial add to each other; one that is tried again starts over', () => {
    const reader = new TrialReader('loss')
    reader.add([
      { trial: '2', state: 'running', file: '!T' },
      { trial: '1', options: { a: 1 }, error: { code: 'X', message: 'y' } },
    ])
    reader.add([{ trial: '2', state: 'done', metric: 3, result: { loss: 3, b: { c: 4 } } }])
    const [first, second] = reader.trials()
    assert.deepEqual([first.id, first.state, second.state, second.file], ['1', 'failed', 'done', '!T'])
    assert.deepEqual(second.values, { loss: 3, 'b.c': 4 })
    reader.add([{ trial: '2', state: 'running', file: '!U' }])
    assert.deepEqual([reader.trials()[1].state, reader.trials()[1].metric], ['running', undefined])
  })

  test('of progress are curves; a later attempt replaces an earlier one', () => {
    const reader = new CurveReader()
    reader.add([
      { epoch: 1, loss: 1, total: 9, _trial: '1', _attempt: 1 },
      { epoch: 2, loss: 0.5, _trial: '1', _attempt: 1 },
    ])
    reader.add([{ epoch: 1, loss: 0.9, _trial: '1', _attempt: 2 }])
    reader.add([{ value: 3 }, { value: 4 }])
    assert.deepEqual(reader.curves.get('1'), [{ step: 1, values: { loss: 0.9 } }])
    assert.deepEqual(reader.curves.get(''), [
      { step: 0, values: { value: 3 } },
      { step: 1, values: { value: 4 } },
    ])
  })

  test('of one step belong together, and a count that starts again goes on', () => {
    const reader = new CurveReader()
    reader.add([
      { epoch: 1, loss: 1 },
      { epoch: 1, accuracy: 0.5 },
      { epoch: 2, loss: 0.5 },
      { epoch: 1, loss: 0.4 },
      { loss: 0.3 },
    ])
    assert.deepEqual(reader.curves.get(''), [
      { step: 1, values: { loss: 1, accuracy: 0.5 } },
      { step: 2, values: { loss: 0.5 } },
      { step: 3, values: { loss: 0.4 } },
      { step: 4, values: { loss: 0.3 } },
    ])
    reader.add([
      { epoch: 1, loss: 1, _trial: '1', _started: 'a' },
      { epoch: 1, loss: 2, _trial: '1', _started: 'b' },
    ])
    assert.deepEqual(reader.curves.get('1'), [{ step: 1, values: { loss: 2 } }])
  })

  test('of a log belong to their trial, further lines of a message included', () => {
    const text = '03 12:00:00 info  one\nmore of it\n04 12:00:00 info  other\n03 12:00:01 warn  two\n'
    assert.equal(logOfTrial(text, '03'), '12:00:00 info  one\nmore of it\n12:00:01 warn  two')
  })
})

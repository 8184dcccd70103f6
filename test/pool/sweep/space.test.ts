import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Int, LogUniform, NumberDomain, Range, seededRandom, Uniform } from 'flambeau/pool'

/** Options of `!range` with numbers that a person would write. */
const ranges = fc
  .record({
    from: fc.integer({ min: -1000, max: 1000 }),
    steps: fc.integer({ min: 0, max: 500 }),
    step: fc.integer({ min: 1, max: 50 }),
    decimals: fc.integer({ min: 0, max: 9 }),
  })
  .map(({ from, steps, step, decimals }) => {
    const written = (value: number) => Number(`${value}e-${decimals}`)
    return {
      from: written(from),
      to: written(from + steps * step),
      step: written(step),
      all: Array.from({ length: steps + 1 }, (_, index) => written(from + index * step)),
    }
  })

describe('the numbers of a parameter', () => {
  test('have no -0', () => {
    const { domain } = new Range({ from: -3.6, to: 0, step: 0.03 })
    assert.ok(Object.is(domain.valueAt(domain.count - 1), 0))
  })

  test('with a step are exactly those that a person would write', () => {
    fc.assert(
      fc.property(ranges, ({ all, ...options }) => {
        const { domain } = new Range(options)
        assert.deepEqual(
          Array.from({ length: domain.count }, (_, index) => domain.valueAt(index)),
          all,
        )
        assert.ok(all.every((value) => domain.has(value)))
      }),
    )
  })

  const domains: [name: string, NumberDomain][] = [
    ['range', new Range({ from: 1, to: 0, step: -0.125 }).domain],
    ['uniform', new Uniform({ low: -3, high: 5 }).domain],
    ['uniform with steps', new Uniform({ low: 0.1, high: 0.9, step: 0.2 }).domain],
    ['narrow uniform', new Uniform({ low: 1e6, high: 1e6 + 1 }).domain],
    ['logUniform', new LogUniform({ low: 1e-9, high: 1e3 }).domain],
    ['int', new Int({ low: -2, high: 7, step: 3 }).domain],
    ['log int', new Int({ low: 1, high: 1e6, log: true }).domain],
  ]
  for (const [name, domain] of domains)
    test(`${name}: what is drawn, and what is nearest to anything, is in it`, () => {
      const random = seededRandom(3)
      for (let drawn = 0; drawn < 500; drawn++) {
        const value = domain.sample(random)
        assert.ok(domain.has(value), String(value))
        assert.equal(domain.nearest(value), value)
        const near = domain.nearest((random() - 0.5) * 10 ** Math.floor(random() * 12))
        assert.ok(domain.has(near), String(near))
        // As in results.jsonl.
        assert.equal(JSON.parse(JSON.stringify(value)), value)
      }
      assert.ok(domain.has(domain.low) && domain.has(domain.high))
      assert.equal(domain.has(domain.high + 1), false)
    })

  test('on a logarithmic scale are as often below the middle of their digits as above', () => {
    const random = seededRandom(5)
    for (const domain of [domains[4]![1], domains[6]![1]]) {
      const middle = Math.sqrt(domain.low * domain.high)
      const below = Array.from({ length: 2000 }, () => domain.sample(random)).filter(
        (value) => value < middle,
      )
      assert.ok(Math.abs(below.length - 1000) < 120, String(below.length))
    }
  })

  test('drawn with steps are each as likely as any other, the ends included', () => {
    const random = seededRandom(7)
    const { domain } = new Int({ low: 1, high: 4 })
    const counts = new Map<number, number>()
    for (let drawn = 0; drawn < 4000; drawn++) {
      const value = domain.sample(random)
      counts.set(value, (counts.get(value) ?? 0) + 1)
    }
    assert.deepEqual([...counts.keys()].toSorted(), [1, 2, 3, 4])
    assert.ok([...counts.values()].every((count) => Math.abs(count - 1000) < 150))
  })
})

describe('seeded numbers', () => {
  test('are the same for the same seed and stream, others for neighbours, and even', () => {
    const first = (seed: number, stream?: number) => {
      const random = seededRandom(seed, stream)
      return [random(), random()]
    }
    assert.deepEqual(first(1), first(1))
    assert.notDeepEqual(first(1), first(2))
    assert.notDeepEqual(first(1, 1), first(1, 2))
    assert.notDeepEqual(first(2 ** 32 + 1), first(1))
    const starts = Array.from({ length: 4000 }, (_, stream) => seededRandom(0, stream)())
    assert.ok(Math.abs(starts.reduce((a, b) => a + b) / starts.length - 0.5) < 0.02)
  })
})

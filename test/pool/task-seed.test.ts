import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { emitted } from '../support/emitted.js'

const { taskSeeds } = await emitted('pool/task-seed.js')

describe('the seeds of tasks', () => {
  test('are whole numbers from 0 to 2^31 - 1, and of different numbers different ones', () => {
    for (const base of [0, 1, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
      const seedOf = taskSeeds(base)
      const seeds = new Set(Array.from({ length: 200_000 }, (_, number) => seedOf(String(number))))
      assert.equal(seeds.size, 200_000)
      for (const seed of seeds) assert.ok(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31, `${seed}`)
    }
  })

  test('do not depend on how many digits a number has', () => {
    const seedOf = taskSeeds(7)
    assert.equal(seedOf('07'), seedOf('7'))
    assert.equal(seedOf('0007'), seedOf('7'))
    assert.notEqual(seedOf('70'), seedOf('7'))
  })

  test('differ from one base to another, and between names', () => {
    const seeds = [0, 1, 2, 2 ** 31, 2 ** 32].flatMap((base) => ['1', '2', 'a', 'b', ''].map(taskSeeds(base)))
    assert.equal(new Set(seeds).size, seeds.length)
  })

  test('stay the same in later versions', () => {
    assert.deepEqual(['01', '02', 'night'].map(taskSeeds(0)), [893_363_916, 1_523_250_605, 810_853_324])
  })
})

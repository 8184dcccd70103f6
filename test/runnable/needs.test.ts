import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Registry, Runnable } from 'flambeau'

const {
  completeNeeds,
  describeNeeds,
  exceeds,
  lackOn,
  needsMistake,
  needsOf,
  needsText,
  noNeeds,
  parseNeeds,
  slotsOn,
  writtenNeeds,
} = await import(pathToFileURL(join('build/js/runnable/needs.js')).href)

const { describeLack } = await import(pathToFileURL(join('build/js/runnable/needs-problems.js')).href)

const nvidia = { vendor: 'nvidia' }
const amd = { vendor: 'amd' }
const host = { cpus: 8, memory: 32e9, gpus: [nvidia, nvidia, nvidia, amd] }

describe('needs', () => {
  test('decide how many workers fit on a host', () => {
    const slots = (needs: object) => slotsOn(completeNeeds(needs), host)
    assert.equal(slots({}), Number.POSITIVE_INFINITY)
    assert.equal(slots({ cpus: 3 }), 2)
    assert.equal(slots({ cpus: 0.1 }), 80)
    assert.equal(slots({ memory: '10 GB' }), 3)
    assert.equal(slots({ memory: 100 }), 320)
    assert.equal(slots({ memory: '8 GiB' }), 3)
    assert.equal(slots({ memory: '16Gi' }), 1)
    // A process uses GPUs of one vendor.
    assert.equal(slots({ gpus: 1 }), 4)
    assert.equal(slots({ gpus: 2 }), 1)
    assert.equal(slots({ gpus: 2, memory: '20 GB', cpus: 5 }), 1)
    assert.equal(slots({ gpus: 4 }), 0)
  })

  test('that do not fit are named with what there is', () => {
    const lack = (needs: object) => lackOn(completeNeeds(needs), host)
    assert.equal(lack({ gpus: 3, cpus: 8, memory: '32 GB' }), undefined)
    assert.deepEqual(lack({ gpus: 4 }), { need: '4 GPUs', has: '3', amount: 3 })
    assert.deepEqual(lack({ cpus: 9 }), { need: '9 CPUs', has: '8', amount: 8 })
    assert.deepEqual(lack({ memory: '33.5 GB' }), { need: '33.5 GB of memory', has: '32 GB', amount: 32e9 })
    assert.deepEqual(lackOn(completeNeeds({ gpus: 1 }), { ...host, gpus: [] }), {
      need: '1 GPU',
      has: '0',
      amount: 0,
    })
  })

  test('that fit on no host are named with the host that has the most of what each lacks', () => {
    const site = (needs: object) => ({ needs: completeNeeds(needs), subject: 'A trial' })
    const many = { ...host, host: '"many"' }
    const large = { cpus: 64, memory: 8e9, gpus: [nvidia], host: '"large"' }
    assert.equal(
      describeLack(site({ cpus: 100 }), [many, large]),
      'A trial needs 100 CPUs, but the host with the most, "large", has 64',
    )
    assert.equal(
      describeLack(site({ gpus: 2, cpus: 9 }), [large, many]),
      'A trial needs 2 GPUs, but "large" has 1, and 9 CPUs, but "many" has 8',
    )
    assert.equal(describeLack(site({ cpus: 100 }), [many]), 'A trial needs 100 CPUs, but "many" has 8')
    assert.equal(describeLack(site({ cpus: 60 }), [many, large]), undefined)
  })

  test('in memory are written so that they mean the same', () => {
    for (const memory of [1536, 0.5, '1.5 GB', '1234567 B', '8.25 GB', '3.3 GB', '64 GB', '2 TB']) {
      const needs = completeNeeds({ memory })
      const [, written] = /^{ memory: '(.*)' }$/.exec(describeNeeds(needs)) ?? []
      assert.deepEqual(completeNeeds({ memory: written }), needs, `${memory} ${written}`)
    }
    assert.equal(describeNeeds(completeNeeds({ memory: 1536 })), "{ memory: '1536 MB' }")
    assert.equal(describeNeeds(completeNeeds({ memory: '32.3 GB' })), "{ memory: '32.3 GB' }")
  })

  test('are written as they are read', () => {
    for (const needs of [{}, { gpus: 1 }, { gpus: 2, cpus: 0.5, memory: '1.5 GB' }, { memory: 200 }]) {
      const complete = completeNeeds(needs)
      assert.deepEqual(completeNeeds(writtenNeeds(complete)), complete)
      assert.equal(exceeds(complete, complete), false)
    }
    for (const needs of [
      { gpus: 1 },
      { gpus: 2, cpus: 0.5, memory: '1.5 GB' },
      { memory: '8 GiB' },
      { memory: '1001 B' },
    ]) {
      const complete = completeNeeds(needs)
      assert.deepEqual(completeNeeds(parseNeeds(needsText(complete))), complete)
    }
    assert.equal(needsText(completeNeeds({ gpus: 1, memory: '8 GB' })), 'gpus=1,memory=8GB')
    for (const wrong of [
      '',
      'gpus',
      'gpus=',
      'gpu=1',
      'gpus=1,memory=8 gigs',
      'cpus=1.2.3',
      'gpus=1=2',
      'cpus=1,cpus=2',
    ])
      assert.equal(typeof needsMistake(parseNeeds(wrong)), 'string', wrong)
    assert.equal(describeNeeds(completeNeeds({ gpus: 1, memory: 200 })), "{ gpus: 1, memory: '200 MB' }")
    assert.equal(exceeds(completeNeeds({ cpus: 1 }), noNeeds), true)
  })

  test('of a class of runnables are checked when it is registered', () => {
    class Typo extends Runnable {
      static override readonly needs = { gpu: 1 } as object
      override run(): void {}
    }
    const registry = new Registry()
    assert.throws(() => registry.add(Typo, '!Typo'), {
      name: 'RegistrationError',
      code: 'BAD_STATIC_NEEDS',
      message:
        'The static "needs" of class "Typo" has "gpu", which is no need: write "gpus", "cpus" or "memory"',
    })
    assert.equal(registry.has('!Typo'), false)
    // Of another class, it is any static.
    class Model {
      static needs = 'data'
    }
    registry.add(Model, '!Model')
  })

  test('of a class that are wrong name what is wrong', () => {
    class Train {
      static needs: unknown = { gpus: 1.5 }
    }
    assert.throws(() => needsOf(Train), {
      code: 'BAD_STATIC_NEEDS',
      message: 'The static "needs" of class "Train" must have a whole number from 0 as "gpus"',
    })
    for (const wrong of [
      [],
      3,
      { gpus: -1 },
      { cpus: 0 },
      { memory: '8 gigs' },
      { memory: 0 },
      { memory: '8 G' },
      { gpu: 1 },
    ])
      assert.equal(typeof needsMistake(wrong), 'string', JSON.stringify(wrong))
  })
})

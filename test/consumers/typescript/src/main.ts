// A consumer in TypeScript: what it can do, and the types of it.
import { strict as assert } from 'node:assert'
import { check, dump, isFlambeauError, load, type Outcome, type Problem, runFile, TagError } from 'flambeau'
import { LocalCluster } from 'flambeau/cluster'
import { openPool } from 'flambeau/pool'
import { MemoryCluster, runYaml } from 'flambeau/testing'
import { Job, Sgd, Train } from './jobs.js'

const text = '!lab.Train # this one\ndata: iris.csv\noptimizer: !Sgd.slow { by: 2 }\n'
const train: Train = load(text, { expect: '!lab.Train' })
const rate: number = train.options.optimizer.options.rate
assert.equal(rate, 0.05)
assert.equal(dump(train), text)
assert.ok(load('!descent {}', { expect: Sgd }) instanceof Sgd)
assert.equal(load('!Url https://example.org', { expect: URL }).hostname, 'example.org')

const [problem]: Problem[] = check('!lab.Trian {}')
assert.equal(problem?.code, 'UNKNOWN_TAG')
assert.throws(
  () => load('!lab.Trian {}'),
  (error: unknown) => isFlambeauError(error) && error instanceof TagError,
)
// @ts-expect-error A rate is a number.
assert.throws(() => new Sgd({ rate: 'fast' }))

async function main(): Promise<void> {
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const outcome: Outcome<number> = await runFile<number>({ content: text }, { logger })
  assert.equal(outcome.ok && outcome.value, 0.05)
  assert.equal((await runYaml(text)).logs[0]?.text, 'training on iris.csv')

  const pool = await openPool({ engine: 'inline' })
  for await (const { result, task } of pool.map([new Job({ data: 'a' })]))
    assert.deepEqual([result, task.options.data], ['here', 'a'])
  await pool.close()

  const cluster = new MemoryCluster({ factories: 1 })
  const { value } = await (await cluster.submit(new Job({ data: 'a' }))).wait()
  assert.equal(value, 'on orchestrator')
  assert.equal(cluster.records.length, 3)
  assert.equal(new LocalCluster({ name: 'try' }).options.factories, 2)
  console.log('works')
}

main()

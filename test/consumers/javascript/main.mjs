// A consumer in JavaScript with "import": classes are registered by calls, since it has no decorators.
import assert from 'node:assert/strict'
import { check, dump, load, MappedRegistrable, Runnable, registrable, runFile } from 'flambeau'
import { bullmqEngine } from 'flambeau/bullmq'
import { LocalCluster } from 'flambeau/cluster'
import { openPool } from 'flambeau/pool'
import { MemoryCluster, runYaml } from 'flambeau/testing'
import { z } from 'zod'

class Sgd extends MappedRegistrable.with(z.strictObject({ rate: z.number().default(0.1) })) {}
registrable('!Sgd')(Sgd)

const TrainOptions = z.strictObject({ data: z.string(), optimizer: z.instanceof(Sgd) })
class Train extends Runnable.with(TrainOptions) {
  run({ logger }) {
    logger.info(`training on ${this.options.data}`)
    return this.options.optimizer.options.rate
  }
}
registrable('!Train')(Train)

const text = '!Train # this one\ndata: iris.csv\noptimizer: !Sgd { rate: 0.5 }\n'
const train = load(text, { expect: Train })
assert.equal(train.options.optimizer.options.rate, 0.5)
assert.equal(dump(train), text)
assert.equal(dump(load('? a\n: &b [1, 2]\n')), '? a\n: &b [1, 2]\n')
assert.deepEqual(
  check('!Train { data: 1, optimizer: !Sdg {} }').map(({ code }) => code),
  ['BAD_OPTION', 'UNKNOWN_TAG'],
)
const outcome = await runFile({ content: text }, { logger: { ...console, info() {} } })
assert.equal(outcome.value, 0.5)
assert.equal((await runYaml(text)).logs[0].text, 'training on iris.csv')

const pool = await openPool({ workers: 1, imports: [new URL('./echo.mjs', import.meta.url)] })
const { Echo } = await import('./echo.mjs')
for await (const { result } of pool.map([new Echo({ value: 7 })])) assert.equal(result, 7)
await pool.close()

const run = await new MemoryCluster().submit(train)
assert.equal((await run.wait()).value, 0.5)
assert.equal(new LocalCluster({ name: 'try' }).options.factories, 2)

// "bullmq" and "ioredis" are optional, and are not installed here.
await assert.rejects(bullmqEngine({ redis: 'redis://127.0.0.1' }), { code: 'PACKAGE_MISSING' })
console.log('works')

// Bundled into one file, which works where nothing is installed. What starts processes (pools, clusters, extensions)
// needs the package itself.
import { strict as assert } from 'node:assert'
import { dump, load, type Outcome, runFile } from 'flambeau'
import { secretsOf } from 'flambeau/testing'
import { Sgd, Train } from './jobs.js'

const text = '!lab.Train # this one\ndata: iris.csv\noptimizer: !Sgd.slow { by: 2 }\n'

async function main(): Promise<void> {
  const train = load(text, { expect: Train })
  assert.equal(train.options.optimizer.options.rate, 0.05)
  assert.equal(dump(train), text)
  // Text that is unusual needs the package "yaml".
  const { list } = load('? list\n: - !descent { rate: 1 }\n') as { list: Sgd[] }
  assert.equal(list[0]?.options.rate, 1)
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const secrets = secretsOf({ AWS: { KEY: 'k' } })
  const outcome: Outcome<number> = await runFile<number>({ content: text }, { logger, secrets })
  assert.equal(outcome.ok && outcome.value, 0.05)
  console.log('works')
}

main()

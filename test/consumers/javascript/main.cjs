// A consumer in JavaScript with "require", which Node has for ES modules from 20.19 on.
const assert = require('node:assert/strict')
const { dump, load, Registry, Runnable, registrable, runFile } = require('flambeau')
const { LocalCluster } = require('flambeau/cluster')
const { openPool } = require('flambeau/pool')
const { runYaml } = require('flambeau/testing')

class Greet extends Runnable {
  constructor(options) {
    super(options)
    this.options = options
  }

  run() {
    return `Hello ${this.options.name}`
  }
}
registrable('!Greet')(Greet)

async function main() {
  const imported = await import('flambeau')
  assert.equal(imported.Registry, Registry, 'there is one copy, however it is loaded')
  assert.equal(dump(load('!Greet { name: Ada }')), '!Greet { name: Ada }\n')
  assert.deepEqual(load('? a\n: 1\n'), { a: 1 })
  const outcome = await runFile({ content: '!Greet { name: Ada }' })
  assert.equal(outcome.value, 'Hello Ada')
  assert.equal((await runYaml('!Greet { name: Ada }')).outcome.value, 'Hello Ada')
  const pool = await openPool({ engine: 'inline' })
  for await (const { result } of pool.map([new Greet({ name: 'Bo' })])) assert.equal(result, 'Hello Bo')
  await pool.close()
  assert.equal(new LocalCluster({ name: 'try' }).options.factories, 2)
  console.log('works')
}

main()

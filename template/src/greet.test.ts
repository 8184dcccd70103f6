import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runYaml } from 'flambeau/testing'
import { Greet, Polite } from './greet.ts'

test('greets politely', async () => {
  const { outcome } = await runYaml('!Greet { name: Ada, manner: !Polite }', { classes: [Greet, Polite] })
  assert.deepEqual(outcome, { ok: true, value: 'Good day, dear Ada', exitCode: 0 })
})

test('needs a name', async () => {
  const { outcome } = await runYaml('!Greet { manner: !Polite }', { classes: [Greet, Polite] })
  assert.match(outcome.ok ? '' : outcome.error.message, /Option "name" of "!Greet" is missing/)
})

// greet.test.ts
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runYaml } from 'flambeau/testing'
import { Greet } from './greet.js'

test('greets with the word that is secret', async () => {
  const secrets = { GREETING: { WORD: 'Ahoy' } }
  const { outcome, logs } = await runYaml('!Greet { name: Ada }', { classes: [Greet], secrets })
  assert.deepEqual(outcome, { ok: true, value: 'Ahoy Ada', exitCode: 0 })
  assert.deepEqual(logs, [{ level: 'info', text: 'greeting Ada' }])
})

test('wants a name', async () => {
  const { outcome } = await runYaml('!Greet', { classes: [Greet] })
  assert.equal(outcome.exitCode, 22)
  assert.match(outcome.ok ? '' : outcome.error.message, /Option "name" of "!Greet" is missing/)
})

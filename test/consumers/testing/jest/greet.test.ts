// jest/greet.test.ts
import { expect, test } from '@jest/globals'
import { runYaml } from 'flambeau/testing'
import { Greet } from '../greet.js'

test('greets with the word that is secret', async () => {
  const secrets = { GREETING: { WORD: 'Ahoy' } }
  const { outcome, logs } = await runYaml('!Greet { name: Ada }', { classes: [Greet], secrets })
  expect(outcome).toEqual({ ok: true, value: 'Ahoy Ada', exitCode: 0 })
  expect(logs).toEqual([{ level: 'info', text: 'greeting Ada' }])
})

test('wants a name', async () => {
  const { outcome } = await runYaml('!Greet', { classes: [Greet] })
  expect(outcome).toMatchObject({ ok: false, exitCode: 22, error: { name: 'ValidationError' } })
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'

const { explainNotSent, projectVariable } = await import(
  pathToFileURL(join('build/js/util/not-sent.js')).href
)

function failureOf(path: string): unknown {
  try {
    return readFileSync(path)
  } catch (error) {
    return error
  }
}

test('the option that a message names can be pasted, whatever the name of the file', () => {
  process.env[projectVariable] = process.cwd()
  after(() => delete process.env[projectVariable])
  assert.match(explainNotSent(failureOf('none/a.csv')), / or with "--send none\/a\.csv"/)
  assert.match(explainNotSent(failureOf("none/it's a.csv")), / or with "--send 'none\/it'\\''s a\.csv'"/)
  assert.equal(explainNotSent(failureOf('/none/a.csv')), undefined)
})

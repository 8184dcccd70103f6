import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'

const { firstIndexWhere } = await import(pathToFileURL(join('build/js/util/binary-search.js')).href)

describe('firstIndexWhere', () => {
  test('finds the first index for which a test holds, or the length', () => {
    for (let length = 0; length < 40; length++)
      for (let first = 0; first <= length; first++)
        assert.equal(
          firstIndexWhere(length, (index: number) => index >= first),
          first,
        )
  })
})

import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { emitted } from '../support/emitted.js'

const { readRegular } = await emitted('util/read-regular.js')

const folder = mkdtempSync(join(tmpdir(), 'flambeau-read-regular-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Reads a file that has grown each time that its size was asked for, so often. */
async function readGrowing(times: number) {
  const file = join(folder, `grows-${times}`)
  writeFileSync(file, 'line\n')
  let asked = 0
  const isExcluded = () => {
    if (asked++ < times) appendFileSync(file, 'line\n')
    return false
  }
  const bytes = await readRegular(file, { limit: 1000, isExcluded })
  return [bytes.toString(), asked]
}

test('a file that grows while it is read is read again', async () => {
  assert.deepEqual(await readGrowing(0), ['line\n', 1])
  assert.deepEqual(await readGrowing(2), ['line\n'.repeat(3), 3])
})

test('one that never stops growing is refused', async () => {
  assert.deepEqual(await readGrowing(Number.POSITIVE_INFINITY), ['changing', 5])
})

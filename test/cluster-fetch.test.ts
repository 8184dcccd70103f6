// What is fetched takes the place of what is meant, and of nothing else.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ResourceError } from 'flambeau'
import { LocalHost } from 'flambeau/cluster'
import { onlyHere } from './support/one-form.js'

describe('what is fetched', { skip: onlyHere() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-fetch-'))
  const host = new LocalHost('local', join(folder, 'host'))
  const here = (...names: string[]): string => join(folder, 'here', ...names)

  before(async () => {
    await host.put('model.bin', 'model')
    await host.put('results/new.txt', 'new')
    mkdirSync(here('results'), { recursive: true })
    writeFileSync(here('results/mine.txt'), 'mine')
  })
  after(async () => {
    await host.close()
    rmSync(folder, { recursive: true })
  })

  test('a file does not take the place of a folder, and says what to type', async () => {
    await assert.rejects(
      host.fetch('model.bin', here('results')),
      (error) =>
        error instanceof ResourceError &&
        error.code === 'TARGET_IS_FOLDER' &&
        error.message.includes(`"${here('results/model.bin')}"`),
    )
    assert.equal(readFileSync(here('results/mine.txt'), 'utf8'), 'mine')
    await host.fetch('model.bin', here('results/model.bin'))
    assert.deepEqual(readdirSync(here('results')).sort(), ['mine.txt', 'model.bin'])
  })

  test('a file takes the place of a file', async () => {
    writeFileSync(here('old.bin'), 'old')
    await host.fetch('model.bin', here('old.bin'))
    assert.equal(readFileSync(here('old.bin'), 'utf8'), 'model')
  })

  test('a name on the host that is no text is said to be the reason', {
    skip: process.platform !== 'linux',
  }, async () => {
    await host.put('odd/fine.txt', 'fine')
    await host.exec(['sh', '-c', 'touch "odd/$(printf \'caf\\351\')"'])
    await assert.rejects(host.fetch('odd', here('odd')), {
      code: 'HOST_NAME_NOT_UTF8',
      message: /odd\/caf\ufffd" on host "local" is not UTF-8.*rename it, or pack its folder with "tar"/,
    })
    assert.equal(existsSync(here('odd')), false)
  })

  test('a folder takes the place of a folder, and leaves nothing beside it', async () => {
    await host.fetch('results', here('results'))
    assert.deepEqual(readdirSync(here('results')), ['new.txt'])
    assert.deepEqual(
      readdirSync(here()).filter((name) => name.includes('incoming')),
      [],
    )
  })
})

// What is fetched joins what is there, and takes the place of nothing else without being told.
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ResourceError } from 'flambeau'
import { LocalHost } from 'flambeau/cluster'

describe('what is fetched', () => {
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

  test('a file takes the place of one that is the same, or by force', async () => {
    writeFileSync(here('old.bin'), 'old')
    const differs = { code: 'TARGET_DIFFERS', message: /old\.bin" exists and differs .* add "--force"/ }
    await assert.rejects(host.fetch('model.bin', here('old.bin')), differs)
    assert.equal(readFileSync(here('old.bin'), 'utf8'), 'old')
    for (const force of [true, false]) await host.fetch('model.bin', here('old.bin'), { force })
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

  test('a folder joins a folder, and leaves nothing of its own beside it or in it', async () => {
    await host.fetch('results', here('results'))
    assert.deepEqual(readdirSync(here('results')).sort(), ['mine.txt', 'model.bin', 'new.txt'])
    assert.equal(readFileSync(here('results/mine.txt'), 'utf8'), 'mine')
    assert.deepEqual(
      readdirSync(here()).filter((name) => name.includes('incoming')),
      [],
    )
  })

  test('of several files all are fetched or none, when one differs', async () => {
    mkdirSync(here('some'))
    writeFileSync(here('some/b.txt'), 'mine')
    for (const name of ['a', 'b', 'c']) await host.put(`some/${name}.txt`, name)
    await assert.rejects(host.fetch('some', here('some')), { code: 'TARGET_DIFFERS' })
    assert.deepEqual(readdirSync(here('some')), ['b.txt'])
    assert.equal(readFileSync(here('some/b.txt'), 'utf8'), 'mine')
  })

  test('a folder, a file or a link is never replaced by another kind of thing, and a link is not gone through', async () => {
    const elsewhere = join(folder, 'elsewhere')
    mkdirSync(elsewhere)
    mkdirSync(here('odd/file'), { recursive: true })
    writeFileSync(here('odd/file/mine.txt'), 'mine')
    await host.put('one/file', 'file')
    await host.put('two/linked/new.txt', 'new')
    symlinkSync(elsewhere, here('odd/linked'))
    for (const force of [false, true])
      for (const from of ['one', 'two'])
        await assert.rejects(host.fetch(from, here('odd'), { force }), { code: 'TARGET_TAKEN' })
    assert.equal(readFileSync(here('odd/file/mine.txt'), 'utf8'), 'mine')
    assert.deepEqual(readdirSync(elsewhere), [])
  })
})

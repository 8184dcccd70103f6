// What is left of a program that was killed goes with the next one, and nothing else does.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
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
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'

describe('temporary folders', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-temporary-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  const args = (then: string): string[] => [
    '--input-type=module',
    '-e',
    `import { inlinePool } from 'flambeau/testing'\nconst pool = await inlinePool()\n${then}`,
  ]
  const env = { ...process.env, TMPDIR: folder }
  const waiting = `console.log('ready'); setInterval(() => {}, 1000)`
  const runs = async (then: string): Promise<unknown> =>
    promisify(execFile)(process.execPath, args(then), { env })

  /** A program that has one, and goes on. */
  async function start() {
    const child = spawn(process.execPath, args(waiting), { env, stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    return child
  }

  test('go when their program ends without closing anything', async () => {
    await runs('')
    assert.deepEqual(readdirSync(folder), [])
  })

  test('of a program that was killed go with the next one, those of others stay', async () => {
    const [killed, living] = [await start(), await start()]
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    assert.equal(readdirSync(folder).length, 2)
    const mark = readFileSync(join(folder, readdirSync(folder)[0]!, '.owner.json'), 'utf8')
    const dead = { ...JSON.parse(mark), pid: 999_999_999 }
    for (const name of ['flambeau-mine', 'flambeau-container', 'other-mine']) mkdirSync(join(folder, name))
    writeFileSync(
      join(folder, 'flambeau-container/.owner.json'),
      JSON.stringify({ ...dead, namespace: 'pid:[1]' }),
    )
    writeFileSync(join(folder, 'other-mine/.owner.json'), JSON.stringify(dead))
    symlinkSync(join(folder, 'other-mine'), join(folder, 'flambeau-link'))
    await runs('await pool.close()')
    const left = readdirSync(folder).filter((name) => !/-(?:mine|container|link)$/.test(name))
    assert.equal(left.length, 1)
    assert.equal(JSON.parse(readFileSync(join(folder, left[0]!, '.owner.json'), 'utf8')).pid, living.pid)
    assert.equal(readdirSync(folder).length, 5)
    living.kill('SIGTERM')
    await once(living, 'exit')
  })
})

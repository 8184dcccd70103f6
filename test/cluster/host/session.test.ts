// How connections begin and end, whatever is missing on this machine or not heard from the other.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join, relative } from 'node:path'
import { after, describe, test } from 'node:test'
import { LocalHost, SSHHost } from 'flambeau/cluster'
import { until } from '../../support/until.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-sessions-'))
after(() => rmSync(folder, { recursive: true }))

/** Starts agents that say nothing. */
class SilentHost extends LocalHost {
  readonly started: ChildProcess[] = []

  override async start(): Promise<ChildProcess> {
    const child = await super.start(['sleep', '1000'])
    this.started.push(child)
    return child
  }
}

describe('connections', () => {
  test('where this machine has no ssh, that is said', async () => {
    await using host = new SSHHost({ address: 'h1' })
    const path = process.env['PATH']
    process.env['PATH'] = join(folder, 'nothing')
    try {
      await assert.rejects(host.exists('.'), { code: 'NO_SSH_CLIENT', message: /"ssh".*install/ })
    } finally {
      process.env['PATH'] = path
    }
  })

  test('one that is being made is closed with the others, and not made again', async () => {
    const host = new SilentHost('silent', join(folder, 'silent'))
    const asked = host.exists('.').catch((error) => error.code)
    await until(() => host.started.length === 1)
    await host.close()
    assert.equal(await asked, 'HOST_LOST')
    assert.deepEqual(
      host.started.map(({ signalCode }) => signalCode),
      ['SIGKILL'],
    )
  })

  test('a local host is where it was, wherever this process goes', async () => {
    await using host = new LocalHost('local', relative(process.cwd(), join(folder, 'local')))
    assert.ok(isAbsolute(host.folder))
    const { stdout } = await host.exec(['printenv', 'HOME'])
    assert.equal(stdout.toString().trim(), join(folder, 'local'))
  })

  test('who waits for a host hears why the waiting was ended', async () => {
    await using host = new LocalHost('local', join(folder, 'waiting'))
    const signal = AbortSignal.abort('enough')
    await assert.rejects(host.waitUntilAccessible({ signal }), (reason) => reason === 'enough')
  })

  test('a file that changed while it was sent is told by its own path', async () => {
    await using host = new LocalHost('local', join(folder, 'receiving'))
    writeFileSync(join(folder, 'a.txt'), 'b')
    const files = [{ path: 'a.txt', size: 1, executable: false, hash: 'of another' }]
    const tree = { hash: '', files, sources: [join(folder, 'a.txt')] }
    await assert.rejects(host.send(tree, { path: 'there', fresh: false }), {
      code: 'FILE_CHANGED',
      message:
        /^"a.txt" changed.*add "\/a.txt" to .flambeauignore, or exclude data of the run with "!a.txt"$/,
    })
  })

  test('a file that is removed before it is sent has changed', async () => {
    await using host = new LocalHost('local', join(folder, 'removed'))
    for (const size of [1, 1 << 20]) {
      const files = [{ path: 'gone.txt', size, executable: false, hash: 'x' }]
      const tree = { hash: '', files, sources: [join(folder, 'gone.txt')] }
      await assert.rejects(host.send(tree, { path: `there-${size}`, fresh: false }), {
        code: 'FILE_CHANGED',
        message: /^"gone.txt" changed/,
      })
    }
  })
})

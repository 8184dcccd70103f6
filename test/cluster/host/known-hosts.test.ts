// The keys in a file of known hosts are those that ssh-keygen finds there.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { SSHHost } from 'flambeau/cluster'

const hasKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined

describe('known hosts', { skip: hasKeygen ? false : 'needs an OpenSSH client' }, () => {
  let folder: string
  let key: string
  const file = () => join(folder, 'known_hosts')

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flambeau-known-'))
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', join(folder, 'key')])
    key = readFileSync(join(folder, 'key.pub'), 'utf8').split(' ').slice(0, 2).join(' ')
  })
  after(() => rmSync(folder, { recursive: true }))

  /** What is found of a host with this address. */
  async function found(address: string, port: number): Promise<readonly string[]> {
    const config = join(folder, 'ssh_config')
    writeFileSync(config, `Host *\n  UserKnownHostsFile "${file()}"\n  GlobalKnownHostsFile /dev/null\n`)
    const host = new SSHHost({ address, port, sshConfig: config })
    return host.knownKeys()
  }

  function expected(address: string, port: number): string[] {
    const name = port === 22 ? address : `[${address}]:${port}`
    const { stdout } = spawnSync('ssh-keygen', ['-F', name, '-f', file()], { encoding: 'utf8' })
    const lines = stdout.split('\n').filter((line) => line !== '' && !/^[#@]/.test(line))
    return lines.map((line) => line.trim().split(' ').slice(1, 3).join(' '))
  }

  const names = {
    'a name': 'gpu-1',
    'several names': 'gpu-2,gpu-1,192.0.2.1',
    'a name in capitals': 'GPU-1',
    'a part of the name': 'gpu',
    'a pattern': 'gpu-*',
    'a pattern of one character': 'gpu-?',
    'a pattern that excludes it': '*,!gpu-1',
    'a pattern that excludes another': '*,!gpu-2',
    'a dot, which is no pattern': 'gpu.1',
    'a port': '[gpu-1]:2222',
    'another port': '[gpu-1]:22',
    'a revoked key': '@revoked gpu-1',
    'an authority': '@cert-authority gpu-1',
    'a comment': '# gpu-1',
    'spaces before it': '  gpu-1',
  }
  for (const [what, line] of Object.entries(names))
    for (const port of [22, 2222])
      test(`${what}, port ${port}`, async () => {
        writeFileSync(file(), `other ${key}\n${line} ${key} a comment\n`)
        assert.deepEqual(await found('gpu-1', port), expected('gpu-1', port))
      })

  test('hashed names', async () => {
    writeFileSync(file(), `gpu-2 ${key}\ngpu-1 ${key}\n[gpu-1]:2222 ${key}\n`)
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file()], { stdio: 'ignore' })
    assert.match(readFileSync(file(), 'utf8'), /^\|1\|/)
    for (const port of [22, 2222]) {
      assert.deepEqual(await found('gpu-1', port), [key])
      assert.deepEqual(expected('gpu-1', port), [key])
    }
    assert.deepEqual(await found('gpu-3', 22), [])
  })

  test('a line that is no key, and a file that is not there', async () => {
    writeFileSync(
      file(),
      `gpu-1 ssh-ed25519 nonsense\ngpu-1 ${key.replace('ssh-ed25519', 'ssh-rsa')}\ngpu-1\n`,
    )
    assert.deepEqual(await found('gpu-1', 22), [])
    rmSync(file())
    assert.deepEqual(await found('gpu-1', 22), [])
  })
})

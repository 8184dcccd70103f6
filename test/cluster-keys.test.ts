// The one file on a host that is not flambeau's own: who else has lines in it keeps them, whatever happens at once.
import assert from 'node:assert/strict'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { LocalHost } from 'flambeau/cluster'
import { onlyHere } from './support/one-form.js'

describe('authorized_keys', { skip: onlyHere() }, () => {
  const home = mkdtempSync(join(tmpdir(), 'flambeau-keys-'))
  const ssh = join(home, '.ssh')
  const file = join(ssh, 'authorized_keys')
  const lines = (): string[] => readFileSync(file, 'utf8').trim().split('\n')
  const publicKey = (cluster: string): string => `ssh-ed25519 AAAA flambeau:${cluster}`
  const lineOf = (cluster: string): string => `restrict,port-forwarding ${publicKey(cluster)}`
  const authorize = (host: LocalHost, cluster: string): Promise<unknown> =>
    host.ask('authorize', { cluster, publicKey: publicKey(cluster) })
  const down = (host: LocalHost, cluster: string): Promise<unknown> =>
    host.ask('down', { cluster, force: false, graceMs: 0 })
  beforeEach(() => {
    rmSync(ssh, { recursive: true, force: true })
    mkdirSync(ssh, { mode: 0o700 })
    writeFileSync(file, 'ssh-ed25519 BBBB mine\n')
  })
  after(() => rmSync(home, { recursive: true }))

  test('has a line for each of many clusters that change it at once', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `c${index}`)
    const agents = names.map((name) => new LocalHost(name, home))
    await Promise.all(agents.map((agent) => agent.exists('.')))
    await Promise.all(agents.map((agent, index) => authorize(agent, names[index]!)))
    assert.deepEqual(lines().toSorted(), [...names.map(lineOf), 'ssh-ed25519 BBBB mine'].toSorted())
    await Promise.all(agents.map((agent, index) => down(agent, names[index]!)))
    assert.deepEqual(lines(), ['ssh-ed25519 BBBB mine'])
    assert.deepEqual(readdirSync(ssh), ['authorized_keys'])
    await Promise.all(agents.map((agent) => agent.close()))
  })

  test('is not kept from anyone by an agent that was killed', async () => {
    const lock = `${file}.flambeau-lock`
    writeFileSync(lock, '')
    const long = Date.now() / 1000 - 60
    utimesSync(lock, long, long)
    await using host = new LocalHost('local', home)
    await authorize(host, 'test')
    assert.deepEqual(readdirSync(ssh), ['authorized_keys'])
  })

  test('keeps the lines of others byte for byte, whatever their encoding', async () => {
    const others = Buffer.from('# caf\xe9 \xff\xfe\n\nssh-rsa CCCC J\xfcrgen\r\n\t# end', 'latin1')
    writeFileSync(file, others)
    await using host = new LocalHost('local', home)
    await authorize(host, 'test')
    assert.deepEqual(readFileSync(file), Buffer.concat([others, Buffer.from(`\n${lineOf('test')}\n`)]))
    await down(host, 'test')
    assert.deepEqual(readFileSync(file), Buffer.concat([others, Buffer.from('\n')]))
  })

  test('stays a link, where its user keeps it elsewhere', async () => {
    const kept = join(home, 'kept')
    writeFileSync(kept, '')
    rmSync(file)
    symlinkSync('../kept', file)
    await using host = new LocalHost('local', home)
    await authorize(host, 'test')
    assert.equal(readFileSync(kept, 'utf8'), `${lineOf('test')}\n`)
    await down(host, 'test')
    assert.ok(lstatSync(file).isSymbolicLink())
    assert.equal(readFileSync(kept, 'utf8'), '')
  })
})

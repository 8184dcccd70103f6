// The one file on a host that is not flambeau's own: who else has lines in it keeps them, whatever happens at once.
import assert from 'node:assert/strict'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { LocalHost } from 'flambeau/cluster'

function bootOf(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

function processesOf(): string {
  return readlinkSync('/proc/self/ns/pid')
}

describe('authorized_keys', () => {
  const home = mkdtempSync(join(tmpdir(), 'flambeau-keys-'))
  const ssh = join(home, '.ssh')
  const file = join(ssh, 'authorized_keys')
  const lines = (): string[] => readFileSync(file, 'utf8').trim().split('\n')
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBPgxTu1dzMTIWsl3Xmp5DXlJpRpTy1Zf0zpiZbJHX0Q'
  const publicKey = (cluster: string): string => `${key} flambeau:${cluster}`
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

  const year = 365 * 24 * 3600
  const deadHolder = { pid: 2 ** 22 + 1, started: '1', boot: bootOf(), processes: processesOf() }
  const locks = {
    'an agent that was killed': { content: '', age: 60 },
    'a lock with a time in the future': { content: '', age: -year },
    'a lock of an agent that was killed just now': { content: JSON.stringify(deadHolder), age: 0 },
    'a lock of such an agent, with a time in the future': { content: JSON.stringify(deadHolder), age: -45 },
    'a lock that somebody else has made': { content: 'mine', age: 60 },
    'a lock of an unknown host, or of a boot that is over': {
      content: JSON.stringify({ ...deadHolder, boot: 'other' }),
      age: -45,
    },
  }
  for (const [what, { content, age }] of Object.entries(locks))
    test(`is not kept from anyone by ${what}`, async () => {
      const lock = `${file}.flambeau-lock`
      writeFileSync(lock, content)
      const time = Date.now() / 1000 - age
      utimesSync(lock, time, time)
      await using host = new LocalHost('local', home)
      await authorize(host, 'test')
      assert.deepEqual(readdirSync(ssh), ['authorized_keys'])
    })

  const refused = {
    'two lines': `${key}\n${key} flambeau:test`,
    'a line feed behind it': `${key} flambeau:test\n`,
    options: `command="id" ${key} flambeau:test`,
    'another cluster': `${key} flambeau:other`,
    'no comment': key,
    'a type that is not the one in the key': `${key.replace('ssh-ed25519', 'ssh-rsa')} flambeau:test`,
    'no base64': 'ssh-ed25519 \u00e9 flambeau:test',
  }
  for (const [what, publicKey] of Object.entries(refused))
    test(`takes no key with ${what}`, async () => {
      await using host = new LocalHost('local', home)
      await assert.rejects(host.ask('authorize', { cluster: 'test', publicKey }), { code: 'HOST_REFUSED' })
      assert.deepEqual(lines(), ['ssh-ed25519 BBBB mine'])
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

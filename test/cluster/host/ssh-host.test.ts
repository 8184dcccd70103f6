// However ssh gets to a host, so does an SSH host: aliases, ports, jumps, agents, keys, users.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { SSHHost, type SSHHostOptions } from 'flambeau/cluster'
import type { NamespaceHost } from '../../support/namespace-host.js'
import { makeKey, noHosts, noMachines, SshHosts } from '../../support/ssh-hosts.js'

describe('an SSH host', { skip: noHosts }, () => {
  let hosts: SshHosts
  before(async () => {
    hosts = await SshHosts.start(2)
  })
  after(() => hosts.end())

  /** What a host is found to be: its home folder is its own. */
  async function homeOf(options: SSHHostOptions): Promise<string> {
    await using host = new SSHHost(options)
    return (await host.exec(['sh', '-c', 'printf %s "$HOME"'])).stdout.toString()
  }

  const only = (lines: string): string => {
    const path = join(hosts.folder, 'other_config')
    writeFileSync(path, `UserKnownHostsFile ${hosts.knownHosts}\nGlobalKnownHostsFile /dev/null\n${lines}`)
    return path
  }

  test('is reached by its address, port and key', async () => {
    const [one] = hosts.all
    const { address, port } = one!
    assert.equal(await homeOf({ address, port, key: hosts.key, sshConfig: only('') }), one!.home)
  })

  test('is reached on another port', { skip: noMachines }, async () => {
    const [one] = hosts.all as [NamespaceHost]
    await using other = new SSHHost({
      address: one.address,
      port: 2222,
      key: hosts.key,
      sshConfig: only(''),
      connectTimeout: 10,
    })
    await assert.rejects(other.exists('.'), { code: 'HOST_UNREACHABLE', message: /port 2222/ })
    await one.kill()
    appendFileSync(join(one.folder, 'sshd_config'), `ListenAddress ${one.address}:2222\n`)
    await one.boot()
    assert.equal(await other.exists('.'), true)
    await other.close()
  })

  test('is reached by IPv6', { skip: noMachines }, async () => {
    const [one] = hosts.all as [NamespaceHost]
    assert.equal(await homeOf({ address: one.address6, key: hosts.key, sshConfig: only('') }), one.home)
  })

  test('is reached through another one', async () => {
    const [one, two] = hosts.all
    const jump = `Host two\n  HostName ${two!.address}\n  Port ${two!.port}\n  ProxyJump one\nHost one\n  HostName ${one!.address}\n  Port ${one!.port}\nHost *\n  IdentityFile ${hosts.key}\n`
    const before = one!.counts().handshakes
    assert.equal(await homeOf({ address: 'two', sshConfig: only(jump) }), two!.home)
    assert.equal(one!.counts().handshakes, before + 1)
  })

  test('takes a key with a passphrase from an agent, does not forward it, and says so when there is none', async () => {
    const [one] = hosts.all
    const key = join(hosts.folder, 'locked')
    makeKey(key, 'a passphrase')
    appendFileSync(join(one!.folder, 'authorized_keys'), readFileSync(`${key}.pub`))
    const sshConfig = only('IdentitiesOnly yes\nForwardAgent yes\n')
    const options = { address: one!.address, port: one!.port, key, sshConfig }
    await assert.rejects(homeOf(options), { code: 'HOST_LOGIN_REFUSED', message: /ssh-add/ })
    const socket = join(hosts.folder, 'agent')
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(agent.stdout, 'data')
    const ask = join(hosts.folder, 'ask')
    writeFileSync(ask, '#!/bin/sh\necho a passphrase\n', { mode: 0o700 })
    const env = {
      ...process.env,
      SSH_AUTH_SOCK: socket,
      SSH_ASKPASS: ask,
      SSH_ASKPASS_REQUIRE: 'force',
      DISPLAY: ':0',
    }
    execFileSync('ssh-add', ['-q', key], { env, stdio: 'ignore' })
    const usual = process.env['SSH_AUTH_SOCK']
    process.env['SSH_AUTH_SOCK'] = socket
    try {
      assert.equal(await homeOf(options), one!.home)
      await using host = new SSHHost(options)
      const { stdout } = await host.exec(['sh', '-c', 'echo "<$SSH_AUTH_SOCK>"'])
      assert.equal(stdout.toString(), '<>\n')
    } finally {
      if (usual === undefined) delete process.env['SSH_AUTH_SOCK']
      else process.env['SSH_AUTH_SOCK'] = usual
      agent.kill()
    }
  })

  test('that refuses a key, is not there, or has a wrong name is told apart', async () => {
    const [one] = hosts.all
    const stranger = join(hosts.folder, 'stranger')
    makeKey(stranger)
    const known = { address: one!.address, port: one!.port, sshConfig: only(''), connectTimeout: 2 }
    await assert.rejects(homeOf({ ...known, key: stranger }), {
      code: 'HOST_LOGIN_REFUSED',
      message: new RegExp(stranger),
    })
    await assert.rejects(homeOf({ ...known, key: `${stranger}-not` }), { code: 'NO_KEY_FILE' })
    await assert.rejects(homeOf({ ...known, key: hosts.key, user: 'no-such-user' }), {
      code: 'HOST_LOGIN_REFUSED',
      message: /"no-such-user"/,
    })
    await assert.rejects(homeOf({ address: 'no-such-host.invalid', sshConfig: only('') }), {
      code: 'HOST_NOT_FOUND',
    })
    await assert.rejects(homeOf({ address: 'h1', sshConfig: join(hosts.folder, 'nothing') }), {
      code: 'BAD_SSH_CONFIG',
    })
    await assert.rejects(homeOf({ ...known, port: 1, key: hosts.key }), {
      code: 'HOST_UNREACHABLE',
      message: /port 1/,
    })
  })

  test('that is frozen or cut off is given up, and can be used when it is back', {
    skip: noMachines,
  }, async () => {
    const [, two] = hosts.all
    await using host = new SSHHost({ ...hosts.options(two!), connectTimeout: 1 })
    await host.exec(['true'])
    two!.freeze()
    await assert.rejects(host.exec(['true']), { name: 'ClusterError' })
    await host.close()
    await assert.rejects(host.exec(['true']), { code: 'HOST_UNREACHABLE' })
    two!.thaw()
    assert.equal((await host.exec(['true'])).exitCode, 0)
  })

  test('can be waited for while it starts', { skip: noMachines }, async () => {
    const [, two] = hosts.all
    await using host = new SSHHost({ ...hosts.options(two!), connectTimeout: 1 })
    await two!.kill()
    await assert.rejects(host.waitUntilAccessible({ timeoutMs: 500 }), { code: 'HOST_UNREACHABLE' })
    const waited = host.waitUntilAccessible({ timeoutMs: 60_000 })
    await two!.boot()
    await waited
  })

  test('that nobody closes lets a program end, and leaves nothing', async () => {
    const program = `import { SSHHost } from ${JSON.stringify(import.meta.resolve('flambeau/cluster'))}
      const host = new SSHHost(${JSON.stringify(hosts.options(hosts.all[0]!))})
      await host.exec(['true'])
      console.log('done')`
    const temporary = join(hosts.folder, 'tmp')
    mkdirSync(temporary)
    const env = { ...process.env, TMPDIR: temporary }
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      env,
      timeout: 60_000,
    })
    assert.equal(said.toString(), 'done\n')
    assert.deepEqual(readdirSync(temporary), [])
  })
})

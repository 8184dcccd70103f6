// The SSH hosts of the tests do what is asked of them, and leave nothing behind.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { SSHHost } from 'flambeau/cluster'
import { onlyHere } from './support/one-form.js'
import { noHosts, noMachines, SshHosts } from './support/ssh-hosts.js'

test('hosts run programs, each at its own home', { skip: onlyHere(noHosts) }, async () => {
  const hosts = await SshHosts.start(2)
  for (const one of hosts.all) {
    await using host = new SSHHost(hosts.options(one))
    const { stdout } = await host.exec(['sh', '-c', 'echo "$HOME"'])
    assert.equal(stdout.toString(), `${one.home}\n`)
    assert.deepEqual(one.counts(), { handshakes: 1, executions: 1 })
  }
  await hosts.end()
})

test('hosts leave no process, link or file', { skip: onlyHere(noHosts) }, async () => {
  const before = { links: networkInterfaces(), processes: ours() }
  const hosts = await SshHosts.start(2)
  const host = new SSHHost(hosts.options(hosts.all[0]!))
  await host.exec(['sh', '-c', 'sleep 1000 >/dev/null 2>&1 </dev/null &'])
  assert.notEqual(hosts.all[0]!.processes().length, 0)
  await host.close()
  await hosts.end()
  assert.deepEqual({ links: networkInterfaces(), processes: ours() }, before)
  assert.equal(existsSync(hosts.folder), false)
})

test('a host can be cut off, killed and booted', { skip: onlyHere(noMachines) }, async () => {
  const hosts = await SshHosts.start(1)
  const [one] = hosts.all
  await using host = new SSHHost({ ...hosts.options(one!), connectTimeout: 1 })
  const bootOf = async (): Promise<string> => (await host.get('/proc/sys/kernel/random/boot_id')).toString()
  const first = await bootOf()
  await one!.kill()
  await assert.rejects(bootOf())
  await one!.boot()
  assert.notEqual(await bootOf(), first)
  one!.cut()
  await assert.rejects(bootOf())
  one!.mend()
  await bootOf()
  await hosts.end()
})

/** The processes of this machine that are of a host of these tests. */
function ours(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => commandOf(pid).includes('flambeau-hosts-'))
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

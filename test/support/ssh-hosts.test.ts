// The SSH hosts of the tests do what is asked of them, and leave nothing behind.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { SSHHost } from 'flambeau/cluster'
import { allProcesses, argumentsOf } from './processes.js'
import { noHosts, noMachines, SshHosts } from './ssh-hosts.js'

test('hosts run programs, each at its own home', { skip: noHosts }, async () => {
  const hosts = await SshHosts.start(2)
  for (const one of hosts.all) {
    await using host = new SSHHost(hosts.options(one))
    const { stdout } = await host.exec(['sh', '-c', 'echo "$HOME"'])
    assert.equal(stdout.toString(), `${one.home}\n`)
    assert.deepEqual(one.counts(), { handshakes: 1, executions: 1 })
  }
  await hosts.end()
})

test('hosts leave no process, link or file', { skip: noHosts }, async () => {
  const hosts = await SshHosts.start(2)
  const host = new SSHHost(hosts.options(hosts.all[0]!))
  await host.exec(['sh', '-c', 'sleep 1000 >/dev/null 2>&1 </dev/null &'])
  assert.notEqual(hosts.all[0]!.processes().length, 0)
  const { address } = hosts.all[0]!
  assert.notEqual(processesOf(hosts.folder).length, 0)
  await host.close()
  await hosts.end()
  assert.deepEqual(
    { networks: networksOf(address), processes: processesOf(hosts.folder) },
    { networks: [], processes: [] },
  )
  assert.equal(existsSync(hosts.folder), false)
})

test('a host can be cut off, killed and booted', { skip: noMachines }, async () => {
  const hosts = await SshHosts.start(1)
  try {
    await cutKilledAndBooted(hosts)
  } finally {
    await hosts.end()
  }
})

async function cutKilledAndBooted(hosts: SshHosts): Promise<void> {
  const [one] = hosts.all
  await using host = new SSHHost({ ...hosts.options(one!), connectTimeout: 5 })
  const bootOf = async (): Promise<string> => (await host.get('/proc/sys/kernel/random/boot_id')).toString()
  const first = await bootOf()
  await one!.kill()
  await assert.rejects(bootOf())
  await one!.boot()
  assert.notEqual(await bootOf(), first)
  one!.cut()
  await assert.rejects(bootOf())
  one!.mend()
  // The kernel remembers for a while that nobody answered there.
  const answers = () => bootOf().then(Boolean, () => false)
  let back = await answers()
  for (let tries = 1; !back && tries < 10; tries++) back = await answers()
  assert.ok(back, 'it answers again')
}

/** The processes with this folder in an argument. */
function processesOf(folder: string): number[] {
  return allProcesses().filter((pid) => argumentsOf(pid).some((each) => each.includes(folder)))
}

/** The network links of this machine, but for the loopback, that are in the network of a host. */
function networksOf(host: string): string[] {
  const network = host.slice(0, host.lastIndexOf('.') + 1)
  const links = Object.entries(networkInterfaces()).filter(([name]) => name !== 'lo')
  return links
    .filter(([, all]) => all!.some(({ address }) => address.startsWith(network)))
    .map(([name]) => name)
}

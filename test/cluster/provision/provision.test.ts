// Bringing a cluster up: what it costs, what it leaves on the hosts, and how it names all that is wrong.
import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ClusterError } from 'flambeau'
import { type ClusterOptions, SSHCluster, SSHHost } from 'flambeau/cluster'
import { Project } from '../../support/cluster-project.js'
import type { NamespaceHost } from '../../support/namespace-host.js'
import { noHosts, noMachines, SshHosts } from '../../support/ssh-hosts.js'
import type { TestHost } from '../../support/test-host.js'

describe('bringing up', { skip: noHosts }, () => {
  let hosts: SshHosts
  let project: Project
  before(async () => {
    hosts = await SshHosts.start(3)
    project = new Project()
  })
  after(async () => {
    project.end()
    await hosts.end()
  })

  const make = (
    options: Partial<ClusterOptions> & { connectTimeout?: number; node?: string } = {},
  ): SSHCluster =>
    new SSHCluster({
      name: 'test',
      orchestratorIp: 'h1',
      factoriesIps: ['h2', 'h3'],
      sshConfig: hosts.config,
      connectTimeout: 10,
      ...options,
    } as ConstructorParameters<typeof SSHCluster>[0])

  /** How often each host was connected to, and how many programs were started on it, while something was done. */
  async function counted(act: () => Promise<unknown>): Promise<{ handshakes: number; executions: number }[]> {
    const before = hosts.all.map((host) => host.counts())
    await act()
    return hosts.all.map((host, index) => ({
      handshakes: host.counts().handshakes - before[index]!.handshakes,
      executions: host.counts().executions - before[index]!.executions,
    }))
  }

  test('takes one connection and one execution a host, and says what it did', async () => {
    const before = hosts.all.map(listing)
    await using cluster = make({ setupCmds: ['echo set >> set-up'] })
    const plan = await cluster.plan()
    assert.ok(plan.every(({ would }) => would.length > 0))
    assert.deepEqual(hosts.all.map(listing), before, 'a plan makes nothing')
    await cluster.close()
    const counts = await counted(async () => {
      const reports = await cluster.up()
      assert.deepEqual(
        reports.map(({ host, role }) => `${host} ${role}`),
        ['h1 orchestrator', 'h2 factory', 'h3 factory'],
      )
      for (const { did } of reports) assert.equal(did[0], 'ran 1 setup command')
      await cluster.close()
    })
    // The orchestrator has connected to each of the others once, since it had never been there.
    assert.deepEqual(
      counts.map(({ handshakes }) => handshakes),
      [1, 2, 2],
    )
    for (const { executions } of counts) assert.ok(executions <= 3)
  })

  test('again takes one connection and one execution a host, and does nothing', async () => {
    await using cluster = make({ setupCmds: ['echo set >> set-up'] })
    const before = hosts.all.map(listing)
    const counts = await counted(async () => {
      for (const { did } of await cluster.up()) assert.deepEqual(did, [])
      for (const { would } of await cluster.plan()) assert.deepEqual(would, [])
    })
    assert.deepEqual(counts, Array(3).fill({ handshakes: 1, executions: 1 }))
    assert.deepEqual(hosts.all.map(listing), before)
    for (const { home } of hosts.all) assert.equal(readFileSync(join(home, 'set-up'), 'utf8'), 'set\n')
  })

  test('keeps to its folder, which only its owner can read', async () => {
    for (const { home } of hosts.all) {
      assert.deepEqual(readdirSync(home).sort(), ['.flambeau', '.ssh', 'set-up'])
      for (const path of below(join(home, '.flambeau'))) {
        const { mode } = lstatSync(path)
        if (!lstatSync(path).isSymbolicLink()) assert.equal(mode & 0o077, 0, path)
      }
    }
  })

  test('gives the orchestrator alone a key, which is restricted, and never grows', async () => {
    const [orchestrator, ...factories] = hosts.all
    const own = readFileSync(`${hosts.key}.pub`, 'utf8').trim()
    const made = readFileSync(join(orchestrator!.home, '.flambeau/clusters/test/key.pub'), 'utf8').trim()
    assert.notEqual(made, own)
    assert.match(made, /^ssh-ed25519 /)
    assert.deepEqual(authorized(orchestrator!), [own])
    for (const factory of factories)
      assert.deepEqual(authorized(factory), [own, `restrict,port-forwarding ${made}`])
    const secret = /-----BEGIN [A-Z ]*PRIVATE KEY-----/
    const keys = hosts.all.map(({ home }) =>
      below(home).filter((path) => isFile(path) && secret.test(readFileSync(path, 'latin1'))),
    )
    assert.deepEqual(keys, [[join(orchestrator!.home, '.flambeau/clusters/test/key')], [], []])
    await using other = make({ name: 'other' })
    await other.up()
    await other.down()
    for (const factory of factories)
      assert.deepEqual(authorized(factory), [own, `restrict,port-forwarding ${made}`])
  })

  test('replaces the line with which an earlier version let the orchestrator in', async () => {
    const [orchestrator, factory] = hosts.all
    const own = readFileSync(`${hosts.key}.pub`, 'utf8').trim()
    const made = readFileSync(join(orchestrator!.home, '.flambeau/clusters/test/key.pub'), 'utf8').trim()
    writeFileSync(join(factory!.home, '.ssh/authorized_keys'), `${own}\nrestrict ${made}\n`)
    await using cluster = make()
    assert.deepEqual(
      (await cluster.up()).map(({ did }) => did),
      [['reached its 2 workers'], ['let the orchestrator in'], []],
    )
    assert.deepEqual(authorized(factory!), [own, `restrict,port-forwarding ${made}`])
  })

  test('lets the orchestrator reach its factories, to run programs there and nothing that needs a terminal', {
    skip: noMachines,
  }, async () => {
    const [orchestrator, factory] = hosts.all as [NamespaceHost, NamespaceHost]
    await using host = new SSHHost(hosts.options(orchestrator))
    const folder = join(orchestrator.home, '.flambeau/clusters/test')
    const given = [
      '-o',
      'BatchMode=yes',
      '-i',
      join(folder, 'key'),
      '-o',
      `UserKnownHostsFile=${join(folder, 'known_hosts')}`,
    ]
    const there = [factory.address]
    const ssh = (...args: string[]) => host.exec(['ssh', ...given, ...args])
    assert.equal((await ssh(...there, 'echo', 'here')).stdout.toString(), 'here\n')
    const { stdout } = await ssh('-tt', ...there, 'test -t 0 && echo terminal')
    assert.doesNotMatch(stdout.toString(), /terminal/)
  })

  test('runs changed setup commands again, and names the one that fails with what it said', async () => {
    await using cluster = make({ setupCmds: ['true', 'echo what is wrong >&2; exit 3', 'touch never'] })
    const failed = {
      code: 'HOSTS_NOT_READY',
      message: /"echo what is wrong >&2; exit 3" on host "h2" exited with 3:\n\s+what is wrong/,
    }
    await assert.rejects(cluster.up(), failed)
    await using mended = make({ setupCmds: ['true', 'echo "a>=1,<2"', 'test ! -e never'] })
    for (const { did } of await mended.up()) assert.deepEqual(did, ['ran 3 setup commands'])
  })

  test('names all that is wrong with all hosts at once, and makes the others ready', {
    skip: noMachines,
  }, async () => {
    const [one, two, three] = hosts.all as [NamespaceHost, NamespaceHost, NamespaceHost]
    await using before = make()
    await before.down({ force: true })
    two.hideNode()
    three.cut()
    await using cluster = make({ connectTimeout: 2 })
    const failure = await failureOf(cluster.up())
    three.mend()
    assert.deepEqual(failure.findings.map(({ host, code }) => `${host} ${code}`).sort(), [
      'h2 HOST_NO_NODE',
      'h3 HOST_UNREACHABLE',
    ])
    assert.match(failure.message, /^2 of 3 hosts are not ready\n/)
    assert.match(failure.message, /Host "h2" has no Node: install Node 20.19 or newer/)
    assert.ok(existsSync(join(one.home, '.flambeau/packages')))
    await restart(two)
    await using patient = make()
    assert.equal((await patient.up()).length, 3)
  })

  test('names an old Node, a read-only home and a full disk', { skip: noMachines }, async () => {
    const [one, two, three] = hosts.all as [NamespaceHost, NamespaceHost, NamespaceHost]
    await using before = make()
    await before.down({ force: true })
    await before.close()
    const old = project.file('old-node', '#!/bin/sh\necho v18.20.4\n')
    chmodSync(old, 0o755)
    two.mount('-t', 'tmpfs', '-o', 'ro', 'none', two.home)
    three.mount('-t', 'tmpfs', '-o', 'size=1m', 'none', three.home)
    await using cluster = make({})
    await using aged = new SSHHost({ ...hosts.options(one), node: old })
    await assert.rejects(aged.exists('.'), {
      code: 'HOST_OLD_NODE',
      message: /Host "h1" has an old Node \(.*old-node is v18.20.4\)/,
    })
    const failure = await failureOf(cluster.up())
    assert.deepEqual(failure.findings.map(({ host, code }) => `${host} ${code}`).sort(), [
      'h2 HOST_READ_ONLY',
      'h3 HOST_DISK_FULL',
    ])
    await cluster.close()
    await using host = new SSHHost(hosts.options(three))
    await assert.rejects(host.put('big', Buffer.alloc(8 << 20)), { code: 'HOST_DISK_FULL' })
    await assert.rejects(host.put('one-too-many', Buffer.alloc((await freeBytes(host)) + 1)), {
      code: 'HOST_DISK_FULL',
    })
    mkdirSync(join(project.folder, 'big'), { recursive: true })
    writeFileSync(join(project.folder, 'big/file'), Buffer.alloc(8 << 20))
    await assert.rejects(host.sync(join(project.folder, 'big'), 'big'), { code: 'HOST_DISK_FULL' })
    await host.close()
    for (const each of [two, three]) await restart(each)
    assert.equal((await cluster.up()).length, 3)
  })

  test('a login shell that prints something does no harm', async () => {
    writeFileSync(join(hosts.all[0]!.home, '.bashrc'), 'echo welcome; printf "no end of line"\n')
    await using host = new SSHHost(hosts.options(hosts.all[0]!))
    assert.equal((await host.exec(['echo', 'a'])).stdout.toString(), 'a\n')
    rmSync(join(hosts.all[0]!.home, '.bashrc'))
  })

  test('taking it down removes all that was put on the hosts', async () => {
    const cluster = make()
    await cluster.down({ force: true })
    const before = hosts.all.map(listing)
    const file = project.sshClusterFile(hosts, { extra: 'setup_cmds: ["true"]\n' })
    project.jobFile(
      'return 1',
      `await options.cluster.createDirs(['data']); await options.cluster.sendLocalContent({ here: ${JSON.stringify(project.file('sent.txt', 'sent'))} }, 'sent', { allHosts: true })`,
    )
    const run = await project.flambeau('run', 'job.yaml', '-c', file, '--import', './jobs.js')
    assert.deepEqual([run.code, run.stdout], [0, '1\n'], run.stderr)
    assert.notDeepEqual(hosts.all.map(listing), before)
    const down = await project.flambeau('down', file)
    assert.equal(down.code, 0, down.stderr)
    assert.deepEqual(hosts.all.map(listing), before)
    await cluster.close()
  })
})

async function failureOf(up: Promise<unknown>): Promise<ClusterError> {
  const error = await up.then(
    () => undefined,
    (thrown) => thrown,
  )
  assert.ok(error instanceof ClusterError, `no ClusterError: ${error}`)
  return error
}

async function freeBytes(host: SSHHost): Promise<number> {
  const { stdout } = await host.exec(['stat', '-f', '-c', '%a %S', '.'])
  const [blocks, size] = stdout.toString().split(' ').map(Number)
  return blocks! * size!
}

function restart(host: TestHost): Promise<void> {
  return host.kill().then(() => host.boot())
}

function authorized({ home }: TestHost): string[] {
  return readFileSync(join(home, '.ssh/authorized_keys'), 'utf8').trim().split('\n')
}

/** The home folder of a host: names, kinds, sizes and modes. */
function listing({ home }: TestHost): string[] {
  return below(home).map((path) => {
    const { mode, size } = lstatSync(path)
    return `${path} ${mode.toString(8)} ${isFile(path) ? size : ''}`
  })
}

function isFile(path: string): boolean {
  return lstatSync(path).isFile()
}

function below(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.map((name) => join(folder, name)).sort()
}

// Hosts by the names that ~/.ssh/config gives them: the orchestrator, which has no such file, reaches them all the same.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import type { ClusterError } from 'flambeau'
import { SSHCluster } from 'flambeau/cluster'
import { Project } from '../support/cluster-project.js'
import type { NamespaceHost } from '../support/namespace-host.js'
import { redisServer } from '../support/redis.js'
import { noMachines, SshHosts } from '../support/ssh-hosts.js'

describe('a cluster of aliases', { skip: noMachines }, () => {
  let hosts: SshHosts
  let one: NamespaceHost
  let two: NamespaceHost
  let project: Project
  let config: string
  before(async () => {
    hosts = await SshHosts.start(2)
    project = new Project()
    ;[one, two] = hosts.all as [NamespaceHost, NamespaceHost]
    await two.kill()
    two.configure(`ListenAddress ${two.address}:2222`)
    await two.boot()
    // Another user than that of the orchestrator, who may go through the folders above the home folder.
    two.addUser({ name: 'ada', uid: 4321 })
    for (const folder of [two.home, join(two.folder, 'tmp')])
      execFileSync('chown', ['-R', '4321:4321', folder])
    for (const folder of [hosts.folder, two.folder]) chmodSync(folder, 0o711)
    chmodSync(join(two.folder, 'authorized_keys'), 0o644)
    config = configOf()
  })
  after(async () => {
    project.end()
    await hosts.end()
  })

  function configOf(): string {
    const path = join(hosts.folder, 'alias_config')
    const lines = [
      `Host boss\n  HostName ${one.address}`,
      `Host gpu-1\n  HostName ${two.address}\n  Port 2222\n  User ada`,
      `Host *\n  IdentityFile "${hosts.key}"\n  UserKnownHostsFile "${hosts.knownHosts}"`,
      '  GlobalKnownHostsFile /dev/null',
    ]
    writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 })
    return path
  }
  const make = (options: object = {}): SSHCluster =>
    new SSHCluster({
      name: 'test',
      orchestratorIp: 'boss',
      factoriesIps: ['gpu-1'],
      sshConfig: config,
      ...options,
    })
  const failureOf = async (cluster: SSHCluster): Promise<ClusterError> =>
    cluster.up().then(
      () => assert.fail('it is up'),
      (error) => error,
    )

  test('is reached from the orchestrator as from here: address, port and user', async () => {
    await using cluster = make()
    assert.deepEqual((await cluster.plan())[0]!.would.at(-1), 'connect to its worker')
    const [boss] = await cluster.up()
    assert.equal(boss!.did.at(-1), 'reached its worker')
    const code = `const { connectToFactories } = await import('flambeau/cluster')
      const [factory] = await connectToFactories(this.env)
      const { stdout } = await factory.exec(['sh', '-c', 'id -un; echo "$SSH_CONNECTION"'])
      return [this.env.orchestratorIp, ...this.env.factoriesIps, String(stdout)]`
    const run = await cluster.submit(await project.job(code), { imports: [project.module] })
    const { value } = await run.wait()
    const log = (await buffer(run.logs())).toString()
    const [orchestrator, factory, said] = (value ?? assert.fail(log)) as string[]
    assert.deepEqual([orchestrator, factory], [one.address, two.address])
    assert.match(said!, new RegExp(`^ada\\n${one.address} \\d+ ${two.address} 2222\\n$`))
  })

  test('does the tasks of a sweep', { skip: redisServer === undefined && 'needs redis-server' }, async () => {
    project.file(
      'cluster.yaml',
      `!SSHCluster { name: test, orchestrator_ip: boss, factories_ips: [gpu-1], ssh_config: ${config} }\n`,
    )
    const code = 'return { user: (await import("node:os")).userInfo().username, n: this.options.n }'
    project.file(
      'sweep.yaml',
      `!Sweep\neach: !Job { code: ${JSON.stringify(code)}, n: !choice [1, 2] }\nmetric: n\n`,
    )
    const {
      code: exit,
      stdout,
      stderr,
    } = await project.flambeau('run', 'sweep.yaml', '-c', 'cluster.yaml', '--import', './jobs.js')
    assert.equal(exit, 0, stderr)
    assert.match(stdout, /"n": 2/)
  })

  test('is tried again only when something changed', async () => {
    await using cluster = make()
    await cluster.up()
    const before = two.counts()
    await cluster.up()
    assert.deepEqual(two.counts(), before)
  })

  test('names both hosts when one does not reach the other, and what to type', async () => {
    const nowhere = two.address.replace(/\d+$/, '99')
    await using cluster = make({ name: 'apart', factoriesIps: [['gpu-1', nowhere]], connectTimeout: 2 })
    for (const _ of ['at first', 'and until it is mended']) {
      const { code, message, findings } = await failureOf(cluster)
      assert.equal(code, 'FACTORY_OUT_OF_REACH')
      assert.deepEqual(
        findings.map(({ host }) => host),
        ['gpu-1'],
      )
      assert.match(
        message,
        /^Orchestrator "boss" does not reach worker "gpu-1" at "ada@198\.\S+\.99", port 22 /,
      )
      assert.match(message, /"factories_ips: \[\[gpu-1, ADDRESS\]\]"/)
    }
  })

  test('names the one that does not let the orchestrator in, with a command that says so', async () => {
    const authorized = join(two.home, '.ssh/authorized_keys')
    await two.kill()
    two.configure('Match User ada', `  AuthorizedKeysFile "${join(two.folder, 'authorized_keys')}"`)
    await two.boot()
    two.addUser({ name: 'ada', uid: 4321 })
    execFileSync('rm', ['-f', authorized])
    await using cluster = make()
    const { code, message } = await failureOf(cluster)
    assert.equal(code, 'FACTORY_OUT_OF_REACH')
    assert.match(message, /\(.*Permission denied \(publickey\)\): let its sshd read/)
    const [, command] = /"(ssh -F .*)" tries it$/.exec(message) ?? []
    assert.ok(command, message)
    assert.throws(
      () =>
        execFileSync('sh', ['-c', command.replace('ssh -p', 'ssh -o BatchMode=yes -p')], { stdio: 'pipe' }),
      /Permission denied \(publickey\)/,
    )
  })
})

// How workers on factories reach Redis: where only SSH is open, by TLS, and not at all.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { type Cluster, type RemoteRun, SSHCluster } from 'flambeau/cluster'
import { below, forgetNeighbours, isRedis, nothingBelow } from '../../../support/cluster-processes.js'
import type { NamespaceHost } from '../../../support/namespace-host.js'
import { argumentsOf } from '../../../support/processes.js'
import { redisServer } from '../../../support/redis.js'
import { noMachines, SshHosts } from '../../../support/ssh-hosts.js'
import { notesIn, TrialProject } from '../../../support/trial-project.js'
import { until } from '../../../support/until.js'

const noRedis = redisServer === undefined && 'there is no redis-server or valkey-server here'

describe('where nothing but SSH is open between the hosts', { skip: noRedis || noMachines }, () => {
  let project: TrialProject
  let hosts: SshHosts
  let [orchestrator, kept, other]: NamespaceHost[] = []
  const make = (): Cluster => {
    const [first, ...factoriesIps] = hosts.all.map(({ name, address }) => [name, address] as const)
    return new SSHCluster({
      name: 'ways',
      orchestratorIp: [...first!],
      factoriesIps: factoriesIps.map((each) => [...each]),
      sshConfig: hosts.config,
      connectTimeout: 10,
    })
  }
  const begun = (notes: string, host: NamespaceHost): number =>
    notesIn(notes).filter(({ home }) => home === host.home).length

  before(async () => {
    project = new TrialProject()
    await import(project.module.href)
    hosts = await SshHosts.start(3)
    ;[orchestrator, kept, other] = hosts.all as NamespaceHost[]
    orchestrator!.closeAllButSsh()
  })
  after(async () => {
    await hosts.end()
    project.end()
  })

  for (const tls of [false, true])
    test(`workers reach Redis through SSH${tls ? ', by TLS' : ''}, also after their host was killed or cut off`, async () => {
      const [notes, enough] = [project.fresh(), project.fresh()]
      await using cluster = make()
      const pool = { workers: 1, lockMs: 3000, tls }
      const run = await submit(cluster, { until: enough, trial: { notes, ms: 100 }, pool })
      const takesPart = async (host: NamespaceHost): Promise<void> => {
        const before = begun(notes, host)
        await until(() => begun(notes, host) > before + 3, `${host.name} takes part`)
      }
      await Promise.all([takesPart(kept!), takesPart(other!)])
      for (const host of [kept!, other!])
        assert.equal(host.listening().length, 2, 'sshd, and one way to Redis')
      if (tls) await speaksTlsOnly()
      await other!.kill()
      await takesPart(kept!)
      await other!.boot()
      forgetNeighbours(hosts)
      await takesPart(other!)
      other!.cut()
      await takesPart(kept!)
      other!.mend()
      await takesPart(other!)
      writeFileSync(enough, '')
      const done = new Set((await run.wait()).value as string[])
      for (const { id } of notesIn(notes)) assert.ok(done.has(id), `${id} was begun, and is not done`)
      await nothingBelow(hosts.folder)
      for (const host of [kept!, other!])
        await until(() => host.listening().length === 1, `nothing but sshd listens on ${host.name}`)
      assert.match(await logOf(run), /they will connect through SSH now/)
    })

  test('a factory whose sshd forbids it is named with what to write, and the others do its tasks', async () => {
    other!.configure('AllowTcpForwarding no')
    await restart(other!)
    const notes = project.fresh()
    await using cluster = make()
    const run = await submit(cluster, { until: project.fresh(), trial: { notes, ms: 100 } })
    await until(() => begun(notes, kept!) > 3, 'the other one works')
    await until(async () => /does not allow port forwarding/.test(await logOf(run)), 'it is named')
    const said = `Host "${other!.address}" does not allow port forwarding over SSH: add "AllowTcpForwarding remote" to its sshd_config`
    assert.ok((await logOf(run)).includes(said))
    assert.equal(begun(notes, other!), 0)
    await run.cancel({ graceMs: 1000 })
    await nothingBelow(hosts.folder)
  })

  test('when no factory reaches Redis the run ends, and says why', async () => {
    kept!.configure('AllowTcpForwarding no')
    await restart(kept!)
    await using cluster = make()
    const run = await submit(cluster, { count: 2, trial: {} })
    assert.equal((await run.wait()).exitCode, 69)
    assert.match(await logOf(run), /No worker host reaches Redis: .* add "AllowTcpForwarding remote"/)
    await nothingBelow(hosts.folder)
  })

  async function restart(host: NamespaceHost): Promise<void> {
    await host.kill()
    await host.boot()
    forgetNeighbours(hosts)
  }

  async function submit(cluster: Cluster, options: object): Promise<RemoteRun> {
    return cluster.submit(await project.trials(options), { imports: [project.module], force: true })
  }

  /** Whoever asks Redis in the clear is not answered; its key is in no file. */
  async function speaksTlsOnly(): Promise<void> {
    const redis = below(hosts.folder).find(isRedis)!
    const port = Number(/:(\d+)/.exec(argumentsOf(redis)[0]!)![1])
    const inside = ['-t', String(redis), '--net', process.execPath, '-e']
    const plain = `require('net').connect(${port}, '${orchestrator!.address}').on('data', (d) => console.log(d)).end('PING\\r\\n')`
    const tls = `require('tls').connect({ port: ${port}, host: '${orchestrator!.address}', rejectUnauthorized: false }, function () { console.log(this.getPeerCertificate().subjectaltname); this.end() })`
    const said = (script: string): string =>
      spawnSync('nsenter', [...inside, script], { timeout: 10_000 })
        .stdout.toString()
        .trim()
    assert.equal(said(plain), '')
    assert.equal(said(tls), `IP Address:${orchestrator!.address}, IP Address:127.0.0.1`)
    const { stdout } = spawnSync('grep', ['-rlsx', '-e', '-----BEGIN .*PRIVATE KEY-----', orchestrator!.home])
    const sshKey = join(orchestrator!.home, '.flambeau/clusters/ways/key')
    assert.deepEqual(stdout.toString().trim().split('\n'), [sshKey])
  }
})

async function logOf(run: RemoteRun): Promise<string> {
  return (await buffer(run.logs())).toString()
}

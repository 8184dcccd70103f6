// The events of a run on a cluster: its host keeps them, and whoever attaches to it reads them.
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunEvent } from 'flambeau'
import { type Cluster, LocalCluster, type RemoteRun, SSHCluster } from 'flambeau/cluster'
import { Project } from '../../support/cluster-project.js'
import { noMachines, SshHosts } from '../../support/ssh-hosts.js'
import { until } from '../../support/until.js'

let project: Project
before(() => {
  project = new Project()
})
after(() => project.end())

async function submit(cluster: Cluster, code: string, secrets?: string): Promise<RemoteRun> {
  const job = await project.job(code, secrets === undefined ? {} : { secrets })
  return cluster.submit(job, { imports: [project.module] })
}

async function eventsOf(run: RemoteRun, options = {}): Promise<RunEvent[]> {
  const events: RunEvent[] = []
  for await (const event of run.events(options)) events.push(event)
  return events
}

const values = (events: readonly RunEvent[]) =>
  events.map((event) => (event.type === 'progress' ? event.value : event.type))

/** Progress, three times each 20 ms, and messages. */
const steps = `
  for (let step = 1; step <= 3; step++) {
    options.progress({ step })
    options.logger.info('step ' + step)
    await delay(20)
  }`

describe('the events of a run on a local cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-local-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const make = (secrets: string[] = []) => new LocalCluster({ name: 'test', folder, factories: 1, secrets })
  const file = (run: RemoteRun) => join(folder, 'orchestrator/.flambeau/runs', run.id, 'events.jsonl')

  test('are its progress, as it comes; its messages are in the log', async () => {
    await using cluster = make()
    const code = `${steps}; while (!files.existsSync('go')) await delay(20); options.progress(4)`
    const run = await submit(cluster, code)
    const followed = run.events({ follow: true })
    for (const step of [1, 2, 3]) assert.deepEqual(values([(await followed.next()).value]), [{ step }])
    assert.equal((await run.status()).state, 'running')
    assert.deepEqual(values(await eventsOf(run)), [{ step: 1 }, { step: 2 }, { step: 3 }])
    writeFileSync(join(file(run), '../work/go'), '')
    assert.deepEqual(values([(await followed.next()).value]), [4])
    assert.equal((await followed.next()).done, true)
    for (const { time } of await eventsOf(run)) assert.equal(new Date(time).toISOString(), time)
    assert.equal(statSync(file(run)).mode & 0o777, 0o600)
    // Nothing is recorded by a program that does not do so.
    assert.throws(() => statSync(join(project.folder, '.flambeau')), /ENOENT/)
  })

  test('are read to their end by several at once, and a reader may leave', async () => {
    await using cluster = make()
    const run = await submit(cluster, steps)
    for await (const event of run.events({ follow: true })) if (event.type === 'progress') break
    const [one, other] = await Promise.all([1, 2].map(() => eventsOf(run, { follow: true })))
    assert.deepEqual([values(one!), one], [[{ step: 1 }, { step: 2 }, { step: 3 }], other])
    assert.equal((await run.wait()).state, 'succeeded')
  })

  test('have no secrets', async () => {
    const secrets = project.file('secrets.ini', '[AWS]\nkey = hunter2hunter2\n')
    await using cluster = make(['AWS'])
    const run = await submit(cluster, `options.progress({ key: this.config.get('AWS', 'key') })`, secrets)
    await run.wait()
    const [event] = await eventsOf(run)
    assert.equal(event?.type, 'progress')
    assert.doesNotMatch(JSON.stringify(event) + readFileSync(file(run), 'utf8'), /hunter2/)
  })

  test('are left out where a host has written none', async () => {
    await using cluster = make()
    const run = await submit(cluster, 'options.progress(1)')
    await run.wait()
    const time = new Date().toISOString()
    const forged = [
      '{ "type": "progr',
      'null',
      JSON.stringify({ time, type: 'run.ended', state: 'succeeded', exitCode: 0 }),
      JSON.stringify({ time: 5, type: 'progress', value: 1 }),
      JSON.stringify({ time, type: 'log', level: 'info', message: {}, trial: '1' }),
      JSON.stringify({ time, type: 'trial.started', trial: '../1', options: [], file: 1, attempt: 'x' }),
      JSON.stringify({ time, type: 'progress', value: 2 }),
    ]
    appendFileSync(file(run), `${forged.join('\n')}\n`)
    assert.deepEqual(values(await eventsOf(run)), [1, 2])
  })

  test('of a run that does not exist are an error', async () => {
    await using cluster = make()
    for (const follow of [true, false])
      await assert.rejects(eventsOf(cluster.attach('20260101-000000-0000000'), { follow }), {
        code: 'RUN_NOT_FOUND',
      })
  })
})

describe('the events of a run on SSH hosts', { skip: noMachines }, () => {
  let hosts: SshHosts
  before(async () => {
    hosts = await SshHosts.start(1)
  })
  after(() => hosts.end())

  test('come through a connection that is cut, each once', async () => {
    const sshConfig = hosts.config
    await using cluster = new SSHCluster({ name: 'test', orchestratorIp: 'h1', sshConfig, connectTimeout: 2 })
    const run = await submit(
      cluster,
      `for (let step = 1; step <= 40; step++) { options.progress({ step }); await delay(100) }`,
    )
    let losses = 0
    const events = eventsOf(run, { follow: true, onConnectionLost: () => void losses++ })
    await until(async () => (await eventsOf(run)).length > 3)
    hosts.all[0]!.cut()
    await until(() => losses === 1, 'the connection is lost')
    hosts.all[0]!.mend()
    assert.deepEqual(
      values(await events),
      Array.from({ length: 40 }, (_, index) => ({ step: index + 1 })),
    )
  })
})

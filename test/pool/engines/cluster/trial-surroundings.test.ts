// Where each trial works on a cluster: a trial that is tried again finds its folder, and its log comes to the orchestrator.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { SSHCluster } from 'flambeau/cluster'
import { readRecords, type TrialRecord } from 'flambeau/pool'
import { forgetNeighbours } from '../../../support/cluster-processes.js'
import { ownPath } from '../../../support/own-path.js'
import { redisServer } from '../../../support/redis.js'
import { noMachines, SshHosts } from '../../../support/ssh-hosts.js'
import { notesIn, TrialProject } from '../../../support/trial-project.js'
import { until } from '../../../support/until.js'
import type { CommandEnd } from '../../../support/user-package.js'

const noRedis = redisServer === undefined && 'there is no redis-server or valkey-server here'

type Counted = TrialRecord & { readonly result?: { readonly count: number; readonly seed: number } }

let project: TrialProject
before(async () => {
  project = new TrialProject()
  await import(project.module.href)
})
after(() => project.end())

describe('a sweep on a local cluster', { skip: noRedis }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-local-'))
  before(() => project.file('cluster.yaml', `!LocalCluster\nname: local\nfolder: ${folder}\nfactories: 2\n`))
  after(() => rmSync(folder, { recursive: true, force: true }))

  findsFolders()
})

describe('a sweep on SSH hosts', { skip: noRedis || noMachines }, () => {
  let hosts: SshHosts
  before(async () => {
    hosts = await SshHosts.start(3)
    const [first, ...others] = hosts.all.map(({ name, address }) => `[${name}, ${address}]`)
    const addresses = `orchestrator_ip: ${first}\nfactories_ips: [${others.join(', ')}]`
    project.file('cluster.yaml', `!SSHCluster\nname: ssh\n${addresses}\nssh_config: ${hosts.config}\n`)
  })
  after(() => hosts.end())

  findsFolders()

  // Its next attempt waits in the queue of the host when that counts as gone; or is made later.
  for (const backoff of [500, 5000])
    test(`a task whose host is gone begins anew on another one after ${backoff} ms, and the log says so`, async () => {
      const notes = project.fresh()
      const [orchestratorIp, ...factoriesIps] = hosts.all.map(({ name, address }) => [name, address])
      await using cluster = new SSHCluster({
        name: 'ssh',
        orchestratorIp: orchestratorIp as [string, string],
        factoriesIps: factoriesIps as [string, string][],
        sshConfig: hosts.config,
        connectTimeout: 5,
      })
      const trials = await project.trials({
        count: 1,
        trial: { notes, counts: 2 },
        pool: { workers: 1, lockMs: 1000 },
        map: { retries: 3, backoff },
      })
      const run = await cluster.submit(trials, { imports: [project.module] })
      const log = async (): Promise<string> => (await buffer(run.logs())).toString()
      await until(async () => (await log()).includes('t0 is tried again'), 'the first attempt fails')
      const host = hosts.all.find(({ home }) => home === notesIn(notes)[0]!.home)!
      await host.kill()
      assert.deepEqual((await run.wait()).value, ['t0'])
      assert.match(
        await log(),
        new RegExp(
          `Task "t0" begins anew on another worker host: the workers on "${host.address}", which has its folder, are gone`,
        ),
      )
      const homes = notesIn(notes).map(({ home }) => home === host.home)
      assert.equal(homes[0], true)
      assert.deepEqual(homes.slice(-2), [false, false])
      await host.boot()
      forgetNeighbours(hosts)
    })
})

/** A sweep by the command line, with "cluster.yaml" in the folder of the project. */
function findsFolders(): void {
  test('a trial that is tried again finds its folder, and has a log and a seed', async () => {
    const each = '!Trial { rate: !range { from: 1, to: 6, step: 1 }, says: from afar, counts: 3, ms: 50 }'
    const output = await sweep(`each: ${each}\nretries: 2\noutput: again\n`)
    const records = (await readRecords(output)) as Counted[]
    assert.deepEqual(
      records.map(({ result, attempts, error }) => error?.message ?? [result?.count, attempts]),
      Array(6).fill([3, 3]),
    )
    assert.equal(new Set(records.map(({ worker }) => worker)).size, 2)
    assert.equal(new Set(records.map(({ seed }) => seed)).size, 6)
    for (const { trial, seed, result } of records) {
      assert.equal(result?.seed, seed)
      const log = readFileSync(ownPath(output, 'logs', trial)!, 'utf8')
      const [first, second, third] = log.split(/^(?=--- \S+ attempt)/m)
      assert.match(
        first!,
        /^--- \S+ attempt 1 on \S+ with seed \d+\nfrom afar\n--- \S+ after .*: failed: Error: the count is 1\n/,
      )
      assert.match(
        second!,
        /^--- \S+ attempt 2 on .*\nfrom afar\n--- \S+ after .*: failed: Error: the count is 2\n/,
      )
      assert.match(third!, /^--- \S+ attempt 3 on .*\nfrom afar\n--- \S+ after .*: done\n$/)
    }
  })

  test('a trial that failed finds its folder when the sweep is resumed by another run', async () => {
    const text =
      'each: !Trial { rate: !range { from: 1, to: 6, step: 1 }, counts: 2, ms: 50 }\noutput: resumed\n'
    const failed = (await readRecords(await sweep(text, { fails: true }))) as Counted[]
    assert.deepEqual(new Set(failed.map(({ error }) => error?.code)), new Set(['TASK_FAILED']))
    const records = (await readRecords(await sweep(text, { resumes: true }))) as Counted[]
    assert.deepEqual(
      records.map(({ result, error }) => error?.message ?? result?.count),
      Array(6).fill(2),
    )
  })

  test('a trial that was paused goes on in its folder', async () => {
    const asha = '!Asha { step: epoch, min: 1, max: 9, reduction: 3 }'
    const each = '!Trial { rate: !choice [9, 8, 7, 6, 5, 4, 3, 2, 1], epochs: 9 }'
    const output = await sweep(`each: ${each}\nearlyStop: ${asha}\noutput: paused\n`)
    const records = await readRecords(output)
    assert.deepEqual(
      records.flatMap(({ error }) => error?.message ?? []),
      [],
    )
    const logs = records.map(({ trial }) => readFileSync(ownPath(output, 'logs', trial)!, 'utf8'))
    assert.ok(logs.some((log) => /^--- \S+ attempt 1, which goes on, on /m.test(log)))
  })

  test('the record of a trial that killed its worker has how, and what it printed last', async () => {
    const output = await sweep(
      'each: !Trial { rate: !choice [1, 2], says: my last words, exits: !choice [true, false] }\noutput: killed\n',
    )
    const failed = (await readRecords(output)).filter(({ error }) => error)
    assert.equal(failed.length, 2)
    for (const { trial, error } of failed) {
      assert.equal(error?.code, 'TASK_CRASHED')
      assert.match(error?.message, /killed its worker \(exit code 9\)/)
      assert.equal(error?.output, 'my last words\n')
      const log = readFileSync(ownPath(output, 'logs', trial)!, 'utf8')
      assert.match(log, /^my last words\n--- \S+ after .*: killed its worker \(exit code 9\)\n$/m)
    }
  })
}

/** Runs a sweep, and returns its folder after it was fetched. */
async function sweep(text: string, { fails = false, resumes = false } = {}): Promise<string> {
  const file = project.file('sweep.yaml', `!Sweep\nmetric: score\nworkers: 1\n${text}`)
  const flags = ['-c', 'cluster.yaml', '--import', './trials.js', ...(resumes ? ['--resume'] : [])]
  const ended: CommandEnd = await project.flambeau('run', file, ...flags)
  assert.equal(ended.code, fails ? 1 : 0, ended.stderr)
  const [, id = ''] = /^Run (\S+) is started/m.exec(ended.stderr) ?? []
  const [, output = ''] = /^output: (.*)$/m.exec(text) ?? []
  const fetched = project.fresh()
  const { stderr, code } = await project.flambeau('fetch', id, output, fetched, '-c', 'cluster.yaml')
  assert.equal(code, 0, stderr)
  return fetched
}

// Runs that wait for their cluster: each of them runs once, in order, whoever is killed meanwhile.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { type Cluster, LocalCluster, type RemoteRun, SSHCluster } from 'flambeau/cluster'
import { Project } from '../../support/cluster-project.js'
import { allProcesses, argumentsOf, kill } from '../../support/processes.js'
import { noHosts, noMachines, SshHosts } from '../../support/ssh-hosts.js'
import { until } from '../../support/until.js'

let project: Project
before(() => {
  project = new Project()
})
after(() => project.end())

interface Submitted {
  readonly queue?: boolean
  readonly force?: boolean
}

async function submit(cluster: Cluster, code: string, options: Submitted = { queue: true }) {
  return cluster.submit(await project.job(code), { imports: [project.module], ...options })
}

/** Appends the id of the run to a file in the home folder of its host. */
const noted = `files.appendFileSync(process.env.HOME + '/ran', process.env.FLAMBEAU_RUN.split('/').at(-1) + '\\n')`
/** Goes on when the file "go" is in its current folder. */
const held = `${noted}; console.log('ready'); while (!files.existsSync('go')) await delay(20)`

async function ran(cluster: Cluster): Promise<string[]> {
  const { stdout } = await cluster.orchestrator.exec(['sh', '-c', 'cat ~/ran 2>/dev/null; true'])
  return stdout.toString().split('\n').filter(Boolean)
}

async function release(cluster: Cluster, { id }: RemoteRun): Promise<void> {
  await cluster.orchestrator.put(`.flambeau/runs/${id}/work/go`, '')
}

const idsOf = (runs: readonly RemoteRun[]): string[] => runs.map(({ id }) => id)

/** The processes of a run that run a program of this package. */
function processesOf({ id }: RemoteRun, program: 'supervise.js' | 'run-job.js'): number[] {
  return allProcesses().filter((pid) => {
    const words = argumentsOf(pid)
    return words.some((each) => each.endsWith(`/runs/${id}`)) && words.some((each) => each.endsWith(program))
  })
}

/** Waits until a run that is {@link held} has noted its id. */
async function begins(run: RemoteRun): Promise<void> {
  await until(async () => (await run.status()).logSize > 0, `run ${run.id} begins`)
}

async function facts(run: RemoteRun): Promise<(string | undefined)[]> {
  const { state, waitsFor } = await run.status()
  return [state, waitsFor]
}

describe('the queue of a local cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-queue-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  let count = 0
  queues(
    async () => new LocalCluster({ name: 'test', folder: join(folder, String(++count)), factories: 1 }),
    {
      many: 20,
    },
  )

  test('a run has the environment in which it was queued, and nothing of it stays', async () => {
    await using cluster = new LocalCluster({ name: 'test', folder: join(folder, 'environment') })
    await submit(cluster, held).then(begins)
    await cluster.close()
    process.env['OF_THE_SECOND'] = 'yes'
    const second = await submit(cluster, 'return process.env.OF_THE_SECOND')
    delete process.env['OF_THE_SECOND']
    await cluster.close()
    const kept = join(folder, 'environment/orchestrator/.flambeau/runs', second.id, 'environment.json')
    assert.equal(existsSync(kept), true)
    await release(cluster, cluster.attach((await ran(cluster))[0]!))
    assert.equal((await second.wait()).value, 'yes')
    assert.equal(existsSync(kept), false)
  })

  test('of the claims on a cluster, only the latest are kept', async () => {
    await using cluster = new LocalCluster({ name: 'test', folder: join(folder, 'claims') })
    await submit(cluster, noted).then((run) => run.wait())
    const claims = join(folder, 'claims/orchestrator/.flambeau/clusters/test/claims')
    for (let number = 2; number <= 40; number++) symlinkSync('gone', join(claims, String(number)))
    const run = await submit(cluster, noted)
    await run.wait()
    const numbers = readdirSync(claims).map(Number)
    assert.equal(readlinkSync(join(claims, '41')), run.id)
    assert.deepEqual([Math.max(...numbers), Math.min(...numbers)], [41, 25])
  })

  test('within a job of Slurm, secrets that are sent for queued runs stay as well', async () => {
    process.env['SLURM_JOB_ID'] = '1'
    try {
      await keepsSecrets(async () => new LocalCluster({ name: 'test', folder: join(folder, 'job') }))
    } finally {
      delete process.env['SLURM_JOB_ID']
    }
  })
})

describe('the queue on SSH hosts', { skip: noHosts }, () => {
  let hosts: SshHosts
  before(async () => {
    hosts = await SshHosts.start(2)
  })
  after(() => hosts.end())
  const make = (): Cluster =>
    new SSHCluster({
      name: 'test',
      orchestratorIp: 'h1',
      factoriesIps: ['h2'],
      sshConfig: hosts.config,
      connectTimeout: 2,
    })
  queues(
    async () => {
      const cluster = make()
      // A test that failed has left its runs.
      await cluster.down({ force: true })
      await cluster.orchestrator.remove('ran').catch(() => undefined)
      return cluster
    },
    { many: 6 },
  )

  test('is gone through after a restart of the host, when somebody looks', { skip: noMachines }, async () => {
    await using cluster = make()
    await cluster.orchestrator.remove('ran')
    const first = await submit(cluster, held)
    await begins(first)
    const others = [await submit(cluster, noted), await submit(cluster, held), await submit(cluster, noted)]
    await hosts.all[0]!.kill()
    await hosts.all[0]!.boot()
    await cluster.close()
    assert.equal((await cluster.runs()).find(({ id }) => id === first.id)!.state, 'lost')
    await begins(others[1]!)
    await hosts.all[0]!.kill()
    await hosts.all[0]!.boot()
    await cluster.close()
    assert.equal((await others[2]!.wait()).state, 'succeeded')
    assert.deepEqual(await ran(cluster), idsOf([first, ...others]))
    await cluster.down()
  })
})

function queues(make: () => Promise<Cluster>, { many }: { many: number }): void {
  test('runs start one after the other, each behind the one before it', async () => {
    await using cluster = await make()
    const first = await submit(cluster, held)
    await begins(first)
    const others: RemoteRun[] = []
    for (let count = 0; count < 3; count++) others.push(await submit(cluster, `${noted}; return ${count}`))
    const all = [first, ...others]
    for (const [index, run] of others.entries())
      assert.deepEqual(await facts(run), ['queued', all[index]!.id])
    assert.deepEqual(await ran(cluster), [first.id])
    const [follower, ends] = [buffer(others[2]!.logs({ follow: true })), others.map((run) => run.wait())]
    await release(cluster, first)
    assert.deepEqual(
      (await Promise.all(ends)).map(({ value }) => value),
      [0, 1, 2],
    )
    await follower
    assert.deepEqual(await ran(cluster), idsOf(all))
    await cluster.down()
  })

  test('a run that is taken out of the queue never starts, and the one behind it waits for the one before', async () => {
    await using cluster = await make()
    const [first, second, third] = [
      await submit(cluster, held),
      await submit(cluster, noted),
      await submit(cluster, noted),
    ]
    const secrets = `.flambeau/runs/${second.id}/secrets.json`
    assert.equal(await cluster.orchestrator.exists(secrets), true)
    assert.equal((await second.cancel()).state, 'cancelled')
    assert.equal(await cluster.orchestrator.exists(secrets), false)
    assert.deepEqual(await facts(third), ['queued', first.id])
    assert.equal((await second.wait()).state, 'cancelled')
    await release(cluster, first)
    assert.equal((await third.wait()).state, 'succeeded')
    assert.deepEqual(await ran(cluster), idsOf([first, third]))
    await cluster.down()
  })

  test('a run that is not queued is refused, and says how to queue it', async () => {
    await using cluster = await make()
    const [first, second] = [await submit(cluster, held), await submit(cluster, noted)]
    await assert.rejects(submit(cluster, noted, {}), {
      code: 'RUN_ACTIVE',
      message: new RegExp(
        `^Run "${first.id}" is active in this cluster: add "--queue" to run after it, "--force"`,
      ),
    })
    await assert.rejects(cluster.down(), { code: 'RUN_ACTIVE', message: new RegExp(first.id) })
    await cluster.down({ force: true })
    await cluster.up()
    assert.deepEqual(await cluster.runs(), [])
    assert.equal(processesOf(second, 'run-job.js').length, 0)
    await cluster.down()
  })

  test('one that is forced takes the place of the active run; the queue stays behind it', async () => {
    await using cluster = await make()
    const [first, second] = [await submit(cluster, held), await submit(cluster, noted)]
    await begins(first)
    const forced = await submit(cluster, held, { force: true })
    await begins(forced)
    assert.equal((await first.wait()).state, 'cancelled')
    assert.deepEqual(await facts(second), ['queued', forced.id])
    const both = await submit(cluster, 'return options.force', { queue: true, force: true })
    assert.deepEqual(await facts(both), ['queued', second.id])
    await release(cluster, forced)
    assert.equal((await both.wait()).value, true)
    assert.deepEqual(await ran(cluster), idsOf([first, forced, second]))
    await cluster.down()
  })

  test('when supervisors are killed, whoever looks starts the next run; many at once start it once', async () => {
    await using cluster = await make()
    const [first, second, third] = [
      await submit(cluster, held),
      await submit(cluster, held),
      await submit(cluster, noted),
    ]
    for (const run of [first, second]) {
      await begins(run)
      for (const program of ['supervise.js', 'run-job.js'] as const)
        for (const pid of processesOf(run, program)) kill(pid, 'SIGKILL')
      const clusters = Array.from({ length: 6 }, () => sameAs(cluster))
      await Promise.all(clusters.map((each) => each.runs()))
      await Promise.all(clusters.map((each) => each.close()))
      assert.equal((await run.status()).state, 'lost')
    }
    assert.equal((await third.wait()).state, 'succeeded')
    assert.deepEqual(await ran(cluster), idsOf([first, second, third]))
    await cluster.down()
  })

  test('a host that is shut down does not start the next run, which would be lost', async () => {
    await using cluster = await make()
    const [first, second] = [await submit(cluster, held), await submit(cluster, noted)]
    await begins(first)
    for (const pid of processesOf(first, 'supervise.js')) kill(pid, 'SIGTERM')
    await until(() => processesOf(first, 'supervise.js').length === 0)
    assert.deepEqual(processesOf(second, 'supervise.js'), [])
    assert.equal(await cluster.orchestrator.exists(`.flambeau/runs/${second.id}/state.json`), false)
    assert.equal((await first.wait()).state, 'cancelled')
    assert.equal((await second.wait()).state, 'succeeded')
    assert.deepEqual(await ran(cluster), idsOf([first, second]))
    await cluster.down()
  })

  test(`of ${many} that are queued at once, each runs once, in the order that is told`, async () => {
    await using cluster = await make()
    const first = await submit(cluster, held)
    const job = await project.job(noted)
    const submitted = Array.from({ length: many }, () =>
      cluster.submit(job, { imports: [project.module], queue: true }),
    )
    const runs = await Promise.all(submitted)
    const waiting = new Map((await cluster.runs()).map(({ id, waitsFor }) => [waitsFor, id]))
    const order = [first.id]
    for (let next = waiting.get(first.id); next !== undefined; next = waiting.get(next)) order.push(next)
    assert.deepEqual([...order].sort(), idsOf([first, ...runs]).sort())
    await release(cluster, first)
    await Promise.all(runs.map((run) => run.wait()))
    assert.deepEqual(await ran(cluster), order)
    await cluster.down()
  })

  test('a run that cannot be started does not keep the others from it', async () => {
    await using cluster = await make()
    const [first, broken, third] = [
      await submit(cluster, held),
      await submit(cluster, noted),
      await submit(cluster, noted),
    ]
    const spec = `.flambeau/runs/${broken.id}/spec.json`
    const record = JSON.parse((await cluster.orchestrator.get(spec)).toString())
    await cluster.orchestrator.put(spec, JSON.stringify({ ...record, packageHash: '0' }))
    await release(cluster, first)
    assert.equal((await third.wait()).state, 'succeeded')
    const { state, exitCode } = await broken.status()
    assert.deepEqual([state, exitCode], ['failed', 126])
    assert.match((await buffer(broken.logs())).toString(), /supervisor of this run exited with 1/)
    await cluster.down()
  })

  test('a run whose code was changed on its host meanwhile does not run it', async () => {
    await using cluster = await make()
    const [first, second] = [await submit(cluster, held), await submit(cluster, noted)]
    await begins(first)
    const change = 'for file in .flambeau/packages/*/programs/*/jobs.js; do echo "// changed" >> $file; done'
    await cluster.orchestrator.script(change)
    await release(cluster, first)
    const { state, exitCode } = await second.wait()
    assert.deepEqual([state, exitCode], ['failed', 126])
    const log = (await buffer(second.logs())).toString()
    assert.match(log, /^\[flambeau: "\w+\/programs\/\w+" was changed or lost .*: submit the run again\]\n$/)
    assert.deepEqual(await ran(cluster), [first.id])
    await cluster.down()
  })

  test('queued runs keep their code and files on every host, however many there are', async () => {
    await using cluster = await make()
    const job = await project.job(
      `${held}; return [files.readFileSync(new URL('version.txt', options.imports[0]), 'utf8'), files.readFileSync('data.txt', 'utf8')]`,
    )
    const runs: RemoteRun[] = []
    for (let version = 0; version < 6; version++) {
      project.file('version.txt', String(version))
      project.file('data.txt', `data ${version}`)
      const options = { imports: [project.module], files: ['data.txt'], projectFolder: project.folder }
      runs.push(await cluster.submit(job, { ...options, queue: true }))
      if (version === 0) await makeWork(cluster, runs[0]!)
    }
    const [worker] = cluster.factories
    await makeWork(cluster, runs[1]!)
    // A command that was stopped after its run had started: it knows nothing of the runs since then.
    const { id } = runs[0]!
    const { trees } = JSON.parse(
      (await cluster.orchestrator.get(`.flambeau/runs/${id}/spec.json`)).toString(),
    )
    for (const host of cluster.hosts)
      await host.ask('retain', { cluster: 'test', run: id, trees, unfinished: [] })
    for (const version of [0, 1]) {
      const kept = `.flambeau/clusters/test/work/${runs[version]!.id}/project/data.txt`
      assert.equal((await worker!.get(kept)).toString(), `data ${version}`)
    }
    for (const host of cluster.hosts) {
      const { stdout } = await host.exec(['sh', '-c', 'ls -d .flambeau/packages/*/programs/* | wc -l'])
      assert.equal(Number(stdout), runs.length, host.name)
    }
    for (const run of runs) {
      await begins(run)
      await release(cluster, run)
    }
    const ends = await Promise.all(runs.map((run) => run.wait()))
    assert.deepEqual(
      ends.map(({ value }) => value),
      runs.map((_, version) => [String(version), `data ${version}`]),
    )
    await cluster.down()
  })

  test('secrets that are sent for queued runs stay until the last of them is over', () => keepsSecrets(make))
}

/** Sends secrets while runs are queued. */
async function keepsSecrets(make: () => Promise<Cluster>): Promise<void> {
  await using cluster = await make()
  const first = await submit(cluster, held)
  await begins(first)
  const path = await cluster.sendSecrets()
  const read = `${held}; return files.existsSync(${JSON.stringify(path)})`
  const others = [await submit(cluster, read), await submit(cluster, read)]
  for (const run of [first, ...others]) {
    await begins(run)
    await release(cluster, run)
  }
  const ends = await Promise.all(others.map((run) => run.wait()))
  assert.deepEqual(
    ends.map(({ value }) => value),
    [true, true],
  )
  assert.equal(await cluster.orchestrator.exists(path), false)
  await cluster.down()
}

/** Makes the folder in which the tasks of a run work on the worker host, as a pool does. */
async function makeWork(cluster: Cluster, { id }: RemoteRun): Promise<void> {
  const program = await cluster.orchestrator.get(`.flambeau/runs/${id}/program.json`)
  const { work } = JSON.parse(program.toString())
  await cluster.factories[0]!.ask('makeWorkFolder', { cluster: cluster.name, run: id, work })
}

/** The same cluster, as another process has it. */
function sameAs(cluster: Cluster): Cluster {
  const { options } = cluster
  return cluster instanceof SSHCluster
    ? new SSHCluster(cluster.options)
    : new LocalCluster(options as ConstructorParameters<typeof LocalCluster>[0])
}

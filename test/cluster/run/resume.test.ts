// Whatever is killed on the way, the next call goes on from there: one run, and nothing of which a part is missing.
// FLAMBEAU_KILLS says how often the process that starts a run is killed: once in each part of its time, FLAMBEAU_SEED when.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { dump } from 'flambeau'
import { type Cluster, LocalCluster, SSHCluster, SSHHost } from 'flambeau/cluster'
import { Project } from '../../support/cluster-project.js'
import { allProcesses, argumentsOf } from '../../support/processes.js'
import { random } from '../../support/random.js'
import { noMachines, SshHosts } from '../../support/ssh-hosts.js'
import { until } from '../../support/until.js'

const kills = Number(process.env['FLAMBEAU_KILLS'] ?? 8)
const seed = Number(process.env['FLAMBEAU_SEED'] ?? 1)

let project: Project
before(() => {
  project = new Project()
})
after(() => project.end())

describe('a run whose start was killed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-local-'))
  const homes = () => ['orchestrator', 'factory-1'].map((name) => join(folder, name))
  const make = () => new LocalCluster({ name: 'test', folder, factories: 1 })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('is there once or not at all, and the next call goes on', async () => {
    const cluster = project.file('cluster.yaml', dump(make()))
    const longest = await timeOf(() =>
      project.flambeau('run', project.jobFile('return 1'), '-c', cluster, '--import', './jobs.js'),
    )
    const next = random(seed)
    for (let kill = 0; kill < kills; kill++) {
      // From nothing every third time: what is killed then is the sending.
      if (kill % 3 === 0) await takeDown(make())
      // What is sent differs each time.
      project.jobFile(`${alone}await delay(${kill % 2 ? 0 : 400}); return ${kill}`)
      await killedAfter(
        ((kill + next()) / kills) * longest,
        'run',
        'job.yaml',
        '-c',
        cluster,
        '--import',
        './jobs.js',
      )
      for (const home of homes()) assertWhole(home)
      const { code, stdout, stderr } = await project.flambeau(
        'run',
        'job.yaml',
        '-c',
        cluster,
        '--import',
        './jobs.js',
        '--force',
      )
      assert.deepEqual([code, stdout], [0, `${kill}\n`], `kill ${kill} of seed ${seed}: ${stderr}`)
      for (const home of homes()) assertWhole(home)
      await assertOneAtATime(make())
    }
  })
})

describe('a host that is killed while it receives', { skip: noMachines }, () => {
  let hosts: SshHosts
  before(async () => {
    hosts = await SshHosts.start(1)
  })
  after(() => hosts.end())
  const make = (): Cluster =>
    new SSHCluster({
      name: 'test',
      orchestratorIp: 'h1',
      factoriesIps: [],
      sshConfig: hosts.config,
      connectTimeout: 10,
    })

  test('has nothing in part, and gets what is missing the next time', async () => {
    const [one] = hosts.all
    const packages = join(one!.home, '.flambeau/packages')
    await using cluster = make()
    const up = cluster.up().then(
      () => 'done',
      (error) => error.code,
    )
    await until(() => existsSync(packages) && readdirSync(packages).length > 0, 'sending begins')
    await one!.kill()
    assert.ok(['done', 'HOST_LOST'].includes(await up))
    await one!.boot()
    assertWhole(one!.home)
    assert.equal((await cluster.up()).length, 1)
    assertWhole(one!.home)
    const run = await cluster.submit(await project.job('return 1'), { imports: [project.module] })
    assert.equal((await run.wait()).value, 1)
  })

  test('has a file whole or not at all', async () => {
    const [one] = hosts.all
    await using host = new SSHHost({ ...hosts.options(one!), connectTimeout: 2 })
    await host.put('kept', 'first')
    const big = Buffer.alloc(200 << 20)
    const put = host.put('kept', big).then(
      () => 'done',
      (error) => error.code,
    )
    await until(() => readdirSync(one!.home).some((name) => name.endsWith('.incoming')), 'the file arrives')
    await one!.kill()
    assert.equal(await put, 'HOST_LOST')
    await one!.boot()
    assert.equal((await host.get('kept')).toString(), 'first')
  })

  test('finds out what a power cut has taken from a package, and gets it again', async () => {
    const [one] = hosts.all
    await using cluster = make()
    await cluster.up()
    const path = join(
      one!.home,
      '.flambeau/packages',
      treesOf(one!.home)[0]!,
      'node_modules/flambeau/dist/index.js',
    )
    writeFileSync(path, '')
    await cluster.close()
    await one!.kill()
    await one!.boot()
    const [report] = await cluster.up()
    assert.match(report!.did.join(), /sent flambeau .* \(1 file,/)
    // What only runs need is verified by the next run.
    const run = await cluster.submit(await project.job('return 1'), { imports: [project.module] })
    assert.equal((await run.wait()).value, 1)
    assertWhole(one!.home)
  })

  test('forgets what arrived in part long ago', async () => {
    const [one] = hosts.all
    await using cluster = make()
    const old = join(one!.home, '.flambeau/runs/some.000000000000.incoming')
    await using host = new SSHHost(hosts.options(one!))
    await host.put('.flambeau/runs/some.000000000000.incoming/secrets.json', '{}')
    await host.put('.flambeau/runs/some.000000000001.incoming/secrets.json', '{}')
    await host.exec(['touch', '-d', '2 days ago', old])
    await cluster.up()
    assert.deepEqual(
      readdirSync(join(old, '..')).filter((name) => name.endsWith('.incoming')),
      ['some.000000000001.incoming'],
    )
  })
})

/** For a job: fails when another run of the cluster is under way. */
const alone = `
  const mark = '../../../under-way'
  const other = files.existsSync(mark) ? files.readFileSync(mark, 'utf8') : ''
  if (files.existsSync('/proc/' + (other || 'none'))) throw new Error('two runs at once')
  files.writeFileSync(mark, String(process.pid))
`

async function timeOf(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await act()
  return performance.now() - began
}

/** Runs the command line, and kills it after so many milliseconds, if it has not ended. */
async function killedAfter(ms: number, ...args: readonly string[]): Promise<void> {
  const child = project.start(...args)
  const ended = once(child, 'close')
  child.stdout!.resume()
  child.stderr!.resume()
  await Promise.race([ended, delay(ms)])
  child.kill('SIGKILL')
  await ended
}

async function takeDown(cluster: Cluster): Promise<void> {
  await cluster.down({ force: true, graceMs: 200 })
  await cluster.close()
}

/** The trees of packages that a host would use. */
function treesOf(home: string): string[] {
  const packages = join(home, '.flambeau/packages')
  const names = existsSync(packages) ? readdirSync(packages) : []
  return names.filter((name) => !name.endsWith('.incoming'))
}

/** Every tree that a run on the host would use has all files that it should, each as it should be. */
function assertWhole(home: string): void {
  for (const name of treesOf(home)) {
    const tree = join(home, '.flambeau/packages', name)
    assertTree(tree)
    for (const kind of ['programs', 'extensions']) {
      const folder = join(tree, kind)
      const inside = existsSync(folder) ? readdirSync(folder) : []
      for (const each of inside) if (!each.endsWith('.incoming')) assertTree(join(folder, each))
    }
  }
}

function assertTree(folder: string): void {
  const { manifest } = JSON.parse(readFileSync(join(folder, '.flambeau-tree.json'), 'utf8'))
  assert.ok(manifest.files.length > 0)
  assert.ok(folder.endsWith(manifest.hash))
  for (const { path, hash } of manifest.files) {
    const digest = createHash('sha256')
      .update(readFileSync(join(folder, path)))
      .digest('hex')
    assert.equal(digest, hash, join(folder, path))
  }
}

/** No run is under way that its cluster does not know, and of those that there were none overlaps with another. */
async function assertOneAtATime(cluster: Cluster): Promise<void> {
  const runs = await cluster.runs()
  await cluster.close()
  const active = runs.filter(({ state }) => state === 'running' || state === 'starting')
  assert.deepEqual(active, [])
  for (const { id } of runs) await until(() => processesOf(id).length === 0, `run ${id} leaves no process`)
}

function processesOf(id: string): number[] {
  return allProcesses().filter((pid) => argumentsOf(pid).some((each) => each.endsWith(`/runs/${id}`)))
}

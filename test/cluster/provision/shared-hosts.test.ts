// Two clusters that share hosts know nothing of each other's runs, so that this is said.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dump } from 'flambeau'
import { type Cluster, LocalCluster, type SharedHosts } from 'flambeau/cluster'
import { Project } from '../../support/cluster-project.js'
import { until } from '../../support/until.js'

describe('hosts that two clusters share', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-shared-'))
  const make = (name: string): LocalCluster => new LocalCluster({ name, folder, factories: 1 })
  let project: Project
  before(() => {
    project = new Project()
  })
  after(() => {
    project.end()
    rmSync(folder, { recursive: true, force: true })
  })

  async function sharedWith(cluster: Cluster): Promise<Pick<SharedHosts, 'cluster' | 'run' | 'message'>[]> {
    const events: SharedHosts[] = []
    await cluster.up({ onEvent: (event) => event.kind === 'shared' && events.push(event) })
    return events.map(({ cluster, run, message }) => ({ cluster, run, message }))
  }

  test('are named when a cluster is brought up, with the run that is active on them', async () => {
    await using one = make('one')
    await using other = make('other')
    assert.deepEqual(await sharedWith(one), [])
    const cluster = 'one'
    const uses = 'Cluster "one" uses hosts "orchestrator", "factory-1" as well'
    const idle = `${uses}: the runs of the two clusters do not wait for each other`
    assert.deepEqual(await sharedWith(other), [{ cluster, run: undefined, message: idle }])
    const imports = [project.module]
    const run = await one.submit(await project.job('await delay(60000)'), { imports })
    const busy = `${uses}, and its run ${run.id} is active on "orchestrator": it does not wait for the runs of this cluster, nor they for it`
    assert.deepEqual(await sharedWith(other), [{ cluster, run: run.id, message: busy }])
    const file = project.file('other.yaml', dump(other))
    project.jobFile('return 1')
    const { stdout, stderr } = await project.flambeau('run', 'job.yaml', '--import', './jobs.js', '-c', file)
    assert.equal(stdout, '1\n')
    assert.equal(stderr.split(busy).length, 2, stderr)
    await run.cancel({ graceMs: 100 })
    assert.deepEqual(await sharedWith(other), [{ cluster, run: undefined, message: idle }])
  })

  test('have a run on a worker host as long as its tasks work there', async () => {
    await using one = make('one')
    await using other = make('other')
    const [worker] = one.factories
    const { folder: cwd } = await worker!.ask('makeWorkFolder', { cluster: 'one', run: 'of-tasks' })
    const stopped = new AbortController()
    const working = worker!.exec(['sh', '-c', 'touch ready; sleep 60'], { cwd, signal: stopped.signal })
    working.catch(() => undefined)
    await until(() => existsSync(join(cwd, 'ready')))
    const [shared] = await sharedWith(other)
    assert.equal(shared?.run, 'of-tasks')
    assert.match(shared.message, /its run of-tasks is active on "factory-1"/)
    stopped.abort()
  })
})

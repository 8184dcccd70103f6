// What is taken down is a cluster, and neither its run nor what belongs to others.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { LocalCluster, LocalHost, type Members } from 'flambeau/cluster'
import { Project } from './support/cluster-project.js'
import { onlyHere } from './support/one-form.js'

/** A cluster with one factory, which others have as well. */
class SharingCluster extends LocalCluster {
  constructor(
    name: string,
    folder: string,
    private readonly shared: LocalHost,
  ) {
    super({ name, folder, factories: 1 })
  }

  protected override connect(): Members {
    const { orchestrator, factories } = super.connect()
    return { orchestrator, factories: factories.map((factory) => ({ ...factory, host: this.shared })) }
  }
}

describe('taking a cluster down', { skip: onlyHere() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-down-'))
  const at = (...names: string[]): string => join(folder, ...names)
  let project: Project
  before(() => {
    project = new Project()
  })
  after(() => {
    project.end()
    rmSync(folder, { recursive: true })
  })

  test('is refused as a whole while a run is under way', async () => {
    const cluster = new LocalCluster({ name: 'busy', factories: 1, folder: at('busy') })
    const job = await project.job('await delay(60000, undefined, { signal: options.signal })')
    const run = await cluster.submit(job, { imports: [project.module] })
    const factory = (): string[] => readdirSync(at('busy/factory-1'), { recursive: true, encoding: 'utf8' })
    const before = factory()
    await assert.rejects(cluster.down(), { code: 'RUN_ACTIVE' })
    assert.deepEqual(factory(), before)
    await run.cancel()
    await cluster.down()
    assert.equal(existsSync(at('busy')), false)
  })

  test('takes away the folders of hosts, and nothing else in the folder that holds them', async () => {
    mkdirSync(at('mine'))
    writeFileSync(at('mine/thesis.txt'), 'mine')
    const cluster = new LocalCluster({ name: 'mine', factories: 2, folder: at('mine') })
    await cluster.up()
    await new LocalCluster({ name: 'mine', factories: 1, folder: at('mine') }).down()
    await cluster.close()
    assert.deepEqual(readdirSync(at('mine')), ['thesis.txt'])
    assert.equal(readFileSync(at('mine/thesis.txt'), 'utf8'), 'mine')
  })

  test('leaves the packages of another cluster on a factory of both', async () => {
    const shared = new LocalHost('shared', at('shared'))
    const [one, two] = ['one', 'two'].map((name) => new SharingCluster(name, at(name), shared))
    for (const cluster of [one!, two!]) await cluster.up()
    await one!.down()
    assert.equal(readdirSync(at('shared/.flambeau/packages')).length, 1)
    await two!.down()
    assert.deepEqual(readdirSync(at('shared')), ['.ssh'])
    await shared.close()
  })
})

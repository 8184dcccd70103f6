// What is taken down is a cluster, and neither its run nor what belongs to others.
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { LocalCluster, LocalHost, type Members } from 'flambeau/cluster'
import { Project } from '../support/cluster-project.js'

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

describe('taking a cluster down', () => {
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

  test('leaves the folder of a host that existed before it, and says so', async () => {
    mkdirSync(at('mono/orchestrator'), { recursive: true })
    writeFileSync(at('mono/orchestrator/main.c'), 'source')
    const make = (): LocalCluster => new LocalCluster({ name: 'mono', factories: 1, folder: at('mono') })
    const left = { code: 'FOLDER_NOT_MADE', message: /mono\/orchestrator" existed before .* "--force"/ }
    await assert.rejects(make().down(), left)
    await make().up()
    await assert.rejects(make().down(), left)
    assert.deepEqual(readdirSync(at('mono')), ['orchestrator'])
    assert.deepEqual(readdirSync(at('mono/orchestrator')), ['main.c'])
    await make().down({ force: true })
    assert.equal(existsSync(at('mono')), false)
  })

  test('leaves what only has the name of a host, whatever it is', async () => {
    mkdirSync(at('names/factory-7'), { recursive: true })
    writeFileSync(at('names/factory-7/mine.txt'), 'mine')
    writeFileSync(at('names/factory-8'), 'mine')
    mkdirSync(at('marked'))
    symlinkSync(at('marked'), at('names/factory-9'))
    const cluster = new LocalCluster({ name: 'names', factories: 1, folder: at('names') })
    await cluster.up()
    writeFileSync(at('marked/.flambeau-host'), readFileSync(at('names/orchestrator/.flambeau-host')))
    await cluster.down({ force: true })
    assert.deepEqual(readdirSync(at('names')).sort(), ['factory-7', 'factory-8', 'factory-9'])
    assert.equal(readFileSync(at('names/factory-7/mine.txt'), 'utf8'), 'mine')
    assert.deepEqual(readdirSync(at('marked')), ['.flambeau-host'])
  })

  test('leaves a host that another cluster in the same folder uses', async () => {
    const [one, two] = ['one-of-two', 'two-of-two'].map(
      (name) => new LocalCluster({ name, factories: 0, folder: at('both') }),
    )
    for (const cluster of [one!, two!]) await cluster.up()
    await one!.down()
    assert.deepEqual(readdirSync(at('both/orchestrator/.flambeau/clusters')), ['two-of-two'])
    await two!.down()
    assert.equal(existsSync(at('both')), false)
  })

  test('leaves what a user has put among its own things on a host', async () => {
    const shared = new LocalHost('strange', at('strange'))
    const cluster = new SharingCluster('strange', at('strange-orchestrator'), shared)
    await cluster.up()
    const own = (...names: string[]): string => at('strange/.flambeau', ...names)
    for (const place of ['packages/mine', 'runs/mine', 'local/mine']) {
      mkdirSync(own(place), { recursive: true })
      writeFileSync(own(place, 'thesis.txt'), 'mine')
    }
    symlinkSync(own('packages/mine'), own('packages/link'))
    await cluster.down()
    for (const place of ['packages/mine', 'packages/link', 'runs/mine', 'local/mine'])
      assert.equal(readFileSync(own(place, 'thesis.txt'), 'utf8'), 'mine')
    assert.deepEqual(readdirSync(own()).sort(), ['local', 'packages', 'runs'])
    assert.deepEqual(readdirSync(own('packages')).sort(), ['link', 'mine'])
    await shared.close()
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

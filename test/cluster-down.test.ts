// What is taken down is a cluster, and neither its run nor what belongs to others.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { LocalCluster, LocalHost, type Members } from 'flambeau/cluster'
import { Project } from './support/cluster-project.js'
import { onlyHere } from './support/one-form.js'

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
})

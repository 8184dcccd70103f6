// Setup commands run once on each host, can be interrupted, and may be what installs Node.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { LocalCluster } from 'flambeau/cluster'
import { onlyHere } from './support/one-form.js'
import { processesWith, until } from './support/processes.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-setup-'))
after(() => rmSync(folder, { recursive: true }))

describe('setup commands', { skip: onlyHere() }, () => {
  test('end when they are interrupted, with all that they started, and run again', async () => {
    const mark = `8${process.pid}.25`
    const home = join(folder, 'interrupted')
    const setupCmds = [`sleep ${mark}; true`, 'touch ~/never']
    await using cluster = new LocalCluster({ name: 'test', factories: 0, folder: home, setupCmds })
    const controller = new AbortController()
    const up = cluster.up({ signal: controller.signal })
    await until(() => processesWith(mark).length === 1)
    controller.abort()
    await assert.rejects(up, { name: 'AbortError' })
    await until(() => processesWith(mark).length === 0)
    await cluster.close()
    assert.equal(existsSync(join(home, 'orchestrator/never')), false)
    const [plan] = await cluster.plan()
    assert.ok(plan?.would.includes('run 2 setup commands'))
  })
})

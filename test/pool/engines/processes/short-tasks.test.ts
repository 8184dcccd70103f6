// Many very short tasks, which are sent to the workers in groups: what goes wrong with one of a group is its own.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { openPool, type TaskEvent } from 'flambeau/pool'
import { all, tasks } from '../../../support/engine-conformance.js'
import { Echo, Kill, Says, Takes, Wait } from '../../../support/pool-tasks.js'
import { until } from '../../../support/until.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-pool-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const processes = { imports: [tasks], graceMs: 1000, folder, logger: silent }
const echoes = (count: number): Echo[] => Array.from({ length: count }, (_, value) => new Echo({ value }))

describe('very short tasks', () => {
  test('of one worker end in the order of the tasks', async () => {
    const pool = await openPool({ ...processes, workers: 1 })
    const outcomes = await all(pool.map(echoes(1000)))
    assert.deepEqual(
      outcomes.map(({ index, result }) => [index, result]),
      echoes(1000).map((_, index) => [index, index]),
    )
    await pool.close()
  })

  test('survive the one of their group that kills the worker', async () => {
    const pool = await openPool({ ...processes, workers: 2 })
    const some = echoes(2000)
    const list = [...some.slice(0, 1500), new Kill({ until: join(folder, 'killed') }), ...some.slice(1500)]
    const outcomes = await all(pool.map<Echo | Kill>(list))
    const results = new Map(outcomes.map(({ task, result }) => [task, result]))
    assert.equal(outcomes.length, list.length)
    for (const [value, echo] of some.entries()) assert.equal(results.get(echo), value)
    assert.equal(results.get(list[1500]!), 'survived')
    await pool.close()
  })

  test('survive the one of their group that fails, which alone has its error', async () => {
    const pool = await openPool({ ...processes, workers: 2 })
    const list = [...echoes(700), new Says({ says: 'no luck' }), ...echoes(300)]
    const outcomes = await all(pool.map<Echo | Says>(list, { onError: 'collect' }))
    const failed = outcomes.flatMap((outcome) => (outcome.ok ? [] : [[outcome.index, outcome.error.cause]]))
    assert.equal(outcomes.length, 1001)
    assert.deepEqual(
      failed.map(([index, cause]) => [index, (cause as Error).message]),
      [[700, 'no luck']],
    )
    await pool.close()
  })

  test('survive the one of their group that is cancelled', async () => {
    const pool = await openPool({ ...processes, workers: 2 })
    const list = [...echoes(500), new Wait(), ...echoes(500)]
    const onEvent = ({ type, task, cancel }: TaskEvent): void => {
      if (type === 'progress' && task instanceof Wait) cancel()
    }
    const outcomes = await all(pool.map<Echo | Wait>(list, { onError: 'collect', onEvent }))
    const failed = outcomes.flatMap((outcome) => (outcome.ok ? [] : [[outcome.index, outcome.error.code]]))
    assert.equal(outcomes.length, 1001)
    assert.deepEqual(failed, [[500, 'TASK_CANCELLED']])
    await pool.close()
  })

  test('are not given to a worker that has died since', async () => {
    const pool = await openPool({ ...processes, workers: 1 })
    await all(pool.map(echoes(200)))
    const [first] = await all(pool.map([new Takes({ ms: 0 })]))
    const pid = first!.result as number
    process.kill(pid, 'SIGKILL')
    await until(() => !isThere(pid))
    const again = await all(pool.map<Echo | Takes>([...echoes(200), new Takes({ ms: 0 })]))
    assert.equal(again.length, 201)
    assert.notEqual(again.at(-1)!.result, pid)
    await pool.close()
  })
})

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

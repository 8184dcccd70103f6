// The commands on records beside other processes, outside of projects, and in a shell that completes them.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { RecordProject } from '../support/record-project.js'
import { until } from '../support/until.js'

const cli = join(process.cwd(), 'dist/cli/main.js')

describe('the commands on records', () => {
  let project: RecordProject
  before(async () => {
    project = new RecordProject()
    project.useZod()
    for (let n = 1; n <= 3; n++) await project.flambeau('run', 'train.yaml', `steps=${n}`)
  })
  after(() => project.end())

  const completed = async (...words: string[]): Promise<string[]> => {
    const { stdout } = await project.flambeau('__complete', '--', ...words)
    return stdout.split('\n').filter(Boolean)
  }

  test('complete ids, the latest first', async () => {
    const candidates = ['last\tthe latest run', ...project.ids.map((id) => `${id}\tsucceeded, train.yaml`)]
    for (const command of ['show', 'logs', 'rerun', 'wait', 'cancel', 'status', 'fetch', 'diff'])
      assert.deepEqual(await completed(command, ''), candidates, command)
    assert.deepEqual(await completed('diff', 'last', 'las'), ['last\tthe latest run'])
    assert.deepEqual(await completed('show', project.ids[1]!.slice(0, -1)), [candidates[2]])
    assert.deepEqual((await completed('view', '')).slice(0, 4), candidates)
    assert.deepEqual(await completed('show', 'last', ''), [])
    assert.deepEqual(await completed('show', '--no-project', 'las'), ['last\tthe latest run'])
  })

  test('prune keeps what is running, and several prunes do not disturb each other', async () => {
    const child = project.start('run', 'train.yaml', 'steps=1000', 'waitMs=100')
    child.stderr!.resume()
    const before = project.ids.length
    await until(() => project.ids.length > before)
    const running = project.ids[0]!
    for (let n = 1; n <= 3; n++) await project.flambeau('run', 'train.yaml')
    const ends = await Promise.all(
      Array.from({ length: 4 }, () => project.flambeau('prune', '--keep', '1', '--json')),
    )
    assert.deepEqual(new Set(ends.map(({ code }) => code)), new Set([0]))
    const removed = ends.flatMap(({ stdout }) => JSON.parse(stdout).removed)
    assert.deepEqual([removed.length, new Set(removed).size], [5, 5])
    assert.equal(project.ids.length, 2)
    assert.ok(project.ids.includes(running))
    const closed = once(child, 'close')
    child.kill('SIGKILL')
    await closed
  })

  test('prune removes what a killed process has left for a day', async () => {
    const leftover = (id: string) => join(project.runs, `20261129-101502-${id}.0123456789ab.incoming`)
    const old = new Date(Date.now() - 2 * 86_400_000)
    for (const id of ['2b41c07', '0d3e9a2']) mkdirSync(leftover(id))
    utimesSync(leftover('2b41c07'), old, old)
    await project.flambeau('prune', '--keep', '9')
    const left = readdirSync(project.runs).filter((name) => name.endsWith('.incoming'))
    assert.deepEqual(left, ['20261129-101502-0d3e9a2.0123456789ab.incoming'])
  })

  test('outside of a project, each says that runs are recorded in projects', () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'flambeau-outside-')))
    for (const command of [
      ['runs'],
      ['show', 'last'],
      ['logs', 'last'],
      ['rerun', 'last'],
      ['diff', 'last'],
      ['prune', '--keep', '1'],
    ]) {
      const { status, stderr } = spawnSync(process.execPath, [cli, ...command], {
        cwd: folder,
        env: project.env,
        encoding: 'utf8',
      })
      assert.equal(status, 22, command[0])
      assert.match(stderr, /^Runs are recorded in a project only: go to a folder with a "package\.json"/m)
    }
    rmSync(folder, { recursive: true })
  })
})

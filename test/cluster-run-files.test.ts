// What is told of a run is what its files say, at whatever moment they are read.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { LocalHost } from 'flambeau/cluster'
import { onlyHere } from './support/one-form.js'

describe('the files of a run', { skip: onlyHere(process.platform === 'win32' && 'needs pipes with names') }, () => {
  const home = mkdtempSync(join(tmpdir(), 'flambeau-run-files-'))
  const gone = { pid: 2 ** 22 + 1, started: '0', boot: 'before' }
  const exit = { exitCode: 0, signal: null, cancelled: false, endedAt: '2026-11-24T17:04:02.000Z' }
  after(() => rmSync(home, { recursive: true }))

  /** Writes a run, and gives the path of a file in its folder. */
  function makeRun(id: string, cluster = 'test'): (name: string) => string {
    const at = (name: string): string => join(home, '.flambeau/runs', id, name)
    mkdirSync(at(''), { recursive: true })
    const facts = { id, cluster, file: 'job.yaml', packageHash: '', startedAt: exit.endedAt, starter: gone }
    writeFileSync(at('spec.json'), JSON.stringify(facts))
    return at
  }

  test('a run that ends while it is looked at is told with its exit code', async () => {
    const at = makeRun('ending')
    execFileSync('mkfifo', [at('state.json')])
    await using host = new LocalHost('local', home)
    const status = host.ask('status', { cluster: 'test', id: 'ending' })
    // It is open for writing as soon as the agent reads it, and has seen that there is no exit.
    const state = await open(at('state.json'), 'w')
    writeFileSync(at('exit.json'), JSON.stringify(exit))
    await state.writeFile(JSON.stringify({ supervisor: gone }))
    await state.close()
    const { state: told, exitCode } = await status
    assert.deepEqual([told, exitCode], ['succeeded', 0])
  })

  test('more runs than an agent may open files are all told', async () => {
    for (let number = 0; number < 300; number++)
      writeFileSync(makeRun(`many-${number}`, 'many')('exit.json'), JSON.stringify(exit))
    await using host = new FewFilesHost('local', home)
    const { runs } = await host.ask('runs', { cluster: 'many' })
    assert.equal(runs.length, 300)
    assert.ok(runs.every(({ state }) => state === 'succeeded'))
  })
})

/** On which a process may have few files open at once. */
class FewFilesHost extends LocalHost {
  override start(argv: readonly string[]): ReturnType<LocalHost['start']> {
    return super.start(['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh', ...argv])
  }
}

// What is told of a run is what its files say, at whatever moment they are read.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
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
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { LocalHost } from 'flambeau/cluster'
import { processesWith } from '../../support/processes.js'
import { until } from '../../support/until.js'

describe('the files of a run', {
  skip: process.platform === 'win32' && 'needs pipes with names',
}, () => {
  const home = mkdtempSync(join(tmpdir(), 'flambeau-run-files-'))
  const gone = { pid: 2 ** 22 + 1, started: '0', boot: 'before' }
  const exit = { exitCode: 0, signal: null, cancelled: false, endedAt: '2026-11-24T17:04:02.000Z' }
  after(() => rmSync(home, { recursive: true }))

  /** Writes a run, and gives the path of a file in its folder. */
  function makeRun(id: string, cluster = 'test', more = {}): (name: string) => string {
    const at = (name: string): string => join(home, '.flambeau/runs', id, name)
    mkdirSync(at(''), { recursive: true })
    const facts = {
      id,
      cluster,
      file: 'job.yaml',
      packageHash: '',
      startedAt: exit.endedAt,
      starter: gone,
      ...more,
    }
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

  /** Supervises a run that waits for ever for its secrets, and settles with the exit code of the supervisor. */
  async function supervise(id: string, at: (name: string) => string): Promise<number | null> {
    const claims = join(home, '.flambeau/clusters', id, 'claims')
    mkdirSync(claims, { recursive: true })
    symlinkSync(id, join(claims, '1'))
    writeFileSync(at('program.json'), JSON.stringify({ sent: [], call: {} }))
    execFileSync('mkfifo', [at('secrets.json')])
    const child = spawn(process.execPath, ['dist/cluster/supervise.js', at('.')], {
      env: { ...process.env, HOME: home },
      detached: true,
      stdio: 'ignore',
    })
    return (await once(child, 'exit'))[0]
  }

  test('a run that cannot be started has an end', async () => {
    const at = makeRun('unstarted', 'unstarted')
    await supervise('unstarted', at)
    const { exitCode, signal } = JSON.parse(readFileSync(at('exit.json'), 'utf8'))
    assert.deepEqual([exitCode, signal], [126, null])
  })

  test('a run of which nothing can be noted does not go on', async () => {
    const at = makeRun('unnoted', 'unnoted')
    mkdirSync(at('work'))
    mkdirSync(at('state.json/in-the-way'), { recursive: true })
    assert.equal(await supervise('unnoted', at), 1)
    await until(() => processesWith(at('.')).length === 0)
  })

  test('of a run that cannot be written nothing stays, its secrets least of all', async () => {
    await using host = new LocalHost('local', join(home, 'unwritten'))
    const files = { 'secrets.json': '{}', ['n'.repeat(250)]: '' }
    const facts = {
      id: 'unwritten',
      cluster: 'test',
      file: 'job.yaml',
      force: false,
      queue: false,
      packageHash: '0',
      trees: [],
    }
    await assert.rejects(host.ask('start', { ...facts, files }))
    assert.deepEqual(readdirSync(join(home, 'unwritten/.flambeau/runs')), [])
  })

  test('secrets of a run whose host died before it read them are removed by the next call that prepares it', async () => {
    const at = makeRun('died', 'secretive')
    writeFileSync(at('secrets.json'), '{}')
    const running = makeRun('ended', 'other')
    writeFileSync(running('secrets.json'), '{}')
    await using host = new LocalHost('local', home)
    await host.ask('inspect', { cluster: 'secretive', trees: [], makeKey: false })
    assert.equal(existsSync(at('secrets.json')), false)
    assert.equal(existsSync(running('secrets.json')), true, 'of another cluster')
  })

  test('a job that Slurm has forgotten is asked for once, and other files beside runs are none', async () => {
    const at = makeRun('forgotten', 'forgetful', { slurm: true })
    writeFileSync(at('secrets.json'), '{}')
    makeRun('torn', 'forgetful')
    writeFileSync(join(home, '.flambeau/runs/torn/spec.json'), '{')
    writeFileSync(join(home, '.flambeau/runs/notes'), '')
    const bin = join(home, 'bin')
    mkdirSync(bin)
    for (const [name, code] of [
      ['squeue', 'exit 0'],
      ['sacct', `echo >> ${join(bin, 'asked')}; exit 1`],
    ] as const)
      writeFileSync(join(bin, name), `#!/bin/sh\n${code}\n`, { mode: 0o755 })
    await using host = new PathHost('local', home, bin)
    for (let look = 0; look < 3; look++) {
      const { runs } = await host.ask('runs', { cluster: 'forgetful' })
      assert.deepEqual(
        runs.map(({ state }) => state),
        ['lost'],
      )
    }
    assert.equal(readFileSync(join(bin, 'asked'), 'utf8'), '\n')
    assert.equal(existsSync(at('secrets.json')), false)
    await host.ask('down', { cluster: 'forgetful', force: false, graceMs: 0 })
    assert.equal(existsSync(at('spec.json')), false)
  })

  test('a file that cannot be put in its place leaves nothing beside it', async () => {
    await using host = new LocalHost('local', join(home, 'blocked'))
    await host.put('.flambeau/clusters/test/known_hosts/in-the-way', '')
    await assert.rejects(host.ask('setKnownHosts', { cluster: 'test', knownHosts: 'h2 ssh-ed25519 AAAA' }))
    assert.deepEqual(readdirSync(join(home, 'blocked/.flambeau/clusters/test')), ['known_hosts'])
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

/** With programs of its own. */
class PathHost extends LocalHost {
  constructor(
    name: string,
    folder: string,
    readonly bin: string,
  ) {
    super(name, folder)
  }

  override start(argv: readonly string[]): ReturnType<LocalHost['start']> {
    return super.start(['env', `PATH=${this.bin}${delimiter}${process.env['PATH']}`, ...argv])
  }
}

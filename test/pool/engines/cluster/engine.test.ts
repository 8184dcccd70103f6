// The factories of a cluster do the tasks of a pool, whatever is killed or cut off meanwhile; and nothing is left of it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { runFile } from 'flambeau'
import { type Cluster, LocalCluster, type RemoteRun, SSHCluster } from 'flambeau/cluster'
import { readRecords } from 'flambeau/pool'
import {
  below,
  forgetNeighbours,
  isOrchestrator,
  isRedis,
  nothingBelow,
} from '../../../support/cluster-processes.js'
import { redisServer } from '../../../support/redis.js'
import { noMachines, SshHosts } from '../../../support/ssh-hosts.js'
import { notesIn, TrialProject } from '../../../support/trial-project.js'
import { until } from '../../../support/until.js'
import { endOf } from '../../../support/user-package.js'

const noRedis = redisServer === undefined && 'there is no redis-server or valkey-server here'
const silent = { debug() {}, info() {}, warn() {}, error() {} }
/** The lock of the tasks here, in milliseconds. */
const lockMs = 3000

let project: TrialProject
before(async () => {
  project = new TrialProject()
  await import(project.module.href)
})
after(() => project.end())

describe('a pool on a local cluster', { skip: noRedis }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-local-'))
  const make = (factories = 2): Cluster => new LocalCluster({ name: 'local', folder, factories })
  before(() => project.file('cluster.yaml', `!LocalCluster\nname: local\nfolder: ${folder}\n`))
  after(() => rmSync(folder, { recursive: true, force: true }))

  sweeps(() => folder)
  isCancelled(make, () => folder)

  test('without factories tasks run on the orchestrator', async () => {
    const notes = project.fresh()
    await using cluster = make(0)
    const run = await submit(cluster, { count: 2, trial: { notes } })
    assert.deepEqual((await run.wait()).value, ['t0', 't1'])
    assert.deepEqual(new Set(notesIn(notes).map(({ home }) => home)), new Set([join(folder, 'orchestrator')]))
  })

  test('tasks have the extensions and the secrets of the run, and no factory has them in a file', async () => {
    const secrets = project.fresh()
    writeFileSync(secrets, '[AWS]\nKEY = open sesame\n')
    mkdirSync(join(project.folder, 'extension'))
    project.file(
      'extension/package.json',
      '{ "name": "extension", "type": "module", "exports": "./index.js" }',
    )
    project.file(
      'extension/index.js',
      "import { registrable } from 'flambeau'\nexport class Used {}\nregistrable('!Used')(Used)\n",
    )
    const job = '!Trials { count: 2, trial: { needs: KEY } }'
    project.file('job.yaml', `extension: ./extension\n---\n${job}\n`)
    project.file('sharing.yaml', `!LocalCluster\nname: local\nfolder: ${folder}\nsecrets: [AWS]\n`)
    const flags = ['-c', 'sharing.yaml', '--import', './trials.js', '-s', secrets]
    const { stdout, stderr } = await project.flambeau('run', 'job.yaml', ...flags)
    // Two workers: either may be done first.
    assert.deepEqual(JSON.parse(stdout || '[]').toSorted(), ['t0', 't1'], stderr)
    assert.equal(spawnSync('grep', ['-rqs', 'open sesame', folder]).status, 1)
  })

  test('what tasks print on factories is in the log of the run, and in their errors', async () => {
    await using cluster = make()
    const pool = { crashRetries: 0 }
    const trial = { says: 'hello from afar', exits: true }
    const run = await submit(cluster, { count: 1, trial, pool })
    assert.notEqual((await run.wait()).exitCode, 0)
    const log = await logOf(run)
    assert.match(log, /^\[t0\] hello from afar$/m)
    assert.match(log, /Task "t0" killed its worker \(exit code 9\).*\n {2}\| hello from afar/)
  })

  test('an orchestrator without Redis is told what to install', async () => {
    const bin = mkdtempSync(join(tmpdir(), 'flambeau-bin-'))
    for (const name of ['node', 'sh', 'ssh-keygen']) symlinkSync(pathOf(name), join(bin, name))
    project.file('job.yaml', '!Trials { count: 1 }')
    const flags = ['-c', 'cluster.yaml', '--import', './trials.js']
    const { code, stderr } = await project.flambeauIn({ PATH: bin }, 'run', 'job.yaml', ...flags)
    rmSync(bin, { recursive: true })
    assert.equal(code, 69)
    assert.match(stderr, /install one \("apt-get install redis-server", in "setup_cmds"\)/)
  })

  test('a module that was not sent is named', async () => {
    await using cluster = make()
    const imports = ['file:///nowhere/tasks.js']
    const run = await submit(cluster, { count: 1, pool: { imports } })
    assert.equal((await run.wait()).exitCode, 22)
    assert.match(await logOf(run), /Module "\/nowhere\/tasks\.js" is on the orchestrator only/)
  })

  test('a task whose worker is killed is done again', async () => {
    const notes = project.fresh()
    await using cluster = make()
    const pool = { workers: 1, lockMs }
    const run = await submit(cluster, { count: 8, trial: { notes, ms: 3000 }, pool })
    const running = () => new Map(notesIn(notes).map((note) => [note.home, note]))
    await until(() => running().size === 2, 'both factories have a task')
    const [first, second] = running().values()
    process.kill(first!.pid, 'SIGKILL')
    process.kill(second!.parent, 'SIGKILL')
    const again = (id: string) => until(() => notesIn(notes).filter((note) => note.id === id).length > 1, id)
    await Promise.all([again(first!.id), again(second!.id)])
    assert.equal(new Set((await run.wait()).value as string[]).size, 8)
    await nothingBelow(folder)
  })

  test('Redis that is killed comes back with all that it had', async () => {
    const notes = project.fresh()
    await using cluster = make()
    const run = await submit(cluster, { count: 16, trial: { notes, ms: 200 }, pool: { workers: 1, lockMs } })
    await until(() => notesIn(notes).length >= 4)
    process.kill(below(folder).find(isRedis)!, 'SIGKILL')
    assert.equal(new Set((await run.wait()).value as string[]).size, 16)
    const slots = 2
    assert.ok(notesIn(notes).length <= 16 + slots, `${notesIn(notes).length} runs of 16 tasks`)
    await nothingBelow(folder)
  })

  test('a map whose orchestrator is killed goes on with "resume", and without it is refused', async () => {
    const notes = project.fresh()
    await using cluster = make()
    const options = { count: 12, trial: { notes, ms: 200 }, pool: { workers: 1 }, map: { output: 'found' } }
    const first = await submit(cluster, options)
    const done = (): { id: string }[] =>
      keptIn(join(folder, 'orchestrator/.flambeau/clusters/local/content/found'))
    await until(() => done().length >= 4)
    process.kill(below(folder).find(isOrchestrator)!, 'SIGKILL')
    assert.notEqual((await first.wait()).exitCode, 0)
    await nothingBelow(folder)
    const before = done().map(({ id }) => id)
    assert.ok(before.length < 12)
    const refused = await submit(cluster, options)
    assert.equal((await refused.wait()).exitCode, 22)
    assert.match(await logOf(refused), /"found" has the results of \d+ tasks already: continue with "resume"/)
    const more = { imports: [project.module], resume: true }
    const second = await cluster.submit(await project.trials(options), more)
    const all = Array.from({ length: 12 }, (_, index) => `t${index}`)
    assert.deepEqual(((await second.wait()).value as string[]).toSorted(), all.toSorted())
    for (const id of before) assert.equal(notesIn(notes).filter((note) => note.id === id).length, 1, id)
  })

  test('a module that workers cannot import is told once, and ends the run', async () => {
    const module = pathToFileURL(
      project.file('picky.js', "if (/factory/.test(process.env.HOME)) throw new Error('no GPU here')\n"),
    )
    await using cluster = make()
    const imports = [project.module, module]
    const run = await cluster.submit(await project.trials({ count: 8, map: { onError: 'collect' } }), {
      imports,
    })
    assert.equal((await run.wait()).exitCode, 22)
    const log = await logOf(run)
    assert.equal(
      log.match(
        /The workers on "factory-\d" cannot start: Module .*picky\.js" threw an error.*: Error: no GPU here/g,
      )?.length,
      1,
      log,
    )
    await nothingBelow(folder)
  })

  test('a sweep whose orchestrator is killed goes on with --resume', async () => {
    const notes = project.fresh()
    const each = `!Trial { rate: !range { from: 1, to: 10, step: 1 }, ms: 300, notes: ${notes} }`
    const file = project.file(
      'killed.yaml',
      `!Sweep { each: ${each}, metric: score, output: killed, workers: 1 }`,
    )
    const first = project.flambeau('run', file, '-c', 'cluster.yaml', '--import', './trials.js')
    await until(() => notesIn(notes).length >= 5)
    process.kill(below(folder).find(isOrchestrator)!, 'SIGKILL')
    assert.notEqual((await first).code, 0)
    await nothingBelow(folder)
    const done = await readRecords(join(folder, 'orchestrator/.flambeau/clusters/local/content/killed'))
    assert.ok(done.length >= 1 && done.length < 10, `${done.length} done`)
    const second = await project.flambeau(
      'run',
      file,
      '-c',
      'cluster.yaml',
      '--import',
      './trials.js',
      '--resume',
    )
    assert.equal(second.code, 0, second.stderr)
    assert.equal(JSON.parse(second.stdout).trials, 10)
    for (const { trial } of done)
      assert.equal(notesIn(notes).filter(({ id }) => id === trial).length, 1, trial)
  })
})

describe('a pool on SSH hosts', { skip: noRedis || noMachines }, () => {
  let hosts: SshHosts
  const make = (): Cluster => {
    const [orchestratorIp, ...factoriesIps] = hosts.all.map(({ name, address }) => [name, address] as const)
    return new SSHCluster({
      name: 'ssh',
      orchestratorIp: [...orchestratorIp!],
      factoriesIps: factoriesIps.map((each) => [...each]),
      sshConfig: hosts.config,
      connectTimeout: 5,
    })
  }
  before(async () => {
    hosts = await SshHosts.start(3)
    const [first, ...others] = hosts.all.map(({ name, address }) => `[${name}, ${address}]`)
    const addresses = `orchestrator_ip: ${first}\nfactories_ips: [${others.join(', ')}]`
    project.file('cluster.yaml', `!SSHCluster\nname: ssh\n${addresses}\nssh_config: ${hosts.config}\n`)
  })
  after(() => hosts.end())

  sweeps(() => hosts.folder)
  isCancelled(make, () => hosts.folder)

  test('a factory that is cut off or killed loses its tasks to the others, and takes part again', async () => {
    const [notes, enough] = [project.fresh(), project.fresh()]
    await using cluster = make()
    const [, kept, lost] = hosts.all
    const run = await submit(cluster, {
      until: enough,
      trial: { notes, ms: 100 },
      pool: { workers: 1, lockMs },
    })
    const begun = (host = lost!) => notesIn(notes).filter(({ home }) => home === host.home).length
    await until(() => begun(kept) > 2 && begun(lost) > 2, 'both take part')
    const othersGoOn = async (tasks: number): Promise<void> => {
      const before = begun(kept)
      await until(() => begun(kept) > before + tasks, 'the other one goes on')
    }
    const isBack = async (): Promise<void> => {
      const before = begun(lost)
      await until(() => begun(lost) > before + 5, 'it takes part again')
    }
    lost!.cut()
    // Longer than a lock holds.
    await othersGoOn(50)
    lost!.mend()
    await isBack()
    await lost!.kill()
    await othersGoOn(10)
    await lost!.boot()
    forgetNeighbours(hosts)
    await isBack()
    writeFileSync(enough, '')
    const done = new Set((await run.wait()).value as string[])
    for (const { id } of notesIn(notes)) assert.ok(done.has(id), `${id} was begun, and is not done`)
    await nothingBelow(hosts.folder)
  })
})

/** A sweep by the command line, with "cluster.yaml" in the folder of the project. */
function sweeps(folder: () => string): void {
  test('a sweep of 24 trials comes to what it does here, and every factory takes part', async () => {
    const notes = project.fresh()
    const each = `!Trial { rate: !range { from: 1, to: 8, step: 1 }, layers: !choice [1, 2, 3], ms: 200, notes: ${notes} }`
    const text = `!Sweep { each: ${each}, metric: score, workers: 1 }`
    const file = project.file('sweep.yaml', text)
    const ended = await project.flambeau('run', file, '-c', 'cluster.yaml', '--import', './trials.js')
    assert.equal(ended.code, 0, ended.stderr)
    assert.equal(new Set(notesIn(notes).map(({ home }) => home)).size, 2)
    await nothingBelow(folder())
    const [, id = ''] = /^Run (\S+) is started/m.exec(ended.stderr) ?? []
    const fetched = project.fresh()
    const { stderr, code } = await project.flambeau('fetch', id, 'sweep', fetched, '-c', 'cluster.yaml')
    assert.equal(code, 0, stderr)
    const here = await Promise.all(
      (['inline', 'processes'] as const).map((engine) => sweptHere(text, engine)),
    )
    assert.deepEqual(here, Array(2).fill(await hashOf(fetched)))
  })
}

/** Tasks that hear of no signal are ended all the same, on every host. */
function isCancelled(make: () => Cluster, folder: () => string): void {
  test('cancelling leaves no process anywhere', async () => {
    const notes = project.fresh()
    await using cluster = make()
    const run = await submit(cluster, { count: 4, trial: { notes, busy: true }, pool: { workers: 1 } })
    await until(() => notesIn(notes).length >= 2, 'tasks run')
    assert.equal((await run.cancel({ graceMs: 1000 })).state, 'cancelled')
    await nothingBelow(folder())
  })

  test('Ctrl-C leaves the run alone, and cancelling it then leaves no process anywhere', async () => {
    const notes = project.fresh()
    project.file(
      'busy.yaml',
      `!Trials { count: 4, trial: { notes: ${notes}, busy: true }, pool: { workers: 1 } }`,
    )
    const command = project.start(['run', 'busy.yaml', '-c', 'cluster.yaml', '--import', './trials.js'])
    const end = endOf(command)
    await until(() => notesIn(notes).length >= 2, 'tasks run')
    command.kill('SIGINT')
    const { stderr } = await end
    const [, id = ''] = /^Run (\S+) is started/m.exec(stderr) ?? []
    assert.ok(below(folder()).some(isOrchestrator), 'it goes on')
    const { code } = await project.flambeau('cancel', id, '-c', 'cluster.yaml')
    assert.equal(code, 0)
    await nothingBelow(folder())
  })
}

/** What a map has kept in a folder, so far. */
function keptIn(folder: string): { id: string }[] {
  const file = join(folder, 'done.jsonl')
  if (!existsSync(file)) return []
  const whole = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return whole.map((line) => JSON.parse(line))
}

function pathOf(program: string): string {
  return program === 'node' ? process.execPath : spawnSync('which', [program]).stdout.toString().trim()
}

async function submit(cluster: Cluster, options: object): Promise<RemoteRun> {
  return cluster.submit(await project.trials(options), { imports: [project.module] })
}

async function logOf(run: RemoteRun): Promise<string> {
  return (await buffer(run.logs())).toString()
}

async function sweptHere(text: string, engine: 'inline' | 'processes'): Promise<string> {
  const output = project.fresh()
  const content = text.replace('workers: 1', `workers: 1, output: ${output}`)
  const runOptions = { engine, imports: [project.module] }
  const outcome = await runFile({ content }, { logger: silent, runOptions })
  assert.ok(outcome.ok)
  return hashOf(output)
}

/** A hash of all results in a folder, whatever the order in which they came. */
async function hashOf(output: string): Promise<string> {
  const records = await readRecords(output)
  const results = records.map(({ trial, key, options, metric, result }) =>
    JSON.stringify({ trial, key, options, metric, result }),
  )
  assert.equal(results.length, 24)
  return createHash('sha256').update(results.toSorted().join('\n')).digest('hex')
}

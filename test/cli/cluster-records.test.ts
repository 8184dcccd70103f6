// The records of runs on a cluster: what they hold, however the command that follows the run ends.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dump } from 'flambeau'
import { LocalCluster } from 'flambeau/cluster'
import { Project } from '../support/cluster-project.js'
import { noMachines, SshHosts } from '../support/ssh-hosts.js'
import { until } from '../support/until.js'
import { endOf } from '../support/user-package.js'

/** A run that waits for the file "go" in its working folder, with progress before and after. */
const waits = `
  console.log('ready')
  options.progress({ step: 1, loss: 0.5 })
  while (!files.existsSync('go')) await delay(20)
  options.progress({ step: 2, loss: 0.25 })
  console.log('over')
  return { loss: 0.25 }`

const flags = ['--import', './jobs.js']

let project: Project
before(() => {
  project = new Project()
})
after(() => project.end())

const runs = () => join(project.folder, '.flambeau/runs')
const ids = () =>
  readdirSync(runs())
    .filter((name) => /^\d/.test(name))
    .sort()
const path = (id: string, name: string) => join(runs(), id, name)
const read = (id: string, name: string) => readFileSync(path(id, name), 'utf8')
const record = (id: string) => JSON.parse(read(id, 'run.json'))
const lines = (id: string, name: string) =>
  read(id, name)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

/** The steps of the progress of a run. */
const steps = (id: string) => lines(id, 'metrics.jsonl').map(({ step }) => step)

/** Starts a command, and settles when it has printed a text. */
async function started(text: string, ...args: string[]) {
  const child = project.start(...args)
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const output = { text: '' }
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk) => {
      output.text += chunk
    })
  await until(() => output.text.includes(text), `it prints "${text}"`)
  return { child, ended, output }
}

function assertWhole(id: string, log: string): void {
  const { state, exitCode, endedAt } = record(id)
  assert.deepEqual([state, exitCode, typeof endedAt], ['succeeded', 0, 'string'])
  assert.deepEqual(JSON.parse(read(id, 'result.json')), { loss: 0.25 })
  assert.deepEqual(steps(id), [1, 2])
  assert.equal(read(id, 'log.txt'), log)
  assert.deepEqual(
    readdirSync(join(runs(), id)).filter((name) => /incoming|\.lock/.test(name)),
    [],
  )
}

describe('the record of a run on a cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-local-'))
  let file: string
  before(() => {
    file = project.file('cluster.yaml', dump(new LocalCluster({ name: 'test', folder, factories: 2 })))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const onHost = (id: string, name: string) => join(folder, 'orchestrator/.flambeau/runs', id, name)
  const go = (id: string) => writeFileSync(onHost(id, 'work/go'), '')
  const run = (...more: string[]) => ['run', 'job.yaml', '-c', file, ...flags, ...more]
  async function detached(): Promise<string> {
    project.jobFile(waits)
    const { stdout, stderr } = await project.flambeau(...run('--detach'))
    const id = stdout.trim()
    assert.deepEqual([ids().at(-1), record(id).state], [id, 'running'], stderr)
    return id
  }

  test('that is followed has what a record of a run here has', async () => {
    project.jobFile(`options.progress({ step: 1 }); console.log('on the way'); return { a: 1 }`)
    const { code, stderr } = await project.flambeau(...run())
    assert.equal(code, 0, stderr)
    const id = ids().at(-1)!
    assert.match(stderr, new RegExp(`Run ${id} is started on orchestrator`))
    const { state, exitCode, cluster, tag, file: name, process } = record(id)
    assert.deepEqual(
      { state, exitCode, cluster, tag, name, process },
      {
        state: 'succeeded',
        exitCode: 0,
        cluster: { name: 'test', file, orchestrator: 'orchestrator' },
        tag: '!Job',
        name: 'job.yaml',
        process: undefined,
      },
    )
    assert.match(read(id, 'run.yaml'), /!Job/)
    assert.equal(read(id, 'log.txt'), readFileSync(onHost(id, 'log'), 'utf8'))
    assert.deepEqual(JSON.parse(read(id, 'result.json')), { a: 1 })
    assert.deepEqual(steps(id), [1])
    // The list needs no cluster.
    renameSync(join(folder, 'orchestrator'), join(folder, 'away'))
    const listed = await project.flambeau('runs', '--json')
    renameSync(join(folder, 'away'), join(folder, 'orchestrator'))
    assert.equal(JSON.parse(listed.stdout)[0].id, id)
  })

  test('of a queued run says what it waits for, until it starts', async () => {
    const first = await detached()
    const queue = async (...more: string[]) => {
      const { stdout, stderr } = await project.flambeau(...run('--queue', '--detach', ...more))
      return { id: stdout.trim(), stderr }
    }
    const second = await queue()
    assert.match(second.stderr, new RegExp(`Run ${second.id} is queued behind ${first} on orchestrator`))
    const third = await started(`is queued behind ${second.id}`, ...run('--queue'))
    const [id] = ids().slice(-1)
    assert.deepEqual([record(id!).state, record(id!).waitsFor], ['queued', second.id])
    const listed = await project.flambeau('runs')
    assert.match(listed.stdout, new RegExp(`${id}  queued .*  waits for ${second.id}\n`))
    const onCluster = JSON.parse((await project.flambeau('runs', '-c', file, '--json')).stdout)
    assert.deepEqual(
      onCluster.slice(0, 3).map(({ state, waitsFor }: any) => [state, waitsFor]),
      [
        ['queued', second.id],
        ['queued', first],
        ['running', undefined],
      ],
    )
    const status = await project.flambeau('status', second.id)
    assert.match(status.stdout, new RegExp(`^${second.id}  queued .* waits for ${first}\n`))
    const refused = await project.flambeau(...run())
    assert.match(
      refused.stderr,
      new RegExp(`Run "${first}" is active in this cluster: add "--queue" to run after it`),
    )
    // It leaves the run in the queue.
    third.child.kill('SIGINT')
    assert.equal(await third.ended, 130)
    assert.match(
      third.output.text,
      new RegExp(`Run ${id} stays in the queue\n.*flambeau logs ${id} --follow`),
    )
    const cancelled = await project.flambeau('cancel', second.id)
    assert.match(cancelled.stderr, new RegExp(`Cancelled run ${second.id}`))
    assert.equal(record(second.id).state, 'cancelled')
    assert.match((await project.flambeau('status', id!)).stdout, new RegExp(`queued .* waits for ${first}\n`))
    assert.equal(record(id!).waitsFor, first)
    go(first)
    const following = project.flambeau('logs', id!, '--follow')
    await until(
      () => existsSync(onHost(id!, 'log')) && readFileSync(onHost(id!, 'log'), 'utf8').includes('ready'),
    )
    go(id!)
    assert.match((await following).stdout, /over\n$/)
    assert.deepEqual([record(id!).state, record(id!).waitsFor], ['succeeded', undefined])
  })

  test('of a queued run that is followed is that of the run when it starts', async () => {
    const first = await detached()
    const second = await started('is queued behind', ...run('--queue'))
    const id = ids().at(-1)!
    go(first)
    await until(() => record(id).state === 'running')
    go(id)
    assert.equal(await second.ended, 0)
    assert.match(
      second.output.text,
      new RegExp(`is queued behind ${first}[^]*Run ${id} is started on orchestrator\nready`),
    )
    assertWhole(id, readFileSync(onHost(id, 'log'), 'utf8'))
    await project.flambeau('wait', first)
  })

  test('of a failed run has its exit code and the reason', async () => {
    project.jobFile(`throw Object.assign(new Error('no such luck'), { exitCode: 3 })`)
    assert.equal((await project.flambeau(...run())).code, 3)
    const { state, exitCode, error } = record(ids().at(-1)!)
    assert.deepEqual([state, exitCode], ['failed', 3])
    assert.match(error, /its log says why/)
    project.jobFile(`process.kill(process.pid, 'SIGKILL'); await delay(5000)`)
    assert.equal((await project.flambeau(...run())).code, 137)
    assert.deepEqual(record(ids().at(-1)!).exitCode, 137)
  })

  test('of a file that is refused before anything is sent has its end', async () => {
    project.file('job.yaml', '!Job { code: !Unknown {} }\n')
    const { code } = await project.flambeau(...run())
    assert.equal(code, 22)
    assert.equal(record(ids().at(-1)!).state, 'failed')
  })

  test('is brought up to date by "wait" of another process, without "-c"', async () => {
    const id = await detached()
    assert.equal((await project.flambeau('status', id)).code, 0)
    await until(async () => {
      await project.flambeau('status', 'last')
      return existsSync(path(id, 'metrics.jsonl'))
    })
    assert.deepEqual(steps(id), [1])
    assert.deepEqual([record(id).state, read(id, 'log.txt')], ['running', 'ready\n'])
    go(id)
    const { code, stdout } = await project.flambeau('wait', id)
    assert.deepEqual([code, JSON.parse(stdout)], [0, { loss: 0.25 }])
    assertWhole(id, 'ready\nover\n')
    const before = statSync(path(id, 'run.json')).mtimeMs
    assert.equal((await project.flambeau('logs', id)).stdout, 'ready\nover\n')
    assert.equal(statSync(path(id, 'run.json')).mtimeMs, before)
  })

  test('is whole after the command that follows was killed', async () => {
    project.jobFile(waits)
    const { child, ended } = await started('ready\n', ...run())
    const id = ids().at(-1)!
    await until(() => existsSync(path(id, 'metrics.jsonl')))
    child.kill('SIGKILL')
    await ended
    assert.equal(record(id).state, 'running')
    go(id)
    assert.equal((await project.flambeau('wait', id)).code, 0)
    assertWhole(id, 'ready\nover\n')
  })

  test('stays "running" after Ctrl-C, and the next command goes on with it', async () => {
    project.jobFile(waits)
    const { child, ended } = await started('ready\n', ...run())
    const id = ids().at(-1)!
    child.kill('SIGINT')
    assert.equal(await ended, 130)
    assert.equal(record(id).state, 'running')
    go(id)
    assert.equal((await project.flambeau('logs', id, '--follow')).stdout, 'ready\nover\n')
    assertWhole(id, 'ready\nover\n')
  })

  test('stays "queued" after Ctrl-C while the run is submitted, and the next command goes on with it', async () => {
    // It ends when it may, not when it is cancelled.
    const first = await detached()
    await until(() => readFileSync(onHost(first, 'log'), 'utf8') === 'ready\n')
    project.jobFile(waits)
    const child = project.start(...run('--force'))
    const ended = endOf(child)
    await until(() => existsSync(onHost(first, 'cancel.json')), 'the active run is being cancelled')
    child.kill('SIGINT')
    const { code, stderr } = await ended
    const id = ids().at(-1)!
    assert.equal(code, 130)
    assert.match(stderr, new RegExp(`Run ${id} was sent, and may start.*\n.*flambeau logs ${id} --follow`))
    assert.deepEqual([record(id).state, record(id).endedAt], ['queued', undefined])
    go(first)
    const waited = project.flambeau('wait', id)
    await until(() => existsSync(onHost(id, 'log')) && readFileSync(onHost(id, 'log'), 'utf8') === 'ready\n')
    go(id)
    assert.equal((await waited).code, 0)
    assertWhole(id, 'ready\nover\n')
  })

  test('is written once by commands that come at the same time', async () => {
    const id = await detached()
    await project.flambeau('status', id)
    const waiting = [1, 2, 3].map(() => project.flambeau('wait', id))
    go(id)
    for (const { code, stderr } of await Promise.all(waiting)) assert.equal(code, 0, stderr)
    assertWhole(id, 'ready\nover\n')
  })

  test('is left alone by other commands while it is followed', async () => {
    project.jobFile(waits)
    const { ended, output } = await started('ready\n', ...run())
    const id = ids().at(-1)!
    for (const command of ['status', 'logs']) assert.equal((await project.flambeau(command, id)).code, 0)
    go(id)
    assert.equal(await ended, 0, output.text)
    assertWhole(id, 'ready\nover\n')
  })

  test('of a cancelled run says so', async () => {
    const id = await detached()
    assert.equal((await project.flambeau('cancel', id)).code, 0)
    const { state, exitCode, error } = record(id)
    assert.deepEqual([state, exitCode, error], ['cancelled', 130, `Run ${id} was cancelled`])
  })

  test('says when the file of its cluster is gone, and takes another', async () => {
    const id = await detached()
    renameSync(file, `${file}.moved`)
    const { code, stderr } = await project.flambeau('status', id)
    assert.deepEqual(
      [code !== 0, /there is no file "cluster\.yaml" any more: add "--cluster FILE"/.test(stderr)],
      [true, true],
      stderr,
    )
    go(id)
    const waited = await project.flambeau('wait', id, '-c', `${file}.moved`)
    renameSync(`${file}.moved`, file)
    assert.equal(waited.code, 0, waited.stderr)
    assertWhole(id, 'ready\nover\n')
  })

  test('has no secret, whichever command writes it', async () => {
    project.file('secrets.ini', '[AWS]\nkey = hunter2hunter2\n')
    const withSecrets = project.file(
      'with-secrets.yaml',
      dump(new LocalCluster({ name: 'test', folder, factories: 2, secrets: ['AWS'] })),
    )
    project.jobFile(
      `const key = this.config.get('AWS', 'key'); console.log(key); options.progress({ key }); while (!files.existsSync('go')) await delay(20); return { key }`,
    )
    const args = ['run', 'job.yaml', '-c', withSecrets, ...flags, '-s', 'secrets.ini', '--detach']
    const { stdout, stderr } = await project.flambeau(...args)
    const id = stdout.trim()
    go(id)
    assert.equal((await project.flambeau('wait', id)).code, 0, stderr)
    const { state } = record(id)
    assert.equal(state, 'succeeded')
    for (const name of readdirSync(join(runs(), id))) assert.doesNotMatch(read(id, name), /hunter2/, name)
    assert.match(read(id, 'metrics.jsonl'), /"step"|"key"/)
  })

  test('of a sweep has the trials of all workers', async () => {
    project.file(
      'fits.js',
      `import { Runnable, registrable } from 'flambeau'
class Fit extends Runnable {
  constructor(options) { super(options); this.options = options }
  run({ progress, logger }) {
    progress({ score: this.options.rate / 2 })
    logger.info('rate ' + this.options.rate)
    if (this.options.rate === 3) throw new Error('it does not converge')
    return { score: this.options.rate }
  }
}
registrable('!Fit')(Fit)
`,
    )
    project.file(
      'sweep.yaml',
      '!Sweep { each: !Fit { rate: !choice [1, 2, 3, 4, 5, 6] }, metric: score, goal: max, workers: 1, output: out }\n',
    )
    const { code, stderr } = await project.flambeau('run', 'sweep.yaml', '-c', file, '--import', './fits.js')
    const id = ids().at(-1)!
    const trials = lines(id, 'trials.jsonl')
    const ends = trials.filter(({ state }) => state !== 'running')
    assert.equal(ends.length, 6, stderr)
    assert.deepEqual(
      ends
        .filter(({ state }) => state === 'done')
        .map(({ result }) => result.score)
        .sort(),
      [1, 2, 4, 5, 6],
    )
    assert.equal(ends.find(({ state }) => state === 'failed').error.message.includes('converge'), true)
    const scores = lines(id, 'metrics.jsonl').filter(({ _attempt }) => _attempt === 1)
    assert.deepEqual(scores.map(({ score }) => score * 2).sort(), [1, 2, 3, 4, 5, 6])
    assert.match(read(id, 'trials.log'), /info {2}rate 4$/m)
    const { sweep, state, exitCode } = record(id)
    assert.deepEqual([sweep.trials, sweep.metrics], [6, [{ name: 'score', goal: 'max' }]])
    assert.deepEqual([state, exitCode], [code === 0 ? 'succeeded' : 'failed', code])
  })

  test('is never sent to hosts, and changes nothing of what is sent', async () => {
    project.jobFile('return 1')
    rmSync(join(project.folder, 'secrets.ini'))
    await project.flambeau(...run('--send', '.'))
    const again = await project.flambeau(...run('--send', '.'))
    assert.equal(again.code, 0, again.stderr)
    assert.doesNotMatch(again.stderr, /: sent /)
    const sent = readdirSync(join(folder, 'orchestrator/.flambeau'), { recursive: true, encoding: 'utf8' })
    assert.deepEqual(
      sent.filter((name) => /(?:packages|project).*\.flambeau\/runs/.test(name)),
      [],
    )
    const named = await project.flambeau(...run('--send', '.flambeau/runs'))
    assert.deepEqual([named.code, /never sent to a host/.test(named.stderr)], [22, true], named.stderr)
  })

  test('ends when its cluster was taken down', async () => {
    const id = await detached()
    assert.equal((await project.flambeau('down', file, '--force')).code, 0)
    assert.notEqual((await project.flambeau('status', id)).code, 0)
    const { state, error } = record(id)
    assert.deepEqual([state, /does not have this run/.test(error)], ['lost', true])
  })

  test('is not written with "--no-record"', async () => {
    const before = ids().length
    project.jobFile('options.progress({ step: 1 }); return 1')
    const { code, stdout } = await project.flambeau(...run('--no-record'))
    assert.deepEqual([code, stdout, ids().length], [0, '1\n', before])
  })

  test('and the files of the run can be fetched', async () => {
    const id = ids().at(-2)!
    project.jobFile(`files.writeFileSync('log', 'mine'); options.progress({ step: 7 }); return 1`)
    const { stderr } = await project.flambeau(...run())
    const latest = ids().at(-1)!
    assert.notEqual(latest, id)
    const fetched = join(project.folder, 'fetched')
    for (const [name, content] of [
      ['job.yaml', /!Job/],
      ['events.jsonl', /"step":7/],
      ['log', /^mine$/],
      ['run.yaml', /!Job/],
    ] as const) {
      const got = await project.flambeau('fetch', latest, name, join(fetched, name))
      assert.equal(got.code, 0, got.stderr + stderr)
      assert.match(readFileSync(join(fetched, name), 'utf8'), content)
    }
    const missing = await project.flambeau('fetch', latest, 'nothing', fetched)
    assert.deepEqual([missing.code !== 0, missing.stderr.includes('Copied')], [true, false], missing.stderr)
  })
})

describe('the record of a run on SSH hosts', { skip: noMachines }, () => {
  let hosts: SshHosts
  let cluster: string
  before(async () => {
    hosts = await SshHosts.start(1)
    cluster = project.sshClusterFile(hosts, { connectTimeout: 2 })
  })
  after(() => hosts.end())

  const go = (id: string) => writeFileSync(join(hosts.all[0]!.home, '.flambeau/runs', id, 'work/go'), '')
  const run = (...more: string[]) => ['run', 'job.yaml', '-c', cluster, ...flags, ...more]

  test('has everything after a connection that was cut', async () => {
    project.jobFile(waits)
    const { ended, output } = await started('ready\n', ...run())
    const id = ids().at(-1)!
    await until(() => existsSync(path(id, 'metrics.jsonl')))
    hosts.all[0]!.cut()
    await until(() => output.text.includes('trying to reach it again'))
    go(id)
    hosts.all[0]!.mend()
    assert.equal(await ended, 0, output.text)
    assertWhole(id, 'ready\nover\n')
  })

  test('stays "running" when the host is not reached any more, and is brought up to date later', async () => {
    project.jobFile(waits)
    const { ended, output } = await started('ready\n', ...run('--reconnect-timeout', '1'))
    const id = ids().at(-1)!
    hosts.all[0]!.cut()
    assert.equal(await ended.finally(() => hosts.all[0]!.mend()), 75, output.text)
    assert.equal(record(id).state, 'running')
    go(id)
    // The network may take a moment to find the host again.
    await until(async () => (await project.flambeau('status', id)).code === 0)
    const { code, stderr } = await project.flambeau('wait', id)
    assert.equal(code, 0, stderr)
    assertWhole(id, 'ready\nover\n')
  })
})

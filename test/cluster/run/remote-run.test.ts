// What runs on a cluster runs on by itself: whoever starts, follows or leaves it, and however it ends.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { dump, isFlambeauError } from 'flambeau'
import { type Cluster, LocalCluster, type RemoteRun, SlurmCluster, SSHCluster } from 'flambeau/cluster'
import { Project } from '../../support/cluster-project.js'
import { allProcesses, argumentsOf, kill, processesWith } from '../../support/processes.js'
import { noSlurm, Slurm } from '../../support/slurm.js'
import { noHosts, noMachines, SshHosts } from '../../support/ssh-hosts.js'
import { until } from '../../support/until.js'

let project: Project
before(() => {
  project = new Project()
})
after(() => project.end())

/** Nobody else has a process with this argument. */
let marks = 0
const newMark = (): string => `6${process.pid}.${++marks}5`

describe('runs on a local cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-local-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const make = (): Cluster => new LocalCluster({ name: 'test', folder, factories: 1 })
  runs(make)
  runsOneByOne(make)
})

describe('runs on Slurm', { skip: noSlurm }, () => {
  let slurm: Slurm
  let share: string
  before(async () => {
    slurm = await Slurm.start(2)
    share = mkdtempSync(join(tmpdir(), 'flambeau-share-'))
  })
  after(async () => {
    await slurm.end()
    rmSync(share, { recursive: true, force: true })
  })
  runs(
    // Many sites advise to submit so; its tasks on other nodes need their environment nevertheless.
    () => new SlurmCluster({ name: 'test', share, nodes: 2, sbatch: ['--export=NONE'] }),
    () => slurm.nodes,
  )
})

describe('runs on SSH hosts', { skip: noHosts }, () => {
  let hosts: SshHosts
  before(async () => {
    hosts = await SshHosts.start(2)
  })
  after(() => hosts.end())
  const make = (): Cluster =>
    new SSHCluster({
      name: 'test',
      orchestratorIp: 'h1',
      factoriesIps: ['h2'],
      sshConfig: hosts.config,
      connectTimeout: 2,
    })
  runs(make)
  runsOneByOne(make)

  describe('and their machines', { skip: noMachines }, () => {
    test('the log and the end of a run come through a connection that is cut', async () => {
      await using cluster = make()
      const run = await submit(cluster, lines(40, 100))
      let losses = 0
      const onConnectionLost = () => void losses++
      const log = buffer(run.logs({ follow: true, onConnectionLost }))
      const end = run.wait({ onConnectionLost })
      await until(async () => (await run.status()).logSize > 100)
      hosts.all[0]!.cut()
      await until(() => losses === 2, 'both lose the connection')
      hosts.all[0]!.mend()
      assert.equal((await end).state, 'succeeded')
      assert.deepEqual(await log, await buffer(cluster.attach(run.id).logs()))
      assert.equal((await log).toString().match(/^line \d+$/gm)?.length, 40)
    })

    test('a run whose host is not reached any more goes on, and whoever follows it is told how to come back', async () => {
      await using cluster = make()
      project.sshClusterFile(hosts, { connectTimeout: 2 })
      project.jobFile(`console.log('ready'); while (!files.existsSync('go')) await delay(50); return 'done'`)
      const flags = ['-c', 'cluster.yaml', '--reconnect-timeout', '1']
      const following = listenTo(project.start('run', 'job.yaml', '--import', './jobs.js', ...flags))
      await until(() => following.said.includes('ready\n'), 'it runs')
      const [, id = ''] = /Run (\S+) is started/.exec(following.said) ?? []
      const reading = listenTo(project.start('logs', id, '-f', ...flags))
      await until(() => reading.said.includes('ready\n'), 'its log is read')
      hosts.all[0]!.cut()
      const codes = await Promise.all([following.code, reading.code]).finally(() => hosts.all[0]!.mend())
      assert.deepEqual(codes, [75, 75], following.said + reading.said)
      for (const { said } of [following, reading]) {
        assert.match(said, /trying to reach it again\n/)
        assert.match(
          said,
          new RegExp(`Host "h1" was not reached again within 1 s .*: run "${id}" goes on there\n`),
        )
        assert.match(
          said,
          new RegExp(`"flambeau logs ${id} --follow -c cluster.yaml[^"]*" or "flambeau wait ${id} -c `),
        )
      }
      await cluster.orchestrator.exec(['touch', `.flambeau/runs/${id}/work/go`])
      const { code, stdout } = await project.flambeau('wait', id, '-c', 'cluster.yaml')
      assert.deepEqual([code, stdout], [0, 'done\n'])
    })

    test('a run that was just started is looked for where its host was cut off meanwhile', async () => {
      await using cluster = make()
      const run = await submit(cluster, 'return 1')
      await cluster.close()
      hosts.all[0]!.cut()
      const lost = await run.wait({ reconnectTimeoutMs: 1 }).then(
        () => assert.fail('it was reached'),
        (error) => error,
      )
      assert.deepEqual([lost.code, lost.exitCode], ['RUN_OUT_OF_REACH', 75])
      const waited = run.wait()
      const stranger = cluster.attach('never-heard-of').wait()
      await assert.rejects(stranger, { code: 'HOST_UNREACHABLE', exitCode: 69 })
      hosts.all[0]!.mend()
      assert.equal((await waited).value, 1)
    })

    test('a run on a host that was restarted is lost, and the next one can start', async () => {
      await using cluster = make()
      const run = await submit(cluster, 'await delay(60000)')
      const end = run.wait()
      await hosts.all[0]!.kill()
      await hosts.all[0]!.boot()
      assert.equal((await end).state, 'lost')
      assert.equal((await cluster.runs())[0]?.state, 'lost')
      assert.equal((await (await submit(cluster, 'return 1')).wait()).value, 1)
    })
  })
})

async function submit(cluster: Cluster, code: string, options: { force?: boolean } = {}): Promise<RemoteRun> {
  return cluster.submit(await project.job(code), { imports: [project.module], ...options })
}

/** Prints lines to both outputs, with pauses. */
function lines(count: number, pauseMs: number): string {
  return `for (let n = 0; n < ${count}; n++) {
    (n % 2 ? console.log : console.error)('line ' + n)
    await delay(${pauseMs})
  }`
}

/** What every cluster does; `nodes` are the workers of a run, where they are known only as it starts. */
function runs(make: () => Cluster, nodes?: () => readonly string[]): void {
  test('a run has its environment, its folder, its text, and gives a value', async () => {
    await using cluster = make()
    const code = `files.writeFileSync('made.txt', 'made')
      return { env: { ...this.env, options: undefined }, content: this.content, folder: process.cwd(), umask: process.umask() }`
    const prepare = `this.setSerializableAttr('prepared', await options.cluster.getMaxResources())`
    const runnable = await project.job(`${code}`, { prepare })
    const run = await cluster.submit(runnable, { imports: [project.module], file: 'job.yaml' })
    const { value, state, exitCode, file } = await run.wait()
    assert.deepEqual([state, exitCode, file], ['succeeded', 0, 'job.yaml'])
    const { env, content, folder } = value as Record<string, any>
    assert.equal(content, readFileSync(join(project.folder, 'job.yaml'), 'utf8'))
    assert.ok(folder.endsWith(`.flambeau/runs/${run.id}/work`))
    const given = await cluster.getRemoteEnv()
    assert.deepEqual(env.factoriesIps, nodes?.() ?? given.factoriesIps)
    if (!nodes) assert.equal(env.orchestratorIp, given.orchestratorIp)
    const local = mkdtempSync(join(tmpdir(), 'flambeau-fetched-'))
    await run.fetch('made.txt', join(local, 'here.txt'))
    assert.equal(readFileSync(join(local, 'here.txt'), 'utf8'), 'made')
    await run.fetch('.', join(local, 'all'))
    assert.equal(readFileSync(join(local, 'all/made.txt'), 'utf8'), 'made')
    rmSync(local, { recursive: true })
  })

  test('exit codes are exact, and a signal is told by its name', async () => {
    await using cluster = make()
    for (const code of [0, 1, 77, 255]) {
      const { exitCode, state } = await (await submit(cluster, `process.exit(${code})`)).wait()
      assert.deepEqual([exitCode, state], [code, code === 0 ? 'succeeded' : 'failed'])
    }
    const killed = await (
      await submit(cluster, `process.kill(process.pid, 'SIGKILL'); await delay(9000)`)
    ).wait()
    assert.deepEqual([killed.exitCode, killed.signal, killed.state], [undefined, 'SIGKILL', 'failed'])
    const thrown = await submit(cluster, `throw new Error('what went wrong')`)
    assert.equal((await thrown.wait()).exitCode, 1)
    assert.match((await buffer(thrown.logs())).toString(), /what went wrong/)
  })

  test('the log is complete, and the same for everyone who reads it', async () => {
    await using cluster = make()
    await using other = make()
    const run = await submit(cluster, `${lines(20, 20)}\nprocess.stdout.write('no end of line')`)
    const attached = other.attach(run.id)
    const all = await Promise.all([run, run, attached].map((each) => buffer(each.logs({ follow: true }))))
    const expected = `${Array.from({ length: 20 }, (_, n) => `line ${n}\n`).join('')}no end of line`
    for (const log of all) assert.equal(log.toString(), expected)
    assert.equal((await buffer(attached.logs({ offset: 7 }))).toString(), expected.slice(7))
    assert.equal((await run.status()).logSize, expected.length)
  })

  test('who stops reading a log keeps nobody waiting', async () => {
    await using cluster = make()
    const run = await submit(cluster, lines(100_000, 0))
    for await (const chunk of run.logs({ follow: true })) if (chunk.length > 0) break
    assert.equal((await run.cancel({ graceMs: 300 })).state, 'cancelled')
  })

  test('a run goes on when what started it is killed', async () => {
    await using cluster = make()
    const file = join(project.folder, 'cluster-of-run.yaml')
    writeFileSync(file, dump(cluster))
    project.jobFile(`${lines(20, 100)}\nreturn 42`)
    const child = project.start('run', 'job.yaml', '-c', file, '--import', './jobs.js')
    const following = listenTo(child)
    await until(() => following.said.includes('line 2\n'), 'its log is read')
    child.kill('SIGKILL')
    await following.code
    const id = /Run (\S+) is started/.exec(following.said)![1]!
    const end = await cluster.attach(id).wait()
    assert.deepEqual([end.state, end.value], ['succeeded', 42])
    const { code, stdout } = await project.flambeau('wait', id, '-c', file)
    assert.deepEqual([code, stdout], [0, '42\n'])
    const { stdout: log } = await project.flambeau('logs', id, '-c', file, '-f')
    assert.equal(log.match(/^line \d+$/gm)?.length, 20)
  })

  test('cancelling ends the whole process group, and nothing else', async () => {
    await using cluster = make()
    const [family, innocent] = [newMark(), newMark()]
    await cluster.orchestrator.exec(['sh', '-c', `setsid sleep ${innocent} >/dev/null 2>&1 </dev/null &`])
    const code = `processes.spawn('sh', ['-c', "trap '' TERM; sleep ${family} & sleep ${family}; sleep ${family}"], { stdio: 'ignore' })
      await delay(60000, undefined, { signal: options.signal }).catch(() => undefined)`
    const run = await submit(cluster, code)
    await until(() => processesWith(family).length === 2)
    assert.equal((await run.cancel()).state, 'cancelled')
    await until(() => processesWith(family).length === 0)
    const [left, ...others] = processesWith(innocent)
    assert.deepEqual(others, [])
    process.kill(left!, 'SIGKILL')
    assert.equal((await run.cancel()).state, 'cancelled')
  })

  test('a run that ignores TERM is killed after the grace, not before', async () => {
    await using cluster = make()
    const cleaning = `console.log('ready'); const held = setInterval(() => {}, 1000); await new Promise((done) => options.signal.addEventListener('abort', done));
      await delay(300); console.log('clean'); clearInterval(held)`
    const clean = await submit(cluster, cleaning)
    await until(() => isReady(clean))
    await clean.cancel({ graceMs: 20_000 })
    assert.match((await buffer(clean.logs())).toString(), /clean/)
    const stubborn = await submit(
      cluster,
      `process.on('SIGTERM', () => {}); console.log('ready'); await delay(60000)`,
    )
    await until(() => isReady(stubborn))
    const { state, signal } = await stubborn.cancel({ graceMs: 300 })
    assert.deepEqual([state, signal], ['cancelled', 'SIGKILL'])
  })

  test('what a run leaves running in its group ends with it', async () => {
    await using cluster = make()
    const mark = newMark()
    const run = await submit(
      cluster,
      `await once(processes.spawn('sleep', ['${mark}'], { stdio: 'inherit' }), 'spawn'); return 'over'`,
    )
    assert.equal((await run.wait()).value, 'over')
    await until(() => processesWith(mark).length === 0)
  })

  test('what a run leaves running in a session of its own ends with it, and so does what it started', async () => {
    await using cluster = make()
    const [mark, cancelled] = [newMark(), newMark()]
    const leaving = (each: string): string =>
      `processes.spawn('sh', ['-c', 'setsid sh -c "sleep ${each} & exec sleep ${each}" & setsid sleep ${each} &'], { detached: true, stdio: 'ignore' }).unref()
       while (processes.spawnSync('pgrep', ['-fc', 'sleep ${each}']).stdout.toString() < 3) await delay(20)`
    const run = await submit(cluster, `${leaving(mark)}; return 'over'`)
    assert.equal((await run.wait()).value, 'over')
    assert.deepEqual(processesWith(mark), [])
    const other = await submit(cluster, `${leaving(cancelled)}; console.log('ready'); await delay(60000)`)
    await until(() => isReady(other))
    assert.equal((await other.cancel({ graceMs: 200 })).state, 'cancelled')
    assert.deepEqual(processesWith(cancelled), [])
  })

  test('a process in a session of its own may clean up when its run is cancelled', async () => {
    await using cluster = make()
    const cleaning = `trap "echo cleaned > cleaned; exit" TERM; touch begun; while :; do sleep 0.05; done`
    const run = await submit(
      cluster,
      `processes.spawn('sh', ['-c', ${JSON.stringify(cleaning)}], { detached: true, stdio: 'ignore' })
       while (!files.existsSync('begun')) await delay(20)
       const held = setInterval(() => {}, 1000); console.log('ready'); await new Promise((done) => options.signal.addEventListener('abort', done)); clearInterval(held)
       while (!files.existsSync('cleaned')) await delay(20)
       console.log('both')`,
    )
    await until(() => isReady(run))
    await run.cancel({ graceMs: 20_000 })
    assert.match((await buffer(run.logs())).toString(), /both/)
  })

  test('the last lines of a log are found, however long it is', async () => {
    await using cluster = make()
    const long = `process.stdout.write('first\\n' + ('x'.repeat(99) + '\\n').repeat(3000) + 'é'.repeat(70000) + '\\nlast but one\\n\\nno end')`
    const run = await submit(cluster, long)
    await run.wait()
    const log = (await buffer(run.logs())).toString()
    const lines = log.split(/(?<=\n)/)
    assert.equal(lines.length, 3005)
    for (const tail of [0, 1, 2, 3, 4, 5, 700, 3004, 3005, 4000]) {
      const expected = tail === 0 ? '' : lines.slice(-tail).join('')
      assert.equal((await buffer(run.logs({ tail }))).toString() === expected, true, `the last ${tail}`)
    }
    assert.equal((await buffer(run.logs({ tail: 2, follow: true }))).toString(), '\nno end')
    await assert.rejects(buffer(cluster.attach('nothing').logs({ tail: 1 })), { code: 'RUN_NOT_FOUND' })
  })

  test('a run that has ended is not cancelled by what comes after', async () => {
    await using cluster = make()
    // It ends when the supervisor has heard of the end of the run, and sends what a cancellation sends.
    const late = `const [run, supervisor] = process.argv.slice(1).map(Number)
      console.log('ready')
      const exists = () => { try { return process.kill(run, 0) } catch { return false } }
      while (exists());
      process.kill(supervisor, 'SIGTERM')`
    const run = await submit(
      cluster,
      `const late = processes.spawn(process.execPath, ['-e', ${JSON.stringify(late)}, process.pid, process.ppid],
         { detached: true, stdio: ['ignore', 'pipe', 'ignore'], env: {} })
       await new Promise((ready) => late.stdout.once('data', ready))
       late.unref()
       late.stdout.destroy()
       return 'over'`,
    )
    const { state, value } = await run.wait()
    assert.deepEqual([state, value], ['succeeded', 'over'])
  })

  test('a run that there is not is named', async () => {
    await using cluster = make()
    await cluster.up()
    await assert.rejects(cluster.attach('nothing').status(), { code: 'RUN_NOT_FOUND', message: /"nothing"/ })
    await assert.rejects(cluster.attach('../..').wait(), { code: 'RUN_NOT_FOUND' })
  })
}

/** What clusters do that have one run at a time. */
function runsOneByOne(make: () => Cluster): void {
  test('one of many that start at once gets the cluster', async () => {
    await using cluster = make()
    await cluster.up()
    const job = await project.job(`while (!files.existsSync('go')) await delay(20)`)
    const submitted = Array.from({ length: 10 }, () => cluster.submit(job, { imports: [project.module] }))
    const all = await Promise.allSettled(submitted)
    const started = all.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    assert.equal(started.length, 1)
    for (const each of all) if (each.status === 'rejected') refusedFor(started[0]!.id, each.reason)
    await cluster.orchestrator.put(`.flambeau/runs/${started[0]!.id}/work/go`, '')
    assert.equal((await started[0]!.wait()).state, 'succeeded')
    const active = (await cluster.runs()).filter(({ state }) => state === 'running' || state === 'starting')
    assert.deepEqual(active, [])
  })

  test('force takes the place of what runs', async () => {
    await using cluster = make()
    const first = await submit(cluster, 'await delay(60000, undefined, { signal: options.signal })')
    await assert.rejects(submit(cluster, 'return 2'), { code: 'RUN_ACTIVE' })
    const second = await submit(cluster, 'return 2', { force: true })
    assert.equal((await second.wait()).value, 2)
    assert.equal((await first.status()).state, 'cancelled')
  })

  test('a run whose process is killed before it begins is started again', async () => {
    await using cluster = make()
    const { stdout } = await cluster.orchestrator.exec(['sh', '-c', 'echo ~/.flambeau/runs/'])
    const runs = stdout.toString().trim()
    const known = new Set(allProcesses())
    const submitted = submit(cluster, 'return 1')
    const started = (): number | undefined =>
      allProcesses().find((pid) => {
        const words = known.has(pid) ? [] : argumentsOf(pid)
        return (
          words.some((each) => each.endsWith('run-job.js')) && words.some((each) => each.startsWith(runs))
        )
      })
    await until(() => started() !== undefined, 'it is started')
    const pid = started()!
    assert.ok(kill(pid, 'SIGSTOP'))
    const folder = argumentsOf(pid).find((each) => each.startsWith(runs))!
    assert.equal(existsSync(join(folder, 'state.json')), false, 'it has not begun')
    assert.ok(kill(pid, 'SIGKILL'))
    assert.equal((await (await submitted).wait()).value, 1)
  })

  test('when its supervisor is killed, a run is seen to run on, then to be lost', async () => {
    await using cluster = make()
    const run = await submit(cluster, `console.log('ready'); await delay(60000)`)
    await until(() => isReady(run))
    const [supervisor] = processesOfRun(run.id).filter((pid) =>
      argumentsOf(pid).some((each) => each.endsWith('supervise.js')),
    )
    process.kill(supervisor!, 'SIGKILL')
    assert.equal((await run.status()).state, 'running')
    await assert.rejects(submit(cluster, 'return 2'), { code: 'RUN_ACTIVE' })
    assert.equal((await run.cancel({ graceMs: 300 })).state, 'lost')
    assert.deepEqual(processesOfRun(run.id), [])
  })
}

/** The processes that have the folder of a run as an argument: its supervisor, and itself. */
function processesOfRun(id: string): number[] {
  return allProcesses().filter((pid) => argumentsOf(pid).some((each) => each.endsWith(`/runs/${id}`)))
}

/** Keeps all that a program says. */
function listenTo(child: ChildProcess): { said: string; readonly code: Promise<number> } {
  const heard = { said: '', code: once(child, 'close').then(([code]) => code as number) }
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk) => {
      heard.said += chunk
    })
  return heard
}

/** Whether a run has printed something. */
async function isReady(run: RemoteRun): Promise<boolean> {
  return (await run.status()).logSize > 0
}

function refusedFor(id: string, error: unknown): void {
  assert.ok(isFlambeauError(error), String(error))
  assert.equal(error.code, 'RUN_ACTIVE', error.message)
  assert.match(error.message, new RegExp(`"${id}" is active`))
}

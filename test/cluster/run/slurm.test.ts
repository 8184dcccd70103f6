// Slurm decides when a run starts, and may end it; what it says is in the status of the run, and nothing is lost meanwhile.
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { ClusterConfigurationError, isFlambeauError, loadFile } from 'flambeau'
import { type RemoteRun, type RunStatus, SlurmCluster, SlurmNode } from 'flambeau/cluster'
import { hostConformance } from 'flambeau/testing'
import { Project } from '../../support/cluster-project.js'
import { allProcesses, argumentsOf, kill } from '../../support/processes.js'
import { noSlurm, Slurm } from '../../support/slurm.js'
import { until } from '../../support/until.js'

type Options = ConstructorParameters<typeof SlurmCluster>[0]

describe('on Slurm', { skip: noSlurm }, () => {
  let slurm: Slurm
  let project: Project
  let share: string
  /** It takes Slurm more than a minute to end it: the other tests run meanwhile. */
  let limited: RemoteRun
  /** Its supervisor has failed; whether it has begun nevertheless is known a while later. */
  let unstarted: RemoteRun
  before(async () => {
    slurm = await Slurm.start(2)
    project = new Project()
    // What "sbatch" would replace by the id of the job.
    share = mkdtempSync(join(tmpdir(), 'flambeau-share-%j-'))
    limited = await submit(make({ time: 1 }), waiting)
    unstarted = await submit(make({ sbatch: ['--hold'] }), 'return 1')
    await endUnstarted(unstarted)
  })
  after(async () => {
    await slurm.end()
    project.end()
    rmSync(share, { recursive: true, force: true })
  })

  const make = (options: Partial<Options> = {}): SlurmCluster =>
    new SlurmCluster({ name: 'test', share, ...options })
  const submit = async (cluster: SlurmCluster, code: string): Promise<RemoteRun> =>
    cluster.submit(await project.job(code), { imports: [project.module] })
  /** Runs until there is a file "go" in its folder, or it is cancelled. */
  const waiting = `console.log('ready'); while (!files.existsSync('go') && !options.signal.aborted) await delay(50)`
  const release = (cluster: SlurmCluster, run: RemoteRun): Promise<void> =>
    cluster.orchestrator.put(`.flambeau/runs/${run.id}/work/go`, '')
  const isRunning = async (run: RemoteRun): Promise<boolean> => (await run.status()).logSize > 0
  const fileOf = (run: RemoteRun, name: string): string => join(share, '.flambeau/runs', run.id, name)
  /** Has the supervisor of a run that is held fail. */
  const endUnstarted = async (run: RemoteRun): Promise<void> => {
    renameSync(fileOf(run, 'spec.json'), fileOf(run, 'hidden'))
    await slurm.ask('scontrol', 'release', run.job!)
    await until(async () =>
      (await slurm.ask('scontrol', 'show', 'job', run.job!)).includes('JobState=FAILED'),
    )
    renameSync(fileOf(run, 'hidden'), fileOf(run, 'spec.json'))
  }

  test('a run that waits says why, and starts when there is room', async () => {
    await using cluster = make({ sbatch: ['--exclusive', '--nodelist=n2'] })
    const first = await submit(cluster, waiting)
    await until(() => isRunning(first))
    const second = await submit(cluster, 'return 2')
    await until(async () => (await second.status()).waitsFor !== undefined, 'Slurm gives a reason')
    const { state, waitsFor } = await second.status()
    assert.equal(state, 'queued')
    assert.match(waitsFor!, /^(?:Resources|Priority)$/)
    const { stdout } = await project.flambeau('runs', '--json', '-c', clusterFile())
    const listed = (JSON.parse(stdout) as { id: string; state: string; waitsFor?: string }[]).find(
      ({ id }) => id === second.id,
    )
    assert.deepEqual([listed?.state, listed?.waitsFor], ['queued', waitsFor])
    await release(cluster, first)
    assert.equal((await second.wait()).value, 2)
    assert.equal((await first.wait()).state, 'succeeded')
  })

  test('a run that waits is cancelled without ever starting, and its secrets are gone', async () => {
    await using cluster = make({ sbatch: ['--hold'] })
    const run = await submit(cluster, `files.writeFileSync('started', '')`)
    assert.equal((await run.status()).state, 'queued')
    assert.ok(existsSync(fileOf(run, 'secrets.json')))
    assert.equal((await run.cancel()).state, 'cancelled')
    assert.deepEqual(
      [existsSync(fileOf(run, 'work/started')), existsSync(fileOf(run, 'secrets.json'))],
      [false, false],
    )
    assert.equal((await make().attach(run.id).wait()).state, 'cancelled')
  })

  test('a job that somebody cancels with scancel is cancelled', async () => {
    await using cluster = make()
    const [running, held] = [
      await submit(cluster, waiting),
      await submit(make({ sbatch: ['--hold'] }), 'return 1'),
    ]
    await until(() => isRunning(running))
    for (const { id } of [running, held]) await slurm.ask('scancel', `--name=flambeau-${id}`)
    assert.deepEqual(
      (await Promise.all([running.wait(), held.wait()])).map(({ state }) => state),
      ['cancelled', 'cancelled'],
    )
    assert.equal(existsSync(fileOf(held, 'secrets.json')), false)
  })

  test('a run whose code was changed while it waited does not run it', async () => {
    await using cluster = make({ sbatch: ['--hold'] })
    const run = await submit(cluster, 'return 1')
    await cluster.orchestrator.script(
      'for file in .flambeau/packages/*/programs/*/jobs.js; do echo "// changed" >> $file; done',
    )
    await slurm.ask('scontrol', 'release', run.job!)
    const { state, exitCode } = await run.wait()
    assert.deepEqual([state, exitCode], ['failed', 126])
    assert.match(
      (await buffer(run.logs())).toString(),
      /^\[flambeau: "\w+\/programs\/\w+" was changed or lost/,
    )
    assert.equal(existsSync(fileOf(run, 'secrets.json')), false)
  })

  test('a job of which nothing can be recorded is found by its name', async () => {
    await using cluster = make({ sbatch: ['--hold'] })
    // The script of the job is the last argument.
    const code =
      'for script; do :; done; case $script in */job.sh) mkdir -p "$(dirname "$script")/slurm.json/in-the-way";; esac'
    await withProgram('sbatch', `${code}\nexec $command "$@"`, async () => {
      const run = await submit(cluster, 'return 1')
      assert.ok(existsSync(fileOf(run, 'slurm.json/in-the-way')))
      assert.equal((await run.status()).state, 'queued')
      assert.equal((await run.cancel()).state, 'cancelled')
    })
  })

  test('a plan submits nothing, whichever nodes are down', async () => {
    await using cluster = make()
    const job = await project.job('return 1')
    const submissions = (): number => slurm.log.split('_slurm_rpc_submit_batch_job').length
    const before = submissions()
    const plan = (options: Partial<Options>, needs = {}) => make(options).planContent(job, { needs })
    await assert.rejects(plan({ partition: 'nowhere' }), { code: 'SLURM_REFUSED' })
    await assert.rejects(plan({}, { gpus: 9 }), { code: 'SLURM_REFUSED' })
    await slurm.ask('scontrol', 'update', 'NodeName=n[1-2]', 'State=DRAIN', 'Reason=test')
    try {
      await plan({})
      assert.equal(submissions(), before)
      await withProgram('scancel', 'exit 1', () =>
        assert.rejects(submit(cluster, 'return 1'), { code: 'SLURM_SILENT', message: /run "scancel \d+"/ }),
      )
      await slurm.ask('scancel', '--state=PENDING', `--user=${userInfo().username}`)
    } finally {
      await slurm.ask('scontrol', 'update', 'NodeName=n[1-2]', 'State=RESUME')
    }
  })

  test('a run that Slurm preempts says so', async () => {
    await using cluster = make({ nodes: 1, sbatch: ['--exclusive', '--nodelist=n2'] })
    const run = await submit(cluster, waiting)
    await until(() => isRunning(run))
    await slurm.ask(
      'sbatch',
      '--partition=urgent',
      '--exclusive',
      '--nodelist=n2',
      '--output=/dev/null',
      '--wrap=true',
    )
    const { state, reason } = await run.wait()
    assert.deepEqual([state, reason], ['failed', 'PREEMPTED'])
    const { code, stderr } = await project.flambeau('wait', run.id, '-c', clusterFile())
    assert.equal(code, 69)
    assert.match(stderr, new RegExp(`Run ${run.id} was preempted by another job`))
    const status = await project.flambeau('status', run.id, '-c', clusterFile())
    assert.match(status.stdout, /job\.yaml {2}PREEMPTED$/m)
    const shown = await project.flambeau('runs', '--json', '-c', clusterFile())
    const listed = (JSON.parse(shown.stdout) as RunStatus[]).find(({ id }) => id === run.id)!
    assert.deepEqual([listed.exitCode, listed.reason], [69, 'PREEMPTED'])
  })

  test('what Slurm is asked for is what the runnable needs, and what the file of the cluster says', async () => {
    await using cluster = make({
      nodes: 2,
      time: '1-2',
      partition: 'urgent',
      sbatch: ['--hold', '--comment=mine'],
    })
    project.file(
      'needy.js',
      `import { Runnable, registrable } from 'flambeau'
      class Needy extends Runnable { static needs = { gpus: 1, cpus: 2, memory: '512 MB' }; run() {} }
      registrable('!Needy')(Needy)`,
    )
    const { stdout: id } = await project.flambeau(
      'run',
      project.file('needy.yaml', '!Needy {}'),
      '--import',
      './needy.js',
      '--detach',
      '-c',
      clusterFile('nodes: 2\ntime: 1-2\npartition: urgent\nsbatch: [--hold, --comment=mine]\n'),
    )
    const shown = await slurm.ask('scontrol', 'show', 'job', await jobIdOf(id.trim()))
    for (const part of [
      'NumNodes=2',
      'CPUs/Task=2',
      'TimeLimit=1-02:00:00',
      'Partition=urgent',
      'Comment=mine',
      'MinMemoryNode=745M',
      'TresPerNode=gres:gpu:1',
    ])
      assert.ok(shown.includes(part), `${part} in ${shown}`)
    await cluster.attach(id.trim()).cancel()
  })
  const jobIdOf = async (id: string): Promise<string> =>
    (await slurm.ask('squeue', '--noheader', `--name=flambeau-${id}`, '--format=%i')).trim()
  const clusterFile = (extra = ''): string =>
    project.file('slurm.yaml', `!SlurmCluster\nname: test\nshare: ${share}\n${extra}`)

  test('what Slurm refuses is a problem at the line of the file, before anything is sent', async () => {
    const fresh = mkdtempSync(join(tmpdir(), 'flambeau-fresh-'))
    const refused = async (extra: string): Promise<Error> => {
      const file = project.file('slurm.yaml', `!SlurmCluster\nname: test\nshare: ${fresh}\n${extra}\n`)
      await using cluster = await loadFile(file, { expect: SlurmCluster })
      return submit(cluster, 'return 1').then(
        () => assert.fail(`it was submitted with "${extra}"`),
        (error) => error,
      )
    }
    for (const [extra, line, pattern] of [
      ['partition: nowhere', 4, /invalid partition|Invalid partition/i],
      ['sbatch: [--constraint=a100]', 4, /Invalid feature/],
      ['nodes: 1\nsbatch: [--mem=lots]', 5, /Invalid --mem specification/],
      ['nodes: 1\nsbatch: [--reservation=foo]', 5, /Requested reservation is invalid/],
      ['nodes: 1\nsbatch: [--gres=gpu:a100:1]', 5, /Requested node configuration is not available/],
      ['nodes: 1\nsbatch: [--partition=nowhere]', 5, /invalid partition/i],
      ['nodes: 7', 4, /In partition "main", a run can have 2 nodes, but this one asks for 7/],
      [
        'partition: short\ntime: 10',
        5,
        /In partition "short", a run can have 5 minutes, but this one asks for 10/,
      ],
      ['partition: short\nnodes: 2', 5, /a run can have 1 node, but this one asks for 2/],
      ['partition: short\nsbatch: [--mem=3G]', 5, /a run can have 2000M of memory on a node/],
      ['sbatch: [--cpus-per-task=5]', 4, /a run can have 4 CPUs on a node, but this one asks for 5/],
      ['sbatch: [--foo]', 4, /Slurm refuses this job: unrecognized option '--foo'/],
    ] as const) {
      const error = await refused(extra)
      assert.ok(error instanceof ClusterConfigurationError, String(error))
      assert.deepEqual([error.exitCode, error.problems[0]?.line], [22, line], error.message)
      assert.match(error.message, pattern)
    }
    assert.ok(!existsSync(join(fresh, '.flambeau')), 'nothing was sent')
    rmSync(fresh, { recursive: true })
  })

  test('needs that no node has are a problem at the line that asks, before anything is sent', async () => {
    project.file(
      'greedy.js',
      `import { Runnable, registrable } from 'flambeau'
      class Greedy extends Runnable { static needs = { gpus: 9 }; run() {} }
      registrable('!Greedy')(Greedy)`,
    )
    const modest = `import { Runnable, registrable } from 'flambeau'
      registrable('!Modest')(class Modest extends Runnable { run() {} })`
    project.file('modest.js', modest)
    const run = (name: string, text: string) =>
      project.flambeau(
        'run',
        project.file(name, text),
        '--import',
        './greedy.js',
        '--import',
        './modest.js',
        '-c',
        clusterFile(),
      )
    const plain = await run('greedy.yaml', '# one\n!Greedy {}')
    assert.match(plain.stderr, /^Slurm refuses this job: .*\(\{ gpus: 9 \}\)\n\n {2}\S*greedy.yaml:2:1$/m)
    const sweep = '!Sweep\neach: !Modest { n: !choice [1, 2] }\nmetric: n\nneeds: { gpus: 3 }\n'
    const swept = await run('sweep.yaml', sweep)
    assert.match(swept.stderr, /\(\{ gpus: 3 \}\)\n\n {2}\S*sweep.yaml:4:8$/m)
    const widened = await run('wide.yaml', sweep.replace('gpus: 3', 'cpus: 5'))
    assert.match(
      widened.stderr,
      /4 CPUs on a node, but this one asks for 5 \(\{ cpus: 5 \}\)\n\n {2}\S*wide.yaml:4:8$/m,
    )
    assert.deepEqual([plain.code, swept.code, widened.code], [22, 22, 22])
  })

  test('a job of a sweep has what its workers need', async () => {
    const sweep = '!Sweep\neach: !Needy { n: !choice [1, 2] }\nmetric: n\nworkers: 2\n'
    const flags = ['--import', './needy.js', '--detach', '-c', clusterFile('sbatch: [--hold]\n')]
    const { stdout, stderr } = await project.flambeau(
      'run',
      project.file('needy-sweep.yaml', sweep),
      ...flags,
    )
    const shown = await slurm.ask('scontrol', 'show', 'job', await jobIdOf(stdout.trim()))
    for (const part of ['CPUs/Task=4', 'MinMemoryNode=1489M', 'TresPerNode=gres:gpu:2'])
      assert.ok(shown.includes(part), `${part} in ${shown} ${stderr}`)
    await make().attach(stdout.trim()).cancel()
  })

  test('a mistake in the file is a problem at its line', async () => {
    assert.throws(() => make({ share: '/a\\b' }), /"share".* must have no backslash/)
    for (const [extra, line, message] of [
      ['time: soon', 4, /"time" of "!SlurmCluster": must be a time as Slurm writes it/],
      [
        'sbatch: [--array=1-10]',
        4,
        /"sbatch\[0\]" of "!SlurmCluster": is an option that flambeau sets itself: leave it out/,
      ],
      ...['--help', '--vers', '-V', '-HJname'].map(
        (option) =>
          [`sbatch: [${option}]`, 4, /"sbatch\[0\]" .* is an option that flambeau sets itself/] as const,
      ),
      ...['-p urgent', '--partition urgent', '--'].map(
        (option) =>
          [`sbatch: ["${option}"]`, 4, /"sbatch\[0\]" .* must be one option with its value/] as const,
      ),
      [
        'sbatch: [--constraint, a100]',
        4,
        /"sbatch\[1\]" of "!SlurmCluster": must be one option with its value, such as "--constraint=a100"/,
      ],
    ] as const) {
      const error = await loadFile(clusterFile(`${extra}\n`)).then(
        () => assert.fail('it was loaded'),
        (error) => error,
      )
      assert.ok(isFlambeauError(error))
      assert.equal(error.problems[0]!.line, line)
      assert.match(error.message, message)
    }
  })

  test('a run for which "sbatch" prints no job is none', async () => {
    const folder = join(share, '.flambeau/runs')
    const before = readdirSync(folder)
    await withProgram(
      'sbatch',
      'case "$*" in *--test-only*) ;; *) echo "Usage: sbatch" ;; esac',
      async () => {
        const message = /Slurm refuses this job: "sbatch" printed no id of a job, but "Usage: sbatch\\n"$/
        await using cluster = make()
        await assert.rejects(submit(cluster, 'return 1'), { code: 'SLURM_REFUSED', message })
      },
    )
    assert.deepEqual(readdirSync(folder), before)
  })

  test('that Slurm has no configuration is no mistake of the file', async () => {
    const says = 'sbatch: fatal: Could not establish a configuration source'
    await withProgram('sbatch', `echo '${says}' >&2; exit 1`, async () => {
      await using cluster = make()
      await assert.rejects(submit(cluster, 'return 1'), { code: 'SLURM_SILENT', exitCode: 69 })
    })
  })

  test('while slurmctld is restarted, what is known stays, and nothing is lost', async () => {
    await using cluster = make()
    const running = await submit(cluster, waiting)
    const held = await submit(make({ sbatch: ['--hold'] }), 'return 3')
    await until(() => isRunning(running))
    await until(async () => (await held.status()).waitsFor !== undefined)
    await slurm.stopController()
    const ends = Promise.all([running.wait(), held.wait()])
    assert.equal((await running.status()).state, 'running')
    assert.equal((await held.status()).state, 'queued')
    // At once: each of them waits for a while.
    const [cancelled] = await Promise.all([
      project.flambeau('cancel', held.id, '-c', clusterFile()),
      assert.rejects(submit(cluster, 'return 1'), { code: 'SLURM_SILENT', exitCode: 69 }),
      assert.rejects(make().down({ force: true }), { code: 'SLURM_SILENT' }),
    ])
    assert.equal(cancelled.code, 69)
    assert.match(
      cancelled.stderr,
      new RegExp(`Slurm does not answer .* so run "${held.id}" is not cancelled`),
    )
    assert.equal(existsSync(fileOf(held, 'cancel.json')), false)
    // It ends while nobody hears of it.
    await release(cluster, running)
    await until(async () => (await running.status()).state === 'succeeded', 'the run itself says so')
    await slurm.startController()
    await slurm.ask('scontrol', 'release', await jobIdOf(held.id))
    assert.deepEqual(
      (await ends).map(({ state, value }) => [state, value]),
      [
        ['succeeded', undefined],
        ['succeeded', 3],
      ],
    )
  })

  test('a run whose supervisor is killed is lost', async () => {
    await using cluster = make()
    const run = await submit(cluster, waiting)
    await until(() => isRunning(run))
    const supervisor = allProcesses().find((pid) => {
      const argv = argumentsOf(pid)
      return argv.some((each) => each.endsWith('supervise.js')) && argv.some((each) => each.endsWith(run.id))
    })
    process.kill(supervisor!, 'SIGKILL')
    assert.equal((await run.wait()).state, 'lost')
    // Slurm knows it as no process of the job where it tracks them by their parents, as here.
    for (const pid of allProcesses())
      if (argumentsOf(pid).some((each) => each.endsWith(run.id))) kill(pid, 'SIGKILL')
    // Others can be submitted, whatever is left of it.
    rmSync(fileOf(run, 'log'))
    writeFileSync(join(share, '.flambeau/runs/notes'), '')
    const next = await submit(make({ sbatch: ['--hold'] }), 'return 1')
    assert.equal((await cluster.runs()).find(({ id }) => id === run.id)!.state, 'lost')
    await next.cancel()
  })

  test('however many wait, squeue is asked at most once in five seconds', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flambeau-squeue-'))
    const code = `date +%s%N >> ${folder}/calls\nexec $command "$@"`
    await withProgram('squeue', code, async () => {
      // Each waits over a connection of its own.
      const clusters = Array.from({ length: 10 }, () => make({ sbatch: ['--hold'] }))
      const runs = await Promise.all(clusters.map((cluster) => submit(cluster, 'return 1')))
      const ends = runs.map((run) => run.wait())
      const calls = (): number[] =>
        existsSync(join(folder, 'calls'))
          ? readFileSync(join(folder, 'calls'), 'utf8')
              .trim()
              .split('\n')
              .map((line) => Number(line) / 1e6)
          : []
      await until(() => calls().length >= 3, 'squeue is asked three times')
      await Promise.all(runs.map((run) => run.cancel()))
      assert.ok((await Promise.all(ends)).every(({ state }) => state === 'cancelled'))
      const times = calls()
      for (const [index, time] of times.slice(1).entries())
        assert.ok(time - times[index]! > 4500, times.join())
      await Promise.all(clusters.map((cluster) => cluster.close()))
    })
    rmSync(folder, { recursive: true })
  })

  test('a run that uses more memory than it has fails as such', async () => {
    await using cluster = make()
    const hungry = `const held = []; console.log('ready')
      for (;;) { held.push(Buffer.alloc(2e7, 1)); await delay(50) }`
    const imports = [project.module]
    const run = await cluster.submit(await project.job(hungry), { imports, needs: { memory: '300 MB' } })
    const { state, reason } = await run.wait()
    assert.deepEqual([state, reason], ['failed', 'OUT_OF_MEMORY'])
    const { code, stderr } = await project.flambeau('wait', run.id, '-c', clusterFile())
    assert.equal(code, 69)
    assert.match(stderr, /used more memory than it had: state more as "memory" in its "needs"/)
  })

  test('a cluster with runs is not taken down, unless it is forced', async () => {
    await using cluster = new SlurmCluster({ name: 'other', share, sbatch: ['--hold'] })
    const run = await submit(cluster, 'return 1')
    await assert.rejects(cluster.down(), { code: 'RUN_ACTIVE' })
    await cluster.down({ force: true })
    assert.equal(await slurm.ask('squeue', '--noheader', `--name=flambeau-${run.id}`), '')
    assert.ok(!existsSync(join(share, '.flambeau/runs', run.id)))
  })

  describe('a node of an allocation', () => {
    let node: SlurmNode
    let jobId: string
    before(async () => {
      await slurm.ask(
        'salloc',
        '--no-shell',
        '--nodes=1',
        '--nodelist=n1',
        '--job-name=node',
        '--cpus-per-task=2',
      )
      jobId = (await slurm.ask('squeue', '--noheader', '--name=node', '--format=%i')).trim()
      node = new SlurmNode('n1', jobId)
    })
    after(async () => {
      await node.close()
      await slurm.ask('scancel', jobId)
    })
    for (const { name, check } of hostConformance(() => node)) test(name, check)
  })

  test('a run whose job ends before it begins has failed, and its log says so', async () => {
    const { state, exitCode } = await unstarted.wait()
    assert.deepEqual([state, exitCode], ['failed', 126])
    const log = (await buffer(unstarted.logs())).toString()
    assert.match(log, /TypeError(?:.*\n)*\[flambeau: the Slurm job ended before this run started: /)
    assert.equal(existsSync(fileOf(unstarted, 'secrets.json')), false)
  })

  test('a run that reaches its time limit says so, and its log shows what Slurm said', async () => {
    const { state, reason } = await limited.wait()
    assert.deepEqual([state, reason], ['failed', 'TIMEOUT'])
    assert.match((await buffer(limited.logs())).toString(), /ready\n(?:.*\n)*.*DUE TO TIME LIMIT/)
    const { code, stderr } = await project.flambeau('wait', limited.id, '-c', clusterFile())
    assert.equal(code, 124)
    assert.match(stderr, new RegExp(`Run ${limited.id} reached its time limit`))
  })
})

/** Does some work while a shell script stands in for a program. */
async function withProgram(name: string, script: string, work: () => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-bin-'))
  const before = process.env['PATH'] ?? ''
  const command = before
    .split(delimiter)
    .map((each) => join(each, name))
    .find(existsSync)
  writeFileSync(join(folder, name), `#!/bin/sh\ncommand=${command}\n${script}\n`, { mode: 0o755 })
  process.env['PATH'] = `${folder}${delimiter}${before}`
  try {
    await work()
  } finally {
    process.env['PATH'] = before
    rmSync(folder, { recursive: true })
  }
}

// The command line on a cluster: what it prints, what it exits with, and how it lets go.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { dump } from 'flambeau'
import { LocalCluster } from 'flambeau/cluster'
import { Project } from '../support/cluster-project.js'
import { allProcesses } from '../support/processes.js'
import { until } from '../support/until.js'

describe('the command line on a cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-local-'))
  let project: Project
  let file: string
  before(() => {
    project = new Project()
    file = project.file('cluster.yaml', dump(new LocalCluster({ name: 'test', folder, factories: 1 })))
  })
  after(() => {
    project.end()
    rmSync(folder, { recursive: true, force: true })
  })
  const at = (...args: string[]) => project.flambeau(...args, '-c', file)
  const start = (code: string, ...flags: string[]) => {
    project.jobFile(code)
    return at('run', 'job.yaml', '--import', './jobs.js', ...flags)
  }

  test('says what it would do, does it, and then has nothing to do', async () => {
    project.jobFile('return 1')
    const plan = await at('plan', 'job.yaml', '--import', './jobs.js')
    assert.match(
      plan.stdout,
      /^orchestrator \(orchestrator\): would send flambeau .*\nfactory-1 \(factory\): would send/,
    )
    const up = await project.flambeau('up', file)
    for (const host of ['orchestrator', 'factory-1'])
      assert.match(up.stderr, new RegExp(`^${host}: sent flambeau [^]*^${host}: ready$`, 'm'))
    const again = await project.flambeau('up', file)
    assert.deepEqual(
      [again.code, again.stderr.trim().split('\n').sort()],
      [0, ['factory-1: ready', 'orchestrator: ready']],
    )
  })

  test('a dry run there says what it would do, and starts nothing', async () => {
    const { code, stdout } = await start('return 1', '--dry-run', '--force')
    assert.deepEqual(
      [code, stdout.split('\n').at(-2)],
      [0, 'would run "job.yaml" on orchestrator, without secrets'],
    )
    assert.equal((await at('runs')).stdout, '')
  })

  test('what is said of a run goes with it: to say more, to go on', async () => {
    const tell = 'options.logger.debug("more"); return [options.verbose, options.debug, options.resume]'
    const { stdout, stderr } = await start(tell, '--verbose', '--resume')
    assert.deepEqual(JSON.parse(stdout), [true, false, true])
    assert.match(stderr, /^\d\d:\d\d:\d\d debug more$/m)
  })

  test('secrets are read in the dialect that is named, for the cluster, too', async () => {
    project.file('odd.ini', '[A]\n[A]\na = 1\n')
    const flags = ['--secrets', 'odd.ini', '--dry-run']
    assert.equal((await start('return 1', ...flags)).code, 22)
    assert.equal((await start('return 1', ...flags, '--secrets-dialect', 'ini')).code, 0)
  })

  test('runs a file, follows its log, prints its result, and exits as it does', async () => {
    const { code, stdout, stderr } = await start(`console.log('on the way'); return { a: 1 }`)
    assert.deepEqual([code, JSON.parse(stdout)], [0, { a: 1 }])
    assert.match(stderr, /Run \S+ is started on orchestrator\n[\s\S]*on the way\n/)
    assert.equal((await start('process.exit(255)')).code, 255)
    assert.equal((await start(`process.kill(process.pid, 'SIGKILL'); await delay(5000)`)).code, 137)
  })

  test('sends one resolved file of a file that is made of others', async () => {
    project.file('code.yaml', JSON.stringify('return [this.options.n, this.options.more, this.content]'))
    project.file(
      'base.yaml',
      '!Job\ncode: !include code.yaml\nn: 1\nmore: !format "{n}-{port}"\nport: !env PORT\n',
    )
    const text = '# made of others\n!extends\nfile: base.yaml\nset: { n: 2 }\n'
    project.file('made.yaml', text)
    process.env['PORT'] = '80'
    const flags = ['--import', './jobs.js']
    const { code, stdout, stderr } = await at('run', 'made.yaml', 'more=!format "{n}/{port}"', ...flags)
    assert.equal(code, 0, stderr)
    const [n, more, content] = JSON.parse(stdout)
    assert.deepEqual([n, more], [2, '2/80'])
    assert.match(content, /^# made of others\n!extends\nfile: base\.yaml\n/)
    const plan = await at('plan', 'made.yaml', 'm=1', 'n[0]=1', ...flags)
    assert.equal(plan.code, 22)
    assert.match(plan.stderr, /<argument 2>:1:2/)
    delete process.env['PORT']
  })

  test('lists runs, tells of one, fetches from it, and cancels it', async () => {
    const detached = await start(
      `files.writeFileSync('made', 'made'); console.log('ready'); await delay(60000, undefined, { signal: options.signal })`,
      '--detach',
    )
    const id = detached.stdout.trim()
    await until(async () => (await at('logs', id)).stdout === 'ready\n')
    assert.match((await at('runs')).stdout.split('\n')[0]!, new RegExp(`^${id}  running`))
    assert.equal(JSON.parse((await at('status', id, '--json')).stdout).state, 'running')
    const refused = await start('return 1')
    assert.deepEqual([refused.code, /"--force"/.test(refused.stderr)], [69, true])
    await at('fetch', id, 'made', 'here/fetched')
    assert.equal(readFileSync(join(project.folder, 'here/fetched'), 'utf8'), 'made')
    assert.equal((await at('fetch', id, '.', '.')).code, 0)
    assert.equal(readFileSync(join(project.folder, 'made'), 'utf8'), 'made')
    writeFileSync(join(project.folder, 'made'), 'mine')
    const differs = await at('fetch', id, '.', '.')
    assert.deepEqual([differs.code, /"made" exists and differs/.test(differs.stderr)], [22, true])
    assert.equal((await at('fetch', id, '.', '.', '--force')).code, 0)
    assert.equal((await at('cancel', id)).code, 0)
    assert.equal((await at('wait', id)).code, 130)
    assert.match((await at('status', 'nothing')).stderr, /There is no run "nothing"/)
  })

  test('lets a run go on when it is interrupted, and says how to come back', async () => {
    project.jobFile(`console.log('ready'); while (!files.existsSync('go')) await delay(20); return 'done'`)
    const child = project.start('run', 'job.yaml', '-c', file, '--import', './jobs.js')
    const ended = once(child, 'close')
    let said = ''
    child.stderr!.on('data', (chunk) => {
      said += chunk
    })
    await until(() => said.includes('ready'))
    child.kill('SIGINT')
    assert.deepEqual([(await ended)[0], await text(child.stdout!)], [130, ''])
    const id = /"flambeau logs (\S+) --follow -c \S+cluster\.yaml --import \.\/jobs\.js"/.exec(said)?.[1]
    assert.ok(id, said)
    writeFileSync(join(folder, 'orchestrator/.flambeau/runs', id, 'work/go'), '')
    const waited = await at('wait', id)
    assert.deepEqual([waited.code, waited.stdout], [0, 'done\n'])
  })

  test('takes a cluster down, but not under a run', async () => {
    const id = (await start('await delay(60000)', '--detach')).stdout.trim()
    const refused = await project.flambeau('down', file)
    assert.deepEqual([refused.code, refused.stderr.includes(id)], [69, true])
    assert.equal((await project.flambeau('down', file, '--force')).code, 0)
    assert.equal((await at('runs', '--json')).stdout, '[]\n')
  })

  test('refuses a file that holds no cluster', async () => {
    project.jobFile('return 1')
    const { code, stderr } = await project.flambeau('runs', '-c', 'job.yaml', '--import', './jobs.js')
    assert.equal(code, 22)
    assert.match(
      stderr,
      /a runnable that is not a cluster: use "!SSHCluster", "!SlurmCluster" or "!LocalCluster"/,
    )
    for (const [text, message] of [
      ['# to do\n', /"none\.yaml" is empty: use "!SSHCluster"/],
      ['name: lab\n', /^This is not a cluster: use "!SSHCluster".*\n\n {2}none\.yaml:1:1\n/m],
    ] as const) {
      project.file('none.yaml', text)
      const none = await project.flambeau('runs', '-c', 'none.yaml')
      assert.equal(none.code, 22)
      assert.match(none.stderr, message)
    }
  })

  test('shows the stack of what is wrong with a cluster with --debug, and only then', async () => {
    project.jobFile('return 1')
    const flags = ['run', 'job.yaml', '-c', 'job.yaml', '--import', './jobs.js']
    for (const [debug, shown] of [[[], false] as const, [['--debug'], true] as const]) {
      const { code, stderr } = await project.flambeau(...flags, ...debug)
      assert.deepEqual([code, /^\s+at /m.test(stderr)], [22, shown], stderr)
    }
  })

  test('an interrupt after the end of a run does not say that the run goes on', async () => {
    const end = join(project.folder, 'end')
    project.jobFile(
      `console.log('ready'); while (!files.existsSync('${end}')) await delay(20); return 'done'`,
    )
    const child = project.start('run', 'job.yaml', '-c', file, '--import', './jobs.js')
    const ended = once(child, 'close')
    let said = ''
    child.stderr!.on('data', (chunk) => {
      said += chunk
    })
    await until(() => said.includes('ready'))
    // The connection with a host that is stopped takes seconds to close.
    const stopped = processesIn(join(folder, 'factory-1'))
    assert.ok(stopped.length > 0)
    for (const pid of stopped) process.kill(pid, 'SIGSTOP')
    writeFileSync(end, '')
    await once(child.stdout!, 'data')
    child.kill('SIGINT')
    await ended
    assert.match(said, /^Interrupted/m)
    assert.doesNotMatch(said, /Follow it again/)
  })

  test('brings up and takes down a cluster with secrets in the dialect that is named', async () => {
    project.file('odd.ini', '[A]\n[A]\na = 1\n')
    for (const command of ['up', 'down']) {
      const refused = await project.flambeau(command, file, '-s', 'odd.ini')
      assert.equal(refused.code, 22, refused.stderr)
      const { code, stderr } = await project.flambeau(
        command,
        file,
        ...['-s', 'odd.ini', '--secrets-dialect', 'ini'],
      )
      assert.equal(code, 0, stderr)
    }
  })
})

/** The processes that run in a folder. */
function processesIn(folder: string): number[] {
  return allProcesses().filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === folder
    } catch {
      return false
    }
  })
}

// The commands that messages print: each is pasted into a shell, and works.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { CliProject } from '../support/cli-project.js'
import { until } from '../support/until.js'

const projects: CliProject[] = []
after(() => projects.forEach((project) => void project.end()))

function make(setting?: object): CliProject {
  const project = new CliProject(setting)
  projects.push(project)
  return project
}

const sweep = `!Sweep
each: !Fail
  x: !choice [1, 2]
metric: m
output: out put
`
const installed = 'npx --no-install flambeau'

/** The file of the first failed task. */
function failedIn(output: string): string {
  return readdirSync(join(output, 'failed')).sort()[0]!
}

/** The command of the first failed task, in its file. */
function againOf(project: CliProject): string {
  const [, command] =
    /^# again: (.*)$/m.exec(project.read(`out put/failed/${failedIn(join(project.folder, 'out put'))}`)) ?? []
  return command ?? assert.fail('the file has no command')
}

describe('the command that repeats a failed task', () => {
  test('names nothing that the project gives', async () => {
    const project = make({ imports: ['./tasks.js'] })
    project.file('sweep.yaml', sweep)
    assert.equal((await project.flambeau('run', 'sweep.yaml')).code, 1)
    const file = `'out put/failed/${failedIn(join(project.folder, 'out put'))}'`
    assert.equal(againOf(project).replace(/ --seed \d+$/, ' --seed N'), `${installed} run ${file} --seed N`)
    const { code, stderr } = await project.paste(againOf(project))
    assert.equal(code, 1)
    assert.match(stderr, /it failed/)
  })

  test('has the options of the call', async () => {
    const project = make({ imports: ['./absent.js'], cluster: 'absent.yaml' })
    project.file('sweep.yaml', sweep)
    project.file("my secrets'.ini", '[A]\nKEY = 1\n')
    project.file('variables.env', 'X=1\n')
    const flags = [
      '--no-project',
      '--import',
      './tasks.js',
      '-s',
      "my secrets'.ini",
      '--env-file',
      'variables.env',
    ]
    assert.equal((await project.flambeau('run', 'sweep.yaml', ...flags)).code, 1)
    const command = againOf(project)
    for (const part of [
      '--no-project',
      '--import ./tasks.js',
      String.raw`-s 'my secrets'\''.ini'`,
      '--env-file variables.env',
    ])
      assert.ok(command.includes(part), command)
    assert.match((await project.paste(command)).stderr, /it failed/)
  })

  test('does not run on the cluster what ran here, and names modules that lie elsewhere', async () => {
    const project = make({ imports: ['./tasks.js'], cluster: 'lab.yaml' })
    project.file('lab.yaml', '!LocalCluster { name: x }\n')
    const elsewhere = make()
    const output = join(elsewhere.folder, 'results')
    project.file('sweep.yaml', sweep.replace('out put', output))
    assert.equal((await project.flambeau('run', 'sweep.yaml', '--no-cluster')).code, 1)
    const [, command = ''] =
      /^# again: (.*)$/m.exec(readFileSync(join(output, 'failed', failedIn(output)), 'utf8')) ?? []
    assert.match(command, / --import \.\/tasks\.js/)
    assert.match(command, / --no-cluster/)
    assert.match((await project.paste(command)).stderr, /it failed/)
  })
})

describe('on a cluster,', () => {
  // Its TypeScript is compiled for the hosts: a command names the source.
  const project = make({ imports: ['./tasks.ts'] })
  symlinkSync(join(process.cwd(), 'node_modules/tsx'), join(project.folder, 'node_modules/tsx'))
  project.file('my lab.yaml', '!LocalCluster { name: test, folder: hosts, factories: 0 }\n')
  project.file(
    'tasks.ts',
    `import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ClusterRunnable, Runnable, registrable } from 'flambeau'
import { openPool } from 'flambeau/pool'
class Wait extends Runnable { async run() { console.log('ready'); while (!existsSync('go')) await delay(20); return 'done' } }
registrable('!Wait')(Wait)
class Bad extends Runnable { run() { throw new Error('it failed') } }
registrable('!Bad')(Bad)
class Pool extends ClusterRunnable {
  setup(): void {}
  async run({ logger, imports }: any) {
    const pool = await openPool({ env: this.env, workers: 1, imports, logger })
    try {
      for await (const outcome of pool.map([new Bad({})])) if (!outcome.ok) throw outcome.error
    } finally {
      await pool.close()
    }
  }
}
registrable('!Pool')(Pool)
`,
  )
  project.file('wait.yaml', '!Wait {}\n')
  project.file('pool.yaml', '!Pool {}\n')
  const lab = ['-c', 'my lab.yaml']
  after(() => project.flambeau('down', 'my lab.yaml', '--force'))

  test('an interrupted run is followed again, and one that is active is waited for', async () => {
    const child = spawn(
      process.execPath,
      [join(process.cwd(), 'dist/cli/main.js'), 'run', 'wait.yaml', ...lab],
      {
        cwd: project.folder,
        env: project.env,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    await until(() => said.includes('ready\n'), 'the run prints')
    child.kill('SIGINT')
    await until(() => child.exitCode !== null, 'the command ends')
    const [, follow = ''] = /Follow it again with "([^"]+)"/.exec(said) ?? assert.fail(said)
    assert.match(follow, /^npx --no-install flambeau logs \S+ --follow -c 'my lab\.yaml'$/)
    const active = await project.flambeau('run', 'wait.yaml', ...lab)
    const [, wait = ''] = /wait for it \("([^"]+)"\)/.exec(active.stderr) ?? assert.fail(active.stderr)
    const id = follow.split(' ')[4]!
    project.file(`hosts/orchestrator/.flambeau/runs/${id}/work/go`, '')
    const waited = await project.paste(wait)
    assert.deepEqual([waited.code, waited.stdout], [0, 'done\n'], waited.stderr)
    assert.equal((await project.paste(follow)).stdout, 'ready\n')
    const unknown = await project.flambeau('status', 'nothing', ...lab)
    const [, runs = ''] = /"([^"]+)" lists the runs/.exec(unknown.stderr) ?? assert.fail(unknown.stderr)
    assert.match((await project.paste(runs)).stdout, new RegExp(`^${id}  succeeded`))
  })

  test('a failed task is fetched, and runs again with what is here', async () => {
    const ended = await project.flambeau('run', 'pool.yaml', ...lab)
    const [, again = ''] = /repeat it with "([^"]+)"/.exec(ended.stderr) ?? assert.fail(ended.stderr)
    const pasted = await project.paste(again)
    assert.match(pasted.stderr, /it failed/, `${again}\n${pasted.stderr}`)
    assert.match(
      again,
      /^npx --no-install flambeau fetch \S+ failed\/\S+ \S+ -c 'my lab\.yaml' && .* run \S+ --seed \d+ -c 'my lab\.yaml'$/,
    )
  })

  test('the folder of a host names the command that removes it', async () => {
    assert.equal((await project.flambeau('up', 'my lab.yaml')).code, 0)
    const [, down = ''] = /"([^"]+)" removes it/.exec(project.read('hosts/orchestrator/.flambeau-host')) ?? []
    assert.equal((await project.paste(down)).code, 0, down)
    assert.equal(existsSync(join(project.folder, 'hosts/orchestrator')), false)
  })
})

test('a lock is written by the command that a refusal names', async () => {
  const project = make()
  project.file(
    'my ext/package.json',
    '{ "name": "ext", "version": "1.0.0", "type": "module", "main": "index.js" }',
  )
  project.file(
    'my ext/index.js',
    `import { Runnable, registrable } from 'flambeau'
export class Hello extends Runnable { run() { return 'hello' } }
registrable('!Hello')(Hello)\n`,
  )
  project.file('my job.yaml', 'ext: ./my ext\n---\n!ext.Hello {}\n')
  const refused = await project.flambeau('run', 'my job.yaml', '--frozen')
  const [, lock = ''] = /update the lock with "([^"]+)"/.exec(refused.stderr) ?? assert.fail(refused.stderr)
  assert.equal(lock, `${installed} lock 'my job.yaml'`)
  assert.equal((await project.paste(lock)).code, 0)
  const install = await project.flambeau('run', 'my job.yaml', '--frozen')
  const [, again = ''] = /: type "([^"]+ --install-extensions)"/.exec(install.stderr) ?? []
  const ended = again === '' ? install : await project.paste(again)
  assert.deepEqual([ended.code, ended.stdout], [0, 'hello\n'], ended.stderr)
})

test('a file that is named as a command is run by the command that the message names', async () => {
  const project = make({ imports: ['./tasks.js'] })
  project.file('my job.yaml', '!Show { text: hi }\n')
  const { stderr } = await project.flambeau('my job.yaml')
  const [, run = ''] = /type "([^"]+)"/.exec(stderr) ?? assert.fail(stderr)
  assert.equal((await project.paste(run)).stdout, '{"text":"hi"}\n')
})

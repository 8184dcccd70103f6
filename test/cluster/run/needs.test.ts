// What runs and their workers need of the hosts: GPUs that no other has, variables, and what can never fit.
import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Runnable } from 'flambeau'
import { isFlambeauError } from 'flambeau'
import { LocalCluster, type RemoteRun, SSHCluster } from 'flambeau/cluster'
import { readRecords } from 'flambeau/pool'
import { overlaps, standIn, twoGpus } from '../../support/gpus.js'
import { redisServer } from '../../support/redis.js'
import { noHosts, noMachines, SshHosts } from '../../support/ssh-hosts.js'
import { until } from '../../support/until.js'
import { type CommandEnd, endOf, UserPackage } from '../../support/user-package.js'

const noRedis = redisServer === undefined && 'there is no redis-server or valkey-server here'

const module_ = `
import { appendFileSync, existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Runnable, registrable } from 'flambeau'

/** Notes which GPUs it has while it runs. */
class UseGpu extends Runnable {
  static needs = { gpus: 1 }

  constructor(options = {}) { super(options); this.options = options }

  async run({ signal, taskId = 'run' }) {
    const { file, ms = 100, waitsFor } = this.options
    const { CUDA_VISIBLE_DEVICES: gpus = 'all', OMP_NUM_THREADS: threads } = process.env
    const note = (what) => appendFileSync(file, what + ' ' + gpus + ' ' + taskId + ' ' + process.pid + '\\n')
    note('begin')
    await delay(ms, undefined, { signal })
    for (let looks = 0; waitsFor && !existsSync(waitsFor); looks++) {
      if (looks === 3000) throw new Error('There is no file ' + waitsFor)
      await delay(20, undefined, { signal })
    }
    note('end')
    return { gpus, threads, score: 1, home: process.env.HOME }
  }
}
registrable('!UseGpu')(UseGpu)
registrable('!UseEight')(class UseEight extends UseGpu { static needs = { gpus: 8 } })
registrable('!UseNone')(class UseNone extends UseGpu { static needs = {} })
`

const folder = mkdtempSync(join(tmpdir(), 'flambeau-needs-'))
process.env['PATH'] = [standIn(folder, 'nvidia-smi', twoGpus('cluster')), process.env['PATH']].join(delimiter)
let project: UserPackage
let module: URL
before(async () => {
  project = new UserPackage('gpus')
  module = pathToFileURL(project.file('gpus.js', module_))
  await import(module.href)
})
after(() => {
  project.end()
  rmSync(folder, { recursive: true, force: true })
})

async function made(tag: string, options: object): Promise<Runnable<any, any>> {
  const { defaultRegistry } = await import('flambeau')
  const Class = defaultRegistry.get(tag as `!${string}`)!.Class as unknown as new (
    options: object,
  ) => Runnable<any, any>
  return new Class(options)
}

function flambeau(...args: readonly string[]): Promise<CommandEnd> {
  return endOf(started(...args))
}

function started(...args: readonly string[]): ChildProcessByStdio<null, Readable, Readable> {
  const cli = join(process.cwd(), 'dist/cli/main.js')
  const env = { ...process.env, NO_COLOR: '1' }
  const flags = ['--import', './gpus.js']
  const stdio = ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe']
  return spawn(process.execPath, [cli, ...args, ...flags], { cwd: project.folder, env, stdio })
}

const local = (name: string, options: object = {}) =>
  new LocalCluster({ name, folder: join(folder, name), factories: 1, ...options })

async function logOf(run: RemoteRun): Promise<string> {
  return (await buffer(run.logs())).toString()
}

describe('a host', () => {
  test('says which GPUs it has', async () => {
    await using cluster = local('resources')
    const { gpus } = await cluster.orchestrator.resources()
    assert.deepEqual(gpus, [
      { index: 0, name: 'NVIDIA A100-SXM4-40GB', memory: 40960 * 2 ** 20, vendor: 'nvidia' },
      { index: 1, name: 'NVIDIA A100-SXM4-40GB', memory: 40960 * 2 ** 20, vendor: 'nvidia' },
    ])
    assert.deepEqual((await cluster.getMaxResources()).gpus, gpus)
  })

  test('says so over SSH', { skip: noHosts }, async () => {
    const hosts = await SshHosts.start(1)
    try {
      const options = { name: 'gpus', orchestratorIp: 'h1', sshConfig: hosts.config }
      await using cluster = new SSHCluster(options)
      assert.deepEqual((await cluster.orchestrator.resources()).gpus, [])
      const programs = standIn(join(folder, 'ssh'), 'nvidia-smi', '4, NVIDIA L40S, 46068, GPU-0c1f7a9e\n')
      writeFileSync(join(hosts.all[0]!.home, '.bashrc'), `PATH=${programs}:$PATH\n`)
      await cluster.close()
      const { gpus } = await cluster.orchestrator.resources()
      assert.deepEqual(gpus, [{ index: 4, name: 'NVIDIA L40S', memory: 46068 * 2 ** 20, vendor: 'nvidia' }])
    } finally {
      await hosts.end()
    }
  })
})

describe('a run that needs a GPU', () => {
  test('has it to itself, and another cluster on the host waits in its log until there is one', async () => {
    const file = join(folder, 'runs')
    await using first = local('first')
    await using second = local('second')
    const options = { imports: [module] }
    const long = await first.submit(await made('!UseGpu', { file, ms: 60_000 }), {
      ...options,
      needs: { gpus: 2 },
    })
    await until(() => existsSync(file))
    const waiting = await second.submit(await made('!UseGpu', { file }), options)
    await until(async () => (await logOf(waiting)) !== '')
    assert.match(await logOf(waiting), /^Waiting for a GPU, which others hold: process \d+\n$/)
    assert.equal((await waiting.status()).state, 'starting')
    await long.cancel()
    const end = await waiting.wait()
    assert.equal((end.value as { gpus: string }).gpus, '0')
    const { lines } = overlaps(readFileSync(file, 'utf8'))
    assert.deepEqual(
      lines.map((line) => line.split(' ').slice(0, 2).join(' ')),
      ['begin 0,1', 'begin 0', 'end 0'],
    )
  })

  test('can be cancelled while it waits', async () => {
    const file = join(folder, 'cancelled')
    await using first = local('first')
    await using second = local('second')
    const options = { imports: [module], needs: { gpus: 2 } }
    const long = await first.submit(await made('!UseGpu', { file, ms: 60_000 }), options)
    await until(() => existsSync(file))
    const waiting = await second.submit(await made('!UseGpu', { file }), options)
    assert.equal((await waiting.cancel()).state, 'cancelled')
    const secrets = join(folder, `second/orchestrator/.flambeau/runs/${waiting.id}/secrets.json`)
    assert.ok(!existsSync(secrets))
    await long.cancel()
    // Nothing is left of it: the next one runs at once.
    const next = await second.submit(await made('!UseGpu', { file }), options)
    assert.equal((await next.wait()).state, 'succeeded')
  })
})

describe('a run here that needs a GPU', () => {
  test('waits while another one has both', async () => {
    const file = join(folder, 'here')
    for (const name of ['a', 'b', 'c']) project.file(`${name}.yaml`, `!UseGpu { file: ${file}, ms: 700 }\n`)
    const ends = await Promise.all(['a', 'b', 'c'].map((name) => flambeau('run', `${name}.yaml`)))
    for (const { code, stderr } of ends) assert.equal(code, 0, stderr)
    const { lines, overlaps: found } = overlaps(readFileSync(file, 'utf8'))
    assert.deepEqual([lines.length, found], [6, []])
    assert.match(
      ends.map(({ stderr }) => stderr).join(''),
      / info {2}Waiting for a GPU, which others hold: process \d+/m,
    )
  })

  test('because its sweep gave one to it is repeated with one', async () => {
    const file = join(folder, 'again')
    const each = `each: !UseNone { file: ${file}, ms: 1 }`
    project.file('fails.yaml', `!Sweep\n${each}\nmetric: none\nneeds: { gpus: 1 }\noutput: fails\n`)
    await flambeau('run', 'fails.yaml')
    const failed = join(project.folder, 'fails/failed')
    const [name = ''] = readdirSync(failed).filter((each) => each.endsWith('.yaml'))
    const [, command = ''] =
      /^# again: .*?flambeau (.*)$/m.exec(readFileSync(join(failed, name), 'utf8')) ?? []
    assert.match(command, / --seed \d+ --needs gpus=1( |$)/)
    const words = command.split(' ')
    const { code, stderr } = await flambeau(...words)
    assert.equal(code, 0, stderr)
    assert.match(readFileSync(file, 'utf8'), /^begin [01] .*\nend [01] .*\nbegin [01] run .*\nend [01] /)
    const wrong = await flambeau('run', words[1]!, '--needs', 'gpu=1')
    assert.match(
      wrong.stderr,
      /'--needs <needs>' argument 'gpu=1' is invalid. It has "gpu", which is no need/,
    )
  })
})

describe('the sweeps of two clusters on the same hosts', { skip: noRedis }, () => {
  test('never share a GPU, and have the variables of their cluster', async () => {
    const file = join(folder, 'sweeps')
    const sweep = `!Sweep\neach: !UseGpu { file: ${file}, ms: !choice [120, 121, 122, 123] }\nmetric: score\n`
    project.file('sweep.yaml', sweep)
    for (const name of ['one', 'two'])
      project.file(
        `${name}.yaml`,
        `!LocalCluster\nname: ${name}\nfolder: ${join(folder, name)}\nfactories: 2\nworkers: 3\nenv: { OMP_NUM_THREADS: 3 }\n`,
      )
    const ends = await Promise.all(
      ['one', 'two'].map((name) => flambeau('run', 'sweep.yaml', '-c', `${name}.yaml`)),
    )
    for (const { code, stderr } of ends) assert.equal(code, 0, stderr)
    const { lines, overlaps: found } = overlaps(readFileSync(file, 'utf8'))
    assert.deepEqual([lines.length, found], [16, []])
    const output = join(folder, 'one/orchestrator/.flambeau/clusters/one/content/sweep')
    const [record] = await readRecords(output)
    assert.equal((record!.result as { threads: string }).threads, '3')
  })
})

describe('a pool on machines of which one has a GPU', { skip: noRedis || noMachines }, () => {
  let hosts: SshHosts
  before(async () => {
    hosts = await SshHosts.start(3)
    const programs = standIn(
      join(folder, 'one'),
      'nvidia-smi',
      `7, NVIDIA L40S, 46068, GPU-${process.pid}-one\n`,
    )
    writeFileSync(join(hosts.all[1]!.home, '.bashrc'), `PATH=${programs}:$PATH\n`)
    const [first, ...others] = hosts.all.map(({ name, address }) => `[${name}, ${address}]`)
    const addresses = `orchestrator_ip: ${first}\nfactories_ips: [${others.join(', ')}]`
    project.file('ssh.yaml', `!SSHCluster\nname: ssh\n${addresses}\nssh_config: ${hosts.config}\n`)
  })
  after(() => hosts.end())

  test('runs there alone, and says that it leaves out the others', async () => {
    const file = join(folder, 'ssh-sweep')
    const isSaid = join(folder, 'is-said')
    project.file(
      'some.yaml',
      `!Sweep\neach: !UseGpu { file: ${file}, waitsFor: ${isSaid}, ms: !choice [20, 21, 22] }\nmetric: score\n`,
    )
    const command = started('run', 'some.yaml', '-c', 'ssh.yaml')
    let shown = ''
    const message = /The workers do not fit on ".+": A worker of the pool needs 1 GPU, but this machine has 0/
    // The trials may be fast enough to end before the host without a GPU answers.
    command.stderr.on('data', (part) => {
      shown += part
      if (message.test(shown)) writeFileSync(isSaid, '')
    })
    const { code, stdout, stderr } = await endOf(command)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /"trials": ?3/)
    const { lines, overlaps: found } = overlaps(readFileSync(file, 'utf8'))
    assert.deepEqual([lines.length, found], [6, []])
    assert.ok(
      lines.every((line) => line.split(' ')[1] === '7'),
      lines.join('\n'),
    )
    assert.match(stderr, message)
  })
})

describe('what can never fit', () => {
  test('is a problem of the file before anything is sent', async () => {
    project.file(
      'cluster.yaml',
      `!LocalCluster\nname: small\nfolder: ${join(folder, 'small')}\nfactories: 2\n`,
    )
    const file = join(folder, 'never')
    const files = {
      'needs.yaml': [
        `!Sweep\neach: !UseGpu { file: ${file} }\nmetric: score\nneeds: { gpus: 8 }\n`,
        /^A worker needs 8 GPUs, but the host with the most, "factory-\d", has 2\n\n {2}needs\.yaml:4:8\n/m,
      ],
      'static.yaml': [
        `!Sweep\neach: !UseEight { file: ${file} }\nmetric: score\n`,
        /^"!UseEight" needs 8 GPUs, but the host with the most, "factory-\d", has 2\n\n {2}static\.yaml:2:7\n/m,
      ],
      'run.yaml': [
        `!UseEight { file: ${file} }\n`,
        /^"!UseEight" needs 8 GPUs, but "orchestrator" has 2\n\n {2}run\.yaml:1:1\n/m,
      ],
    } as const
    for (const [name, [text, message]] of Object.entries(files)) {
      project.file(name, text)
      for (const command of ['run', 'plan']) {
        const { code, stderr } = await flambeau(command, name, '-c', 'cluster.yaml')
        assert.equal(code, 22, stderr)
        assert.match(stderr, message)
        assert.doesNotMatch(stderr, /ready to run/)
      }
    }
    assert.ok(!existsSync(join(folder, 'small/orchestrator/.flambeau/runs')))
    assert.ok(!existsSync(join(folder, 'small/orchestrator/.flambeau/packages')))
  })

  test('is a problem of the file for a sweep here', async () => {
    project.file('here.yaml', `!Sweep\neach: !UseEight { file: x }\nmetric: score\n`)
    const { code, stderr } = await flambeau('run', 'here.yaml')
    assert.equal(code, 22, stderr)
    assert.match(
      stderr,
      /^A worker of the pool needs 8 GPUs, but this machine has 2.*\n\n {2}here\.yaml:2:7\n/m,
    )
  })

  test('is a problem of the file for a run here', async () => {
    project.file('here.yaml', '# Eight.\n!UseEight { file: x }\n')
    const { code, stderr } = await flambeau('run', 'here.yaml')
    assert.equal(code, 22, stderr)
    assert.match(stderr, /^"!UseEight" needs 8 GPUs, but this machine has 2\n\n {2}here\.yaml:2:1\n/m)
  })

  test('of "submit" is a mistake, too', async () => {
    await using cluster = local('small')
    const submitted = cluster.submit(await made('!UseNone', { file: 'x' }), {
      imports: [module],
      needs: { gpus: 3 },
    })
    await assert.rejects(submitted, (error) => {
      assert.ok(isFlambeauError(error))
      assert.deepEqual(
        [error.code, error.message],
        ['NEEDS_DO_NOT_FIT', 'The run needs 3 GPUs, but "orchestrator" has 2'],
      )
      return true
    })
    const wrong = cluster.submit(await made('!UseNone', {}), {
      imports: [module],
      needs: { gpus: 'all' } as object,
    })
    await assert.rejects(wrong, /Option "needs" of "submit" must have a whole number from 0 as "gpus"/)
  })
})

describe('the workers of a cluster file', { skip: noRedis }, () => {
  for (const factories of [0, 1])
    test(`are the most of a pool on each host, of ${factories} worker hosts`, async () => {
      const file = join(folder, `workers-${factories}`)
      project.file(
        'none.yaml',
        `!Sweep\neach: !UseNone { file: ${file}, ms: !choice [150, 151, 152] }\nmetric: score\n`,
      )
      const home = join(folder, `alone-${factories}`)
      const cluster = `!LocalCluster\nname: alone\nfolder: ${home}\nfactories: ${factories}\nworkers: 1\n`
      project.file('alone.yaml', cluster)
      const { code, stderr } = await flambeau('run', 'none.yaml', '-c', 'alone.yaml')
      assert.equal(code, 0, stderr)
      const { lines, overlaps: found } = overlaps(readFileSync(file, 'utf8'))
      assert.deepEqual([lines.length, found], [6, []])
    })
})

describe('the variables of a cluster', () => {
  test('reach its runs', async () => {
    await using cluster = local('variables', { env: { OMP_NUM_THREADS: 2 } })
    const run = await cluster.submit(await made('!UseNone', { file: join(folder, 'variables.txt') }), {
      imports: [module],
    })
    assert.equal(((await run.wait()).value as { threads: string }).threads, '2')
  })

  test('may hide GPUs from its runs', async () => {
    await using cluster = local('hides', { env: { CUDA_VISIBLE_DEVICES: '1' } })
    const task = await made('!UseGpu', { file: join(folder, 'hidden.txt') })
    const run = await cluster.submit(task, { imports: [module] })
    assert.equal(((await run.wait()).value as { gpus: string }).gpus, '1')
    await assert.rejects(
      cluster.submit(task, { imports: [module], needs: { gpus: 2 } }),
      /needs 2 GPUs, but "orchestrator" has 1$/m,
    )
  })

  test('are no secrets, and the message says where those belong', async () => {
    writeFileSync(join(folder, 'secret.yaml'), '!LocalCluster\nname: x\nenv: { HF_TOKEN: hf_abc }\n')
    const { code, stderr } = await flambeau('up', join(folder, 'secret.yaml'))
    assert.equal(code, 22)
    assert.match(
      stderr,
      /^Option "env" of "!LocalCluster": sets "HF_TOKEN", which looks like a secret: put it into the secrets/,
    )
    assert.match(stderr, /secret\.yaml:3:6/)
    assert.doesNotMatch(stderr, /hf_abc/)
  })
})

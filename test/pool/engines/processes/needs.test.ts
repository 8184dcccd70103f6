import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { isFlambeauError, runFile } from 'flambeau'
import { openPool, type SweepResult, type TaskError } from 'flambeau/pool'
import { all } from '../../../support/engine-conformance.js'
import { overlaps, standIn, twoGpus } from '../../../support/gpus.js'
import { Allocate, Shell, Starts, UseGpu, Variables } from '../../../support/needy-tasks.js'
import { read } from '../../../support/processes.js'
import { until } from '../../../support/until.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-needs-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const tasks = new URL('../../../support/needy-tasks.js', import.meta.url)
process.env['PATH'] = [standIn(folder, 'nvidia-smi', twoGpus('pools')), process.env['PATH']].join(delimiter)

const noPython = spawnSync('python3', ['-c', '']).status !== 0 && 'there is no Python here'
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const options = { imports: [tasks], folder, graceMs: 1000, logger: silent }

describe('GPUs of worker processes', () => {
  test('are one for each worker, however many workers there may be', async () => {
    const file = join(folder, 'slots')
    await using pool = await openPool({ ...options, workers: 8, needs: { gpus: 1 } })
    const used = await all(pool.map(Array.from({ length: 6 }, () => new UseGpu({ file }))))
    assert.deepEqual([...new Set(used.map(({ result }) => result))].sort(), ['0', '1'])
    const { lines, overlaps: found } = overlaps(readFileSync(file, 'utf8'))
    assert.deepEqual([lines.length, found], [12, []])
  })

  test('are never shared by two pools, and the second says once that it waits', async () => {
    const file = join(folder, 'two pools')
    const work = async (prefix: string): Promise<string[]> => {
      const said: string[] = []
      const logger = { ...silent, info: (message: string) => void said.push(message) }
      await using pool = await openPool({ ...options, logger, needs: { gpus: 1 } })
      const trials = Array.from({ length: 4 }, () => new UseGpu({ file, ms: 150 }))
      await all(pool.map(trials, { taskId: (_, index) => `${prefix}${index}` }))
      return said
    }
    const said = await Promise.all([work('a'), work('b')])
    const { lines, overlaps: found } = overlaps(readFileSync(file, 'utf8'))
    assert.deepEqual([lines.length, found], [16, []])
    // Each pool may have one, and wait for the other one.
    for (const messages of said) assert.ok(messages.length <= 1, messages.join('\n'))
    assert.match(
      said.flat().join('\n'),
      /^Waiting for a GPU(?:, which others hold: process \d+(?:, process \d+)?)?$/m,
    )
  })

  test('stay leased while a worker of a killed pool lives, and are free then', async () => {
    const file = join(folder, 'killed')
    const program = `
      const { openPool } = await import('flambeau/pool')
      const { UseGpu } = await import(${JSON.stringify(tasks.href)})
      const pool = await openPool({ imports: [${JSON.stringify(tasks.href)}], needs: { gpus: 2 }, folder: ${JSON.stringify(folder)} })
      for await (const _ of pool.map([new UseGpu({ file: ${JSON.stringify(file)}, ms: 60000 })], { taskId: () => 'first' }));`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    await until(() => existsSync(file))
    const [first = ''] = readFileSync(file, 'utf8').split('\n')
    const worker = Number(first.split(' ')[3])
    assert.match(first, /^begin 0,1 first /)
    const gone = until(() => !isRunning(worker)).then(() => Date.now())
    child.kill('SIGKILL')
    await once(child, 'exit')
    await using pool = await openPool({ ...options, needs: { gpus: 1 } })
    let startedAt = 0
    const onEvent = ({ type }: { type: string }) => {
      if (type === 'started') startedAt = Date.now()
    }
    await all(pool.map([new UseGpu({ file })], { onEvent }))
    assert.ok(startedAt > (await gone) - 50, `${startedAt} ${await gone}`)
  })

  test('are free again for others when the workers of a pool that stays open are idle', async () => {
    const file = join(folder, 'idle')
    await using first = await openPool({ ...options, needs: { gpus: 2 } })
    await using second = await openPool({ ...options, needs: { gpus: 1 } })
    for (const pool of [first, second, first]) await all(pool.map([new UseGpu({ file })]))
    const { lines, overlaps: found } = overlaps(readFileSync(file, 'utf8'))
    assert.deepEqual([lines.length, found], [6, []])
  })

  test('are not waited for when no task needs them any more', async () => {
    const file = join(folder, 'nobody')
    await using first = await openPool({ ...options, needs: { gpus: 2 } })
    const busy = new AbortController()
    const long = all(first.map([new UseGpu({ file, ms: 60_000 })], { signal: busy.signal }))
    await until(() => existsSync(file))
    const program = `
      const { openPool } = await import('flambeau/pool')
      const { UseGpu } = await import(${JSON.stringify(tasks.href)})
      const signal = AbortSignal.timeout(500)
      const pool = await openPool({ imports: [${JSON.stringify(tasks.href)}], needs: { gpus: 1 }, folder: ${JSON.stringify(folder)} })
      await pool.map([new UseGpu({ file: 'never' })], { signal }).next().catch(() => console.log('cancelled'))`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [code] = await once(child, 'exit')
    assert.equal(code, 0)
    busy.abort()
    await assert.rejects(long)
  })

  test('that the variables of a pool hide are not its own', async () => {
    const hidden = { ...options, variables: { CUDA_VISIBLE_DEVICES: 1 } }
    await using pool = await openPool({ ...hidden, needs: { gpus: 1 } })
    assert.equal(pool.slots, 1)
    const [done] = await all(pool.map([new UseGpu({ file: join(folder, 'hidden') })]))
    assert.equal(done?.result, '1')
    await assert.rejects(openPool({ ...hidden, needs: { gpus: 2 } }), /needs 2 GPUs, but this machine has 1/)
  })

  test('of a worker are those of the pool that its task opens', async () => {
    const file = join(folder, 'nested')
    const program = `
      const { openPool } = await import('flambeau/pool')
      const { UseGpu } = await import(${JSON.stringify(tasks.href)})
      const pool = await openPool({ imports: [${JSON.stringify(tasks.href)}], needs: { gpus: 1 }, folder: ${JSON.stringify(folder)} })
      for await (const { result } of pool.map([new UseGpu({ file: ${JSON.stringify(file)} })])) console.log(result)
      await pool.close()`
    const { leaseGpus } = await import(pathToFileURL(join('build/js/util/gpu-leases.js')).href)
    const { listGpus } = await import(pathToFileURL(join('build/js/util/gpus.js')).href)
    const gpus = (await listGpus()).slice(1)
    const lease = await leaseGpus({ gpus, count: 1, signal: AbortSignal.timeout(10_000), onWait() {} })
    const env = { ...process.env, ...lease.variables }
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [chunk] = await once(child.stdout!, 'data')
    assert.equal(String(chunk), '1\n')
    await once(child, 'exit')
    await lease.release()
  })
})

describe('needs', () => {
  test('that can never fit are a mistake when the pool is opened', async () => {
    await assert.rejects(openPool({ ...options, needs: { gpus: 8 } }), (error) => {
      assert.ok(isFlambeauError(error))
      assert.deepEqual(
        [error.code, error.exitCode, error.message],
        [
          'NEEDS_DO_NOT_FIT',
          22,
          'A worker of the pool needs 8 GPUs, but this machine has 2: ask for less in "needs"',
        ],
      )
      return true
    })
    await assert.rejects(
      openPool({ ...options, needs: { memory: '900 TB' } }),
      /needs 900000 GB of memory, but/,
    )
    await assert.rejects(openPool({ ...options, needs: { cpus: 10_000 } }), /needs 10000 CPUs, but/)
    await assert.rejects(openPool({ ...options, needs: { gpu: 1 } as object }), {
      code: 'BAD_POOL_OPTION',
      message: 'Option "needs" of the pool has "gpu", which is no need: write "gpus", "cpus" or "memory"',
    })
    await assert.rejects(openPool({ ...options, needs: { gpus: 0.5 } }), {
      message: 'Option "needs" of the pool must have a whole number from 0 as "gpus"',
    })
    for (const workers of [0, -1, 1.5, Number.NaN])
      await assert.rejects(openPool({ ...options, workers }), {
        code: 'BAD_POOL_OPTION',
        message: `Option "workers" of the pool must be a whole number from 1, but is ${workers}`,
      })
  })

  test('in CPUs decide how many workers there are', async () => {
    await using pool = await openPool({ ...options, needs: { cpus: availableParallelism() / 3 } })
    assert.equal(pool.slots, 3)
  })

  test('of a class above those of the pool end the map, and say what to write', async () => {
    await using pool = await openPool({ ...options, workers: 1 })
    await assert.rejects(all(pool.map([new UseGpu({ file: join(folder, 'never') })])), {
      code: 'TASK_NEEDS_MORE',
      message:
        'Class "UseGpu" needs { gpus: 1 }, more than a worker of the pool has: write "needs: { gpus: 1 }" into the options of "openPool", or of the sweep',
    })
    await using other = await openPool({ ...options, workers: 1, needs: { memory: 1536 } })
    await assert.rejects(
      all(other.map([new UseGpu({ file: join(folder, 'never') })])),
      /write "needs: { gpus: 1, memory: '1536 MB' }" into/,
    )
  })
})

describe('variables of a pool', () => {
  test('reach its workers', async () => {
    const variables = { OMP_NUM_THREADS: 2, GREETING: 'hello world' }
    await using pool = await openPool({ ...options, workers: 1, variables })
    const [done] = await all(pool.map([new Variables({ names: ['OMP_NUM_THREADS', 'GREETING', 'ABSENT'] })]))
    assert.deepEqual(done?.result, { OMP_NUM_THREADS: '2', GREETING: 'hello world' })
  })

  test('reach the trials of a sweep', async () => {
    const content = `!Sweep\neach: !Threads {}\nmetric: threads\nvariables: { OMP_NUM_THREADS: 2 }\noutput: ${join(folder, 'sweep')}\n`
    const outcome = await runFile<SweepResult>(
      { content },
      { logger: silent, runOptions: { imports: [tasks] } },
    )
    assert.equal(outcome.ok && outcome.value.best?.metric, 2)
  })

  test('cannot be secrets, which would be stored as they are', async () => {
    for (const name of ['HF_TOKEN', 'AWS_ACCESS_KEY_ID', 'OPENAI_API_KEY', 'PGPASSWORD'])
      await assert.rejects(openPool({ ...options, variables: { [name]: 'x' } }), /looks like a secret/, name)
    const harmless = { TOKENIZERS_PARALLELISM: 'false', MAX_TOKENS: 3, MONKEY: 'x' }
    await (await openPool({ ...options, variables: harmless })).close()
  })
})

describe('the memory of a worker', () => {
  const limited = { ...options, workers: 1, needs: { memory: '250 MB' } }

  for (const as of ['arrays', 'buffers'] as const)
    test(`is limited for a task that allocates ${as}, and tried once`, async () => {
      await using pool = await openPool(limited)
      const outcomes = await all(
        pool.map([new Allocate({ megabytes: 1000, as })], { retries: 2, onError: 'collect' }),
      )
      const [failed] = outcomes as { ok: false; attempts: number; error: TaskError }[]
      assert.equal(failed?.ok, false)
      assert.deepEqual([failed.error.code, failed.attempts], ['TASK_OUT_OF_MEMORY', 1])
      assert.match(
        failed.error.message,
        /^Task "01" used more memory than "memory: 250 MB" of its needs allows/,
      )
    })

  for (const as of ['arrays', 'buffers'] as const)
    test(`is enough for one task after the other that allocates ${as} and just fits`, async () => {
      await using pool = await openPool(limited)
      const trials = Array.from({ length: 5 }, () => new Allocate({ megabytes: 110, as }))
      const done = await all(pool.map(trials))
      assert.deepEqual(
        done.map(({ result }) => result),
        [110, 110, 110, 110, 110],
      )
    })

  const grows = 'const all = []; setInterval(() => all.push(Buffer.alloc(2 ** 24, 1)), 10)'
  for (const [how, shell] of [
    ['', { argv: [process.execPath, '-e', grows] }],
    [', in another thread', { argv: [process.execPath, '-e', grows], inThread: true }],
    [
      ', and who has lost its parent',
      { argv: ['sh', '-c', '("$0" -e "$1" &); sleep 60', process.execPath, grows] },
    ],
  ] as const)
    test(`counts what its task has started${how}`, async () => {
      await using pool = await openPool(limited)
      const tasks = [new Shell({ ...shell, argv: [...shell.argv] })]
      await assert.rejects(all(pool.map(tasks, { timeoutMs: 60_000 })), { code: 'TASK_OUT_OF_MEMORY' })
    })

  test('does not count the pages of files that are mapped', { skip: noPython }, async () => {
    await using pool = await openPool(limited)
    // On a disk: the pages of a file that is in memory are shared memory.
    const file = join(mkdtempSync('build/mapped-'), 'large')
    writeFileSync(file, '')
    truncateSync(file, 400e6)
    const maps = [
      'import mmap, sys, time',
      'file = open(sys.argv[1])',
      'pages = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)',
      'sum(pages[i] for i in range(0, len(pages), 4096))',
      'time.sleep(0.5)',
    ]
    const [done] = await all(pool.map([new Shell({ argv: ['python3', '-c', maps.join('\n'), file] })]))
    rmSync(dirname(file), { recursive: true })
    assert.equal(done?.result, 0)
  })

  test('that an earlier task has left something in is no fault of the task that runs', async () => {
    await using pool = await openPool(limited)
    const argv = [process.execPath, '-e', grows]
    const starts = new Starts({ file: join(folder, 'starts'), starts: 2 })
    const done = await all(pool.map([new Shell({ argv, leaves: true }), starts]))
    assert.deepEqual(
      done.map(({ result, attempts }) => [result, attempts]),
      [
        [null, 1],
        [2, 1],
      ],
    )
  })
})

/** Whether a process runs: one that has ended may still be listed. */
function isRunning(pid: number): boolean {
  return /\) [^ZX] /.test(read(`/proc/${pid}/stat`))
}

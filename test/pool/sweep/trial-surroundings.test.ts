// Where each trial of a sweep works: its seed, its folder and its log.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { parseSecrets, runFile } from 'flambeau'
import { openPool, readRecords, type TrialRecord } from 'flambeau/pool'
import { InlineSweeps } from '../../support/inline-sweeps.js'
import { ownPath } from '../../support/own-path.js'
import { Talk } from '../../support/pool-tasks.js'
import { Counts, Whose } from '../../support/sweep-tasks.js'
import { until } from '../../support/until.js'

const {
  folder,
  fresh,
  resultOf,
  run: sweep,
  logger,
  said,
} = new InlineSweeps('surroundings', 'metric: score\n')

const tasks = new URL('../../support/sweep-tasks.js', import.meta.url)
const shortTasks = new URL('../../support/pool-tasks.js', import.meta.url)

describe('the seed of a trial', () => {
  const seedsIn = async (output: string): Promise<Map<number, number | undefined>> =>
    new Map((await readRecords(output)).map(({ trial, seed }) => [Number(trial), seed]))

  test('is its own, that of its record, and the same in each attempt', async () => {
    const run = await sweep('each: !Seeded { n: !choice [1, 2, 3], failures: 1 }\nretries: 1')
    assert.equal(resultOf(run).failed, 0)
    const records = (await readRecords(run.output)) as (TrialRecord & { result: { seed: number } })[]
    assert.equal(new Set(records.map(({ seed }) => seed)).size, 3)
    for (const { seed, result } of records) assert.equal(result.seed, seed)
  })

  test('stays the same when the sweep is resumed with more trials', async () => {
    const output = fresh()
    const text =
      'strategy: random\neach: !Seeded { n: !uniform { low: 0, high: 1 }, failures: !choice [0, 1] }\n'
    await sweep(`${text}samples: 9`, { output })
    const before = await seedsIn(output)
    await sweep(`${text}samples: 120`, { output, resume: true })
    const after = await seedsIn(output)
    assert.equal(after.size, 120)
    assert.equal(new Set(after.values()).size, 120)
    for (const [trial, seed] of before) assert.equal(after.get(trial), seed)
  })

  test('follows from that of the sweep, or of its run', async () => {
    const text = 'each: !Seeded { n: !choice [1, 2] }\n'
    const [first, second, third] = [
      await sweep(text),
      await sweep(`${text}seed: 5`),
      await sweep(text, { seed: 5 }),
    ]
    const seeds = await Promise.all([first, second, third].map(({ output }) => seedsIn(output)))
    assert.notDeepEqual(seeds[0], seeds[1])
    assert.deepEqual(seeds[1], seeds[2])
  })

  test('is in the file of a trial that failed, which is repeated with it', async () => {
    const run = await sweep('each: !Seeded { n: !choice [1, 2], failures: !choice [0, 9] }')
    const failed = (await readRecords(run.output)).find(({ error }) => error)!
    const file = join(run.output, 'failed', `${failed.trial}.yaml`)
    const [, again] = /^# again: .* --seed (\d+)/m.exec(readFileSync(file, 'utf8')) ?? []
    assert.equal(Number(again), failed.seed)
    const repeated = await runFile(file, { logger, seed: Number(again) })
    assert.match(repeated.ok ? '' : repeated.error.message, new RegExp(`seed ${failed.seed}`))
  })
})

describe('the record of a trial that failed', () => {
  test('has what it printed last, and how it ended its worker', async () => {
    const output = fresh()
    const secrets = await parseSecrets('[AWS]\nKEY = open sesame\n')
    const before = process.env['NODE_OPTIONS']
    process.env['NODE_OPTIONS'] = '--max-old-space-size=48'
    const text = 'each: !Dies { of: !choice [segfault, exit, heap, error, nothing] }\nworkers: 2'
    try {
      const run = await sweep(text, { output, engine: 'processes', imports: [tasks], secrets })
      assert.equal(resultOf(run).failed, 4)
    } finally {
      if (before === undefined) delete process.env['NODE_OPTIONS']
      else process.env['NODE_OPTIONS'] = before
    }
    const records = new Map((await readRecords(output)).map((record) => [record.options['of'], record]))
    const expected = {
      segfault: ['TASK_CRASHED', /killed its worker \(SIGSEGV\)/],
      exit: ['TASK_CRASHED', /killed its worker \(exit code 7\)/],
      heap: ['TASK_OUT_OF_MEMORY', /used more memory than/],
      error: ['TASK_FAILED', /it does not converge/],
    } as const
    for (const [cause, [code, message]] of Object.entries(expected)) {
      const { error } = records.get(cause)!
      assert.equal(error?.code, code)
      assert.match(error.message, message)
      const printed = error.output ?? ''
      assert.ok(printed.length > 3000 && printed.length <= 4096, `${printed.length}`)
      if (cause === 'heap') assert.match(printed, /JavaScript heap out of memory/)
      else
        assert.match(
          printed,
          new RegExp(`^line \\d+ before ${cause}\\n(?:.*\\n)*line 500 before ${cause}\\n`),
        )
      if (cause !== 'heap') assert.match(printed, /\nthe key is (?!open sesame)/)
      assert.doesNotMatch(JSON.stringify(error), /open sesame/)
    }
    assert.equal(records.get('nothing')?.error, undefined)
  })
})

describe('the folder of a trial', () => {
  const countsIn = async (output: string): Promise<unknown[]> =>
    (await readRecords(output)).map(({ result, error }) => error?.code ?? (result as { count: number }).count)

  test('is there with what the attempt before left that threw, killed its worker or took too long', async () => {
    const text =
      'each: !Counts { ends: !choice [throws, dies, hangs] }\nretries: 1\ntimeoutMs: 2000\nworkers: 3'
    const run = await sweep(text, { engine: 'processes', imports: [tasks] })
    assert.equal(resultOf(run).failed, 0)
    assert.deepEqual(await countsIn(run.output), [2, 2, 2])
    assert.equal(readFileSync(join(ownPath(run.output, 'tasks', '01')!, 'count.txt'), 'utf8'), '2')
  })

  test('is there when a sweep is resumed that had failed', async () => {
    const output = fresh()
    const text = 'each: !Counts { ends: throws, n: !choice [1, 2] }\nworkers: 2'
    const first = await sweep(text, { output, engine: 'processes', imports: [tasks] })
    assert.equal(first.outcome.ok, false)
    assert.deepEqual(await countsIn(output), ['TASK_FAILED', 'TASK_FAILED'])
    const second = await sweep(text, { output, resume: true, engine: 'processes', imports: [tasks] })
    assert.equal(resultOf(second).failed, 0)
    assert.deepEqual(await countsIn(output), [2, 2])
  })

  // What it was trained with, by its options.
  const trainedIn = async (output: string): Promise<unknown[]> =>
    (await readRecords(output)).map(({ trial, options, result }) => [trial, options['rate'], result])

  test('and its log are never those of a trial with other options, whatever its number is', async () => {
    const output = fresh()
    const ready = join(folder, 'ready')
    const each = (rates: string): string => `each: !Whose { rate: !choice ${rates}, until: ${ready} }`
    await sweep(each('[1, 2, 3]'), { output })
    const logs = readdirSync(join(output, 'logs'))
    writeFileSync(ready, '')
    const resumed = await sweep(each('[7, 1, 2]'), { output, resume: true })
    assert.equal(resultOf(resumed).failed, 0)
    assert.deepEqual(await trainedIn(output), [
      ['01', 7, { score: 7, starts: 1 }],
      ['02', 1, { score: 1, starts: 2 }],
      ['03', 2, { score: 2, starts: 2 }],
    ])
    assert.equal(readdirSync(join(output, 'logs')).length, logs.length + 1)
  })

  test('is its own when two trials have the same options', async () => {
    const output = fresh()
    const ready = join(folder, 'ready-twice')
    await sweep(`each: !Whose { rate: !choice [1, 2], until: ${ready} }`, { output })
    writeFileSync(ready, '')
    const each = `each: !Whose { rate: !choice [!choice [1, 2], !choice [2, 3]], until: ${ready} }`
    const resumed = await sweep(each, { output, resume: true })
    assert.equal(resultOf(resumed).failed, 0)
    const starts = (await readRecords(output)).map(({ result }) => (result as { starts: number }).starts)
    assert.deepEqual(starts, [2, 2, 1, 1])
    assert.equal(readdirSync(join(output, 'tasks')).length, 4)
    assert.equal(readdirSync(join(output, 'logs')).length, 4)
  })

  test('stays its own when only the later of two trials with the same options has a result', async () => {
    const output = fresh()
    const ready = join(folder, 'ready-later')
    const each = `each: !Whose { rate: !choice [!choice [1, 2], !choice [2, 3]], until: ${ready} }`
    await sweep(each, { output })
    const file = join(output, 'results.jsonl')
    const lines = (await readRecords(output)).map(({ error, ...record }) =>
      record.trial === '03'
        ? { ...record, metric: 2, result: { score: 2, starts: 1 } }
        : { ...record, error },
    )
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    writeFileSync(ready, '')
    await sweep(each, { output, resume: true })
    const starts = (await readRecords(output)).map(({ trial, result }) => [
      trial,
      (result as { starts: number }).starts,
    ])
    assert.deepEqual(Object.fromEntries(starts), { '01': 2, '02': 2, '03': 1, '04': 2 })
  })

  test('and its record are its own when trials have failed and the values are in another order', async () => {
    const output = fresh()
    const each = (rates: string): string => `each: !Whose { rate: !choice ${rates}, fails: [1] }`
    await sweep(each('[1, 2]'), { output })
    await sweep(each('[2, 1]'), { output, resume: true })
    const records = (await readRecords(output)).map(({ trial, options, error }) => [
      trial,
      options['rate'],
      error?.code,
    ])
    assert.deepEqual(records, [
      ['01', 2, undefined],
      ['02', 1, 'TASK_FAILED'],
    ])
  })

  test('is there when the sweep has more trials, and more digits', async () => {
    const output = fresh()
    const ready = join(folder, 'more')
    const text = `strategy: random\neach: !Whose { rate: !uniform { low: 0, high: 1 }, until: ${ready} }`
    await sweep(`${text}\nsamples: 2`, { output })
    writeFileSync(ready, '')
    const resumed = await sweep(`${text}\nsamples: 100`, { output, resume: true })
    assert.equal(resultOf(resumed).failed, 0)
    const records = await readRecords(output)
    assert.equal(records.length, 100)
    const starts = records.map(({ result }) => (result as { starts: number }).starts)
    assert.deepEqual(starts.toSorted().slice(-3), [1, 2, 2])
  })
})

describe('the folder of a task', () => {
  test('is not that of another task with its number, in another pool or a later run', async () => {
    const place = fresh()
    const work = async (rate: number): Promise<unknown> => {
      await using pool = await openPool({ engine: 'inline', folder: place, logger })
      for await (const { result } of pool.map([new Whose({ rate, fails: [] })])) return result
      return undefined
    }
    assert.deepEqual(await Promise.all([work(1), work(2)]), [
      { score: 1, starts: 1 },
      { score: 2, starts: 1 },
    ])
    assert.deepEqual(await work(3), { score: 3, starts: 1 })
  })

  test('is not that of a failed task: each has a file that repeats it', async () => {
    const place = fresh()
    const files: string[] = []
    for (const rate of [1, 2]) {
      await using pool = await openPool({ engine: 'inline', folder: place, logger })
      const tasks = [new Whose({ rate, fails: [1, 2] })]
      for await (const outcome of pool.map(tasks, { onError: 'collect' }))
        if (!outcome.ok) files.push(readFileSync(outcome.error.file!, 'utf8'))
    }
    assert.equal(readdirSync(join(place, 'failed')).length, 2)
    for (const [index, file] of files.entries()) assert.match(file, new RegExp(`^rate: ${index + 1}$`, 'm'))
  })
})

describe('the log of a trial', () => {
  const logOf = (output: string, trial: string): string =>
    readFileSync(ownPath(output, 'logs', trial)!, 'utf8')

  test('has what it printed and logged, each attempt below the one before', async () => {
    const text = 'each: !Counts { ends: !choice [throws, dies] }\nretries: 1\nworkers: 1'
    const run = await sweep(text, { engine: 'processes', imports: [tasks] })
    assert.equal(resultOf(run).failed, 0)
    const seed = (await readRecords(run.output)).find(({ trial }) => trial === '01')?.seed
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
    const attempts = logOf(run.output, '01').split(/^(?=--- \S+ attempt)/m)
    assert.equal(attempts.length, 2)
    for (const [index, attempt] of attempts.entries()) {
      assert.match(
        attempt,
        new RegExp(`^--- ${time} attempt ${index + 1} on ${hostname()} with seed ${seed}\n`),
      )
      assert.match(attempt, new RegExp(`^this is the start number ${index + 1}$`, 'm'))
      assert.match(
        attempt,
        new RegExp(`^\\d\\d:\\d\\d:\\d\\d info  logged in start number ${index + 1}$`, 'm'),
      )
    }
    assert.match(attempts[0]!, /^--- \S+ after .*: failed: Error: the count is 1\n +at .*sweep-tasks/m)
    assert.match(attempts[1]!, /\n--- \S+ after .*: done\n$/)
    assert.match(logOf(run.output, '02'), /\n--- \S+ after .*: killed its worker \(SIGKILL\)\n--- /)
    assert.equal(statSync(ownPath(run.output, 'logs', '01')!).mode & 0o777, 0o600)
  })

  test('can be read while the trial runs', async () => {
    const output = fresh()
    const marker = join(folder, 'go')
    const text = `each: !Counts { ends: throws, attempts: 1, marker: ${marker} }`
    const running = sweep(text, { output, engine: 'processes', imports: [tasks] })
    const log = (): string => (ownPath(output, 'logs', '01') === undefined ? '' : logOf(output, '01'))
    try {
      // What it prints and what it logs come on two ways.
      await until(() => ['start number 1\n', 'logged in start'].every((text) => log().includes(text)))
      assert.doesNotMatch(log(), / after /)
    } finally {
      writeFileSync(marker, '')
    }
    assert.equal(resultOf(await running).failed, 0)
  })

  test('is continued by a sweep that is resumed, and set aside with force', async () => {
    const output = fresh()
    const text = 'each: !Counts { ends: throws, attempts: 3 }'
    await sweep(text, { output })
    await sweep(text, { output, resume: true })
    assert.equal(logOf(output, '01').match(/ attempt 1 on /g)?.length, 2)
    await sweep(text, { output, force: true })
    assert.equal(logOf(output, '01').match(/ attempt 1 on /g)?.length, 1)
  })

  test('has no secret, whoever prints it', async () => {
    const secrets = await parseSecrets('[AWS]\nKEY = open sesame\n')
    const options = { engine: 'processes', imports: [tasks], secrets }
    const { output } = await sweep(
      'each: !Dies { of: !choice [exit, nothing], by: !choice [itself, a program] }',
      options,
    )
    const logs = ['01', '02'].map((trial) => logOf(output, trial))
    for (const log of logs) {
      assert.match(log, /^the key is (?!open)/m)
      assert.doesNotMatch(log, /open sesame/)
    }
  })

  test('that cannot be written does not end the sweep', async () => {
    const output = fresh()
    mkdirSync(output)
    writeFileSync(join(output, 'logs'), 'a file')
    const run = await sweep('each: !Fit { rate: !choice [1, 2] }', { output })
    assert.equal(resultOf(run).failed, 0)
    assert.equal(said.filter((line) => /The logs of tasks cannot be written/.test(line)).length, 1)
  })
})

describe('the logs of a pool', () => {
  test('are kept only where it is asked to', async () => {
    for (const logs of [false, true]) {
      const place = fresh()
      const pool = await openPool({ folder: place, logs, logger, imports: [tasks], workers: 1 })
      for await (const _ of pool.map([new Counts({ ends: 'throws', attempts: 1 })], { taskId: () => 'a/b' }));
      await pool.close()
      assert.equal(ownPath(place, 'logs', 'a%2Fb') !== undefined, logs)
      assert.equal(existsSync(join(place, 'logs')), logs)
    }
  })

  test('of short tasks that are sent ahead are apart', async () => {
    const place = fresh()
    const pool = await openPool({ folder: place, logs: true, logger, imports: [shortTasks], workers: 1 })
    const says = Array.from({ length: 400 }, () => new Talk({ lines: 2 }))
    for await (const _ of pool.map(says));
    await pool.close()
    for (let number = 1; number <= 400; number++) {
      const id = String(number).padStart(2, '0')
      const log = readFileSync(ownPath(place, 'logs', id)!, 'utf8')
      const expected = [`${id} err 1`, `${id} err 2`, `${id} out 1 ${'é'.repeat(40)}`, `${id} out 2`]
      const lines = log.trimEnd().split('\n')
      assert.match(lines[0]!, /^--- .* attempt 1 /)
      assert.match(lines.at(-1)!, /^--- .*: done$/)
      assert.deepEqual(lines.slice(1, -1).toSorted(), expected)
    }
  })

  test('of 100 MB take no memory', { timeout: 120_000 }, async () => {
    const place = fresh()
    const script = `
      import { openPool } from 'flambeau/pool'
      import { Floods } from ${JSON.stringify(tasks)}
      const options = { imports: [${JSON.stringify(tasks)}], workers: 1, logs: true, folder: ${JSON.stringify(place)} }
      const pool = await openPool(options)
      for await (const { ok } of pool.map([new Floods({ megabytes: 100 })])) console.log(ok)
      await pool.close()
      console.log(process.resourceUsage().maxRSS)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [ok, kilobytes] = (await text(child.stdout)).split('\n')
    assert.equal(ok, 'true')
    assert.ok(Number(kilobytes) < 300_000, `${kilobytes} kB`)
    const { size } = statSync(ownPath(place, 'logs', '01')!)
    assert.ok(size > 100e6 && size < 101e6, `${size}`)
  })
})

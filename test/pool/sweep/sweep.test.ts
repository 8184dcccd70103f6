import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { basename, join, relative } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { check, dump, load, runFile } from 'flambeau'
import {
  type Ended,
  type Engine,
  LogUniform,
  type PackedResult,
  Range,
  readRecords,
  Sweep,
  type SweepResult,
  type TaskMessage,
  type Watch,
} from 'flambeau/pool'
import '../../support/needy-tasks.js'
import '../../support/sweep-tasks.js'
import { InlineSweeps, type SweepRun } from '../../support/inline-sweeps.js'
import { until } from '../../support/until.js'

const { folder, fresh, logger, resultOf, run: sweep, said } = new InlineSweeps('sweep', 'metric: score\n')

const isRoot = process.getuid?.() === 0

describe('sweeps', () => {
  test('have trials of included files, with references to what was chosen', async () => {
    const project = mkdtempSync(join(folder, 'made-of-'))
    writeFileSync(
      join(project, 'fit.yaml'),
      '!Fit\nrate: 1\noptimizer: !include adam.yaml\nreturns: !format "{layers}"\n',
    )
    writeFileSync(join(project, 'adam.yaml'), '!Adam\nrate: !ref layers\n')
    const output = join(project, 'out')
    const text = `!Sweep\nmetric: score\noutput: ${output}\neach: !include fit.yaml\n`
    writeFileSync(join(project, 'sweep.yaml'), text)
    const set = ['each.layers=!choice [2, 3]', '~each.returns']
    for (const engine of ['inline', 'processes']) {
      const outcome = await runFile<SweepResult>(join(project, 'sweep.yaml'), {
        logger,
        set: engine === 'inline' ? set : [...set, `output=${output}2`],
        runOptions: { engine, imports: [new URL('../../support/sweep-tasks.js', import.meta.url).href] },
      })
      assert.ok(outcome.ok, said.join('\n'))
      // The score is the rate of the optimizer, which refers to the layers, times the layers.
      assert.equal(outcome.value.best.metric, 9)
    }
  })

  test('a grid has every combination, and the best one wins', async () => {
    const run = await sweep(
      'each: !Fit { rate: !choice [0.1, 3, 2], layers: !range { from: 1, to: 4, step: 1 } }',
    )
    const { best, trials, failed } = resultOf(run)
    assert.deepEqual({ trials, failed }, { trials: 12, failed: 0 })
    assert.deepEqual(best, { trial: '08', options: { rate: 3, layers: 4 }, metric: 12 })
    const records = await readRecords(run.output)
    const pairs = records.map(({ options }) => `${options['rate']} ${options['layers']}`)
    assert.equal(new Set(pairs).size, 12)
    assert.deepEqual(records[0], {
      trial: '01',
      key: records[0]!.key,
      options: { rate: 0.1, layers: 1 },
      metric: 0.1,
      result: { score: 0.1, nested: { loss: -0.1 } },
      attempts: 1,
      durationMs: records[0]!.durationMs,
      host: records[0]!.host,
      seed: records[0]!.seed,
    })
    assert.equal(readFileSync(join(run.output, 'best.yaml'), 'utf8'), '!Fit\nrate: 3\nlayers: 4\n')
    const table = said.at(-1)!.split('\n')
    assert.match(table[0]!, /^rank +trial +score +rate +layers +time$/)
    assert.match(table[1]!, /^1 +08 +12 +3 +4 /)
    assert.equal(table.length, 13)
  })

  test('a deeper metric may be small', async () => {
    const { outcome } = await sweep('each: !Fit { rate: !choice [1, 2] }\ngoal: min')
    assert.equal(outcome.ok && outcome.value.best.metric, 1)
    const content = `!Sweep { each: !Fit { rate: !choice [1, 2] }, metric: nested.loss, output: ${fresh()} }`
    const deeper = await runFile<SweepResult>({ content }, { logger, runOptions: { engine: 'inline' } })
    assert.equal(deeper.ok && deeper.value.best.metric, -1)
  })

  test('objects can be chosen', async () => {
    const run = await sweep('each: !Fit { optimizer: !choice [!Adam { rate: 1 }, !Adam { rate: 2 }] }')
    assert.deepEqual(resultOf(run).best.options, { optimizer: '!Adam { rate: 2 }' })
    assert.match(readFileSync(join(run.output, 'best.yaml'), 'utf8'), /optimizer: !Adam\n {2}rate: 2\n/)
  })

  test('the same seed draws the same trials, another one draws others', async () => {
    const draw = async (seed: number) => {
      const each = 'each: !Fit { rate: !logUniform { low: 0.001, high: 1 }, layers: !choice [1, 2, 3] }'
      const run = await sweep(`${each}\nstrategy: random\nsamples: 8\nseed: ${seed}`)
      return (await readRecords(run.output)).map(({ options }) => options)
    }
    const [once, again, other] = [await draw(7), await draw(7), await draw(8)]
    assert.deepEqual(once, again)
    assert.notDeepEqual(once, other)
    assert.ok(once.every(({ rate }) => Number(rate) >= 0.001 && Number(rate) <= 1))
    assert.equal(once.length, 8)
  })

  test('what fails is recorded and leaves a file; the others go on', async () => {
    const run = await sweep('each: !Fit { fails: !choice [true, false] }')
    assert.deepEqual([resultOf(run).failed, resultOf(run).best.trial], [1, '02'])
    const [failed] = await readRecords(run.output)
    assert.deepEqual([failed?.error?.code, failed?.metric], ['TASK_FAILED', undefined])
    const repeated = await runFile(join(run.output, 'failed', '01.yaml'), { logger })
    assert.match(repeated.ok ? '' : repeated.error.message, /does not converge/)
  })

  for (const [returned, message] of [
    ['nan', /"score" must be a finite number, but the trial returned null/],
    ['infinite', /"score" must be a finite number, but the trial returned null/],
    ['~', /"score" must be a finite number, but the trial returned null/],
    ['"0.9"', /"score" must be a finite number, but the trial returned '0\.9'/],
    ['[1]', /"score" must be a finite number, but the trial returned \[ 1 \]/],
    ['missing', /The result has no number "score": it has "other"/],
  ] as const)
    test(`a trial whose metric is ${returned} fails alone, and leaves a file`, async () => {
      const run = await sweep(`each: !Fit { returns: !choice [1, ${returned}, 3] }`)
      const { best, trials, failed } = resultOf(run)
      assert.deepEqual([best.trial, trials, failed], ['03', 3, 1])
      const [record] = (await readRecords(run.output)).filter(({ error }) => error)
      assert.equal(record?.trial, '02')
      assert.equal(record?.error?.code, 'NO_METRIC')
      assert.match(record?.error?.message ?? '', message)
      assert.match(readFileSync(join(run.output, 'failed', '02.yaml'), 'utf8'), /flambeau run .*02\.yaml/)
      const again = await sweep(`each: !Fit { returns: !choice [1, ${returned}, 3] }`, {
        output: run.output,
        resume: true,
      })
      assert.equal(resultOf(again).failed, 1)
    })

  test('a result counts again when a metric is asked for that it has', async () => {
    const { output, outcome } = await sweep('each: !Fit { returns: !choice [missing, missing] }')
    assert.equal(outcome.exitCode, 22)
    const content = `!Sweep { each: !Fit { returns: !choice [missing, missing] }, metric: other, output: ${output} }`
    said.length = 0
    const right = await runFile<SweepResult>(
      { content },
      { logger, runOptions: { engine: 'inline', resume: true } },
    )
    assert.equal(right.ok && right.value.best.metric, 1)
    assert.equal(said.filter((line) => /^\d\/2/.test(line)).length, 0)
  })

  test('a trial that succeeds the second time leaves failed/, unless its file was changed', async () => {
    const marker = join(folder, 'marker')
    const each = `each: !Once { marker: ${marker}, n: !choice [1, 2] }`
    const { output } = await sweep(each)
    const [one, two] = ['01', '02'].map((id) => join(output, 'failed', `${id}.yaml`)) as [string, string]
    assert.ok(existsSync(one) && existsSync(two))
    appendFileSync(two, '# looked at by me\n')
    writeFileSync(marker, '')
    assert.equal(resultOf(await sweep(each, { output, resume: true })).failed, 0)
    assert.deepEqual([existsSync(one), existsSync(two)], [false, true])
  })

  test('a second sweep in the same folder is refused by name while the first runs, whatever its flags', async () => {
    const output = fresh()
    const go = `${output}.go`
    const first = flambeauOf(`each: !Fit { rate: !choice [1, 2, 3], until: ${go} }\nworkers: 1`, output)
    await first.saysOnce(/ 1\/3 /)
    for (const flags of [{}, { resume: true }, { force: true }]) {
      const second = await sweep('each: !Fit { rate: 9 }', { output, ...flags })
      assert.equal(second.outcome.exitCode, 22)
      assert.match(
        said.join('\n'),
        new RegExp(
          `"${output}" is in use by process ${first.child.pid} on ".*", since .*: wait for it, or name another "output"`,
        ),
      )
    }
    writeFileSync(go, '')
    assert.equal(await first.ended, 0, first.text())
    assert.equal((await readRecords(output)).length, 3)
    assert.equal(existsSync(join(output, '.lock')), false)
  })

  test('the lock of a process that was killed is taken over', async () => {
    const output = fresh()
    const go = `${output}.go`
    const each = `each: !Fit { rate: !choice [1, 2, 3], until: ${go} }`
    const first = flambeauOf(`${each}\nworkers: 1`, output)
    await first.saysOnce(/ 1\/3 /)
    first.child.kill('SIGKILL')
    await first.ended
    assert.ok(existsSync(join(output, '.lock')))
    writeFileSync(go, '')
    const rest = await sweep(each, { output, resume: true })
    assert.equal(resultOf(rest).trials, 3)
  })

  test('the lock of a process that was killed is taken over by one of many, also after a killed takeover', async () => {
    const output = fresh()
    mkdirSync(join(output, '.lock'), { recursive: true })
    const dead = { pid: 2 ** 22 - 1, started: '1', boot: 'x', token: 't', host: hostname(), since: 'then' }
    writeFileSync(join(output, '.lock', 'owner.json'), JSON.stringify(dead))
    mkdirSync(join(output, '.lock.claim'))
    utimesSync(join(output, '.lock.claim'), 1, 1)
    const runs = await Promise.all(
      Array.from({ length: 8 }, () => sweep('each: !Fit { ms: 300 }', { output, resume: true })),
    )
    const refused = runs.filter(({ outcome }) => !outcome.ok).map(({ outcome }: any) => outcome.error.code)
    assert.ok(refused.length >= 5, String(refused.length))
    assert.deepEqual([...new Set(refused)], ['OUTPUT_IN_USE'])
    assert.ok(!readdirSync(output).some((name) => name.startsWith('.lock')))
  })

  test('the lock of another host is not', async () => {
    const output = fresh()
    mkdirSync(join(output, '.lock'), { recursive: true })
    const owner = { pid: 1, started: '1', boot: 'b', token: 't', host: 'elsewhere', since: '2026-01-01' }
    writeFileSync(join(output, '.lock/owner.json'), JSON.stringify(owner))
    const run = await sweep('each: !Fit {}', { output })
    assert.equal(run.outcome.exitCode, 22)
    assert.match(
      said.join('\n'),
      /in use by process 1 on "elsewhere".*or remove ".*\.lock" if that host no longer exists/,
    )
  })

  test('force deletes nothing: what was there is set aside', async () => {
    const { output } = await sweep('each: !Fit { rate: 1, fails: !choice [true, false] }')
    await sweep('each: !Fit { rate: 2 }', { output, force: true })
    const [time = ''] = readdirSync(join(output, 'old'))
    const aside = readdirSync(join(output, 'old', time)).toSorted()
    assert.deepEqual(aside, ['best.yaml', 'failed', 'logs', 'metrics.jsonl', 'results.jsonl', 'sweep.json'])
    assert.equal(linesOf(join(output, 'old', time, 'results.jsonl')).length, 2)
    assert.equal((await readRecords(output)).length, 1)
  })

  test('a huge grid goes on at once, says how many trials it has, and hears Ctrl-C', async () => {
    const many = '!range { from: 1, to: 1000, step: 1 }'
    const text = `each: !Huge { a: ${many}, b: ${many}, c: ${many} }\nworkers: 1`
    const output = fresh()
    const dry = flambeauOf(text, output, '--dry-run')
    assert.equal(await dry.ended, 0)
    assert.match(dry.text(), /is ready to run, 1,000,000,000 trials/)
    const first = flambeauOf(text, output)
    await first.saysOnce(/ 3\/1000000000/m)
    first.child.kill('SIGINT')
    assert.equal(await first.ended, 130)
    const done = (await readRecords(output)).length
    const second = flambeauOf(text, output, '--resume')
    await second.saysOnce(new RegExp(` ${done + 1}/1000000000`))
    second.child.kill('SIGINT')
    assert.equal(await second.ended, 130)
    assert.ok((await readRecords(output)).length > done)
  })

  test('a disk that is full ends it with exit code 74', { skip: !isRoot && 'needs root' }, async () => {
    const disk = join(folder, 'disk')
    mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', disk])
    try {
      const each = 'each: !Fit { rate: !range { from: 1, to: 20, step: 1 }, returns: long }'
      const run = flambeauOf(each, join(disk, 'out'))
      assert.equal(await run.ended, 74, run.text())
      assert.match(
        run.text(),
        /results\.jsonl" could not be written: its disk is full \(ENOSPC\): free some space/,
      )
    } finally {
      execFileSync('umount', [disk])
    }
  })

  test('ends when more trials fail than it may, or when all do', async () => {
    const some = await sweep(
      'each: !Fit { fails: true, layers: !range { from: 1, to: 9, step: 1 } }\nmaxFailures: 2',
    )
    assert.equal(!some.outcome.ok && (some.outcome.error as any).code, 'TOO_MANY_FAILURES')
    assert.equal((await readRecords(some.output)).length, 3)
    const all = await sweep('each: !Fit { fails: true }')
    assert.equal(!all.outcome.ok && (all.outcome.error as any).code, 'NO_RESULT')
  })

  test('resume does what is not done, and what failed', async () => {
    const two = await sweep('each: !Fit { rate: !choice [1, 2] }')
    const before = await readRecords(two.output)
    appendFileSync(join(two.output, 'results.jsonl'), '{"trial":"03","key":"torn')
    const { output } = two
    const three = await sweep('each: !Fit { rate: !choice [1, 2, 3] }', { output, resume: true })
    assert.equal(resultOf(three).trials, 3)
    const records = await readRecords(output)
    assert.deepEqual(records.slice(0, 2), before)
    assert.equal(records[2]?.metric, 3)
    assert.equal(said.filter((line) => /^\d\/3/.test(line)).length, 1)
  })

  test('resume goes by what each trial is, whatever its number and its place', async () => {
    const { output } = await sweep('each: !Fit { rate: !choice [1, 2] }')
    const more = await sweep('each: !Fit { rate: !choice [5, 1, 2] }', { output, resume: true })
    assert.equal(resultOf(more).best.trial, '01')
    const trials = (await readRecords(output)).map(({ trial, options }) => [trial, options['rate']])
    assert.deepEqual(trials.toSorted(), [
      ['01', 5],
      ['02', 1],
      ['03', 2],
    ])
    assert.equal(existsSync(join(output, 'results-old.jsonl')), false)
  })

  test('resume deletes no result of a sweep that was changed', async () => {
    const { output } = await sweep('each: !Fit { rate: !choice [1, 2] }')
    const before = await readRecords(output)
    const files = ['results.jsonl', 'best.yaml', 'sweep.json'].map((name) => join(output, name))
    const texts = files.map((file) => readFileSync(file, 'utf8'))
    const none = await sweep('each: !Fit { rate: !choice [1, 2], layers: 2 }', { output, resume: true })
    assert.equal(!none.outcome.ok && (none.outcome.error as any).code, 'RESULTS_EXIST')
    assert.match(
      said.join('\n'),
      /has the results of 2 trials, but none of this sweep: write "each" as it was/,
    )
    assert.deepEqual(
      files.map((file) => readFileSync(file, 'utf8')),
      texts,
    )
    const some = await sweep('each: !Fit { rate: !choice [2, 3] }', { output, resume: true })
    assert.equal(resultOf(some).trials, 2)
    assert.deepEqual(linesOf(join(output, 'results-old.jsonl')), [before[0]])
    assert.match(
      said.join('\n'),
      /One earlier result belongs to no trial of this sweep: see .*results-old\.jsonl/,
    )
  })

  test('the same options are one trial, and no more than are asked for are kept', async () => {
    const draw = (samples: number) =>
      `each: !Fit { rate: !choice [1, 2, 3, 2, 4, 5] }\nstrategy: random\nsamples: ${samples}`
    const first = await sweep(draw(8))
    assert.equal(resultOf(first).trials, 5)
    const { output } = first
    const all = await sweep(draw(8), { output, resume: true })
    assert.equal(resultOf(all).trials, 5)
    assert.equal(said.filter((line) => /\d\/8/.test(line)).length, 0)
    const few = await sweep(draw(3), { output, resume: true })
    assert.equal(resultOf(few).trials, 3)
    assert.equal(linesOf(join(output, 'results-old.jsonl')).length, 2)
  })

  test('resume ranks by the metric that is asked for now', async () => {
    const { output } = await sweep('each: !Fit { rate: !choice [1, 2] }')
    const other = (metric: string) => {
      const content = `!Sweep { each: !Fit { rate: !choice [1, 2] }, metric: ${metric}, output: ${output} }`
      return runFile<SweepResult>({ content }, { logger, runOptions: { engine: 'inline', resume: true } })
    }
    const misspelt = await other('scor')
    assert.equal(!misspelt.ok && (misspelt.error as any).code, 'NO_METRIC')
    assert.equal((await readRecords(output)).length, 2)
    const deeper = await other('nested.loss')
    assert.deepEqual(deeper.ok && deeper.value.best.metric, -1)
  })

  test('a line of the results that is no object is none', async () => {
    const { output } = await sweep('each: !Fit {}')
    appendFileSync(join(output, 'results.jsonl'), 'null\n[]\n{"trial":')
    assert.equal((await readRecords(output)).length, 1)
    assert.equal(resultOf(await sweep('each: !Fit {}', { output, resume: true })).trials, 1)
  })

  for (const [each, code, place] of [
    ['!Fit { optimizer: !choice [!Adam { rate: !choice [1, x] }] }', 'BAD_OPTION', '1:84'],
    ['!Fit { layers: !choice [!range { from: 1, to: 2, step: 0.5 }] }', 'BAD_OPTION', '1:86'],
    ['!Fit { rate: !uniform { low: 0.1, high: 1 } }', 'ENDLESS_GRID', '1:44'],
    ['!Fit { rate: !logUniform { low: 0.1, high: 1 } }', 'ENDLESS_GRID', '1:44'],
  ] as const)
    test(`check refuses "${each}", as run does`, async () => {
      const [problem, ...others] = check(`!Sweep { metric: score, each: ${each} }`)
      assert.deepEqual([problem?.code, `${problem?.line}:${problem?.column}`, others], [code, place, []])
      assert.equal((await sweep(`each: ${each}`)).outcome.exitCode, 22)
    })

  test('a range of large whole numbers has each of them', async () => {
    const { output } = await sweep(
      'each: !Fit { rate: !range { from: 1700000000000, to: 1700000000003, step: 1 } }',
    )
    const rates = (await readRecords(output)).map(({ options }) => Number(options['rate']) - 1.7e12)
    assert.deepEqual(rates.toSorted(), [0, 1, 2, 3])
  })

  test('check takes a "!logUniform" where combinations are drawn', () => {
    const each = 'each: !Fit { rate: !logUniform { low: 0.1, high: 1 } }'
    assert.deepEqual(check(`!Sweep { metric: score, strategy: random, ${each} }`), [])
  })

  test('results that are there are not written over unless it is told', async () => {
    const { output } = await sweep('each: !Fit {}')
    const again = await sweep('each: !Fit {}', { output })
    assert.equal(!again.outcome.ok && (again.outcome.error as any).code, 'RESULTS_EXIST')
    assert.equal(again.outcome.exitCode, 22)
    assert.equal(resultOf(await sweep('each: !Fit {}', { output, force: true })).trials, 1)
  })

  test('begins anew without what the user has in the same folder', async () => {
    const output = fresh()
    for (const name of ['failed', 'results']) mkdirSync(join(output, name), { recursive: true })
    const mine = ['failed/mine.yaml', 'results/thesis.txt', 'notes.txt']
    for (const name of mine) writeFileSync(join(output, name), 'mine')
    writeFileSync(join(output, 'best.yaml'), 'mine')
    const refused = await sweep('each: !Fit {}', { output })
    assert.equal(!refused.outcome.ok && (refused.outcome.error as any).code, 'OUTPUT_EXISTS')
    for (const _ of [1, 2])
      assert.equal(
        resultOf(await sweep('each: !Fit { fails: !choice [true, false] }', { output, force: true })).failed,
        1,
      )
    for (const name of mine) assert.equal(readFileSync(join(output, name), 'utf8'), 'mine')
    resultOf(await sweep('each: !Fit {}', { output, force: true }))
    assert.deepEqual(readdirSync(join(output, 'failed')), ['mine.yaml'])
  })

  test('extensions that its own process did not import are imported by no worker', async () => {
    const evil = fresh()
    mkdirSync(evil)
    writeFileSync(join(evil, 'package.json'), '{ "name": "evil", "type": "module", "main": "index.js" }')
    writeFileSync(
      join(evil, 'index.js'),
      `import { writeFileSync } from 'node:fs'\nwriteFileSync('${evil}/mark', '')`,
    )
    const content = `evil: ${evil}\n---\n!Sweep { metric: score, output: ${fresh()}, each: !Fit {} }\n`
    const options = { importExtensions: false, logger, runOptions: { engine: 'inline' } }
    const outcome = await runFile({ content }, options)
    assert.deepEqual([outcome.ok, existsSync(join(evil, 'mark'))], [true, false])
  })

  test('a trial that is worse than most others is stopped early', async () => {
    const run = await sweep('each: !Fit { rate: !choice [5, 4, 3, 1], steps: 5 }\nearlyStop: median')
    const records = await readRecords(run.output)
    assert.deepEqual(
      records.map(({ metric, stopped }) => [metric, stopped]),
      [
        [5, undefined],
        [4, undefined],
        [3, undefined],
        [1, true],
      ],
    )
    assert.equal(resultOf(run).stopped, 1)
  })

  test('an attempt is compared from its first step on, whatever an earlier one told', async () => {
    const told: Record<string, number[]> = { '01': [1, 9], '02': [1, 9], '03': [1, 9], '04': [1] }
    const engine = engineOf(({ id, attempt }, tell) => {
      for (const score of told[id]!) tell({ score })
      if (id === '04' && attempt === 1) throw new Error('no luck')
      return { json: JSON.stringify({ score: told[id]!.at(-1) }) }
    })
    const text = 'each: !Fit { rate: !choice [1, 2, 3, 4] }\nretries: 1\nearlyStop: median'
    const run = await sweep(text, { engine })
    assert.equal(resultOf(run).stopped, 0)
    assert.equal((await readRecords(run.output)).at(-1)?.attempts, 2)
  })

  test('a large result on another host counts by what its trial told last, and fails where it told nothing', async () => {
    const engine = engineOf(({ id }, tell) => {
      if (id === '01') tell({ score: 7 })
      return { file: join(folder, 'elsewhere.json'), bytes: 70_000 }
    })
    const run = await sweep('each: !Fit { rate: !choice [1, 2] }', { engine })
    assert.deepEqual([resultOf(run).best.metric, resultOf(run).failed], [7, 1])
    const { error } = (await readRecords(run.output))[1]!
    assert.equal(error?.code, 'RESULT_OUT_OF_REACH')
    assert.match(
      error?.message ?? '',
      /of 70000 bytes stays on "far" .*: return less than 64 KB, or report "score"/,
    )
  })

  test('comes to the same over processes', async () => {
    const text = 'each: !Fit { rate: !choice [1, 2, 3, 4], ms: 20 }'
    const here = await sweep(text)
    const imports = [new URL('../../support/sweep-tasks.js', import.meta.url)]
    const there = await sweep(text, { engine: 'processes', imports })
    assert.deepEqual(resultOf(there).best, resultOf(here).best)
    assert.deepEqual(await results(there), await results(here))
  })

  test('is written back as it was', () => {
    const text = `!Sweep\neach: !Fit\n  rate: !choice [0.1, 1] # two\n  layers: !range { from: 1, to: 2, step: 1 }\nmetric: score\n`
    assert.equal(dump(load(text)), text)
    assert.deepEqual(check(text), [])
  })

  describe('mistakes are found before anything is run', () => {
    const mistakes: [text: string, message: RegExp][] = [
      ['each: !Fit {}\nmetrc: a', /Option "metrc" of "!Sweep" is unknown: did you mean "metric"\?/],
      ['each: !Fit {}\nneed: { gpus: 1 }', /Option "need" of "!Sweep" is unknown: did you mean "needs"\?/],
      ['each: !Fit {}\nneeds: { memory: 8 G }', /"needs.memory" of "!Sweep": expected a size such as "8 GB"/],
      [
        'each: !Fit {}\nneeds: { memory: 0 GB }',
        /"needs.memory" of "!Sweep": expected a size such as "8 GB"/,
      ],
      [
        'each: !Fit {}\nvariables: [A=1]',
        /Option "variables" of "!Sweep": must be a mapping such as "{ OMP_NUM_THREADS: 2 }"/,
      ],
      [
        'each: !Fit {}\nvariables: { HF_TOKEN: x }',
        /Option "variables" of "!Sweep": sets "HF_TOKEN", which looks/,
      ],
      [
        'each: !Fit {}\nenv: { OMP_NUM_THREADS: 2 }',
        /Option "env" of "!Sweep" is the cluster, .* as "variables", or as "env" of the cluster file\n\n {2}sweep.yaml:5:6\n/,
      ],
      ['each: !Fit {}\ngoal: maximum', /Option "goal" of "!Sweep": expected "max" or "min"/],
      ['each: !Fit { rate: !choice [] }', /"!choice" needs a value to choose: write "!choice \[0.01, 0.1\]"/],
      [
        'each: !Fit { rate: !range { from: 0, to: 1 } }',
        /Option "step" of "!range" is missing: write "!range/,
      ],
      [
        'each: !Fit { rate: !range { from: 0, to: 1, stp: 1 } }',
        /Option "stp" of "!range" is unknown: did you mean "step"\?/,
      ],
      [
        'each: !Fit { rate: !range { from: 0, to: 1, step: -1 } }',
        /Option "step" of "!range": steps of -1 never lead from 0 to 1/,
      ],
      [
        'strategy: random\neach: !Fit { rate: !logUniform { low: 0, high: 1 } }',
        /must be above 0 and below "high"/,
      ],
      ['each: !Fit { rate: !logUniform { low: 1, high: 2 } }', /write "strategy: random" and "samples: 20"/],
      ['each: !Fit { rte: !choice [1] }', /Option "rte" of "!Fit" is unknown: did you mean "rate"\?/],
      ['each:', /Option "each" of "!Sweep": expected a runnable/],
      ['each: 5', /Option "each" of "!Sweep": expected a runnable/],
      ['each: { rate: 0.1 }', /Option "each" of "!Sweep": expected a runnable/],
      ['each: [!Fit {}]', /Option "each" of "!Sweep": expected a runnable/],
      ['each: !Adam { rate: 1 }', /"each" must be a runnable, but "!Adam" is not one/],
      ['each: !Fti {}', /Unknown tag "!Fti": did you mean "!Fit"\?/],
    ]
    test('every unknown option is reported, and every wrong one', () => {
      const text = '!Sweep { each: !Fit {}, metric: score, goals: max, sample: 1, retries: -1, output: "" }'
      assert.deepEqual(
        check(text).map(({ code, message }) => `${code} ${/"(\w+)"/.exec(message)?.[1]}`),
        ['UNKNOWN_OPTION goals', 'UNKNOWN_OPTION sample', 'BAD_OPTION retries', 'BAD_OPTION output'],
      )
    })

    test('needs are those of each class in a choice, and an option has at least these', () => {
      const text = `!Sweep\nmetric: score\neach: !choice [!Fit {}, !choice [!UseGpu { file: x }]]\n`
      const { site } = load(text, { expect: Sweep }).workerNeeds
      assert.deepEqual([site.needs, site.subject], [{ gpus: 1, cpus: 0, memory: 0 }, 'A trial'])
      assert.deepEqual(check(`${text}needs: { gpus: 1, cpus: 1 }`), [])
      const [problem] = check(`${text}needs: { cpus: 1 }`)
      assert.deepEqual([problem?.line, problem?.column], [4, 8])
      assert.match(
        problem?.message ?? '',
        /"needs" of "!Sweep": is less than "!UseGpu" needs: write "{ gpus: 1, cpus: 1 }"$/,
      )
    })

    test('options of a placeholder are checked in code, too', () => {
      const { domain } = new Range({ from: 0, to: 1, step: 0.5 })
      assert.deepEqual([domain.count, domain.valueAt(1), domain.low, domain.high], [3, 0.5, 0, 1])
      assert.throws(() => new Range({ from: 0, to: 1, step: 0 }), { code: 'BAD_OPTION' })
      assert.throws(() => new Range({ from: 0, to: 1, step: 1e-17 }), /too small for these numbers/)
      assert.throws(() => new LogUniform({ low: 0, high: 1 }), { code: 'BAD_OPTION' })
    })

    test('each candidate is checked where it stands', () => {
      const placesOf = (each: string): string[] =>
        check(`!Sweep\nmetric: score\neach: ${each}\n`).map(
          ({ line, column, code }) => `${line}:${column} ${code}`,
        )
      assert.deepEqual(placesOf('!Fit { rate: !choice [1, fast, 2, slow] }'), [
        '3:32 BAD_OPTION',
        '3:41 BAD_OPTION',
      ])
      assert.deepEqual(placesOf('!Fit { layers: !range { from: 1, to: 2, step: 0.5 } }'), ['3:53 BAD_OPTION'])
      assert.deepEqual(placesOf('!Fit { optimizer: !choice [!Adam { rate: !choice [1, x] }, !Adam {}] }'), [
        '3:60 BAD_OPTION',
        '3:66 MISSING_OPTION',
      ])
      assert.deepEqual(placesOf('!choice [!Fit {}, !Fit { steps: many }]'), ['3:39 BAD_OPTION'])
      assert.deepEqual(placesOf('!choice [!Fit {}, !Adam { rate: 1 }]'), ['3:25 NOT_RUNNABLE'])
      assert.deepEqual(
        placesOf('!Fit { rate: !choice [1, 2], layers: !range { from: 1, to: 3, step: 1 } }'),
        [],
      )
    })

    for (const [text, message] of mistakes)
      test(text, async () => {
        const { outcome, output } = await sweep(text)
        assert.equal(outcome.exitCode, 22)
        assert.match(said.join('\n'), message)
        assert.equal(existsSync(output), false)
      })

    test('each is missing', async () => {
      const { outcome } = await sweep('seed: 1')
      assert.equal(outcome.exitCode, 22)
      assert.match(said.join('\n'), /Option "each" of "!Sweep" is missing: expected a runnable such as/)
    })
  })

  test('a metric that results do not have names those that they have', async () => {
    const content = `!Sweep { each: !Fit {}, metric: scor, output: ${fresh()} }`
    const outcome = await runFile({ content }, { logger, runOptions: { engine: 'inline' } })
    assert.equal(outcome.exitCode, 22)
    assert.match(said.at(-1)!, /no number "scor": did you mean "score"\?/)
  })

  test('Ctrl-C ends it, and says how to go on; --resume does', async () => {
    const output = fresh()
    const file = join(folder, 'long.yaml')
    appendFileSync(
      file,
      `!Sweep { each: !Fit { rate: !range { from: 1, to: 6, step: 1 }, until: ${file}.go }, metric: score, workers: 1, output: ${output} }`,
    )
    const first = flambeau('run', file)
    await first.saysOnce(/ 1\/6 /)
    first.child.kill('SIGINT')
    assert.equal(await first.ended, 130)
    assert.match(first.text(), /\d of 6 trials are done: continue with "--resume"/)
    const done = (await readRecords(output)).length
    assert.equal(done, 1)
    writeFileSync(`${file}.go`, '')
    const second = flambeau('run', file, '--resume')
    assert.equal(await second.ended, 0)
    assert.deepEqual((await readRecords(output)).map(({ trial }) => trial).toSorted(), [
      '01',
      '02',
      '03',
      '04',
      '05',
      '06',
    ])
    assert.equal(second.text().match(/ info {2} *\d\/6 /g)?.length, 6 - done)
  })

  test('a "results.jsonl" that no sweep wrote is left alone, and set aside with force', async () => {
    for (const text of ['my own notes', '{"mine":1}\n']) {
      const output = fresh()
      mkdirSync(output)
      writeFileSync(join(output, 'results.jsonl'), text)
      for (const resume of [false, true]) {
        const refused = await sweep('each: !Fit {}', { output, resume })
        assert.equal(!refused.outcome.ok && (refused.outcome.error as any).code, 'EDITED_RESULTS')
      }
      assert.equal(readFileSync(join(output, 'results.jsonl'), 'utf8'), text)
      resultOf(await sweep('each: !Fit {}', { output, force: true }))
      const [time = ''] = readdirSync(join(output, 'old'))
      assert.equal(readFileSync(join(output, 'old', time, 'results.jsonl'), 'utf8'), text)
    }
  })

  test('a first record that was cut off while it was written is dropped', async () => {
    const output = fresh()
    mkdirSync(output)
    writeFileSync(join(output, 'results.jsonl'), '{"trial":"01","ke')
    assert.equal(resultOf(await sweep('each: !Fit {}', { output, resume: true })).trials, 1)
    assert.equal(linesOf(join(output, 'results.jsonl')).length, 1)
  })

  test('a damaged "sweep.json" is refused, and set aside with force', async () => {
    const { output } = await sweep('each: !Fit {}')
    writeFileSync(join(output, 'sweep.json'), '{ damaged')
    const refused = await sweep('each: !Fit {}', { output, resume: true })
    assert.equal(!refused.outcome.ok && (refused.outcome.error as any).code, 'EDITED_RESULTS')
    resultOf(await sweep('each: !Fit {}', { output, force: true }))
    const [time = ''] = readdirSync(join(output, 'old'))
    assert.equal(readFileSync(join(output, 'old', time, 'sweep.json'), 'utf8'), '{ damaged')
  })

  test('when it is cancelled, what failed does not count as done', async () => {
    const controller = new AbortController()
    const engine = engineOf(({ id }) => {
      if (id === '01') throw new Error('no luck')
      if (id === '03') controller.abort()
      return { json: '{"score":1}' }
    })
    const text = 'each: !Fit { rate: !choice [1, 2, 3, 4] }'
    const { outcome } = await sweep(text, { engine, signal: controller.signal })
    assert.equal(outcome.exitCode, 130)
    assert.match(said.join('\n'), /^1 of 4 trials are done: continue with "--resume"$/m)
  })

  test('when it is cancelled, results that cannot be read do not hide why it ended', async () => {
    const [controller, output] = [new AbortController(), fresh()]
    const engine = engineOf(({ id }) => {
      if (id === '02') {
        appendFileSync(join(output, 'results.jsonl'), '{"trial":2}\n')
        controller.abort()
      }
      return { json: '{"score":1}' }
    })
    const text = 'each: !Fit { rate: !choice [1, 2, 3] }'
    const { outcome } = await sweep(text, { engine, output, signal: controller.signal })
    assert.equal(outcome.exitCode, 130)
    assert.equal(!outcome.ok && (outcome.error.cause as Error).name, 'AbortError')
  })

  test('when it is cancelled before its first trial, force sets nothing aside', async () => {
    const { output } = await sweep('each: !Fit {}')
    const before = readdirSync(output)
    const { outcome } = await sweep('each: !Fit {}', { output, force: true, signal: AbortSignal.abort() })
    assert.equal(outcome.exitCode, 130)
    assert.deepEqual(readdirSync(output), before)
  })

  test('an engine that is given runs the trials, also on a cluster', async () => {
    const env =
      '!RemoteEnvironment { key: k, orchestrator_ip: a, factories_ips: [b], user: u, local_user: l }'
    const output = relative('', fresh())
    assert.equal(resultOf(await sweep(`each: !Fit {}\nenv: ${env}`, { output })).trials, 1)
  })

  test('files of trials find an extension beside the file of the sweep', async () => {
    const project = fresh()
    const [extension, file] = [join(project, 'ext'), join(project, 'sweep.yaml')]
    mkdirSync(join(extension, 'node_modules'), { recursive: true })
    symlinkSync(process.cwd(), join(extension, 'node_modules/flambeau'))
    writeFileSync(
      join(extension, 'package.json'),
      '{ "name": "ext", "type": "module", "exports": "./index.js" }',
    )
    writeFileSync(join(extension, 'index.js'), scoreModule(project))
    const [output, options] = [join(project, 'out'), { logger, runOptions: { engine: 'inline' } }]
    const trials = '!ext.Score { n: !choice [1, 2, 3] }'
    writeFileSync(file, `ext: ./ext\n---\n!Sweep { each: ${trials}, metric: score, output: ${output} }\n`)
    const first = await runFile<SweepResult>(file, options)
    assert.equal(first.ok && first.value.failed, 2, said.join('\n'))
    const failed = ['02', '03'].map((trial) => join(output, 'failed', `${trial}.yaml`))
    const throws = await runFile(failed[1]!, { logger })
    assert.match(throws.ok ? '' : throws.error.message, /not yet/)
    assert.deepEqual((await runFile(failed[0]!, { logger })).ok, true, said.join('\n'))
    assert.deepEqual((await runFile(join(output, 'best.yaml'), { logger })).ok, true, said.join('\n'))
    writeFileSync(join(project, 'marker'), '')
    const again = await runFile<SweepResult>(file, { ...options, resume: true })
    assert.equal(again.ok && again.value.failed, 0, said.join('\n'))
    assert.deepEqual(failed.map(existsSync), [false, false])
    assert.deepEqual(
      (await readRecords(output)).map(({ trial }) => trial),
      ['01', '02', '03'],
    )
  })
})

/** A module with `!Score`, which has no score with 2 and fails with 3 as long as a folder has no file "marker". */
function scoreModule(folder: string): string {
  return `import { existsSync } from 'node:fs'
    import { Runnable, registrable } from 'flambeau'
    export class Score extends Runnable {
      constructor(options = {}) { super(options); this.options = options }
      run() {
        const { n } = this.options
        const isReady = existsSync(${JSON.stringify(join(folder, 'marker'))})
        if (n === 3 && !isReady) throw new Error('not yet')
        return n === 2 && !isReady ? { other: 1 } : { score: n }
      }
    }
    registrable('!Score')(Score)`
}

/** An engine whose attempts all come at once to what `attempt` returns or throws. */
function engineOf(attempt: (task: TaskMessage, tell: (value: unknown) => void) => PackedResult): Engine {
  const run = async (task: TaskMessage, { onNews }: Watch): Promise<Ended> => {
    onNews({ type: 'started' })
    try {
      const result = attempt(task, (value) => onNews({ type: 'progress', value }))
      return { ok: true, result, host: 'far' }
    } catch (thrown) {
      const { name, message, stack = '' } = thrown as Error
      return { ok: false, reason: 'failed', error: { name, message, stack }, host: 'far' }
    }
  }
  return { capacity: 1, run, close: async () => {} }
}

function linesOf(file: string): unknown[] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

async function results({ output }: SweepRun) {
  const records = await readRecords(output)
  return records
    .map(({ trial, key, options, metric, result }) => ({ trial, key, options, metric, result }))
    .toSorted((a, b) => (a.trial < b.trial ? -1 : 1))
}

const cli = join(process.cwd(), 'dist', 'cli', 'main.js')
const module = fileURLToPath(new URL('../../support/sweep-tasks.js', import.meta.url))

/** The command line on a sweep; `text` is what stands below `!Sweep`, without its metric and output. */
function flambeauOf(text: string, output: string, ...flags: string[]) {
  const file = join(folder, `${basename(output)}.yaml`)
  writeFileSync(file, `!Sweep\nmetric: score\noutput: ${output}\n${text}\n`)
  return flambeau('run', file, ...flags)
}

function flambeau(...args: string[]) {
  const child = spawn(process.execPath, [cli, ...args, '--import', module], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  })
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (more: string) => (text += more))
  const ended = once(child, 'close').then(([code]) => code)
  const saysOnce = (pattern: RegExp) => until(() => pattern.test(text), `"flambeau" says ${pattern}`)
  return { child, ended, saysOnce, text: () => text }
}

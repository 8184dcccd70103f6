import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { check, jsonSchema, load, runFile } from 'flambeau'
import { readRecords, Sweep, type SweepResult, seededRandom } from 'flambeau/pool'
import { InlineSweeps, type SweepRun } from '../../support/inline-sweeps.js'
import { InTurn } from '../../support/search-tasks.js'

const { fresh, logger, resultOf, run: sweep, said } = new InlineSweeps('search')

const cli = join(process.cwd(), 'dist', 'cli', 'main.js')
const tasks = fileURLToPath(new URL('../../support/search-tasks.js', import.meta.url))

const loss = 'metric: loss\ngoal: min\n'

/** The options of all trials of a sweep, in the order of their numbers. */
async function optionsOf(text: string): Promise<Readonly<Record<string, unknown>>[]> {
  const run = await sweep(`${loss}${text}`)
  resultOf(run)
  const records = await readRecords(run.output)
  return records.toSorted((a, b) => Number(a.trial) - Number(b.trial)).map(({ options }) => options)
}

function problems(text: string): string[] {
  return check(`!Sweep\n${text}`).map(
    ({ line, column, code, message }) => `${line}:${column} ${code} ${message}`,
  )
}

const sizeOf = (text: string): number => load(`!Sweep\n${loss}${text}`, { expect: Sweep }).size

describe('the space of a search', () => {
  for (const [written, values] of [
    ['!range { from: 0.1, to: 0.3, step: 0.1 }', [0.1, 0.2, 0.3]],
    ['!range { from: 1, to: 0, step: -0.25 }', [1, 0.75, 0.5, 0.25, 0]],
    ['!uniform { low: 0.1, high: 0.3, step: 0.1 }', [0.1, 0.2, 0.3]],
    ['!uniform { low: 0, high: 1, step: 0.3 }', [0, 0.3, 0.6, 0.9]],
    ['!range { from: 1e-7, to: 3e-7, step: 1e-7 }', [1e-7, 2e-7, 3e-7]],
    ['!int { low: 2, high: 4 }', [2, 3, 4]],
    ['!int { low: 1, high: 8, step: 3 }', [1, 4, 7]],
    ['!int { low: 1, high: 3, log: true }', [1, 2, 3]],
    ['!choice [1, 2, 1.0]', [1, 2]],
    ['!choice [5, !choice [6, 7], !range { from: 8, to: 9, step: 1 }]', [5, 6, 7, 8, 9]],
  ] as const)
    test(`${written} has exactly its values, as a person writes them`, async () => {
      const options = await optionsOf(`each: !Bowl { x: ${written} }`)
      assert.deepEqual(
        options.map(({ x }) => x),
        values,
      )
    })

  test('an object that is chosen may have parameters of its own, which only its trials have', async () => {
    const each =
      '!Bowl { optimizer: !choice [!Momentum { momentum: !choice [0.8, 0.9] }, !Plain { rate: !choice [1, 2, 3] }], n: !int { low: 0, high: 1 } }'
    const options = await optionsOf(`each: ${each}`)
    assert.equal(options.length, 10)
    assert.deepEqual(options.slice(0, 5), [
      { optimizer: '!Momentum', 'optimizer.momentum': 0.8, n: 0 },
      { optimizer: '!Momentum', 'optimizer.momentum': 0.8, n: 1 },
      { optimizer: '!Momentum', 'optimizer.momentum': 0.9, n: 0 },
      { optimizer: '!Momentum', 'optimizer.momentum': 0.9, n: 1 },
      { optimizer: '!Plain', 'optimizer.rate': 1, n: 0 },
    ])
  })

  test('values of a branch that are parameters at the same path are told apart', async () => {
    const each =
      '!Bowl { optimizer: !choice [!Momentum { momentum: 0.9, rate: !choice [1, 2] }, !Plain { rate: !choice [1, 3] }] }'
    const options = await optionsOf(`each: ${each}\nstrategy: random\nsamples: 9`)
    assert.deepEqual(options.map((each) => `${each['optimizer']} ${each['optimizer.rate']}`).toSorted(), [
      '!Momentum 1',
      '!Momentum 2',
      '!Plain 1',
      '!Plain 3',
    ])
  })

  test('a value may be null or a number between two', async () => {
    const each = '!Bowl { dropout: !choice [null, !uniform { low: 0.1, high: 0.5 }] }'
    const options = await optionsOf(`each: ${each}\nstrategy: random\nsamples: 20`)
    const numbers = options.map(({ dropout }) => dropout).filter((dropout) => dropout !== null)
    assert.equal(numbers.length, 19)
    assert.ok(numbers.every((value) => Number(value) >= 0.1 && Number(value) <= 0.5))
  })

  test('values that look alike in several branches are told apart when a sweep goes on', async () => {
    const each =
      '!Bowl { n: !choice [!int { low: 1, high: 2 }, !choice [2, 3]], optimizer: !choice [!Momentum { momentum: 1, rate: !choice [1, 2] }, !Plain { rate: !choice [2, 3] }] }'
    const text = `${loss}each: ${each}\nstrategy: tpe\nsamples: 40`
    const { output } = await sweep(text)
    const before = readFileSync(join(output, 'results.jsonl'), 'utf8')
    const again = await sweep(text, { output, resume: true })
    assert.equal(resultOf(again).trials, 16)
    assert.equal(readFileSync(join(output, 'results.jsonl'), 'utf8'), before)
  })

  test('references follow what is chosen, in branches, too', async () => {
    const each =
      '!Bowl { x: !choice [0.50, 2], y: !ref x, optimizer: !choice [!Momentum { momentum: !choice [0.1, 0.2] }] }'
    const { output } = await sweep(`${loss}each: ${each}`)
    for (const { options, result } of await readRecords(output)) {
      const chosen = JSON.parse((result as { chosen: string }).chosen)
      assert.equal(chosen.y, options['x'])
    }
  })

  test('"together" pairs values in place of crossing them', async () => {
    const each = '!Bowl { x: !choice [1, 2, 3], y: !range { from: 10, to: 30, step: 10 }, n: !choice [0, 1] }'
    const options = await optionsOf(`each: ${each}\ntogether: [[x, y]]`)
    assert.deepEqual(
      options.map(({ x, y, n }) => [x, y, n]),
      [
        [1, 10, 0],
        [1, 10, 1],
        [2, 20, 0],
        [2, 20, 1],
        [3, 30, 0],
        [3, 30, 1],
      ],
    )
  })

  test('"together" in a branch pairs those of the branch', async () => {
    const each =
      '!Bowl { optimizer: !choice [!Momentum { momentum: !choice [0.1, 0.2], rate: !choice [1, 2] }, !Plain {}] }'
    const options = await optionsOf(`each: ${each}\ntogether: [[optimizer.momentum, optimizer.rate]]`)
    assert.deepEqual(options, [
      { optimizer: '!Momentum', 'optimizer.momentum': 0.1, 'optimizer.rate': 1 },
      { optimizer: '!Momentum', 'optimizer.momentum': 0.2, 'optimizer.rate': 2 },
      { optimizer: '!Plain {}' },
    ])
  })

  test('a grid of 1e12 is known at once', () => {
    const int = '!int { low: 1, high: 10000 }'
    const before = process.memoryUsage().heapUsed
    assert.equal(sizeOf(`each: !Bowl { x: ${int}, y: ${int}, n: ${int} }`), 1e12)
    assert.ok(process.memoryUsage().heapUsed - before < 32 << 20)
  })

  test('"maxTrials" ends a grid', async () => {
    const int = '!int { low: 1, high: 10000 }'
    const options = await optionsOf(`each: !Bowl { x: ${int}, y: ${int}, n: ${int} }\nmaxTrials: 3`)
    assert.deepEqual(
      options.map(({ x, y, n }) => [x, y, n]),
      [
        [1, 1, 1],
        [1, 1, 2],
        [1, 1, 3],
      ],
    )
  })

  test('"maxDuration" lets what runs end, and begins no more', async () => {
    const text = `${loss}each: !Bowl { ms: 300, x: !int { low: 1, high: 10000 } }\nmaxDuration: 1.5s`
    const run = await sweep(text)
    const { trials } = resultOf(run)
    assert.ok(trials >= 1 && trials < 10, String(trials))
    assert.match(
      said.join('\n'),
      /No more trials begin after 1\.5s \("maxDuration"\): continue with "--resume"/,
    )
    assert.equal((await readRecords(run.output)).length, trials)
  })
})

describe('check finds what run would refuse', () => {
  const each = (text: string): string => `metric: loss\nstrategy: random\neach: !Bowl { ${text} }\n`
  for (const [text, found] of [
    ['x: !choice [1, two]', '4:30 BAD_OPTION'],
    ['n: !int { low: 1, high: 4, log: true }', undefined],
    ['n: !uniform { low: 1, high: 4 }', '4:34 BAD_OPTION'],
    ['n: !uniform { low: 1, high: 4, step: 1 }', undefined],
    ['n: !uniform { low: 1, high: 4, step: 0.5 }', '4:52 BAD_OPTION'],
    ['n: !logUniform { low: 1, high: 4 }', '4:37 BAD_OPTION'],
    ['x: !choice [1, !choice [2, three]]', '4:42 BAD_OPTION'],
    ['optimizer: !choice [!Plain {}, !Momentum { momentum: !choice [0.5, fast] }]', '4:82 BAD_OPTION'],
    [
      'optimizer: !choice [!Plain {}, !Momentum { momentum: !uniform { low: 1, high: 0 } }]',
      '4:84 BAD_OPTION',
    ],
    ['optimizer: [!Plain { rate: !choice [1, fast] }]', '4:54 BAD_OPTION'],
    ['kind: !choice [round, flat, square]', '4:43 BAD_OPTION'],
    ['x: !int { low: 5, high: 1 }', '4:30 BAD_OPTION'],
    ['x: !int { low: 0, high: 8, log: true }', '4:30 BAD_OPTION'],
    ['x: !int { low: 1.5, high: 8 }', '4:30 BAD_OPTION'],
    ['x: !uniform { low: 0, high: 1, step: 0 }', '4:52 BAD_OPTION'],
    ['x: !range { from: 1, to: 2, step: 1, by: 1 }', '4:52 UNKNOWN_OPTION'],
    ['x: !uniform { low: 0, high: 1, steps: 0.1 }', '4:46 UNKNOWN_OPTION'],
    ['x: !choice []', '4:18 REFUSED'],
  ] as const)
    test(text, async () => {
      const [problem, ...others] = problems(each(text))
      assert.deepEqual([problem?.split(' ', 2).join(' '), others], [found, []], problem)
      const { outcome } = await sweep(`${loss}${each(text).replace('metric: loss\n', '')}`)
      assert.equal(outcome.exitCode, found === undefined ? 0 : 22, said.join('\n'))
    })

  const paths = 'metric: loss\neach: !Bowl { x: !choice [1, 2], y: !choice [1, 2, 3], n: 1 }\n'
  for (const [text, message] of [
    [
      `${paths}together: [[x, y]]`,
      /4:16 .*"y" has 3 values, but "x" has 2: what is chosen together needs as many/,
    ],
    [`${paths}together: [[x, z]]`, /4:16 .*"each" has no placeholder at "z": it has "x", "y"/],
    [`${paths}together: [[x, n]]`, /4:16 .*"each" has no placeholder at "n": it has "x", "y"/],
    [`${paths}together: [[x, x]]`, /4:16 .*"x" is named twice: name it once/],
    [
      'metric: loss\neach: !Bowl { x: !choice [1, 2], optimizer: !choice [!Plain { rate: !choice [1, 2] }, 5] }\ntogether: [[x, optimizer.rate]]',
      /4:16 .*"optimizer.rate" and "x" are not in the same value of a choice/,
    ],
    [`${paths}together: [[x]]`, /4:11 .*expected lists of paths, such as "\[\[rate, layers\]\]"/],
    [`${paths}together: [x, y]`, /4:11 .*expected lists of paths, such as "\[\[rate, layers\]\]"/],
    [`${paths}strategy: tree`, /4:11 .*expected "grid", "random", "tpe" or a strategy such as/],
    [`${paths}strategy: !Bowl {}`, /4:11 .*expected "grid", "random", "tpe" or a strategy such as/],
    [
      `${paths}strategy: !NearBest {}`,
      /4:11 .*may suggest trials without end: write "samples" or "maxTrials"/,
    ],
    [`${paths}strategy: !Tpe { startup: 0 }`, /4:27 .*must be a whole number from 1: write "!Tpe/],
    [`${paths}earlyStop: mean`, /4:12 .*expected "median" or a rule such as "!Asha/],
    [`${paths}earlyStop: !Asha { max: 1 }`, /4:25 .*must be above "min": write "!Asha/],
    [`${paths}maxDuration: 5`, /4:14 .*expected a duration, such as "90s", "30m" or "1h30m"/],
    [`${paths}maxDuration: 5 minutes`, /4:14 .*expected a duration, such as/],
    [`${paths}metrics: { loss: min }`, /4:10 .*takes the place of "metric" and "goal": leave them out/],
    ['each: !Bowl {}', /Option "metric" of "!Sweep" is missing: expected the name of a number/],
    ['each: !Bowl {}\nmetrics: {}', /3:10 .*needs a metric: write "\{ accuracy: max, seconds: min \}"/],
    ['each: !Bowl {}\nmetrics: { loss: least }', /3:18 .*expected "max" or "min"/],
    [
      'each: !Bowl {}\nmetrics: { loss: min }\nearlyStop: median',
      /4:12 .*needs one metric to compare trials by: write "metric" in place of "metrics"/,
    ],
  ] as const)
    test(text.split('\n').slice(-1)[0]!, async () => {
      const found = problems(text)
      assert.equal(found.length, 1, found.join('\n'))
      assert.match(found[0]!, message)
      assert.equal((await sweep(text)).outcome.exitCode, 22)
    })
})

describe('a search by the tree-structured Parzen estimator', () => {
  const space =
    'each: !Bowl { x: !uniform { low: -10, high: 10 }, y: !uniform { low: -10, high: 10 }, kind: !choice [flat, round], optimizer: !choice [!Plain {}, !Momentum { momentum: !uniform { low: 0, high: 1 } }] }'

  test('comes closer than random draws, by far', async () => {
    const bestOf = async (strategy: string) => {
      const losses = []
      for (let seed = 0; seed < 5; seed++) {
        const run = await sweep(`${loss}${space}\nstrategy: ${strategy}\nsamples: 100\nseed: ${seed}`)
        losses.push(resultOf(run).best.metric!)
      }
      return losses.toSorted((a, b) => a - b)[2]!
    }
    const [tpe, random] = [await bestOf('tpe'), await bestOf('random')]
    assert.ok(tpe < random / 4, `${tpe} ${random}`)
  })

  test('is repeated by its seed, and another seed is another search', async () => {
    const draw = async (seed: number) => optionsOf(`${space}\nstrategy: tpe\nsamples: 15\nseed: ${seed}`)
    const [once, again, other] = [await draw(1), await draw(1), await draw(2)]
    assert.deepEqual(once, again)
    assert.notDeepEqual(once, other)
  })

  test('tries every point of a small space once, and ends', async () => {
    const options = await optionsOf(
      'each: !Bowl { x: !choice [1, 2, 3], n: !int { low: 0, high: 3 } }\nstrategy: tpe\nsamples: 50',
    )
    assert.equal(new Set(options.map((each) => JSON.stringify(each))).size, 12)
    assert.equal(options.length, 12)
  })

  test('learns from failures: no trial of it is lost', async () => {
    const run = await sweep(
      `${loss}each: !Bowl { x: !uniform { low: -10, high: 10 }, ms: !choice [0, -1] }\nstrategy: tpe\nsamples: 20`,
    )
    assert.equal(resultOf(run).trials, 20)
  })
})

describe('a strategy of the user', () => {
  const each = 'each: !Bowl { x: !uniform { low: -10, high: 10 }, n: !int { low: 0, high: 5 } }'

  test('is given what has been found, and is asked again for what was tried', async () => {
    const run = await sweep(`${loss}${each}\nstrategy: !NearBest { width: 0.2 }\nsamples: 40`)
    const { best, trials } = resultOf(run)
    assert.equal(trials, 40)
    assert.ok(best.metric! < 3, String(best.metric))
  })

  test('ends the sweep when it suggests nothing', async () => {
    const run = await sweep(
      `${loss}${each}\nstrategy: !Fixed { points: [{ x: 1, n: 1 }, { x: 2, n: 2 }] }\nmaxTrials: 40`,
    )
    assert.equal(resultOf(run).trials, 2)
    assert.deepEqual(
      (await readRecords(run.output)).map(({ options }) => options),
      [
        { x: 1, n: 1 },
        { x: 2, n: 2 },
      ],
    )
  })

  for (const point of [
    '{ x: 1 }',
    '{ x: 1, n: 9 }',
    '{ x: 1, n: 0.5 }',
    '{ x: 11, n: 1 }',
    '{ x: 1, n: 1, z: 1 }',
  ])
    test(`${point} is not in the space, and ends it with an error that says so`, async () => {
      const { outcome } = await sweep(`${loss}${each}\nstrategy: !Fixed { points: [${point}] }\nmaxTrials: 4`)
      assert.equal(outcome.ok, false)
      assert.match(said.join('\n'), /The strategy suggests \{.*\}, which is not in the space/)
    })
})

test('editors know the names of strategies, and the registered ones', () => {
  const { definitions } = jsonSchema() as any
  const text = JSON.stringify(definitions['!Sweep'].properties.strategy)
  for (const known of ['"grid","random","tpe"', '#/definitions/!Tpe', '#/definitions/!NearBest'])
    assert.ok(text.includes(known), text)
  assert.ok(JSON.stringify(definitions['!Sweep'].properties.earlyStop).includes('#/definitions/!Asha'))
})

describe('a sweep with several metrics', () => {
  const metrics = 'metrics: { loss: min, seconds: min }\n'

  test('finds the trials that no other one dominates', async () => {
    const run = await sweep(`${metrics}each: !Bowl { x: !choice [0, 1, 2, 3, 4], y: !choice [-1, 0] }`)
    const { front, best, trials } = resultOf(run)
    assert.equal(trials, 10)
    assert.deepEqual(
      front!.map(({ options }) => [options['x'], options['y']]),
      [
        [3, -1],
        [2, -1],
        [1, -1],
        [0, -1],
      ],
    )
    assert.deepEqual(best, front![0])
    assert.deepEqual(best.metrics, { loss: 0.5, seconds: 3 })
    assert.deepEqual(readdirSync(join(run.output, 'best')), ['01.yaml', '02.yaml', '03.yaml', '04.yaml'])
    assert.equal(readFileSync(join(run.output, 'best/01.yaml'), 'utf8'), '!Bowl\nx: 3\ny: -1\n')
    assert.equal(existsSync(join(run.output, 'best.yaml')), false)
    const table = said.at(-1)!.split('\n')
    assert.match(table[0]!, /^rank +trial +loss +seconds +x +y +time$/)
    assert.match(table[1]!, /^best +07 +0\.5 +3 +3 +-1 /)
    assert.match(table[5]!, /^5 /)
  })

  test('is resumed, and files of a longer front are removed', async () => {
    const each = 'each: !Bowl { x: !choice [0, 1, 2, 3] }\n'
    const { output } = await sweep(`${metrics}${each}`)
    assert.equal(readdirSync(join(output, 'best')).length, 4)
    const again = await sweep(`metrics: { loss: min, chosen.length: min }\n${each}`, { output, resume: true })
    assert.equal(again.outcome.exitCode, 22)
    const other = await sweep(`metrics: { loss: min, seconds: max }\n${each}`, { output, resume: true })
    assert.equal(resultOf(other).front!.length, 1)
    assert.deepEqual(readdirSync(join(output, 'best')), ['01.yaml'])
  })

  test('leaves a folder alone that is not its own', async () => {
    const output = fresh()
    mkdirSync(join(output, 'best'), { recursive: true })
    writeFileSync(join(output, 'best', '01.yaml'), 'mine')
    const text = `${metrics}each: !Bowl { x: !choice [0, 1] }`
    const refused = await sweep(text, { output })
    assert.equal(!refused.outcome.ok && (refused.outcome.error as any).code, 'OUTPUT_EXISTS')
    assert.equal(readFileSync(join(output, 'best', '01.yaml'), 'utf8'), 'mine')
    resultOf(await sweep(text, { output, force: true }))
    const [time] = readdirSync(join(output, 'old'))
    assert.equal(readFileSync(join(output, 'old', time!, 'best', '01.yaml'), 'utf8'), 'mine')
  })

  test('is searched by "tpe"', async () => {
    const run = await sweep(
      `${metrics}each: !Bowl { x: !uniform { low: -10, high: 10 }, y: !uniform { low: -10, high: 10 } }\nstrategy: tpe\nsamples: 60`,
    )
    const { front } = resultOf(run)
    assert.ok(front!.length > 3)
    assert.ok(front!.every(({ options }) => Number(options['x']) > -2 && Number(options['x']) < 5))
  })
})

describe('rules that end trials early', () => {
  const learner = (text: string, log: string) => `metric: accuracy\neach: !Learner { log: ${log}, ${text} }\n`

  test('successive halving pauses trials, and resumes the best ones in their own folders', async () => {
    const log = `${fresh()}.txt`
    const rates = '!choice [1, 9, 2, 8, 3, 7, 4, 6, 5]'
    const run = await sweep(
      `${learner(`rate: ${rates}`, log)}earlyStop: !Asha { step: epoch, min: 1, max: 9, reduction: 3 }`,
    )
    const { best, stopped, trials } = resultOf(run)
    assert.equal(trials, 9)
    assert.equal(best.options['rate'], 9)
    const records = await readRecords(run.output)
    const epochs = records.map(({ curve }) => curve!.at(-1)![0])
    assert.equal(epochs.filter((epoch) => epoch === 9).length, trials - stopped)
    const linesOf = readFileSync(join(run.output, 'results.jsonl'), 'utf8').trimEnd().split('\n')
    assert.equal(linesOf.length, 9)
    // One of nine, and a promotion too early, run to the end; nobody repeats an epoch.
    assert.ok(trials - stopped <= 2, String(stopped))
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
    assert.equal(new Set(lines).size, lines.length)
    assert.ok(lines.length < 9 * 9 * 0.6, String(lines.length))
    const [resumed] = records.filter(({ stopped: isStopped }) => !isStopped)
    assert.ok((resumed!.result as { first: number }).first > 1)
  })

  test('successive halving goes on after a resumption as before', async () => {
    const log = `${fresh()}.txt`
    const text = `${learner('rate: !choice [1, 9, 2, 8, 3, 7]', log)}earlyStop: !Asha { step: epoch, min: 1, max: 9 }\n`
    const whole = await sweep(text)
    const cut = await sweep(`${text}maxTrials: 4`)
    resultOf(cut)
    const { output } = cut
    const resumed = await sweep(text, { output, resume: true })
    const ended = async ({ output }: SweepRun) =>
      (await readRecords(output))
        .map(({ trial, stopped, curve }) => `${trial} ${stopped} ${curve!.at(-1)![0]}`)
        .toSorted()
    assert.equal(resultOf(resumed).best.options['rate'], 9)
    assert.equal((await ended(resumed)).length, 6)
    assert.equal(resultOf(whole).best.options['rate'], 9)
  })

  test('a trial that reports NaN is never promoted, and told as failed when it reported nothing else', async () => {
    const log = `${fresh()}.txt`
    const run = await sweep(
      `${learner('nan: true, rate: !choice [1, 2, 1.5, 3]', log)}earlyStop: !Asha { step: epoch, min: 1, max: 9 }\n`,
    )
    assert.equal(resultOf(run).best.options['rate'], 2)
    const failed = (await readRecords(run.output)).filter(({ error }) => error)
    assert.deepEqual(
      failed.map(({ options, error }) => [options['rate'], error!.code]),
      [[3, 'NO_METRIC']],
    )
    assert.match(failed[0]!.error!.message, /"accuracy" was NaN or infinite in all that it reported/)
  })

  test('a rule of the user stops trials for good', async () => {
    const log = `${fresh()}.txt`
    const run = await sweep(
      `${learner('rate: !choice [1, 2, 3]', log)}earlyStop: !Threshold { at: 3, least: 2 }\n`,
    )
    const { stopped, best } = resultOf(run)
    assert.deepEqual([stopped, best.options['rate']], [2, 3])
    const curves = (await readRecords(run.output)).map(({ curve }) => curve!.length)
    assert.deepEqual(curves, [3, 3, 9])
  })
})

describe('a search that is interrupted', () => {
  const each =
    'each: !Bowl { x: !uniform { low: -10, high: 10 }, kind: !choice [flat, round], n: !int { low: 0, high: 9 }, optimizer: !choice [!Plain {}, !Momentum { momentum: !uniform { low: 0, high: 1 } }], ms: 1 }'
  const text = `${loss}${each}\nstrategy: tpe\nsamples: 20\nseed: 5`

  const trialsOf = async (output: string) =>
    (await readRecords(output)).map(({ trial, options, metric }) => ({ trial, options, metric }))

  test('goes on with exactly the trials that an uninterrupted one has, wherever its file was cut off', async () => {
    const whole = await sweep(text)
    resultOf(whole)
    const file = readFileSync(join(whole.output, 'results.jsonl'))
    const expected = await trialsOf(whole.output)
    const random = seededRandom(1)
    for (let count = 0; count < 40; count++) {
      const { output } = await sweep(`${text}\nmaxTrials: 1`)
      writeFileSync(join(output, 'results.jsonl'), file.subarray(0, Math.floor(random() * file.length)))
      const resumed = await sweep(text, { output, resume: true })
      assert.equal(resultOf(resumed).trials, 20)
      assert.deepEqual(await trialsOf(output), expected)
    }
  })

  test('runs failed trials again with the values that they had', async () => {
    const marker = fresh()
    const fails = `${loss}each: !Bowl { x: !uniform { low: -10, high: 10 }, needs: ${marker} }\nstrategy: tpe\nsamples: 12`
    const first = await sweep(fails)
    const before = await trialsOf(first.output)
    const failed = before.filter(({ metric }) => metric === undefined)
    assert.ok(failed.length > 2 && failed.length < 12)
    writeFileSync(marker, '')
    const resumed = await sweep(fails, { output: first.output, resume: true })
    assert.deepEqual([resultOf(resumed).trials, resultOf(resumed).failed], [12, 0])
    assert.equal(readFileSync(join(first.output, 'results.jsonl'), 'utf8').trimEnd().split('\n').length, 12)
    const after = await trialsOf(first.output)
    assert.deepEqual(
      after.map(({ options }) => options).toSorted(byX),
      before.map(({ options }) => options).toSorted(byX),
    )
  })

  /** Kills a sweep of real workers with -9 at random moments, until it has ended. */
  async function killedAgainAndAgain(workers: number, kills: number): Promise<string> {
    const output = fresh()
    const file = `${fresh()}.yaml`
    writeFileSync(file, `!Sweep\noutput: ${output}\nworkers: ${workers}\n${text}`)
    for (let count = 0; ; count++) {
      const child = spawn(
        process.execPath,
        [cli, 'run', file, '--import', tasks, ...(count > 0 ? ['--resume'] : [])],
        {
          stdio: 'ignore',
          timeout: 60_000,
        },
      )
      const closed = once(child, 'close')
      const timer = setTimeout(() => count < kills && child.kill('SIGKILL'), 400 + Math.random() * 600)
      const [code, signal] = await closed
      clearTimeout(timer)
      if (signal === null) {
        assert.equal(code, 0)
        return output
      }
    }
  }

  test('is killed with -9 at random moments: with one worker its trials are the same', async () => {
    const whole = await sweep(text)
    const output = await killedAgainAndAgain(1, 6)
    assert.deepEqual(await trialsOf(output), await trialsOf(whole.output))
  })

  test('is killed with -9 at random moments: with four workers each trial is there once', async () => {
    const output = await killedAgainAndAgain(4, 4)
    const trials = await trialsOf(output)
    assert.deepEqual(
      trials.map(({ trial }) => Number(trial)).toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, index) => index + 1),
    )
    // The first ones are random: they follow from the seed alone.
    const whole = await trialsOf((await sweep(text)).output)
    const first = (all: typeof trials) => all.filter(({ trial }) => Number(trial) <= 10).toSorted(byTrial)
    assert.deepEqual(first(trials), first(whole))
  })

  test('asks for as many trials as there are workers, and knows those that run', async () => {
    const output = fresh()
    const content = `!Sweep\noutput: ${output}\nworkers: 2\n${loss}each: !Bowl { x: !int { low: 1, high: 4 } }\nstrategy: !InTurn {}\nmaxTrials: 4`
    const outcome = await runFile<SweepResult>(
      { content },
      { logger, runOptions: { imports: [new URL('../../support/search-tasks.js', import.meta.url)] } },
    )
    assert.ok(outcome.ok, said.join('\n'))
    const { running } = InTurn
    assert.deepEqual(running.slice(0, 3), [0, 0, 1])
    assert.ok(
      running.every((count) => count <= 1),
      running.join(),
    )
  })
})

function byX(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): number {
  return Number(a['x']) - Number(b['x'])
}

function byTrial(a: { trial: string }, b: { trial: string }): number {
  return Number(a.trial) - Number(b.trial)
}

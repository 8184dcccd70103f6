import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { mapping, Variables } from '../../cluster/cluster-options.js'
import { isTemplate, type Template } from '../../document/construct/template.js'
import type { Objective } from '../../records/events.js'
import type { StandardSchema } from '../../registry/standard-schema.js'
import type { Needs } from '../../runnable/needs.js'
import { parseByteSize, sizeMessage, sizePattern } from '../../util/byte-size.js'
import type { AnyTask } from '../options.js'
import { durationMessage, durationMs } from './duration.js'
import { isStoppingRule, type StoppingRule } from './stopping-rule.js'
import { isStrategy, type Strategy } from './strategy.js'
import { togetherMistakes } from './together.js'
import { Tpe } from './tpe.js'
import { trialNeedsMistake } from './trial-needs.js'

/** Options of {@link Sweep}, as they are written. */
export interface SweepInput {
  /** The trial: any runnable, with `!choice`, `!range`, `!uniform`, `!logUniform` and `!int` anywhere inside. */
  each: Template<AnyTask>
  /** The name of a number in the result of each trial: `accuracy`, `test.loss`. */
  metric?: string
  /** Whether the metric is maximized or minimized; default `max`. */
  goal?: Objective['goal']
  /** Several metrics in place of one, each with its goal: `{ accuracy: max, seconds: min }`. */
  metrics?: Readonly<Record<string, Objective['goal']>>
  /**
   * How values are chosen: every combination (`grid`, the default), at random, or by the tree-structured Parzen estimator (`tpe`,
   * {@link Tpe}); or a strategy of your own.
   */
  strategy?: 'grid' | 'random' | 'tpe' | Strategy
  /** How many trials a search has that is no grid; default 20. */
  samples?: number
  /** The seed of the search: another one draws other trials; default 0. */
  seed?: number
  /** Paths of placeholders that are chosen together, the first values of all, then the second ones: `[[rate, layers]]`. */
  together?: readonly (readonly string[])[]
  /** The most trials: no more begin; no limit when absent. */
  maxTrials?: number
  /** How long new trials begin, such as `90s`, `30m` or `1h30m`; no limit when absent. */
  maxDuration?: string
  /** The folder of the results; default `sweep`. */
  output?: string
  /** The most worker processes; default one for each processor, or as many as `needs` allows. */
  workers?: number
  /** What each worker needs of its host, as `needs` of `openPool`; by default the `static needs` of the class of `each`. */
  needs?: Needs
  /**
   * Environment variables of the workers, as `variables` of `openPool`; on a cluster, besides the `env` of the cluster file. The name `env`
   * is that of the cluster.
   */
  variables?: Readonly<Record<string, string | number>>
  /** How often a failed trial is tried again; default 0. */
  retries?: number
  /** Milliseconds that a trial may take; no limit when absent. */
  timeoutMs?: number
  /** Ends the sweep when more trials than this have failed; no limit when absent. */
  maxFailures?: number
  /**
   * Ends trials early: those that are worse than the median of the others at the same step of their progress (`median`), or by another
   * rule, such as {@link Asha}.
   */
  earlyStop?: 'median' | StoppingRule
  /** Skips the trials that have results in `output` already; default false. */
  resume?: boolean
}

/** Options of {@link Sweep}, with the defaults filled in. */
export type SweepOptions = SweepInput &
  Required<Pick<SweepInput, 'goal' | 'strategy' | 'seed' | 'together' | 'output' | 'retries' | 'resume'>>

/** The metrics of a sweep. */
export function objectivesOf({ metric, goal, metrics }: SweepOptions): readonly Objective[] {
  if (metrics === undefined) return [{ name: metric!, goal }]
  return Object.entries(metrics).map(([name, each]) => ({ name, goal: each }))
}

const runnable = 'expected a runnable such as "!Train { rate: !choice [0.01, 0.1] }"'
const metricName = 'expected the name of a number in the results, such as "accuracy"'
const missing: Record<string, string> = { '"each"': runnable }

const text = (message: string) =>
  v.config(v.pipe(v.string(), v.nonEmpty()), { message, abortPipeEarly: true })

const wholeNumber = (least: number) =>
  v.config(v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(Number.MAX_SAFE_INTEGER)), {
    message: `expected a whole number from ${least}`,
    abortPipeEarly: true,
  })

/** Whether a strategy of this package ends its search; one of the user's may suggest trials for ever. */
export function hasEnd(strategy: string | Strategy): boolean {
  return typeof strategy === 'string' || strategy instanceof Tpe
}

// An alias, and what stands elsewhere, is known when it is constructed.
const isRunnableTemplate = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  isTemplate(value) &&
  (value.tag !== undefined || !['scalar', 'mapping', 'sequence'].includes(value.node.kind))

const goal = v.picklist(['max', 'min'], 'expected "max" or "min"')

const strategyName = v.picklist(['grid', 'random', 'tpe'])
const strategyMessage = 'expected "grid", "random", "tpe" or a strategy such as "!Tpe { startup: 20 }"'
const ruleMessage = 'expected "median" or a rule such as "!Asha { step: epoch, max: 81 }"'
const pathsMessage = 'expected lists of paths, such as "[[rate, layers]]"'

const isPaths = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every(
    (paths) => Array.isArray(paths) && paths.length > 1 && paths.every((path) => typeof path === 'string'),
  )

const memoryMessage = `expected ${sizeMessage}`

const needs = v.strictObject({
  gpus: v.optional(wholeNumber(0)),
  cpus: v.optional(v.pipe(v.number(), v.gtValue(0, 'expected a number above 0'))),
  memory: v.optional(
    v.union(
      [
        v.pipe(
          v.string(),
          v.regex(sizePattern, memoryMessage),
          v.check((written) => parseByteSize(written)! > 0, memoryMessage),
        ),
        v.pipe(v.number(), v.gtValue(0, memoryMessage)),
      ],
      memoryMessage,
    ),
  ),
})

const metricsMessage = 'expected names and goals, such as "{ accuracy: max, seconds: min }"'

const entries = {
  each: v.custom<Template<AnyTask>>(isRunnableTemplate, runnable),
  metric: v.optional(text(metricName)),
  goal: v.optional(goal, 'max'),
  metrics: v.optional(
    v.pipe(
      mapping(v.record(v.string(), goal, metricsMessage), metricsMessage),
      v.check(
        (metrics) => Object.keys(metrics).length > 0,
        'needs a metric: write "{ accuracy: max, seconds: min }"',
      ),
    ),
  ),
  strategy: v.optional(v.union([strategyName, v.custom<Strategy>(isStrategy)]), 'grid'),
  samples: v.optional(wholeNumber(1)),
  seed: v.optional(wholeNumber(0), 0),
  together: v.optional(v.array(v.pipe(v.array(v.string()), v.minLength(2))), []),
  maxTrials: v.optional(wholeNumber(1)),
  maxDuration: v.optional(
    v.pipe(
      v.string(durationMessage),
      v.check((written) => durationMs(written) !== undefined, durationMessage),
    ),
  ),
  output: v.optional(text('expected the path of a folder'), 'sweep'),
  workers: v.optional(wholeNumber(1)),
  needs: v.optional(needs),
  variables: Variables,
  retries: v.optional(wholeNumber(0), 0),
  timeoutMs: v.optional(wholeNumber(1)),
  maxFailures: v.optional(wholeNumber(0)),
  earlyStop: v.optional(v.union([v.literal('median'), v.custom<StoppingRule>(isStoppingRule)])),
  resume: v.optional(v.boolean('expected "true" or "false"'), false),
}

/** The checks of options whose JSON Schema says more to an editor, but whose problems would say less. */
const checkedEntries = {
  strategy: v.optional(
    v.custom<NonNullable<SweepInput['strategy']>>(
      (value) => isStrategy(value) || v.is(strategyName, value),
      strategyMessage,
    ),
    'grid',
  ),
  earlyStop: v.optional(
    v.custom<NonNullable<SweepInput['earlyStop']>>(
      (value) => isStoppingRule(value) || value === 'median',
      ruleMessage,
    ),
  ),
  together: v.optional(v.custom<string[][]>(isPaths, pathsMessage), []),
}

// A strict object would report the first unknown option alone, but its JSON Schema is the one that editors understand.
const { validate } = v.pipe(
  v.objectWithRest(
    { ...entries, ...checkedEntries },
    v.never(),
    ({ expected, received }) => missing[expected ?? ''] ?? `expected a mapping, received ${received}`,
  ),
  v.forward(
    v.check(({ metric, metrics }) => metric !== undefined || metrics !== undefined, metricName),
    ['metric'],
  ),
  v.forward(
    v.check(
      ({ metric, metrics }) => metric === undefined || metrics === undefined,
      'takes the place of "metric" and "goal": leave them out',
    ),
    ['metrics'],
  ),
  v.forward(
    v.check(
      ({ earlyStop, metrics }) => earlyStop === undefined || metrics === undefined,
      'needs one metric to compare trials by: write "metric" in place of "metrics"',
    ),
    ['earlyStop'],
  ),
  v.forward(
    v.check(
      ({ strategy, samples, maxTrials }) =>
        hasEnd(strategy) || samples !== undefined || maxTrials !== undefined,
      'may suggest trials without end: write "samples" or "maxTrials" beside it',
    ),
    ['strategy'],
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.value.needs === undefined) return
    const { each, needs: value } = dataset.value
    const message = trialNeedsMistake(each, value)
    if (message === undefined) return
    addIssue({
      message,
      path: [{ type: 'object', origin: 'value', input: dataset.value, key: 'needs', value }],
    })
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const { each, together } = dataset.value
    for (const { message, group, index } of togetherMistakes(each, together))
      addIssue({
        message,
        path: [
          { type: 'object', origin: 'value', input: dataset.value, key: 'together', value: together },
          {
            type: 'array',
            origin: 'value',
            input: together as string[][],
            key: group,
            value: together[group],
          },
          {
            type: 'array',
            origin: 'value',
            input: together[group] as string[],
            key: index,
            value: together[group]![index],
          },
        ],
      })
  }),
)['~standard']
const standard = toStandardJsonSchema(v.strictObject(entries))['~standard']

/** The schema of {@link Sweep}. */
export const sweepSchema = { '~standard': { ...standard, validate } } as StandardSchema as StandardSchema<
  SweepInput,
  SweepOptions
>

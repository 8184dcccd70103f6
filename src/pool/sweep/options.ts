import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { isTemplate, type Template } from '../../document/construct/template.js'
import type { StandardSchema } from '../../registry/standard-schema.js'
import type { AnyTask } from '../options.js'

/** Options of {@link Sweep}, as they are written. */
export interface SweepInput {
  /** The trial: any runnable, with `!choice`, `!range` and `!logUniform` anywhere inside. */
  each: Template<AnyTask>
  /** The name of a number in the result of each trial: `accuracy`, `test.loss`. */
  metric: string
  /** Whether the metric is maximized or minimized; default `max`. */
  goal?: 'max' | 'min'
  /** Every combination, or `samples` of them drawn at random; default `grid`. */
  strategy?: 'grid' | 'random'
  /** How many trials a random sweep draws; default 20. */
  samples?: number
  /** The seed of a random sweep: another one draws other trials; default 0. */
  seed?: number
  /** The folder of the results; default `sweep`. */
  output?: string
  /** The most worker processes; default one for each processor. */
  workers?: number
  /** How often a failed trial is tried again; default 0. */
  retries?: number
  /** Milliseconds that a trial may take; no limit when absent. */
  timeoutMs?: number
  /** Ends the sweep when more trials than this have failed; no limit when absent. */
  maxFailures?: number
  /** Stops trials early that are worse than the median of the others at the same step of their progress. */
  earlyStop?: 'median'
  /** Skips the trials that have results in `output` already; default false. */
  resume?: boolean
}

/** Options of {@link Sweep}, with the defaults filled in. */
export type SweepOptions = SweepInput &
  Required<Pick<SweepInput, 'goal' | 'strategy' | 'samples' | 'seed' | 'output' | 'retries' | 'resume'>>

const runnable = 'expected a runnable such as "!Train { rate: !choice [0.01, 0.1] }"'
const metricName = 'expected the name of a number in the results, such as "accuracy"'
const missing: Record<string, string> = { '"each"': runnable, '"metric"': metricName }

const text = (message: string) =>
  v.config(v.pipe(v.string(), v.nonEmpty()), { message, abortPipeEarly: true })

const wholeNumber = (least: number) =>
  v.config(v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(Number.MAX_SAFE_INTEGER)), {
    message: `expected a whole number from ${least}`,
    abortPipeEarly: true,
  })

const isRunnableTemplate = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && isTemplate(value)

const entries = {
  each: v.custom<Template<AnyTask>>(isRunnableTemplate, runnable),
  metric: text(metricName),
  goal: v.optional(v.picklist(['max', 'min'], 'expected "max" or "min"'), 'max'),
  strategy: v.optional(v.picklist(['grid', 'random'], 'expected "grid" or "random"'), 'grid'),
  samples: v.optional(wholeNumber(1), 20),
  seed: v.optional(wholeNumber(0), 0),
  output: v.optional(text('expected the path of a folder'), 'sweep'),
  workers: v.optional(wholeNumber(1)),
  retries: v.optional(wholeNumber(0), 0),
  timeoutMs: v.optional(wholeNumber(1)),
  maxFailures: v.optional(wholeNumber(0)),
  earlyStop: v.optional(v.picklist(['median'], 'expected "median"')),
  resume: v.optional(v.boolean('expected "true" or "false"'), false),
}

// A strict object would report the first unknown option alone, but its JSON Schema is the one that editors understand.
const { validate } = v.objectWithRest(
  entries,
  v.never(),
  ({ expected, received }) => missing[expected ?? ''] ?? `expected a mapping, received ${received}`,
)['~standard']
const standard = toStandardJsonSchema(v.strictObject(entries))['~standard']

/** The schema of {@link Sweep}. */
export const sweepSchema = { '~standard': { ...standard, validate } } as StandardSchema as StandardSchema<
  SweepInput,
  SweepOptions
>

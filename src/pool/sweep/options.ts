import { isTemplate, type Template } from '../../document/construct/template.js'
import type { SchemaIssue, SchemaResult, StandardSchema } from '../../registry/standard-schema.js'
import type { AnyTask } from '../options.js'

/** Options of {@link Sweep}, as they are written. */
export interface SweepInput {
  /** The trial: any runnable, with `!choice`, `!range` and `!logUniform` anywhere inside. */
  each: Template<AnyTask>
  /** The name of a number in the result of each trial: `accuracy`, `test.loss`. */
  metric: string
  /** Whether the metric should be large or small; default `max`. */
  goal?: 'max' | 'min'
  /** Every combination, or `samples` of them drawn at random; default `grid`. */
  strategy?: 'grid' | 'random'
  /** How many trials a random sweep draws; default 20. */
  samples?: number
  /** Another seed draws other trials; default 0. */
  seed?: number
  /** The folder of the results; default `sweep`. */
  output?: string
  /** How many processes at most; default one for each processor. */
  workers?: number
  /** How often a trial that failed is tried again; default 0. */
  retries?: number
  /** Milliseconds that a trial may take; endless when absent. */
  timeoutMs?: number
  /** Ends the sweep when more trials than this have failed; endless when absent. */
  maxFailures?: number
  /** Ends trials early that are worse than the median of the others at the same step of their progress. */
  earlyStop?: 'median'
  /** Leaves out the trials that have results in `output` already; default false. */
  resume?: boolean
}

/** Options of {@link Sweep}, completed. */
export type SweepOptions = SweepInput &
  Required<Pick<SweepInput, 'goal' | 'strategy' | 'samples' | 'seed' | 'output' | 'retries' | 'resume'>>

const wholeNumber = (least: number): Pick<OptionRule, 'expected' | 'test' | 'json'> => ({
  expected: `a whole number from ${least}`,
  test: (value) => Number.isSafeInteger(value) && Number(value) >= least,
  json: { type: 'integer', minimum: least },
})

const oneOf = (...names: string[]): Pick<OptionRule, 'expected' | 'test' | 'json'> => ({
  expected: names.map((name) => `"${name}"`).join(' or '),
  test: (value) => names.includes(value as string),
  json: { enum: names },
})

const text = (expected: string): Pick<OptionRule, 'expected' | 'test' | 'json'> => ({
  expected,
  test: (value) => typeof value === 'string' && value !== '',
  json: { type: 'string' },
})

/** What {@link Sweep} takes. */
export const sweepSchema = optionsSchema<SweepInput, SweepOptions>({
  each: {
    expected: 'a runnable such as "!Train { rate: !choice [0.01, 0.1] }"',
    test: (value) => typeof value === 'object' && value !== null && isTemplate(value),
    required: true,
    json: {},
  },
  metric: { ...text('the name of a number in the results, such as "accuracy"'), required: true },
  goal: { ...oneOf('max', 'min'), default: 'max' },
  strategy: { ...oneOf('grid', 'random'), default: 'grid' },
  samples: { ...wholeNumber(1), default: 20 },
  seed: { ...wholeNumber(0), default: 0 },
  output: { ...text('the path of a folder'), default: 'sweep' },
  workers: wholeNumber(1),
  retries: { ...wholeNumber(0), default: 0 },
  timeoutMs: wholeNumber(1),
  maxFailures: wholeNumber(0),
  earlyStop: oneOf('median'),
  resume: {
    expected: '"true" or "false"',
    test: (value) => typeof value === 'boolean',
    default: false,
    json: { type: 'boolean' },
  },
})

/** What one option must be. */
interface OptionRule {
  /** Completes the sentence "expected ...". */
  readonly expected: string
  readonly test: (value: unknown) => boolean
  readonly required?: true
  readonly default?: unknown
  /** Its JSON Schema, for editors. */
  readonly json: Readonly<Record<string, unknown>>
}

/** A Standard Schema of options of which each is by itself right or wrong; others are unknown. */
function optionsSchema<Input, Output>(
  rules: Readonly<Record<string, OptionRule>>,
): StandardSchema<Input, Output> {
  return {
    '~standard': {
      version: 1,
      vendor: 'flambeau',
      validate: (value) => validate((value ?? {}) as Record<string, unknown>, rules) as SchemaResult<Output>,
      jsonSchema: { input: () => jsonSchemaOf(rules) },
    },
  }
}

function validate(given: Record<string, unknown>, rules: Readonly<Record<string, OptionRule>>) {
  const issues = [
    ...unknownIssues(given, rules),
    ...Object.entries(rules).flatMap(([name, rule]) => issuesOf(name, rule, given[name])),
  ]
  if (issues.length > 0) return { issues }
  const defaults = Object.entries(rules).map(([name, rule]) => [name, rule.default])
  return { value: { ...Object.fromEntries(defaults.filter(([, value]) => value !== undefined)), ...given } }
}

function unknownIssues(given: object, rules: object): SchemaIssue[] {
  const keys = Object.keys(given).filter((name) => !Object.hasOwn(rules, name))
  // As zod tells of them, so that each is pointed at.
  const issue = { message: `unknown ${keys.join(', ')}`, path: [], keys }
  return keys.length === 0 ? [] : [issue]
}

function issuesOf(name: string, rule: OptionRule, value: unknown): SchemaIssue[] {
  if (value === undefined ? !rule.required : rule.test(value)) return []
  return [{ message: `expected ${rule.expected}`, path: [name] }]
}

function jsonSchemaOf(rules: Readonly<Record<string, OptionRule>>): Record<string, unknown> {
  const properties = Object.fromEntries(Object.entries(rules).map(([name, { json }]) => [name, json]))
  const required = Object.keys(rules).filter((name) => rules[name]!.required)
  return { type: 'object', properties, required, additionalProperties: false }
}

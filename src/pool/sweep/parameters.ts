import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { MappedRegistrable } from '../../document/construct/registrable-base.js'
import { type Node, type ScalarNode, valueNode } from '../../node.js'
import type { Builder, Representer } from '../../registry/hooks.js'
import { ownRegistrable as registrable } from '../../registry/own-tags.js'
import { candidates } from '../../registry/placeholder.js'
import type { Class } from '../../registry/registration.js'
import type { OutputOf, SchemaResult, StandardSchema } from '../../registry/standard-schema.js'
import type { Tag } from '../../registry/tag.js'
import { NumberDomain, stepsBetween } from './number-domain.js'

/** A placeholder in the template of a sweep, which stands for many values, such as a {@link Choice}. */
export abstract class Parameter extends MappedRegistrable {}

/**
 * `!choice [0.01, 0.1]`: one of these values, which may be of any kind. An object may have parameters of its own: only trials that
 * choose it have them.
 *
 * ```yaml
 * !Sweep
 * each: !Train
 *   rate: !choice [0.01, 0.1]
 *   optimizer: !choice [!Sgd { momentum: !choice [0, 0.9] }, !Adam {}]
 * ```
 */
@registrable('!choice', { description: 'In a sweep: one of these values' })
export class Choice extends Parameter {
  constructor(readonly items: readonly unknown[]) {
    super()
  }

  static override fromYaml(builder: Builder, node: Node): Choice {
    const items = builder.constructSequence(node)
    if (items.length === 0) builder.fail('"!choice" needs a value to choose: write "!choice [0.01, 0.1]"')
    return new Choice(items)
  }

  static [candidates](node: Node): readonly Node[] {
    return node.kind === 'sequence' ? node.items : []
  }

  static override toYaml(representer: Representer, choice: Choice, tag: Tag): Node {
    return representer.representSequence(tag, choice.items)
  }
}

/** A {@link Parameter} that stands for numbers. */
export interface NumberParameter extends Parameter {
  /** The numbers. */
  readonly domain: NumberDomain
}

/** How the options of a {@link NumberParameter} become its numbers: a static property of its class. */
const numbers = Symbol('numbers')

interface Numbers<Options> {
  readonly schema: StandardSchema<Options>
  /** The names of the options of the first number, of what leads to the next one, and of the last one. */
  readonly names: readonly [first: string, next: string, last: string]
  domainOf(options: Options): NumberDomain
}

/** The numbers that a node of a class stands for; `undefined` for a choice, and when its options are wrong or not known yet. */
export function numbersIn(Class: Class, node: Node): NumberDomain | undefined {
  const found = (Class as { [numbers]?: Numbers<unknown> })[numbers]
  return found && writtenDomain(found, node)
}

function writtenDomain<Options>(
  { schema, domainOf }: Numbers<Options>,
  node: Node,
): NumberDomain | undefined {
  const written = [...writtenScalars(node)].map(([name, scalar]) => [name, scalar.value])
  const result = schema['~standard'].validate(Object.fromEntries(written)) as SchemaResult<Options>
  return result.issues ? undefined : domainOf(result.value)
}

function writtenScalars(node: Node): ReadonlyMap<unknown, ScalarNode> {
  const entries = node.kind === 'mapping' ? node.entries : []
  return new Map(
    entries.flatMap(({ key, value }) =>
      key.kind === 'scalar' && value.kind === 'scalar' ? [[key.value, value] as const] : [],
    ),
  )
}

/**
 * The ends, and a number between them: the second one where there are steps, else one that is not whole. A schema that takes these
 * takes the others, as far as a check can know.
 */
function extremes<Options>(written: Numbers<Options>, node: Node): readonly Node[] {
  const domain = writtenDomain(written, node)
  if (!domain) return []
  const scalars = writtenScalars(node)
  const [first, next, last] = written.names.map((name) => scalars.get(name)) as [
    ScalarNode,
    ScalarNode?,
    ScalarNode?,
  ]
  const { low, high, step, count } = domain
  const [start, between, end] =
    step === undefined
      ? [low, domain.nearest(low + (high - low) * 0.382), high]
      : [domain.valueAt(0), domain.valueAt(Math.min(1, count - 1)), domain.valueAt(count - 1)]
  return [numberNode(first, start), numberNode(next ?? first, between), numberNode(last!, end)]
}

/** Whether a placeholder of a class is one of the values that are listed. */
export function isChoice(Class: Class): boolean {
  return Class === Choice || Class.prototype instanceof Choice
}

const tooFine = 'is too small for these numbers: write a larger "step"'

const rangeExample = '!range { from: 0, to: 1, step: 0.25 }'

type RangeOptions = { from: number; to: number; step: number }

const hasEnd = v.check(
  (options: RangeOptions) => reachesEnd(options),
  ({ input: { from, to, step } }) =>
    `steps of ${step} never lead from ${from} to ${to}: write "${rangeExample}"`,
)

const rangeSchema = toStandardJsonSchema(
  v.pipe(
    v.strictObject(
      { from: numberIn(rangeExample), to: numberIn(rangeExample), step: numberIn(rangeExample) },
      `write "${rangeExample}"`,
    ),
    v.forward(hasEnd, ['step']),
    v.forward(
      v.check(({ from, to, step }: RangeOptions) => isCountable(from, to, step), tooFine),
      ['step'],
    ),
  ),
) as StandardSchema<{ from: number; to: number; step: number }>

const rangeNumbers: Numbers<OutputOf<typeof rangeSchema>> = {
  schema: rangeSchema,
  names: ['from', 'step', 'to'],
  domainOf: ({ from, to, step }) => new NumberDomain({ from, to, step }),
}

/**
 * `!range { from: 0, to: 1, step: 0.25 }`: the numbers from one to the other, both included.
 *
 * ```yaml
 * !Sweep
 * each: !Train { layers: !range { from: 1, to: 3, step: 1 } }
 * ```
 */
@registrable('!range', { description: 'In a sweep: numbers at equal distances' })
export class Range extends Parameter.with(rangeSchema) implements NumberParameter {
  /** @internal */
  static readonly [numbers] = rangeNumbers

  static [candidates](node: Node): readonly Node[] {
    return extremes(rangeNumbers, node)
  }

  get domain(): NumberDomain {
    return rangeNumbers.domainOf(this.options)
  }
}

function reachesEnd({ from, to, step }: RangeOptions): boolean {
  return step !== 0 && (to - from) / step >= 0
}

type UniformOptions = { low: number; high: number; step?: number | undefined }

const uniformExample = '!uniform { low: 0, high: 1 }'

const uniformSchema = toStandardJsonSchema(
  v.pipe(
    v.strictObject(
      {
        low: numberIn(uniformExample),
        high: numberIn(uniformExample),
        step: v.optional(positiveIn('!uniform { low: 0, high: 1, step: 0.25 }')),
      },
      `write "${uniformExample}"`,
    ),
    v.forward(
      v.check(
        ({ low, high }: UniformOptions) => low < high,
        `must be below "high": write "${uniformExample}"`,
      ),
      ['low'],
    ),
    v.forward(
      v.check(({ low, high, step }: UniformOptions) => isCountable(low, high, step ?? high - low), tooFine),
      ['step'],
    ),
  ),
) as StandardSchema<{ low: number; high: number; step?: number | undefined }>

const uniformNumbers: Numbers<OutputOf<typeof uniformSchema>> = {
  schema: uniformSchema,
  names: ['low', 'step', 'high'],
  domainOf: ({ low, high, step }) => new NumberDomain({ from: low, to: high, step }),
}

/**
 * `!uniform { low: 0, high: 1 }`: a number between the two, each as likely as any other; with `step: 0.25` one of 0, 0.25, 0.5,
 * 0.75 and 1.
 *
 * ```yaml
 * !Sweep
 * each: !Train { dropout: !uniform { low: 0, high: 0.5 } }
 * strategy: tpe
 * ```
 */
@registrable('!uniform', { description: 'In a search: a number between two' })
export class Uniform extends Parameter.with(uniformSchema) implements NumberParameter {
  /** @internal */
  static readonly [numbers] = uniformNumbers

  static [candidates](node: Node): readonly Node[] {
    return extremes(uniformNumbers, node)
  }

  get domain(): NumberDomain {
    return uniformNumbers.domainOf(this.options)
  }
}

const logUniformExample = '!logUniform { low: 0.001, high: 1 }'

const logUniformSchema = toStandardJsonSchema(
  v.pipe(
    v.strictObject(
      { low: numberIn(logUniformExample), high: numberIn(logUniformExample) },
      `write "${logUniformExample}"`,
    ),
    v.forward(
      v.check(
        ({ low, high }: { low: number; high: number }) => low > 0 && high > low,
        `must be above 0 and below "high": write "${logUniformExample}"`,
      ),
      ['low'],
    ),
  ),
) as StandardSchema<{ low: number; high: number }>

const logUniformNumbers: Numbers<OutputOf<typeof logUniformSchema>> = {
  schema: logUniformSchema,
  names: ['low', 'step', 'high'],
  domainOf: ({ low, high }) => new NumberDomain({ from: low, to: high, isLog: true }),
}

/**
 * `!logUniform { low: 0.001, high: 1 }`: a number between the two, evenly distributed on a logarithmic scale.
 *
 * ```yaml
 * !Sweep
 * each: !Train { rate: !logUniform { low: 0.001, high: 1 } }
 * strategy: tpe
 * ```
 */
@registrable('!logUniform', { description: 'In a search: a number between two, on a logarithmic scale' })
export class LogUniform extends Parameter.with(logUniformSchema) implements NumberParameter {
  /** @internal */
  static readonly [numbers] = logUniformNumbers

  static [candidates](node: Node): readonly Node[] {
    return extremes(logUniformNumbers, node)
  }

  get domain(): NumberDomain {
    return logUniformNumbers.domainOf(this.options)
  }
}

type IntOptions = UniformOptions & { log?: boolean | undefined }

const intExample = '!int { low: 1, high: 8 }'

const intSchema = toStandardJsonSchema(
  v.pipe(
    v.strictObject(
      {
        low: wholeIn(intExample),
        high: wholeIn(intExample),
        step: v.optional(
          v.pipe(wholeIn('!int { low: 1, high: 9, step: 2 }'), v.minValue(1, 'must be at least 1')),
        ),
        log: v.optional(v.boolean('expected "true" or "false"')),
      },
      `write "${intExample}"`,
    ),
    v.forward(
      v.check(({ low, high }: IntOptions) => low <= high, `must not be above "high": write "${intExample}"`),
      ['low'],
    ),
    v.forward(
      v.check(
        ({ low, log }: IntOptions) => !log || low >= 1,
        'must be at least 1 with "log: true": write "!int { low: 1, high: 1024, log: true }"',
      ),
      ['low'],
    ),
    v.forward(
      v.check(
        ({ step, log }: IntOptions) => !log || step === undefined || step === 1,
        'cannot be combined with "log: true": leave one of them out',
      ),
      ['step'],
    ),
  ),
) as StandardSchema<{
  low: number
  high: number
  step?: number | undefined
  log?: boolean | undefined
}>

const intNumbers: Numbers<OutputOf<typeof intSchema>> = {
  schema: intSchema,
  names: ['low', 'step', 'high'],
  domainOf: ({ low, high, step = 1, log = false }) =>
    new NumberDomain({ from: low, to: high, step, isLog: log }),
}

/**
 * `!int { low: 1, high: 8 }`: a whole number, both ends included; with `step: 2` every other one, with `log: true` evenly
 * distributed on a logarithmic scale.
 *
 * ```yaml
 * !Sweep
 * each: !Train { layers: !int { low: 1, high: 8 }, units: !int { low: 16, high: 1024, log: true } }
 * strategy: tpe
 * ```
 */
@registrable('!int', { description: 'In a sweep: a whole number between two' })
export class Int extends Parameter.with(intSchema) implements NumberParameter {
  /** @internal */
  static readonly [numbers] = intNumbers

  static [candidates](node: Node): readonly Node[] {
    return extremes(intNumbers, node)
  }

  get domain(): NumberDomain {
    return intNumbers.domainOf(this.options)
  }
}

function numberIn(example: string) {
  const message = `must be a number: write "${example}"`
  return v.pipe(v.number(message), v.finite(message))
}

function positiveIn(example: string) {
  return v.pipe(numberIn(example), v.minValue(Number.MIN_VALUE, `must be above 0: write "${example}"`))
}

function wholeIn(example: string) {
  const message = `must be a whole number: write "${example}"`
  return v.pipe(v.number(message), v.safeInteger(message))
}

// Neighbours that are the same number in floating point would be one trial.
function isCountable(from: number, to: number, step: number): boolean {
  // A step that is not above 0 has a problem of its own.
  if (step === 0) return true
  return stepsBetween(from, to, step) < 2 ** 53 && from + step !== from
}

/** A node for a number that is derived from another node, at the position of that node. */
function numberNode({ start, end, source }: Node, value: number): Node {
  return { ...valueNode(value), start, end, ...(source && { source }) }
}

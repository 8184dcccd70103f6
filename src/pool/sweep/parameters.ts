import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { MappedRegistrable } from '../../document/construct/registrable-base.js'
import { type Node, valueNode } from '../../node.js'
import { registrable } from '../../registry/decorators.js'
import type { Builder, Representer } from '../../registry/hooks.js'
import { candidates } from '../../registry/placeholder.js'
import type { Class } from '../../registry/registration.js'
import type { StandardSchema } from '../../registry/standard-schema.js'
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

/** The static method of a class of numbers that reads them from a node, as far as it has them. */
const writtenNumbers = Symbol('writtenNumbers')

/** @internal */
interface WrittenNumbers {
  readonly domain: NumberDomain
  /** The nodes of the first number, of what leads to the next one, and of the last one. */
  readonly nodes: readonly [Node, Node, Node]
}

/** The numbers that a placeholder stands for; `undefined` when it is a choice, or when its options are wrong or not known yet. */
export function numbersIn(Class: Class, node: Node): NumberDomain | undefined {
  return (Class as { [writtenNumbers]?(node: Node): WrittenNumbers | undefined })[writtenNumbers]?.(node)
    ?.domain
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
  static [candidates](node: Node): readonly Node[] {
    return extremes(Range[writtenNumbers](node))
  }

  /** @internal */
  static [writtenNumbers](node: Node): WrittenNumbers | undefined {
    const [from, to, step] = numbersOf(node, 'from', 'to', 'step')
    if (!from || !to || !step) return undefined
    const options = { from: from.value, to: to.value, step: step.value }
    if (!reachesEnd(options)) return undefined
    return { domain: new NumberDomain(options), nodes: [from.node, step.node, to.node] }
  }

  get domain(): NumberDomain {
    return new NumberDomain(this.options)
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
  static [candidates](node: Node): readonly Node[] {
    return extremes(Uniform[writtenNumbers](node))
  }

  /** @internal */
  static [writtenNumbers](node: Node): WrittenNumbers | undefined {
    return writtenInterval(node)
  }

  get domain(): NumberDomain {
    const { low, high, step } = this.options
    return new NumberDomain({ from: low, to: high, step })
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
  static [candidates](node: Node): readonly Node[] {
    return extremes(LogUniform[writtenNumbers](node))
  }

  /** @internal */
  static [writtenNumbers](node: Node): WrittenNumbers | undefined {
    return writtenInterval(node, { isLog: true })
  }

  get domain(): NumberDomain {
    const { low, high } = this.options
    return new NumberDomain({ from: low, to: high, isLog: true })
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
  static [candidates](node: Node): readonly Node[] {
    return extremes(Int[writtenNumbers](node))
  }

  /** @internal */
  static [writtenNumbers](node: Node): WrittenNumbers | undefined {
    return writtenInterval(node, { isLog: isTrue(node, 'log'), defaultStep: 1 })
  }

  get domain(): NumberDomain {
    const { low, high, step = 1, log = false } = this.options
    return new NumberDomain({ from: low, to: high, step, isLog: log })
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

interface NumberEntry {
  readonly node: Node
  readonly value: number
}

/** The numbers under some names in a mapping, with their nodes; `undefined` for each that is none. */
function numbersOf(node: Node, ...names: readonly string[]): (NumberEntry | undefined)[] {
  const entries = node.kind === 'mapping' ? node.entries : []
  return names.map((name) => {
    const value = entries.find(({ key }) => key.kind === 'scalar' && key.value === name)?.value
    return value?.kind === 'scalar' && typeof value.value === 'number' && Number.isFinite(value.value)
      ? { node: value, value: value.value }
      : undefined
  })
}

function writtenInterval(
  node: Node,
  { isLog = false, defaultStep }: { isLog?: boolean; defaultStep?: number } = {},
): WrittenNumbers | undefined {
  const [low, high, step] = numbersOf(node, 'low', 'high', 'step')
  if (!low || !high || low.value > high.value || (isLog && low.value <= 0)) return undefined
  if (step && step.value <= 0) return undefined
  const domain = new NumberDomain({
    from: low.value,
    to: high.value,
    step: step?.value ?? defaultStep,
    isLog,
  })
  return { domain, nodes: [low.node, step?.node ?? low.node, high.node] }
}

function isTrue(node: Node, name: string): boolean {
  const entries = node.kind === 'mapping' ? node.entries : []
  return entries.some(
    ({ key, value }) =>
      key.kind === 'scalar' && key.value === name && value.kind === 'scalar' && value.value === true,
  )
}

/**
 * The ends, and a number between them: the second one where there are steps, else one that is not whole. A schema that takes these
 * takes the others, as far as a check can know.
 */
function extremes(written: WrittenNumbers | undefined): readonly Node[] {
  if (!written) return []
  const { domain, nodes } = written
  const { low, high, step, count } = domain
  const isStepped = step !== undefined
  const ends = isStepped ? [domain.at(0), domain.at(count - 1)] : [low, high]
  const between = isStepped ? domain.at(Math.min(1, count - 1)) : domain.nearest(low + (high - low) * 0.382)
  const [first, last] = ends as [number, number]
  return [numberNode(nodes[0], first), numberNode(nodes[1], between), numberNode(nodes[2], last)]
}

/** A node for a number that is derived from another node, at the position of that node. */
function numberNode({ start, end, source }: Node, value: number): Node {
  return { ...valueNode(value), start, end, ...(source && { source }) }
}

import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { MappedRegistrable } from '../../document/construct/registrable-base.js'
import { type Node, valueNode } from '../../node.js'
import { registrable } from '../../registry/decorators.js'
import type { Builder, Representer } from '../../registry/hooks.js'
import { candidates } from '../../registry/placeholder.js'
import type { StandardSchema } from '../../registry/standard-schema.js'
import type { Tag } from '../../registry/tag.js'

/** A placeholder in a template that stands for many values, such as a {@link Choice}. */
export abstract class Parameter extends MappedRegistrable {
  /** All values in order; `undefined` when they are without end. */
  abstract values(): readonly unknown[] | undefined
  /** One value; `random` returns numbers in [0, 1). */
  abstract sample(random: () => number): unknown
}

/**
 * `!choice [0.01, 0.1]`: one of these values, which may be of any kind, objects included.
 *
 * ```yaml
 * !Sweep
 * each: !Train { rate: !choice [0.01, 0.1], optimizer: !choice [!Sgd {}, !Adam {}] }
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

  override values(): readonly unknown[] {
    return this.items
  }

  override sample(random: () => number): unknown {
    return this.items[Math.floor(random() * this.items.length)]
  }
}

const rangeExample = '!range { from: 0, to: 1, step: 0.25 }'
const maxRangeValues = 1_000_000

type RangeOptions = { from: number; to: number; step: number }

const hasEnd = v.check(
  (options: RangeOptions) => reachesEnd(options),
  ({ input: { from, to, step } }) =>
    `steps of ${step} never lead from ${from} to ${to}: write "${rangeExample}"`,
)

const isShort = v.check(
  (options: RangeOptions) => !reachesEnd(options) || countOf(options) <= maxRangeValues + 1,
  `the range has more than ${maxRangeValues} values: write a larger "step"`,
)

const rangeSchema = toStandardJsonSchema(
  v.pipe(
    v.strictObject(
      { from: numberIn(rangeExample), to: numberIn(rangeExample), step: numberIn(rangeExample) },
      `write "${rangeExample}"`,
    ),
    v.forward(hasEnd, ['step']),
    v.forward(isShort, ['step']),
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
export class Range extends Parameter.with(rangeSchema) {
  // The first, the second and the last number.
  static [candidates](node: Node): readonly Node[] {
    const [from, step, to] = ['from', 'step', 'to'].map((name) => numberEntry(node, name))
    if (!from || !step || !to) return []
    const options = { from: from.value, step: step.value, to: to.value }
    if (!reachesEnd(options) || countOf(options) > maxRangeValues + 1) return []
    const last = countOf(options) - 1
    const second = last > 0 ? [numberNode(step.node, numberOf(options, 1))] : []
    return [
      numberNode(from.node, numberOf(options, 0)),
      ...second,
      numberNode(to.node, numberOf(options, last)),
    ]
  }

  override values(): readonly number[] {
    return Array.from({ length: countOf(this.options) }, (_, index) => numberOf(this.options, index))
  }

  override sample(random: () => number): number {
    return numberOf(this.options, Math.floor(random() * countOf(this.options)))
  }
}

function reachesEnd({ from, to, step }: RangeOptions): boolean {
  return step !== 0 && (to - from) / step >= 0
}

function countOf({ from, to, step }: RangeOptions): number {
  // Gives back what rounding takes from the last step, as in 0.1 + 0.2.
  return Math.floor((to - from) / step + 1e-9) + 1
}

function numberOf({ from, step }: RangeOptions, index: number): number {
  const value = from + index * step
  // Sums of whole numbers are exact; others may be off in the last digits.
  return Number.isInteger(from) && Number.isInteger(step) ? value : Number(value.toPrecision(12))
}

const logUniformExample = '!logUniform { low: 0.001, high: 1 }'

type LogUniformOptions = { low: number; high: number }

const isPositive = v.check(
  ({ low, high }: LogUniformOptions) => low > 0 && high > low,
  `must be above 0 and below "high": write "${logUniformExample}"`,
)

const logUniformSchema = toStandardJsonSchema(
  v.pipe(
    v.strictObject(
      { low: numberIn(logUniformExample), high: numberIn(logUniformExample) },
      `write "${logUniformExample}"`,
    ),
    v.forward(isPositive, ['low']),
  ),
) as StandardSchema<{ low: number; high: number }>

/**
 * `!logUniform { low: 0.001, high: 1 }`: a number between the two, evenly distributed on a logarithmic scale; for
 * random sweeps.
 *
 * ```yaml
 * !Sweep
 * each: !Train { rate: !logUniform { low: 0.001, high: 1 } }
 * strategy: random
 * ```
 */
@registrable('!logUniform', {
  description: 'In a random sweep: a number between two, on a logarithmic scale',
})
export class LogUniform extends Parameter.with(logUniformSchema) {
  static [candidates](node: Node): readonly Node[] {
    return ['low', 'high'].flatMap((name) => numberEntry(node, name)?.node ?? [])
  }

  override values(): undefined {
    return undefined
  }

  override sample(random: () => number): number {
    const { low, high } = this.options
    return Number((low * (high / low) ** random()).toPrecision(6))
  }
}

function numberIn(example: string) {
  const message = `must be a number: write "${example}"`
  return v.pipe(v.number(message), v.finite(message))
}

/** The number under a name in a mapping, with its node; `undefined` when there is none. */
function numberEntry(node: Node, name: string): { node: Node; value: number } | undefined {
  const entries = node.kind === 'mapping' ? node.entries : []
  const value = entries.find(({ key }) => key.kind === 'scalar' && key.value === name)?.value
  return value?.kind === 'scalar' && typeof value.value === 'number' && Number.isFinite(value.value)
    ? { node: value, value: value.value }
    : undefined
}

/** A node for a number that is derived from another node, at the position of that node. */
function numberNode({ start, end }: Node, value: number): Node {
  return { ...valueNode(value), start, end }
}

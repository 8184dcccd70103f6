import { type Node, valueNode } from '../../node.js'
import { registrable } from '../../registry/decorators.js'
import type { Builder, Representer } from '../../registry/hooks.js'
import { candidates } from '../../registry/placeholder.js'
import type { Tag } from '../../registry/tag.js'

/** What stands in a template for many values, such as a {@link Choice}. */
export abstract class Parameter {
  /** Every value, in order; `undefined` when there is no end of them. */
  abstract values(): readonly unknown[] | undefined
  /** One value; `random` gives numbers in [0, 1). */
  abstract sample(random: () => number): unknown
}

/**
 * `!choice [0.01, 0.1]`: one of these, which may be of any kind, objects included.
 *
 * ```yaml
 * !Sweep
 * each: !Train { rate: !choice [0.01, 0.1], optimizer: !choice [!Sgd {}, !Adam {}] }
 * ```
 */
export class Choice extends Parameter {
  constructor(readonly items: readonly unknown[]) {
    super()
  }

  static fromYaml(builder: Builder, node: Node): Choice {
    const items = builder.constructSequence(node)
    if (items.length === 0) builder.fail('"!choice" needs a value to choose: write "!choice [0.01, 0.1]"')
    return new Choice(items)
  }

  static [candidates](node: Node): readonly Node[] {
    return node.kind === 'sequence' ? node.items : []
  }

  static toYaml(representer: Representer, choice: Choice, tag: Tag): Node {
    return representer.representSequence(tag, choice.items)
  }

  override values(): readonly unknown[] {
    return this.items
  }

  override sample(random: () => number): unknown {
    return this.items[Math.floor(random() * this.items.length)]
  }
}

registrable('!choice', { description: 'In a sweep: one of these values' })(Choice)

const rangeExample = '!range { from: 0, to: 1, step: 0.25 }'
const maxRangeValues = 1_000_000

/**
 * `!range { from: 0, to: 1, step: 0.25 }`: the numbers from one to the other, both included.
 *
 * ```yaml
 * !Sweep
 * each: !Train { layers: !range { from: 1, to: 3, step: 1 } }
 * ```
 */
export class Range extends Parameter {
  readonly #count: number

  constructor(readonly options: { from: number; to: number; step: number }) {
    super()
    const { from, to, step } = options
    // What rounding takes from the last step, as in 0.1 + 0.2, is given back.
    this.#count = Math.floor((to - from) / step + 1e-9) + 1
  }

  static fromYaml(builder: Builder, node: Node): Range {
    const options = constructNumbers(builder, node, { names: ['from', 'to', 'step'], example: rangeExample })
    const { from, to, step } = options
    if (step === 0 || (to - from) / step < 0)
      builder.fail(`"!range" never comes from ${from} to ${to} in steps of ${step}: write "${rangeExample}"`)
    if ((to - from) / step > maxRangeValues)
      builder.fail(`"!range" has more than ${maxRangeValues} values: write a larger "step"`)
    return new Range(options)
  }

  // The first, the second and the last of its numbers.
  static [candidates](node: Node): readonly Node[] {
    const [from, step, to] = ['from', 'step', 'to'].map((name) => numberEntry(node, name))
    if (!from || !step || !to) return []
    const range = new Range({ from: from.value, step: step.value, to: to.value })
    if (!(range.#count >= 1 && range.#count <= maxRangeValues + 1)) return []
    const second = range.#count > 1 ? [numberNode(step.node, range.#valueAt(1))] : []
    return [
      numberNode(from.node, range.#valueAt(0)),
      ...second,
      numberNode(to.node, range.#valueAt(range.#count - 1)),
    ]
  }

  static toYaml(representer: Representer, range: Range, tag: Tag): Node {
    return representer.representMapping(tag, range.options)
  }

  override values(): readonly number[] {
    return Array.from({ length: this.#count }, (_, at) => this.#valueAt(at))
  }

  override sample(random: () => number): number {
    return this.#valueAt(Math.floor(random() * this.#count))
  }

  #valueAt(index: number): number {
    const { from, step } = this.options
    const value = from + index * step
    // Whole numbers are exact as they are; of others a digit may be off by rounding.
    return Number.isInteger(from) && Number.isInteger(step) ? value : Number(value.toPrecision(12))
  }
}

registrable('!range', { description: 'In a sweep: numbers at equal distances' })(Range)

const logUniformExample = '!logUniform { low: 0.001, high: 1 }'

/**
 * `!logUniform { low: 0.001, high: 1 }`: a number whose logarithm may be any in between alike; for random sweeps.
 *
 * ```yaml
 * !Sweep
 * each: !Train { rate: !logUniform { low: 0.001, high: 1 } }
 * strategy: random
 * ```
 */
export class LogUniform extends Parameter {
  constructor(readonly options: { low: number; high: number }) {
    super()
  }

  static fromYaml(builder: Builder, node: Node): LogUniform {
    const options = constructNumbers(builder, node, { names: ['low', 'high'], example: logUniformExample })
    if (!(options.low > 0 && options.high > options.low))
      builder.fail(`"low" of "!logUniform" must be above 0 and below "high": write "${logUniformExample}"`)
    return new LogUniform(options)
  }

  static [candidates](node: Node): readonly Node[] {
    return ['low', 'high'].flatMap((name) => numberEntry(node, name)?.node ?? [])
  }

  static toYaml(representer: Representer, value: LogUniform, tag: Tag): Node {
    return representer.representMapping(tag, value.options)
  }

  override values(): undefined {
    return undefined
  }

  override sample(random: () => number): number {
    const { low, high } = this.options
    return Number((low * (high / low) ** random()).toPrecision(6))
  }
}

registrable('!logUniform', {
  description: 'In a random sweep: a number between two, on a logarithmic scale',
})(LogUniform)

/** The numbers of `!range { from: 0, to: 1 }`, each of which must be there; ends the loading when one is not. */
function constructNumbers<Name extends string>(
  builder: Builder,
  node: Node,
  { names, example }: { names: readonly Name[]; example: string },
): Record<Name, number> {
  const given = builder.constructMapping(node)
  const unknown = Object.keys(given).find((name) => !names.includes(name as Name))
  if (unknown !== undefined) builder.fail(`"${node.tag}" has no option "${unknown}": write "${example}"`)
  for (const name of names)
    if (!Number.isFinite(given[name]))
      builder.fail(`"${name}" of "${node.tag}" must be a number: write "${example}"`)
  return given as Record<Name, number>
}

/** The number that a mapping has under a name, with its node; `undefined` when there is none. */
function numberEntry(node: Node, name: string): { node: Node; value: number } | undefined {
  const entries = node.kind === 'mapping' ? node.entries : []
  const value = entries.find(({ key }) => key.kind === 'scalar' && key.value === name)?.value
  return value?.kind === 'scalar' && typeof value.value === 'number' && Number.isFinite(value.value)
    ? { node: value, value: value.value }
    : undefined
}

/** A node for a number that follows from what stands at the place of another. */
function numberNode({ start, end }: Node, value: number): Node {
  return { ...valueNode(value), start, end }
}

import type { Node } from '../../node.js'
import type { Builder, Representer } from '../../registry/hooks.js'
import { candidates } from '../../registry/placeholder.js'
import { registrable } from '../../registry/registrable.js'
import type { Tag } from '../../registry/tag.js'
import { numberAt, numbersOf, valueAt } from './number-options.js'
import { Parameter } from './parameter.js'

const example = '!range { from: 0, to: 1, step: 0.25 }'
const most = 1_000_000

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
    const options = numbersOf(builder, node, { names: ['from', 'to', 'step'], example })
    const { from, to, step } = options
    if (step === 0 || (to - from) / step < 0)
      builder.fail(`"!range" never comes from ${from} to ${to} in steps of ${step}: write "${example}"`)
    if ((to - from) / step > most)
      builder.fail(`"!range" has more than ${most} values: write a larger "step"`)
    return new Range(options)
  }

  // The first, the second and the last of its numbers.
  static [candidates](node: Node): readonly Node[] {
    const [from, step, to] = ['from', 'step', 'to'].map((name) => numberAt(node, name))
    if (!from || !step || !to) return []
    const range = new Range({ from: from.value, step: step.value, to: to.value })
    if (!(range.#count >= 1 && range.#count <= most + 1)) return []
    const second = range.#count > 1 ? [valueAt(step.node, range.#at(1))] : []
    return [valueAt(from.node, range.#at(0)), ...second, valueAt(to.node, range.#at(range.#count - 1))]
  }

  static toYaml(representer: Representer, range: Range, tag: Tag): Node {
    return representer.representMapping(tag, range.options)
  }

  override values(): readonly number[] {
    return Array.from({ length: this.#count }, (_, at) => this.#at(at))
  }

  override sample(random: () => number): number {
    return this.#at(Math.floor(random() * this.#count))
  }

  #at(index: number): number {
    const { from, step } = this.options
    const value = from + index * step
    // Whole numbers are exact as they are; of others a digit may be off by rounding.
    return Number.isInteger(from) && Number.isInteger(step) ? value : Number(value.toPrecision(12))
  }
}

registrable('!range', { description: 'In a sweep: numbers at equal distances' })(Range)

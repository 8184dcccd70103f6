import type { Node } from '../../node.js'
import type { Builder, Representer } from '../../registry/hooks.js'
import { candidates } from '../../registry/placeholder.js'
import { registrable } from '../../registry/registrable.js'
import type { Tag } from '../../registry/tag.js'
import { numberAt, numbersOf } from './number-options.js'
import { Parameter } from './parameter.js'

const example = '!logUniform { low: 0.001, high: 1 }'

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
    const options = numbersOf(builder, node, { names: ['low', 'high'], example })
    if (!(options.low > 0 && options.high > options.low))
      builder.fail(`"low" of "!logUniform" must be above 0 and below "high": write "${example}"`)
    return new LogUniform(options)
  }

  static [candidates](node: Node): readonly Node[] {
    return ['low', 'high'].flatMap((name) => numberAt(node, name)?.node ?? [])
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

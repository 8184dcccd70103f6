import type { Node } from '../../node.js'
import type { Builder, Representer } from '../../registry/hooks.js'
import { candidates } from '../../registry/placeholder.js'
import { registrable } from '../../registry/registrable.js'
import type { Tag } from '../../registry/tag.js'
import { Parameter } from './parameter.js'

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

import { type Node, scalarNode } from '../../node.js'
import type { Representer } from '../../registry/hooks.js'
import type { Tag } from '../../registry/tag.js'
import { mappingOf, sequenceOf } from './collection-writer.js'
import type { Hint, Representing } from './representing.js'

/** The representer of one `toYaml` call: what it makes first of a kind keeps the style of what was loaded. */
export class NodeRepresenter implements Representer {
  constructor(
    readonly to: Representing,
    readonly hint: Hint | undefined,
    /** Represents the object as if its class had no `toYaml`. */
    readonly representInherited: () => Node,
  ) {}

  represent(value: unknown): Node {
    return this.to.represent(value)
  }

  representMapping(tag: Tag | undefined, mapping: object): Node {
    return mappingOf(Object.entries(mapping), this.to, { tag, hint: this.#hint(tag) })
  }

  representSequence(tag: Tag | undefined, items: Iterable<unknown>): Node {
    return sequenceOf(items, this.to, { tag, hint: this.#hint(tag) })
  }

  representScalar(tag: Tag | undefined, value: string | number | boolean | bigint | null): Node {
    const hint = this.#hint(tag)
    const same = hint?.node.kind === 'scalar' && hint.node.value === value
    return this.to.from(same ? ({ ...hint.node, tag } as Node) : scalarNode(value, tag, true), hint)
  }

  // Only the node with the tag of the object is the object's own.
  #hint(tag: Tag | undefined): Hint | undefined {
    return this.hint && this.hint.node.tag === tag ? this.hint : undefined
  }
}

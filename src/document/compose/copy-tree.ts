import type { AliasNode, Entry, Node } from '../../node.js'
import type { Source } from '../../source.js'

/** Copies of nodes, by the nodes that they are copies of. */
export type Copies = ReadonlyMap<Node, Node>

/** Copies a tree of nodes into another document: each copy has `source`, and aliases lead to the copies. */
export function copyTree(root: Node, source: Source | undefined): { root: Node; copies: Copies } {
  const copier = new TreeCopier(source)
  return { root: copier.copy(root), copies: copier.copies }
}

class TreeCopier {
  readonly copies = new Map<Node, Node>()

  constructor(readonly source: Source | undefined) {}

  copy(node: Node): Node {
    const copy = this.#copyOf(node)
    this.copies.set(node, copy)
    return copy
  }

  #copyOf(node: Node): Node {
    const own = { ...node, ...(this.source && { source: node.source ?? this.source }) }
    if (own.kind === 'sequence') return { ...own, items: own.items.map((item) => this.copy(item)) }
    if (own.kind === 'mapping') return { ...own, entries: own.entries.map((entry) => this.#entry(entry)) }
    return own.kind === 'alias' ? this.#alias(own) : own
  }

  #entry({ key, value, merge }: Entry): Entry {
    return { key: this.copy(key), value: this.copy(value), merge }
  }

  // In a text, an anchor is before its aliases.
  #alias(alias: AliasNode): AliasNode {
    return { ...alias, target: alias.target && (this.copies.get(alias.target) ?? alias.target) }
  }
}

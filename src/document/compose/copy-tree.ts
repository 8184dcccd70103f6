import type { AliasNode, Entry, Node } from '../../node.js'
import type { Source } from '../../source.js'

/** Copies of nodes, by the nodes that they are copies of. */
export type Copies = ReadonlyMap<Node, Node>

/** Copies a tree of nodes into another document: each copy has `source`, and aliases in it lead to copies of their targets. */
export function copyTree(root: Node, source: Source | undefined): { root: Node; copies: Copies } {
  const copier = new TreeCopier(source)
  return { root: copier.copy(root), copies: copier.copies }
}

/** A copy of a part of a document. */
export interface CopiedPart {
  readonly root: Node
  readonly copies: Copies
  /** Copies of what only aliases of the part lead to. */
  readonly outside: Iterable<Node>
}

/** Copies a part of a document, and what its aliases lead to outside it. */
export function copyPart(root: Node, source: Source): CopiedPart {
  const copier = new PartCopier(source)
  return { root: copier.copy(root), copies: copier.copies, outside: copier.outside }
}

/** The tree from `node` down with copies in the place of nodes that have one. */
export function withCopies(node: Node, copies: Copies): Node {
  const copy = copies.get(node)
  if (copy) return copy
  if (node.kind === 'sequence') return { ...node, items: node.items.map((item) => withCopies(item, copies)) }
  if (node.kind !== 'mapping') return node
  const entries = node.entries.map(({ key, value, merge }) => ({
    key: withCopies(key, copies),
    value: withCopies(value, copies),
    merge,
  }))
  return { ...node, entries }
}

class TreeCopier {
  readonly copies = new Map<Node, Node>()

  constructor(readonly source: Source | undefined) {}

  copy(node: Node): Node {
    const copy = this.#copyOf(node)
    this.copies.set(node, copy)
    return copy
  }

  // In a text, an anchor is before its aliases.
  targetOf({ target }: AliasNode): Node | undefined {
    return target && (this.copies.get(target) ?? target)
  }

  #copyOf(node: Node): Node {
    const own = { ...node, ...(this.source && { source: node.source ?? this.source }) }
    if (own.kind === 'sequence') return { ...own, items: own.items.map((item) => this.copy(item)) }
    if (own.kind === 'mapping') return { ...own, entries: own.entries.map((entry) => this.#entry(entry)) }
    return own.kind === 'alias' ? { ...own, target: this.targetOf(own) } : own
  }

  #entry({ key, value, merge }: Entry): Entry {
    return { key: this.copy(key), value: this.copy(value), merge }
  }
}

class PartCopier extends TreeCopier {
  readonly outside = new Set<Node>()

  override copy(node: Node): Node {
    const known = this.copies.get(node)
    if (!known) return super.copy(node)
    // An alias led to it before what contains it was copied.
    this.outside.delete(known)
    return known
  }

  override targetOf({ target }: AliasNode): Node | undefined {
    const known = target && this.copies.get(target)
    if (known || !target) return known
    const copy = super.copy(target)
    this.outside.add(copy)
    return copy
  }
}

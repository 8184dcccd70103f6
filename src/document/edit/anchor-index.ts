import type { AliasNode, Node } from '../../node.js'
import type { ChildLookup } from '../path.js'

/** The node that some aliases refer to, and these aliases. */
interface Group {
  target: Node
  readonly aliases: Set<AliasNode>
}

/** An alias that refers to a node, or to a part of it, from outside. */
export interface Outside {
  readonly alias: AliasNode
  readonly target: Node
}

/** Which aliases of a tree refer to which nodes, while the tree is edited. */
export class AnchorIndex {
  #groups: Map<Node, Group> | undefined
  readonly #ofAlias = new Map<AliasNode, Group>()
  // A node is asked for again and again if it cannot be removed.
  readonly #found = new Map<Node, Outside>()

  constructor(readonly tree: ChildLookup & { readonly root: Node }) {}

  // Built when the first node is replaced or removed.
  #index(): Map<Node, Group> {
    if (this.#groups) return this.#groups
    this.#groups = new Map()
    this.#register(this.tree.root, this.#groups)
    return this.#groups
  }

  #register(node: Node, groups: Map<Node, Group>): void {
    if (node.kind === 'sequence') for (const item of this.tree.items(node)) this.#register(item, groups)
    else if (node.kind === 'mapping')
      for (const { key, value } of this.tree.entries(node)) {
        if (key.kind === 'alias') this.#registerAlias(key, groups)
        this.#register(value, groups)
      }
    else if (node.kind === 'alias') this.#registerAlias(node, groups)
  }

  #registerAlias(alias: AliasNode, groups: Map<Node, Group>): void {
    const { target } = alias
    if (!target) return
    const group = groups.get(target) ?? { target, aliases: new Set() }
    groups.set(target, group)
    group.aliases.add(alias)
    this.#ofAlias.set(alias, group)
  }

  // In file order.
  *#nodesOf(node: Node): Generator<Node> {
    yield node
    if (node.kind === 'sequence') for (const item of this.tree.items(node)) yield* this.#nodesOf(item)
    if (node.kind !== 'mapping') return
    for (const { key, value } of this.tree.entries(node)) {
      yield key
      yield* this.#nodesOf(value)
    }
  }

  /** Adds the aliases of a new value. */
  add(value: Node): void {
    if (this.#groups) this.#register(value, this.#groups)
  }

  /** Finds an alias that refers from outside to a node or a part of it; with `inside`, not to the node itself. */
  outsideOf(node: Node, scope: 'whole' | 'inside'): Outside | undefined {
    const groups = this.#index()
    if (groups.size === 0) return undefined
    const known = this.#found.get(node)
    if (known && this.#ofAlias.get(known.alias)?.target === known.target) return known
    const nodes = [...this.#nodesOf(node)]
    const within = new Set(nodes)
    for (const part of nodes)
      for (const alias of (scope === 'inside' && part === node ? undefined : groups.get(part))?.aliases ?? [])
        if (!within.has(alias)) return this.#remember(node, { alias, target: part })
    return undefined
  }

  #remember(node: Node, found: Outside): Outside {
    this.#found.set(node, found)
    return found
  }

  /** Removes the aliases in a node that is no longer in the tree. */
  remove(node: Node): void {
    if (this.#index().size === 0) return
    for (const part of this.#nodesOf(node)) {
      if (part.kind === 'alias') this.#ofAlias.get(part)?.aliases.delete(part)
      if (part.kind === 'alias') this.#ofAlias.delete(part)
    }
  }

  /** Makes the aliases of a node refer to the one that replaces it. */
  replace(node: Node, value: Node): void {
    const groups = this.#index()
    this.remove(node)
    const group = groups.get(node)
    groups.delete(node)
    if (group) {
      group.target = value.kind === 'alias' && value.target ? value.target : value
      groups.set(group.target, group)
    }
    this.add(value)
  }

  finish(): void {
    for (const [alias, { target }] of this.#ofAlias) (alias as { target: Node }).target = target
  }
}

import type { AliasNode, Entry, Node } from '../../node.js'
import { isSameScalar } from '../construct/snapshot.js'
import { relocatePath } from '../include-spec.js'
import { resolveAlias, textOfKey } from '../nodes.js'
import type { MadePaths } from './made-paths.js'
import type { Representation } from './represent.js'

/**
 * Puts what the text has, such as `!include`, in the place of composed nodes that did not change since they were loaded. A
 * node stays written out when an alias elsewhere leads into it.
 */
export function foldComposed(root: Node, from: Representation): Node {
  if (![...from.sources].some(({ document }) => document.written)) return root
  const folder = new Folder(from, from.pathsOf(root))
  folder.visit(root, undefined, [])
  return folder.fold(root)
}

class Folder {
  /** The loaded node for each made one, and whether it did not change. */
  readonly #unchanged = new Map<Node, boolean>()
  readonly #loaded = new Map<Node, Node>()
  /** The composed nodes around each made node, the innermost last. */
  readonly #around = new Map<Node, readonly Node[]>()
  readonly #aliases: AliasNode[] = []
  readonly #blocked = new Set<Node>()
  /** What became of the made nodes that were made again. */
  readonly #folded = new Map<Node, Node>()
  readonly #copies = new Map<Node, Node>()
  readonly #copiedAliases: AliasNode[] = []
  readonly #copying = new Set<Node>()

  constructor(
    readonly from: Representation,
    readonly paths: MadePaths,
  ) {}

  /** Compares a made node with what it was loaded from; `expected` is what was loaded at its position. */
  visit(made: Node, expected: Node | undefined, around: readonly Node[]): boolean {
    const own = this.from.origins.get(made)
    const loaded = own ?? expected
    if (loaded) this.#loaded.set(made, loaded)
    const inside = loaded && this.from.writtenFor(loaded) ? [...around, made] : around
    this.#around.set(made, inside)
    if (made.kind === 'alias') this.#aliases.push(made)
    const unchanged = this.#compare(made, loaded, inside)
    this.#unchanged.set(made, unchanged)
    // What moved here from elsewhere changes the node around it, but not itself.
    const isInPlace =
      own === undefined ||
      own === expected ||
      (expected && (this.from.writtenFor(expected) === own || isFirstOf(expected, own)))
    return unchanged && Boolean(isInPlace)
  }

  #compare(made: Node, loaded: Node | undefined, around: readonly Node[]): boolean {
    if (made.kind === 'sequence') {
      const items = loaded?.kind === 'sequence' ? loaded.items : []
      const same = made.items.map((item, index) => this.visit(item, items[index], around))
      return isOf(made, loaded) && items.length === same.length && same.every(Boolean)
    }
    if (made.kind === 'mapping') {
      const entries = loaded?.kind === 'mapping' ? loaded.entries : []
      const same = made.entries.map((entry, index) => this.#visitEntry(entry, entries[index], around))
      return isOf(made, loaded) && entries.length === same.length && same.every(Boolean)
    }
    if (made.kind === 'alias')
      return loaded?.kind === 'alias' && this.#loaded.get(resolveAlias(made)) === loaded.target
    if (made.kind !== 'scalar' || loaded?.kind !== 'scalar' || !isSameText(made, loaded)) return false
    const written = loaded.origin && this.from.writtenFor(loaded)
    // The values that a format puts in may have changed, although its text did not.
    if (written?.kind !== 'scalar' || written.tag !== '!format') return true
    return this.from.formatHolds(made, written, this.paths)
  }

  #visitEntry({ key, value, merge }: Entry, loaded: Entry | undefined, around: readonly Node[]): boolean {
    this.#around.set(key, around)
    const same = this.visit(value, loaded?.value, around)
    return same && merge === loaded?.merge && textOfKey(key) === textOfKey(loaded.key)
  }

  fold(root: Node): Node {
    for (const alias of this.#aliases) this.#block(alias)
    const folded = this.#fold(root)
    for (const alias of [...this.#aliases, ...this.#copiedAliases]) this.#retarget(alias)
    return folded
  }

  #retarget(alias: AliasNode): void {
    const target = resolveAlias(alias)
    const folded = this.#folded.get(target) ?? this.#copies.get(target)
    if (folded) (alias as { target: Node }).target = folded
  }

  // An alias outside a composed node needs an anchor inside it; its own anchor stays.
  #block(alias: AliasNode): void {
    const near = new Set(this.#around.get(alias))
    const target = resolveAlias(alias)
    for (const composed of this.#around.get(target) ?? [])
      if (composed !== target && !near.has(composed)) this.#blocked.add(composed)
  }

  #fold(made: Node): Node {
    const loaded = this.#loaded.get(made)
    const written = loaded && this.from.writtenFor(loaded)
    if (written && this.#unchanged.get(made) && !this.#blocked.has(made))
      return this.#remade(made, this.#copy(written))
    if (made.kind === 'sequence') return this.#sequence(made)
    return made.kind === 'mapping' ? this.#mapping(made) : made
  }

  #sequence(made: Node & { kind: 'sequence' }): Node {
    const items = made.items.map((item) => this.#fold(item))
    return items.every((item, index) => item === made.items[index])
      ? made
      : this.#remade(made, { ...made, items })
  }

  #mapping(made: Node & { kind: 'mapping' }): Node {
    const entries = made.entries.map((entry) => {
      const value = this.#fold(entry.value)
      return value === entry.value ? entry : { ...entry, value }
    })
    return entries.every((entry, index) => entry === made.entries[index])
      ? made
      : this.#remade(made, { ...made, entries })
  }

  #remade(before: Node, made: Node): Node {
    if (!this.from.origins.has(made)) this.from.replaceMade(before, made)
    this.#folded.set(before, made)
    return made
  }

  // The node of the text, which may contain composed nodes itself.
  #copy(loaded: Node): Node {
    const written = this.from.writtenFor(loaded)
    // The default of an "!env" stands in its place, and in it.
    const node = written && !this.#copying.has(written) ? written : loaded
    this.#copying.add(node)
    const copy = this.#copyChildren(node.tag === '!include' ? this.#moved(node) : node)
    this.#copying.delete(node)
    this.from.origins.set(copy, node)
    this.#copies.set(node, copy)
    if (copy.kind === 'alias') this.#copiedAliases.push(copy)
    return copy
  }

  #copyChildren(node: Node): Node {
    if (node.kind === 'sequence') return { ...node, items: node.items.map((item) => this.#copy(item)) }
    if (node.kind !== 'mapping') return { ...node }
    const entries = node.entries.map(({ key, value, merge }) => {
      const isPath = node.tag === '!extends' && textOfKey(key) === 'file'
      return { key: this.#copy(key), value: isPath ? this.#moved(value) : this.#copy(value), merge }
    })
    return { ...node, entries }
  }

  // A path in an included file starts at that file.
  #moved(node: Node): Node {
    const top = this.from.topSource
    if (!node.source || !top || node.kind !== 'scalar') return node
    return { ...node, value: relocatePath(String(node.value), node.source, top) }
  }
}

// A part of a file may have the aliases, but not the anchor: then the target is written at the first of them.
function isFirstOf(expected: Node, own: Node): boolean {
  return expected.kind === 'alias' && resolveAlias(expected) === own
}

function isOf(made: Node, loaded: Node | undefined): boolean {
  return made.kind === loaded?.kind && made.tag === loaded.tag
}

function isSameText(made: Node & { kind: 'scalar' }, loaded: Node & { kind: 'scalar' }): boolean {
  return made.tag === loaded.tag && isSameScalar(made.value, loaded.value)
}

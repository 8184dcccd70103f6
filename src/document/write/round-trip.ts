import { type Entry, isApplicationTag, type Node, type ScalarNode } from '../../node.js'
import { isSameScalar } from '../construct/snapshot.js'
import { resolveAlias } from '../nodes.js'
import { parse } from '../read/parse.js'

/** Whether a text is read as the same node tree that it was written from. */
export function roundTrips(text: string, root: Node): boolean {
  const { documents, problems } = parse(text, '')
  const [document, second] = documents
  return (
    problems.length === 0 &&
    !second &&
    document !== undefined &&
    new TreeComparison().isSame(document.root, root)
  )
}

/** How trees are compared. */
interface ComparisonOptions {
  /** The node of the text for a composed node. */
  readonly textOf?: (node: Node) => Node
  /** Whether to remember all pairs, not only those of nodes with a tag or an anchor. */
  readonly keepsAll?: boolean
}

/** Compares a tree that was read with the one that was written. */
export class TreeComparison {
  /** The written node for each read one. */
  readonly pairs = new Map<Node, Node>()
  readonly #textOf: ((node: Node) => Node) | undefined
  readonly #keepsAll: boolean

  constructor({ textOf, keepsAll = false }: ComparisonOptions = {}) {
    this.#textOf = textOf
    this.#keepsAll = keepsAll
  }

  isSame(read: Node, node: Node): boolean {
    if (this.#keepsAll || read.anchor !== undefined || read.tag !== undefined) this.pairs.set(read, node)
    const written = this.#textOf ? this.#textOf(node) : node
    if (read.kind !== written.kind) return false
    if (read.kind === 'alias') return this.pairs.get(resolveAlias(read)) === resolveAlias(written)
    if (read.tag !== written.tag) return false
    if (read.kind === 'scalar') return isSameText(read, written as ScalarNode)
    if (read.kind === 'sequence' && written.kind === 'sequence')
      return this.#sameItems(read.items, written.items)
    return (
      read.kind === 'mapping' &&
      written.kind === 'mapping' &&
      this.#sameEntries(read.entries, written.entries)
    )
  }

  #sameItems(read: readonly Node[], written: readonly Node[]): boolean {
    if (read.length !== written.length) return false
    for (let index = 0; index < read.length; index++)
      if (!this.isSame(read[index]!, written[index]!)) return false
    return true
  }

  #sameEntries(read: readonly Entry[], written: readonly Entry[]): boolean {
    if (read.length !== written.length) return false
    for (let index = 0; index < read.length; index++)
      if (!this.#sameEntry(read[index]!, written[index]!)) return false
    return true
  }

  #sameEntry({ key, value, merge }: Entry, written: Entry): boolean {
    return merge === written.merge && this.isSame(key, written.key) && this.isSame(value, written.value)
  }
}

// Scalars with application tags are compared by their text.
function isSameText(read: ScalarNode, written: ScalarNode): boolean {
  if (typeof written.value === 'bigint' || isApplicationTag(read.tag))
    return String(read.value) === String(written.value)
  return isSameScalar(read.value, written.value)
}

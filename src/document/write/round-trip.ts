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

/** Compares a tree that was read with the one that was written. */
export class TreeComparison {
  /** The written node for each read one. */
  readonly pairs = new Map<Node, Node>()

  /** `textOf`: the node of the text for a composed node. */
  constructor(readonly textOf: (node: Node) => Node = (node) => node) {}

  isSame(read: Node, node: Node): boolean {
    this.pairs.set(read, node)
    const written = this.textOf(node)
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
    return read.length === written.length && read.every((item, index) => this.isSame(item, written[index]!))
  }

  #sameEntries(read: readonly Entry[], written: readonly Entry[]): boolean {
    if (read.length !== written.length) return false
    return read.every(({ key, value, merge }, index) => {
      const { key: writtenKey, value: writtenValue, merge: writtenMerge } = written[index]!
      return merge === writtenMerge && this.isSame(key, writtenKey) && this.isSame(value, writtenValue)
    })
  }
}

// Scalars with application tags are compared by their text.
function isSameText(read: ScalarNode, written: ScalarNode): boolean {
  if (typeof written.value === 'bigint' || isApplicationTag(read.tag))
    return String(read.value) === String(written.value)
  return isSameScalar(read.value, written.value)
}

import { type Entry, isApplicationTag, type Node, type ScalarNode } from '../../node.js'
import { isSameScalar } from '../construct/snapshot.js'
import { resolveAlias } from '../nodes.js'
import { parse } from '../read/parse.js'

/** Whether a text is read as the node tree that it was written from. */
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

class TreeComparison {
  /** The written node of each that was read. */
  readonly #written = new Map<Node, Node>()

  isSame(read: Node, written: Node): boolean {
    this.#written.set(read, written)
    if (read.kind !== written.kind) return false
    if (read.kind === 'alias') return this.#written.get(resolveAlias(read)) === resolveAlias(written)
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
      const { key: name, value: of, merge: merges } = written[index]!
      return merge === merges && this.isSame(key, name) && this.isSame(value, of)
    })
  }
}

// Of a tag that YAML does not know the text counts, and whether there is any.
function isSameText(read: ScalarNode, written: ScalarNode): boolean {
  if (typeof written.value === 'bigint' || isApplicationTag(read.tag))
    return String(read.value) === String(written.value)
  return isSameScalar(read.value, written.value)
}

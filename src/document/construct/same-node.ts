import type { Entry, Node } from '../../node.js'

/** Takes the node, or one that is the same, out of a list; returns the node itself when the list has none. */
export function takeSame(nodes: Node[], node: Node): Node {
  if (nodes.length === 0) return node
  const index = nodes.includes(node) ? nodes.indexOf(node) : nodes.findIndex((each) => isSame(each, node))
  return index < 0 ? node : nodes.splice(index, 1)[0]!
}

/** Whether two nodes say the same at the same position. A `fromYaml` that makes nodes makes new ones whenever it is called. */
function isSame(one: Node, other: Node): boolean {
  if (one === other) return true
  if (one.kind !== other.kind || one.tag !== other.tag) return false
  if (one.start !== other.start || one.end !== other.end || one.source !== other.source) return false
  if (one.kind === 'sequence') return other.kind === 'sequence' && areSame(one.items, other.items, isSame)
  if (one.kind === 'mapping')
    return other.kind === 'mapping' && areSame(one.entries, other.entries, isSameEntry)
  if (one.kind === 'scalar' || one.kind === 'value') return Object.is(one.value, (other as typeof one).value)
  return one.kind !== 'format' && other.kind === one.kind && one.target === (other as typeof one).target
}

function isSameEntry(one: Entry, other: Entry): boolean {
  return (
    one === other ||
    (one.merge === other.merge && isSame(one.key, other.key) && isSame(one.value, other.value))
  )
}

function areSame<T>(some: readonly T[], others: readonly T[], same: (one: T, other: T) => boolean): boolean {
  return (
    some === others ||
    (some.length === others.length && some.every((each, index) => same(each, others[index]!)))
  )
}

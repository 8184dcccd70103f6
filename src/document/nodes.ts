import { DocumentError } from '../errors.js'
import { type AliasNode, isApplicationTag, type Node } from '../node.js'

/** The node that an alias repeats. */
export function aliasTarget(alias: AliasNode): Node {
  if (alias.target) return alias.target
  throw new DocumentError(`Alias "*${alias.name}" has no anchor before it`, { code: 'UNKNOWN_ALIAS' })
}

/** The node itself, or what it is an alias of. */
export function resolveAlias(node: Node): Node {
  return node.kind === 'alias' ? aliasTarget(node) : node
}

/** What `<<` takes in: the node behind it, or each item where that is a sequence, or an alias of one. */
export function mergeSources(value: Node): readonly Node[] {
  const node = value.kind === 'alias' ? value.target : value
  return node?.kind === 'sequence' ? node.items : [value]
}

/** The name that a key gives to its value. */
export function textOfKey(key: Node): string {
  const node = resolveAlias(key)
  return node.kind === 'scalar' ? String(node.value) : ''
}

/** The nodes below a node, each with its key or index; an alias has none. */
export function* childrenOf(node: Node): Generator<[step: string, child: Node]> {
  if (node.kind === 'sequence') for (const [index, item] of node.items.entries()) yield [`[${index}]`, item]
  if (node.kind === 'mapping') for (const { key, value } of node.entries) yield [textOfKey(key), value]
}

/** The way from `root` to a node, as a message shows it: `!Sweep › each › !Train › optimizer`. */
export function pathTo(root: Node, node: Node): string {
  return (search(root, node) ?? []).join(' › ')
}

function search(from: Node, node: Node): string[] | undefined {
  if (from === node) return []
  const own = isApplicationTag(from.tag) ? [from.tag] : []
  for (const [step, child] of childrenOf(from)) {
    const rest = search(child, node)
    if (rest) return [...own, step, ...rest]
  }
  return undefined
}

const nulls = new Set(['', '~', 'null', 'Null', 'NULL'])

/** Whether nothing stands after a tag, or a plain null. */
export function isEmpty(node: Node): boolean {
  return node.kind === 'scalar' && node.plain && nulls.has(String(node.value ?? ''))
}

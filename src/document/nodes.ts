import { DocumentError } from '../errors.js'
import { type AliasNode, isApplicationTag, type Node } from '../node.js'

/** The greatest depth of nested collections. */
export const maxDepth = 500

/** The greatest number of keys that `<<` may merge in a text: enough for any file, too few to exhaust the memory. */
export const maxMerged = 1_000_000

/** The node itself, or the one that it is an alias for; `undefined` if there is none. */
export function targetOf(node: Node): Node | undefined {
  let target: Node | undefined = node
  // In a template, a reference may lead to another one.
  while (target?.kind === 'alias') target = target.target
  return target
}

/** Where a node starts in the text, with its tag. */
export function startOf({ start, tagStart }: Node): number {
  return tagStart < 0 ? start : tagStart
}

/** The node that an alias refers to. */
export function aliasTarget(alias: AliasNode): Node {
  if (alias.target) return alias.target
  throw new DocumentError(`Alias "*${alias.name}" has no anchor before it`, { code: 'UNKNOWN_ALIAS' })
}

/** The node itself, or the one that it is an alias for. */
export function resolveAlias(node: Node): Node {
  let target = node
  while (target.kind === 'alias') target = aliasTarget(target)
  return target
}

/** The nodes that `<<` merges: its value, or each item if that is a sequence or an alias for one. */
export function mergeSources(value: Node): readonly Node[] {
  const node = targetOf(value)
  return node?.kind === 'sequence' ? node.items : [value]
}

/** The text of a key. */
export function textOfKey(key: Node): string {
  const node = resolveAlias(key)
  return node.kind === 'scalar' ? String(node.value) : ''
}

/** Yields the children of a node, each with its key or index; an alias has none. */
export function* childrenOf(node: Node): Generator<[step: string, child: Node]> {
  if (node.kind === 'sequence') for (const [index, item] of node.items.entries()) yield [`[${index}]`, item]
  if (node.kind === 'mapping') for (const { key, value } of node.entries) yield [textOfKey(key), value]
}

/** The nodes that a node is made of: its items, or its keys and values in file order. */
export function partsOf(node: Node): readonly Node[] {
  if (node.kind === 'sequence') return node.items
  return node.kind === 'mapping' ? node.entries.flatMap(({ key, value }) => [key, value]) : []
}

/** The paths of nodes below a root, as messages show them: `!Train › optimizer`. The root is searched once. */
export class NodePaths {
  #parents: ReadonlyMap<Node, Parent> | undefined

  constructor(readonly root: Node) {}

  of(node: Node): string {
    this.#parents ??= parentsBelow(this.root)
    const steps: string[] = []
    for (let found = this.#parents.get(node); found; found = this.#parents.get(found.node)) {
      steps.push(found.step)
      if (isApplicationTag(found.node.tag)) steps.push(found.node.tag)
    }
    return steps.reverse().join(' › ')
  }
}

interface Parent {
  readonly node: Node
  readonly step: string
}

function parentsBelow(root: Node): ReadonlyMap<Node, Parent> {
  const parents = new Map<Node, Parent>()
  const stack = [root]
  for (let node = stack.pop(); node; node = stack.pop())
    for (const [step, child] of childrenOf(node)) {
      if (parents.has(child)) continue
      parents.set(child, { node, step })
      stack.push(child)
    }
  return parents
}

const nulls = new Set(['', '~', 'null', 'Null', 'NULL'])

/** Whether a node has no content, or is a plain null. */
export function isEmpty(node: Node): boolean {
  return node.kind === 'scalar' && node.plain && nulls.has(String(node.value ?? ''))
}

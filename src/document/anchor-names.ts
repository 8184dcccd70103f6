import type { Node } from '../node.js'

/** The anchor of every node that has or needs one: the one that it was loaded with, else `a1`, `a2`, ... */
export function anchorNames(root: Node): Map<Node, string> {
  const nodes = [...everyNode(root)]
  const repeated = new Set(nodes.map((node) => (node.kind === 'alias' ? node.target : undefined)))
  const taken = new Set(nodes.map((node) => node.anchor))
  const names = new Map<Node, string>()
  const used = new Set<string>()
  let count = 0
  for (const node of nodes) {
    if (node.anchor === undefined && !repeated.has(node)) continue
    let name = node.anchor
    while (name === undefined || used.has(name)) name = unused(taken, () => `a${++count}`)
    used.add(name)
    names.set(node, name)
  }
  return names
}

function unused(taken: ReadonlySet<string | undefined>, next: () => string): string {
  let name = next()
  while (taken.has(name)) name = next()
  return name
}

function* everyNode(node: Node): Generator<Node> {
  yield node
  if (node.kind === 'sequence') for (const item of node.items) yield* everyNode(item)
  if (node.kind !== 'mapping') return
  for (const { key, value } of node.entries) {
    yield* everyNode(key)
    yield* everyNode(value)
  }
}

import type { Node } from '../../node.js'

/** The anchor of every node that has or needs one: the loaded one, else `a1`, `a2`, ... */
export function anchorNames(root: Node): Map<Node, string> {
  const nodes = collect(root, [])
  const repeated = new Set<Node | undefined>()
  for (const node of nodes) if (node.kind === 'alias') repeated.add(node.target)
  const taken = new Set<string | undefined>()
  for (const node of nodes) if (node.anchor !== undefined) taken.add(node.anchor)
  const names = new Map<Node, string>()
  if (repeated.size === 0 && taken.size === 0) return names
  const used = new Set<string>()
  let count = 0
  for (const node of nodes) {
    if (node.anchor === undefined && !repeated.has(node)) continue
    let name = node.anchor !== undefined && isWritable(node.anchor) ? node.anchor : undefined
    while (name === undefined || used.has(name)) name = unused(taken, () => `a${++count}`)
    used.add(name)
    names.set(node, name)
  }
  return names
}

// Some readers accept anchors that should not be written.
function isWritable(anchor: string): boolean {
  return /^[^\s,[\]{}\p{C}]+$/u.test(anchor)
}

function unused(taken: ReadonlySet<string | undefined>, next: () => string): string {
  let name = next()
  while (taken.has(name)) name = next()
  return name
}

function collect(node: Node, into: Node[]): Node[] {
  into.push(node)
  if (node.kind === 'sequence') for (const item of node.items) collect(item, into)
  if (node.kind === 'mapping')
    for (const { key, value } of node.entries) {
      collect(key, into)
      collect(value, into)
    }
  return into
}

import { textOfKey } from '../document/nodes.js'
import { printPath, type Step } from '../document/path.js'
import { parse } from '../document/read/parse.js'
import { coreTag, type Node, type ScalarNode } from '../node.js'

/** Values by path. */
export type Leaves = Record<string, unknown>

/**
 * The values of a runnable file by path: scalars; empty collections; for a node with a tag, the tag, at the path of the node. An
 * alias is the text `*name`. The sources of extensions, in a document before, are at `extensions.NAME`.
 */
export function leavesOf(text: string): Leaves {
  const { documents } = parse(text, '')
  const [first, second] = documents
  if (!first) return {}
  if (!second) return leavesOfNode(first.root)
  const extensions = leavesOfNode(first.root, [{ kind: 'key', name: 'extensions' }])
  return { ...extensions, ...leavesOfNode(second.root) }
}

/** The values of a tree, which may be made from objects. */
export function leavesOfNode(root: Node, steps: readonly Step[] = []): Leaves {
  const collector = new LeafCollector()
  collector.visit(root, [...steps])
  return collector.leaves
}

class LeafCollector {
  // A value may be named "__proto__".
  readonly leaves: Leaves = Object.create(null)

  visit(node: Node, steps: Step[]): void {
    const tag = tagOf(node)
    if (node.kind === 'mapping' || node.kind === 'sequence') {
      const isEmpty = (node.kind === 'mapping' ? node.entries : node.items).length === 0
      const empty = node.kind === 'mapping' ? '{}' : '[]'
      if (tag !== undefined) this.#add(steps, tag)
      else if (isEmpty) this.#add(steps, empty)
    }
    switch (node.kind) {
      case 'mapping':
        for (const { key, value } of node.entries)
          this.#below(value, { kind: 'key', name: textOfKey(key) }, steps)
        break
      case 'sequence':
        for (const [index, item] of node.items.entries()) this.#below(item, { kind: 'index', index }, steps)
        break
      case 'alias':
        this.#add(steps, node.name === '' ? '*' : `*${node.name}`)
        break
      case 'link':
        this.#add(steps, `!link ${node.path}`)
        break
      case 'format':
        this.#add(steps, `!format ${node.text}`)
        break
      case 'value':
        this.#add(steps, plain(node.value))
        break
      default:
        this.#add(steps, scalarValue(node, tag))
    }
  }

  #below(node: Node, step: Step, steps: Step[]): void {
    steps.push(step)
    this.visit(node, steps)
    steps.pop()
  }

  #add(steps: readonly Step[], value: unknown): void {
    this.leaves[printPath(steps)] = value
  }
}

function tagOf({ tag }: Node): string | undefined {
  return tag === undefined || tag.startsWith(coreTag) ? undefined : tag
}

function scalarValue({ value }: ScalarNode, tag: string | undefined): unknown {
  if (tag === undefined) return plain(value)
  return value === '' || value === null ? tag : `${tag} ${String(value)}`
}

/** A value as JSON can hold it. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value)))
    return String(value)
  return value ?? null
}

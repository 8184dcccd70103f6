import { DocumentError } from '../../errors.js'
import { type Entry, type Node, type ScalarNode, scalarNode, type ValueNode, valueNode } from '../../node.js'
import { didYouMean } from '../../registry/suggest.js'
import { childrenOf, isEmpty } from '../nodes.js'

/** Every node from `root` down with the path to it: `optimizer.rate`, `layers[0]`; that of the root is empty. */
export function* pathsOf(root: Node, path = ''): Generator<[path: string, node: Node]> {
  yield [path, root]
  for (const [step, child] of childrenOf(root)) yield* pathsOf(child, joined(path, step))
}

/** A copy of a node tree with values in place of the nodes at some paths; a missing option is added. */
export function copyWith(root: Node, values: Readonly<Record<string, unknown>>): Node {
  const copying = new Copying(new Map(Object.entries(values)))
  const copy = copying.copy(root, '')
  const [unused] = copying.unused
  if (unused === undefined) return copy
  throw new DocumentError(whyUnused(root, unused, Object.keys(values)), { code: 'NO_SUCH_PATH' })
}

function whyUnused(root: Node, unused: string, given: readonly string[]): string {
  const whole = given.find((path) => liesIn(unused, path))
  if (whole !== undefined) {
    const what = whole === '' ? 'the template itself' : `"${whole}"`
    return `"${unused}" lies in ${what}, which is replaced as a whole: replace one of them`
  }
  const known = [...pathsOf(root)].map(([path]) => path)
  return `The template has nothing at "${unused}"${didYouMean(unused, known)}`
}

function liesIn(path: string, whole: string): boolean {
  return path !== whole && (whole === '' || path.startsWith(`${whole}.`) || path.startsWith(`${whole}[`))
}

const replaced = new WeakMap<Node, Node>()

/** The node of the text in whose place a value was put. */
export function replacedBy(node: Node): Node | undefined {
  return replaced.get(node)
}

class Copying {
  readonly unused: Set<string>
  readonly #copies = new Map<Node, Node>()

  constructor(readonly values: ReadonlyMap<string, unknown>) {
    this.unused = new Set(values.keys())
  }

  copy(node: Node, path: string): Node {
    const isReplaced = this.values.has(path)
    const copy = isReplaced ? valueNode(this.#take(path)) : this.#copyOf(node, path)
    if (isReplaced) replaced.set(copy, node)
    this.#copies.set(node, copy)
    return copy
  }

  #copyOf(node: Node, path: string): Node {
    if (node.kind === 'sequence')
      return { ...node, items: node.items.map((item, index) => this.copy(item, joined(path, `[${index}]`))) }
    if (node.kind === 'alias')
      return { ...node, target: node.target && (this.#copies.get(node.target) ?? node.target) }
    if (node.kind !== 'mapping') return this.#withAdded(node, path)
    const steps = [...childrenOf(node)]
    const entries = node.entries.map((entry, at) => this.#entry(entry, joined(path, steps[at]![0])))
    return { ...node, entries: [...entries, ...this.#added(path)] }
  }

  // `!Train` with nothing after it may be given options as well.
  #withAdded(node: ScalarNode | ValueNode, path: string): Node {
    const entries = isEmpty(node) && node.tag !== undefined ? this.#added(path) : []
    if (entries.length === 0) return { ...node }
    const { tag, tagStart, tagEnd, anchor, start, end } = node
    return { kind: 'mapping', tag, tagStart, tagEnd, anchor, start, end, entries }
  }

  #entry(entry: Entry, path: string): Entry {
    return {
      key: this.copy(entry.key, `${path} (key)`),
      value: this.copy(entry.value, path),
      merge: entry.merge,
    }
  }

  // What is left once the mapping's own entries are copied, and belongs to this very mapping.
  #added(path: string): Entry[] {
    const names = [...this.unused].filter((unused) => parentOf(unused) === path)
    return names.map((unused) => ({
      key: scalarNode(unused.slice(path === '' ? 0 : path.length + 1)),
      value: valueNode(this.#take(unused)),
      merge: false,
    }))
  }

  #take(path: string): unknown {
    this.unused.delete(path)
    return this.values.get(path)
  }
}

function joined(path: string, step: string): string {
  return path === '' || step.startsWith('[') ? path + step : `${path}.${step}`
}

function parentOf(path: string): string | undefined {
  return path.endsWith(']') || path === '' ? undefined : path.slice(0, Math.max(0, path.lastIndexOf('.')))
}

import { DocumentError } from '../../errors.js'
import {
  type AliasNode,
  type Entry,
  type FormatNode,
  type LinkNode,
  type Node,
  type ScalarNode,
  scalarNode,
  type ValueNode,
  valueNode,
} from '../../node.js'
import type { Class } from '../../registry/registration.js'
import { didYouMean } from '../../registry/suggest.js'
import { childrenOf, isEmpty } from '../nodes.js'
import type { ConstructContext } from './construct-context.js'

const brand = Symbol.for('flambeau.Template')

/** The path from a template to a value in it: `rate`, `optimizer.rate`, `layers[0]`; the empty path is the template itself. */
export type TemplatePath = string

/**
 * An option that stays unconstructed until its owner builds it, any number of times.
 *
 * ```ts
 * // each: !Train { rate: !choice [0.01, 0.1] }
 * for (const [path, choice] of this.options.each.placeholders(Choice)) ...
 * this.options.each.build({ rate: 0.1 })
 * ```
 */
export class Template<T = unknown> {
  /** @internal */
  readonly node: Node
  /** @internal */
  readonly context: ConstructContext

  /** @internal */
  constructor(node: Node, context: ConstructContext) {
    this.node = node
    this.context = context
  }

  /** The tag at the top of the template, if it has one. */
  get tag(): string | undefined {
    return this.node.tag
  }

  /** The objects of a class in the template, by path, in file order: what `build` may replace. */
  placeholders<C extends Class>(PlaceholderClass: C): Map<TemplatePath, InstanceType<C>> {
    const found = new Map<TemplatePath, InstanceType<C>>()
    for (const [path, node] of pathsOf(this.node))
      if (isOf(this.context.registry.get(node.tag ?? '')?.Class, PlaceholderClass))
        found.set(path, this.context.construct(node) as InstanceType<C>)
    return found
  }

  /**
   * Constructs a new object from the template, with `values` in place of what is at their paths.
   *
   * @throws {@link DocumentError} when a path does not exist or a schema refuses the options.
   */
  build(values: Readonly<Record<TemplatePath, unknown>> = {}): T {
    return this.context.constructCopy(copyWith(this.node, values)) as T
  }

  /** @internal */
  get [brand](): true {
    return true
  }
}

function isOf(Class: Class | undefined, Ancestor: Class): boolean {
  return Class !== undefined && (Class === Ancestor || Class.prototype instanceof Ancestor)
}

/** Whether a value is a {@link Template}, whichever copy of this package made it. */
export function isTemplate(value: object): value is Template {
  return brand in value
}

/** Yields every node from `root` down with its path: `optimizer.rate`, `layers[0]`; the path of the root is empty. */
function* pathsOf(root: Node, path = ''): Generator<[path: string, node: Node]> {
  yield [path, root]
  for (const [step, child] of childrenOf(root)) yield* pathsOf(child, joined(path, step))
}

/** Copies a node tree, with values in place of the nodes at some paths; a missing option is added. */
function copyWith(root: Node, values: Readonly<Record<string, unknown>>): Node {
  const copying = new NodeCopy(new Map(Object.entries(values)))
  const copy = copying.copyWhole(root)
  const [unused] = copying.unused
  if (unused === undefined) return copy
  throw new DocumentError(whyUnused(root, unused, Object.keys(values)), { code: 'NO_SUCH_PATH' })
}

function whyUnused(root: Node, unused: string, paths: readonly string[]): string {
  const whole = paths.find((path) => liesIn(unused, path))
  if (whole !== undefined) {
    const what = whole === '' ? 'the template itself' : `"${whole}"`
    return `"${unused}" is inside ${what}, which is replaced as a whole: replace only one of them`
  }
  const known = [...pathsOf(root)].map(([path]) => path)
  return `The template has nothing at "${unused}"${didYouMean(unused, known)}`
}

function liesIn(path: string, whole: string): boolean {
  return path !== whole && (whole === '' || path.startsWith(`${whole}.`) || path.startsWith(`${whole}[`))
}

const replaced = new WeakMap<Node, Node>()

/** The node of the text that a value replaced. */
export function replacedBy(node: Node): Node | undefined {
  return replaced.get(node)
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

class NodeCopy {
  readonly unused: Set<string>
  readonly #copies = new Map<Node, Node>()
  readonly #retargets: (() => void)[] = []

  constructor(readonly values: ReadonlyMap<string, unknown>) {
    this.unused = new Set(values.keys())
  }

  copyWhole(root: Node): Node {
    const copy = this.copy(root, '')
    for (const retarget of this.#retargets) retarget()
    return copy
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
    if (node.kind === 'alias' || node.kind === 'link' || node.kind === 'format') return this.#retargeted(node)
    if (node.kind !== 'mapping') return this.#withAdded(node, path)
    const steps = [...childrenOf(node)]
    const entries = node.entries.map((entry, index) => this.#entry(entry, joined(path, steps[index]![0])))
    return { ...node, entries: [...entries, ...this.#added(path)] }
  }

  // A reference may lead to a node that is copied later.
  #retargeted(node: AliasNode | LinkNode | FormatNode): Node {
    const copy: Mutable<AliasNode> | Mutable<LinkNode> | Mutable<FormatNode> = { ...node }
    const copied = (target: Node): Node => this.#copies.get(target) ?? target
    this.#retargets.push(() => {
      if (copy.kind === 'format')
        copy.parts = copy.parts.map((part) => (typeof part === 'string' ? part : copied(part)))
      else if (copy.target) copy.target = copied(copy.target)
    })
    return copy
  }

  // `!Train` with nothing after it may get options, too.
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

  // The values that no entry of this mapping used up, if they belong to it.
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

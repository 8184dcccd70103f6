import { DocumentError } from '../../errors.js'
import {
  type AliasNode,
  type Entry,
  type FormatNode,
  type LinkNode,
  type Node,
  scalarNode,
  valueNode,
} from '../../node.js'
import { candidatesOf } from '../../registry/placeholder.js'
import type { Class } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import { isEmpty } from '../nodes.js'
import { explainMiss, nodeAt, type PathMiss, parsePath, printPath, type Step, stepsOf } from '../path.js'
import type { ConstructContext } from './construct-context.js'

const brand = Symbol.for('flambeau.Template')

/**
 * The path from a template to a value in it: `rate`, `optimizer.rate`, `layers[0]`, `layers[-1]`, `"a key.with dots"[2]`; the
 * empty path is the template itself.
 */
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
    const found = [...pathsOf(this.node)].filter(([, { tag = '' }]) =>
      isOf(this.context.registry.get(tag)?.Class, PlaceholderClass),
    )
    return new Map(
      found.map(([path, node]) => [printPath(path), this.context.construct(node) as InstanceType<C>]),
    )
  }

  /** @internal The nodes of a placeholder class, in file order, each with those in its values. */
  placeholderSites(PlaceholderClass: Class): readonly PlaceholderSite[] {
    return [...sitesOf(this.node, [], { registry: this.context.registry, PlaceholderClass })]
  }

  /** @internal Constructs the object of a placeholder. */
  placeholderAt({ node }: PlaceholderSite): unknown {
    return this.context.construct(node)
  }

  /** @internal A part of the template. */
  part(node: Node): Template {
    return new Template(node, this.context)
  }

  /** @internal Does the same as {@link buildAsync}, with other nodes in place of those of placeholders. */
  async buildPicked(picks: ReadonlyMap<Node, Node>): Promise<T> {
    const copy = new NodeCopy(new Changes(this.node), picks).copyWhole(this.node)
    return (await this.context.constructCopyAsync(copy)) as T
  }

  /**
   * Constructs a new object from the template, with `values` in place of what is at their paths.
   *
   * @throws {@link DocumentError} when a path does not exist or a schema refuses the options.
   */
  build(values: Readonly<Record<TemplatePath, unknown>> = {}): T {
    return this.context.constructCopy(copyWith(this.node, values)) as T
  }

  /**
   * Does the same as {@link build}, and waits for objects that are asynchronous. They are disposed of with the object that the
   * template belongs to, or earlier, with {@link disposeAll}.
   */
  async buildAsync(values: Readonly<Record<TemplatePath, unknown>> = {}): Promise<T> {
    return (await this.context.constructCopyAsync(copyWith(this.node, values))) as T
  }

  /** @internal */
  get [brand](): true {
    return true
  }
}

/** @internal A placeholder in a template. */
export interface PlaceholderSite {
  readonly path: TemplatePath
  readonly node: Node
  readonly Class: Class
  /** The nodes of the values that it may become. */
  readonly candidates: readonly Node[]
  /** For each of them, the placeholders in it. */
  readonly nested: readonly (readonly PlaceholderSite[])[]
}

function* sitesOf(
  node: Node,
  path: readonly Step[],
  kind: { readonly registry: Registry; readonly PlaceholderClass: Class },
): Generator<PlaceholderSite> {
  const resolved = node.tag === undefined ? undefined : kind.registry.get(node.tag)
  const values = resolved && isOf(resolved.Class, kind.PlaceholderClass) && candidatesOf(node, resolved)
  if (!values) {
    for (const [step, child] of stepsOf(node)) yield* sitesOf(child, [...path, step], kind)
    return
  }
  const nested = values.map((value) => [...sitesOf(value, path, kind)])
  yield { path: printPath(path), node, Class: resolved.Class, candidates: values, nested }
}

function isOf(Class: Class | undefined, Ancestor: Class): boolean {
  return Class !== undefined && (Class === Ancestor || Class.prototype instanceof Ancestor)
}

/** Whether a value is a {@link Template}, whichever copy of this package made it. */
export function isTemplate(value: object): value is Template {
  return brand in value
}

/** Yields every node from `root` down with its path: `optimizer.rate`, `layers[0]`; the path of the root is empty. */
function* pathsOf(root: Node, path: readonly Step[] = []): Generator<[path: readonly Step[], node: Node]> {
  yield [path, root]
  for (const [step, child] of stepsOf(root)) yield* pathsOf(child, [...path, step])
}

/** Copies a node tree, with values in place of the nodes at some paths; a missing option is added. */
function copyWith(root: Node, values: Readonly<Record<string, unknown>>): Node {
  const changes = new Changes(root)
  for (const [path, value] of Object.entries(values)) changes.add(path, value)
  changes.verify()
  return new NodeCopy(changes).copyWhole(root)
}

interface Option {
  readonly name: string
  readonly value: unknown
}

/** The values of `build`: in place of nodes of the template, and added to them. */
class Changes {
  readonly replaced = new Map<Node, { readonly path: string; readonly value: unknown }>()
  readonly added = new Map<Node, Option[]>()
  readonly #above = new Map<string, readonly Node[]>()
  readonly #failures: DocumentError[] = []

  constructor(readonly root: Node) {}

  add(path: string, value: unknown): void {
    const { steps, mistake } = parsePath(path)
    if (mistake) throw noSuchPath(`"${path}" is not a path: ${mistake.message}`, mistake.code)
    const found = nodeAt(this.root, steps)
    if (found.miss === undefined) this.#replace(found.node, path, value)
    else this.#add(steps, found, value)
    this.#above.set(path, found.miss === undefined ? found.above : [...found.above, found.node])
  }

  #replace(node: Node, path: string, value: unknown): void {
    const other = this.replaced.get(node)?.path
    if (other !== undefined) throw noSuchPath(`"${other}" and "${path}" are the same value: keep one of them`)
    this.replaced.set(node, { path, value })
  }

  // `!Train` with nothing after it may get options, too.
  #add(steps: readonly Step[], found: PathMiss, value: unknown): void {
    const { node, miss, depth } = found
    const step = steps[depth]!
    const takesOptions = miss === 'unknown-key' || (isEmpty(node) && node.tag !== undefined)
    if (takesOptions && step.kind === 'key' && depth === steps.length - 1)
      this.added.set(node, [...(this.added.get(node) ?? []), { name: step.name, value }])
    else this.#failures.push(noSuchPath(explainMiss(steps, found, { root: this.root, rootName: 'template' })))
  }

  /** Throws if a path leads nowhere, or into a value that is replaced as a whole. */
  verify(): void {
    for (const [path, above] of this.#above) {
      const whole = above.find((node) => this.replaced.has(node))
      if (whole) throw insideReplaced(path, this.replaced.get(whole)!.path)
    }
    for (const failure of this.#failures) throw failure
  }
}

function insideReplaced(path: string, whole: string): DocumentError {
  const what = whole === '' ? 'the template itself' : `"${whole}"`
  return noSuchPath(`"${path}" is inside ${what}, which is replaced as a whole: replace only one of them`)
}

function noSuchPath(message: string, code = 'NO_SUCH_PATH'): DocumentError {
  return new DocumentError(message, { code })
}

const replaced = new WeakMap<Node, Node>()

/** The node of the text that a value replaced. */
export function replacedBy(node: Node): Node | undefined {
  return replaced.get(node)
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Marks a link into a value of the program. */
const insideValue = -2

class NodeCopy {
  readonly #copies = new Map<Node, Node>()
  readonly #retargets: (() => void)[] = []
  #insides: Map<Node, { path: readonly Step[]; replaced: Node }> | undefined

  constructor(
    readonly changes: Changes,
    /** The nodes that are copied in place of others. */
    readonly picks: ReadonlyMap<Node, Node> = new Map(),
  ) {}

  copyWhole(root: Node): Node {
    const copy = this.copy(root)
    for (const retarget of this.#retargets) retarget()
    return copy
  }

  copy(node: Node): Node {
    const pick = this.picks.get(node)
    if (pick) return this.#copyPick(node, pick)
    const change = this.changes.replaced.get(node)
    const copy = change ? valueNode(change.value) : this.#copyOf(node)
    if (change) replaced.set(copy, node)
    this.#copies.set(node, copy)
    return copy
  }

  // An alias to the placeholder is one to what was picked.
  #copyPick(node: Node, pick: Node): Node {
    const copy = pick.kind === 'value' ? { ...pick } : this.copy(pick)
    if (pick.kind === 'value') replaced.set(copy, node)
    this.#copies.set(node, copy)
    return copy
  }

  #copyOf(node: Node): Node {
    if (node.kind === 'sequence') return { ...node, items: node.items.map((item) => this.copy(item)) }
    if (node.kind === 'alias' || node.kind === 'link' || node.kind === 'format') return this.#retargeted(node)
    const added = (this.changes.added.get(node) ?? []).map(({ name, value }) => ({
      key: scalarNode(name),
      value: valueNode(value),
      merge: false,
    }))
    if (node.kind === 'mapping')
      return { ...node, entries: [...node.entries.map((entry) => this.#entry(entry)), ...added] }
    if (added.length === 0) return { ...node }
    const { tag, tagStart, tagEnd, anchor, start, end } = node
    return { kind: 'mapping', tag, tagStart, tagEnd, anchor, start, end, entries: added }
  }

  // A reference may lead to a node that is copied later.
  #retargeted(node: AliasNode | LinkNode | FormatNode): Node {
    const copy: Mutable<AliasNode> | Mutable<LinkNode> | Mutable<FormatNode> = { ...node }
    this.#retargets.push(() => {
      if (copy.kind === 'format')
        copy.parts = copy.parts.map((part) => (typeof part === 'string' ? part : this.#copied(part, copy)))
      else if (copy.target) this.#retarget(copy, copy.target)
    })
    return copy
  }

  #retarget(copy: Mutable<AliasNode> | Mutable<LinkNode>, target: Node): void {
    // A name is that of an anchor, whose node has its value wherever it stands.
    const isAnchor = copy.kind === 'alias' && copy.name !== ''
    const copied = isAnchor ? (this.#copies.get(target) ?? target) : this.#copied(target, copy)
    if (copied.kind !== 'link' || copied.tagStart !== insideValue) copy.target = copied
    else
      Object.assign(copy, { ...copied, rest: [...copied.rest, ...(copy.kind === 'link' ? copy.rest : [])] })
  }

  // What was in a node that `build` replaced is read from the value.
  #copied(target: Node, reference: Node): Node {
    const copy = this.#copies.get(target)
    const inside = copy ? undefined : this.#inside(target)
    if (!inside) {
      if (target.kind !== 'link') return copy ?? target
      return copy ?? { ...target, target: this.#copied(target.target, reference) }
    }
    const rest = inside.path.map((step) => (step.kind === 'key' ? step.name : step.index))
    const { start, end, source } = reference
    const place = { tag: undefined, tagStart: insideValue, tagEnd: -1, anchor: undefined, start, end }
    const link: LinkNode = {
      kind: 'link',
      ...place,
      path: printPath(inside.path),
      target: inside.replaced,
      rest,
    }
    return source ? { ...link, source } : link
  }

  #inside(target: Node): { path: readonly Step[]; replaced: Node } | undefined {
    if (!this.#insides) {
      this.#insides = new Map()
      for (const root of this.changes.replaced.keys())
        for (const [path, node] of pathsOf(root))
          this.#insides.set(node, { path, replaced: this.#copies.get(root)! })
    }
    return this.#insides.get(target)
  }

  #entry({ key, value, merge }: Entry): Entry {
    return { key: this.copy(key), value: this.copy(value), merge }
  }
}

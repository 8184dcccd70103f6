import type { Entry, MappingNode, Node } from '../../node.js'
import type { Registry } from '../../registry/registry.js'
import { keyText, MergeWalk, type PathMiss, type Step } from '../path.js'
import { maxMerged } from '../read/parsed.js'
import { isPlaceholder, isReference, type Scope } from './reference-sites.js'

/** Yields a reference that has to be resolved before the work can go on. */
export type Work<T> = Generator<Node, T>

/** The node at a path; why there is none; or nothing when a value on the way has a problem of its own. */
export type Walk =
  | { readonly kind: 'found'; readonly node: Node; readonly entersTemplate: boolean }
  | {
      readonly kind: 'miss'
      readonly miss: PathMiss
      /** Whether the path goes into a placeholder of a template. */
      readonly isChosen: boolean
      readonly entersTemplate: boolean
    }
  | { readonly kind: 'unknown' }

/** Follows paths in a document while its references are being resolved; unlike overrides, it reads through aliases and `<<`. */
export class PathWalker {
  readonly #indices = new WeakMap<MappingNode, Map<string, Entry>>()
  #merged = 0

  constructor(
    readonly resolved: ReadonlyMap<Node, Node>,
    readonly templates: ReadonlySet<Node>,
    readonly registry: Registry,
  ) {}

  *walk({ top, isTemplate }: Scope, steps: readonly Step[]): Work<Walk> {
    let node = yield* this.settled(top)
    let entersTemplate = false
    for (const [depth, step] of steps.entries()) {
      const parent = yield* this.followed(node)
      if (!parent) return { kind: 'unknown' }
      const isChosen = isTemplate && isPlaceholder(parent, this.registry)
      const found = isChosen ? 'below-scalar' : yield* this.#child(parent, step)
      if (typeof found === 'string') {
        const miss = { node: parent, above: [], miss: found, depth }
        return { kind: 'miss', miss, entersTemplate, isChosen }
      }
      entersTemplate ||= this.templates.has(found)
      node = yield* this.settled(found)
    }
    return { kind: 'found', node, entersTemplate }
  }

  /** The node that stands for a node once references are resolved; an alias is not followed. */
  *settled(node: Node): Work<Node> {
    if (isReference(node) && !this.resolved.has(node)) yield node
    return this.resolved.get(node) ?? node
  }

  /** The node to which aliases lead; `undefined` when they lead to none. */
  *followed(from: Node): Work<Node | undefined> {
    let node = yield* this.settled(from)
    while (node.kind === 'alias') {
      if (!node.target) return undefined
      node = yield* this.settled(node.target)
    }
    return node
  }

  *#child(parent: Node, step: Step): Work<Node | PathMiss['miss']> {
    if (parent.kind === 'mapping') {
      if (step.kind === 'index') return 'index-in-mapping'
      const entry = this.#entry(parent, step.name) ?? (yield* this.#mergedEntry(parent, step.name))
      return entry?.value ?? 'unknown-key'
    }
    if (parent.kind !== 'sequence') return 'below-scalar'
    if (step.kind === 'key') return 'name-in-sequence'
    const index = step.index < 0 ? parent.items.length + step.index : step.index
    return parent.items[index] ?? 'out-of-range'
  }

  #entry(mapping: MappingNode, name: string): Entry | undefined {
    if (mapping.entries.length < 8) return mapping.entries.find(({ key }) => keyText(key) === name)
    let index = this.#indices.get(mapping)
    if (!index) {
      index = new Map()
      for (const entry of mapping.entries) {
        const key = keyText(entry.key)
        if (key !== undefined && !index.has(key)) index.set(key, entry)
      }
      this.#indices.set(mapping, index)
    }
    return index.get(name)
  }

  *#mergedEntry(mapping: MappingNode, name: string): Work<Entry | undefined> {
    const walk = new MergeWalk(mapping)
    for (let node = walk.next(); node && ++this.#merged <= maxMerged; node = walk.next()) {
      const source = walk.enter(yield* this.followed(node))
      const entry = source && this.#entry(source, name)
      if (entry && !entry.merge) return entry
    }
    return undefined
  }
}

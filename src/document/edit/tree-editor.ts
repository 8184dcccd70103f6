import {
  type Entry,
  isApplicationTag,
  type MappingNode,
  mappingNode,
  type Node,
  type SequenceNode,
  scalarNode,
  sequenceNode,
} from '../../node.js'
import type { Source, Span } from '../../source.js'
import { isEmpty, maxDepth, partsOf, resolveAlias } from '../nodes.js'
import {
  type ChildLookup,
  describeSingle,
  explainMiss,
  type FoundNode,
  keyText,
  mergedEntry,
  nodeAt,
  type PathMiss,
  quotedPath,
} from '../path.js'
import type { ProblemList } from '../problems.js'
import { AnchorIndex, type Outside } from './anchor-index.js'
import type { Override } from './override.js'

/** A key that an override added: whether its owner takes it is known when all tags are registered. */
export interface Addition {
  /** The nearest tagged node around the key. */
  readonly owner: Node
  /** The names from the owner to the key. */
  readonly names: readonly string[]
  readonly override: Override
  /** The number of the step that names the key. */
  readonly depth: number
}

/** What overrides did to a tree, which they changed in place. */
export interface EditedTree {
  readonly root: Node
  readonly additions: readonly Addition[]
  /** The children that each changed collection had before: items, or entries. */
  readonly changed: ReadonlyMap<Node, readonly Node[] | readonly Entry[]>
  /** The node before all overrides in place of which a new one is. */
  readonly replaced: ReadonlyMap<Node, Node>
  /** The override that each new value and key comes from. */
  readonly origins: ReadonlyMap<Node, Override>
  /** The overrides without problems, each with the nodes above what it changed. */
  readonly applied: readonly Applied[]
}

/** An override, and the nodes above what it changed, from the root on. */
export interface Applied {
  readonly override: Override
  readonly above: readonly Node[]
}

/** Where a tree is edited. */
export interface EditContext {
  /** The text of the document. */
  readonly document: Source
  readonly problems: ProblemList
  /** The number of collections around the root; default 0. */
  readonly depth?: number
}

/**
 * Applies overrides to a tree in order and in place. An override with a problem changes nothing. The time is linear in the
 * size of the tree and of the overrides.
 */
export function applyOverrides(root: Node, overrides: readonly Override[], context: EditContext): EditedTree {
  const editor = new TreeEditor(root, context)
  for (const override of overrides) editor.apply(override)
  return editor.finish()
}

class TreeEditor implements ChildLookup {
  readonly additions: Addition[] = []
  readonly changed = new Map<Node, readonly Node[] | readonly Entry[]>()
  readonly replaced = new Map<Node, Node>()
  readonly origins = new Map<Node, Override>()
  /** The entries of each mapping on the way, by key; in file order. */
  readonly #entries = new Map<MappingNode, Map<string, Entry>>()
  readonly #anchors: AnchorIndex
  readonly #applied: Applied[] = []
  #root: Node

  constructor(
    root: Node,
    readonly context: EditContext,
  ) {
    this.#root = root
    this.#anchors = new AnchorIndex(this)
  }

  get root(): Node {
    return this.#root
  }

  entry(mapping: MappingNode, name: string): Entry | undefined {
    return this.#indexed(mapping).get(name)
  }

  entries(mapping: MappingNode): Iterable<Entry> {
    return this.#entries.get(mapping)?.values() ?? mapping.entries
  }

  items({ items }: SequenceNode): readonly Node[] {
    return items
  }

  #indexed(mapping: MappingNode): Map<string, Entry> {
    const known = this.#entries.get(mapping)
    if (known) return known
    const index = new Map<string, Entry>()
    for (const entry of mapping.entries) {
      const name = keyText(entry.key)
      // Keys that no path can name, such as the second of two equal ones, are kept under another name.
      index.set(name === undefined || index.has(name) ? `\0${index.size}` : name, entry)
    }
    this.#entries.set(mapping, index)
    return index
  }

  apply(override: Override): void {
    const found = nodeAt(this.#root, override.steps, this)
    const refusal = this.#change(override, found)
    if (!refusal) {
      const above = isInside(found, override) ? [...found.above, found.node] : found.above
      this.#applied.push({ override, above })
      return
    }
    const { code, message, span } = refusal
    this.context.problems.add(() => override.source.problem(code, message(), span))
  }

  #change(override: Override, found: FoundNode | PathMiss): Refusal | undefined {
    if (this.#isTooDeep(override)) return refusal(override, 'TOO_DEEP', () => tooDeep)
    if (override.operation === 'remove') return this.#remove(override, found)
    if (override.operation === 'append') return this.#append(override, found)
    return found.miss === undefined ? this.#set(override, found) : this.#add(override, found, override.value!)
  }

  #isTooDeep({ operation, steps, value }: Override): boolean {
    const around = (this.context.depth ?? 0) + steps.length + (operation === 'append' ? 1 : 0)
    return value !== undefined && around + depthOf(value) > maxDepth
  }

  finish(): EditedTree {
    for (const node of this.changed.keys())
      if (node.kind === 'mapping')
        (node as { entries: readonly Entry[] }).entries = [...this.#entries.get(node)!.values()]
    this.#anchors.finish()
    const { root, additions, changed, replaced, origins } = this
    return { root, additions, changed, replaced, origins, applied: this.#applied }
  }

  // Points at the first step that does not exist.
  #miss({ steps }: Override, miss: PathMiss): Refusal {
    const { suggester } = this.context.problems
    const message = () =>
      explainMiss(steps, miss, { root: this.#root, rootName: 'document', lookup: this, suggester })
    const span = steps[Math.min(miss.depth, steps.length - 1)]!
    return { code: 'NO_SUCH_PATH', message, span }
  }

  #set(override: Override, { node, above }: FoundNode): Refusal | undefined {
    const value = override.value!
    const parent = above.at(-1)
    if (this.#isMerge(parent, override) && resolveAlias(value).kind !== 'mapping')
      return refusal(override, 'BAD_OVERRIDE', () => '"<<" takes a mapping: write one after "="')
    const outside = this.#anchors.outsideOf(node, 'inside')
    if (outside) return this.#hasAliases(override, outside, 'replaced')
    this.#replace(override, node, { parent, value })
    return undefined
  }

  #isMerge(parent: Node | undefined, { steps }: Override): boolean {
    const step = steps.at(-1)
    return parent?.kind === 'mapping' && step?.kind === 'key' && this.entry(parent, step.name)?.merge === true
  }

  /** Puts a value in the place of a node, with its anchor. */
  #replace(
    override: Override,
    node: Node,
    { parent, value }: { parent: Node | undefined; value: Node },
  ): void {
    if (node.anchor !== undefined && value.kind !== 'alias')
      (value as { anchor: string | undefined }).anchor = node.anchor
    this.#anchors.replace(node, value)
    this.#recordReplaced(value, node, override)
    if (parent?.kind === 'sequence') this.#setItem(parent, override, value)
    else if (parent?.kind === 'mapping') this.#setEntry(parent, override, value)
    else this.#root = value
  }

  #recordReplaced(value: Node, node: Node, override: Override): void {
    const before = this.origins.has(node) ? this.replaced.get(node) : node
    if (before) this.replaced.set(value, before)
    this.origins.set(value, override)
  }

  #setItem(parent: SequenceNode, { steps }: Override, value: Node): void {
    const items = this.#changedItems(parent)
    const { index } = steps.at(-1) as { index: number }
    items[index < 0 ? items.length + index : index] = value
  }

  #setEntry(parent: MappingNode, { steps }: Override, value: Node): void {
    const { name } = steps.at(-1) as { name: string }
    const entries = this.#changedEntries(parent)
    entries.set(name, { ...entries.get(name)!, value })
  }

  #changedItems(sequence: SequenceNode): Node[] {
    if (!this.changed.has(sequence)) {
      this.changed.set(sequence, sequence.items)
      ;(sequence as { items: readonly Node[] }).items = [...sequence.items]
    }
    return sequence.items as Node[]
  }

  #changedEntries(mapping: MappingNode): Map<string, Entry> {
    if (!this.changed.has(mapping)) this.changed.set(mapping, mapping.entries)
    return this.#indexed(mapping)
  }

  /** Adds a key, with plain mappings for the steps between. */
  #add(override: Override, found: PathMiss, value: Node): Refusal | undefined {
    const { node, miss, depth } = found
    const names = override.steps.slice(depth).map((step) => (step.kind === 'key' ? step.name : undefined))
    const isLast = depth === override.steps.length - 1
    const takesKey = miss === 'unknown-key' ? isLast || !this.#isMerged(node, names[0]) : isFree(node)
    if (!takesKey || names.includes(undefined)) return this.#miss(override, found)
    const target = node.kind === 'mapping' ? node : this.#becomeMapping(override, found)
    const entry = this.#newEntry(override, depth, value)
    this.#changedEntries(target).set(names[0]!, entry)
    this.#anchors.add(value)
    this.#recordAddition(override, found.above, { node: target, depth })
    return undefined
  }

  #isMerged(node: Node, name: string | undefined): boolean {
    return node.kind === 'mapping' && name !== undefined && mergedEntry(node, name) !== undefined
  }

  // `!Train` with nothing after it gets options, and null becomes a mapping.
  #becomeMapping(override: Override, { node, above, depth }: PathMiss): MappingNode {
    const made = emptyMapping(node)
    const before = { ...override, steps: override.steps.slice(0, depth) }
    this.#replace(before, node, { parent: above.at(-1), value: made })
    return made
  }

  #newEntry(override: Override, depth: number, value: Node): Entry {
    const key = keyOf(override, depth)
    this.origins.set(key, override)
    const isLast = depth === override.steps.length - 1
    const below = isLast ? value : mappingNode([this.#newEntry(override, depth + 1, value)])
    this.origins.set(below, override)
    return { key, value: below, merge: false }
  }

  #recordAddition(
    override: Override,
    above: readonly Node[],
    { node, depth }: { node: Node; depth: number },
  ): void {
    const nodes = [...above, node]
    const level = nodes.findLastIndex(({ tag }) => isApplicationTag(tag))
    if (level === -1) return
    const names = override.steps
      .slice(level)
      .map((step) => (step.kind === 'key' ? step.name : String(step.index)))
    for (let last = depth; last < override.steps.length; last++)
      this.additions.push({
        owner: nodes[level]!,
        names: names.slice(0, last - level + 1),
        override,
        depth: last,
      })
  }

  #append(override: Override, found: FoundNode | PathMiss): Refusal | undefined {
    if (found.miss !== undefined) return this.#appendToMissing(override, found)
    const { node, above } = found
    if (node.kind === 'alias')
      return this.#miss(override, { node, above, miss: 'through-alias', depth: above.length })
    if (node.kind === 'sequence') this.#push(override, node)
    else if (isFree(node) && node.tag === undefined)
      this.#replace(override, node, { parent: above.at(-1), value: this.#sequenceOf(override) })
    else return notASequence(override, node)
    return undefined
  }

  #push(override: Override, sequence: SequenceNode): void {
    const value = override.value!
    this.#changedItems(sequence).push(value)
    this.#anchors.add(value)
    this.origins.set(value, override)
  }

  #appendToMissing(override: Override, found: PathMiss): Refusal | undefined {
    const last = override.steps[found.depth]!
    if (last.kind === 'key' && this.#isMerged(found.node, last.name)) return this.#miss(override, found)
    return this.#add(override, found, this.#sequenceOf(override))
  }

  // A missing sequence begins with the item.
  #sequenceOf(override: Override): SequenceNode {
    this.origins.set(override.value!, override)
    return sequenceNode([override.value!])
  }

  #remove(override: Override, found: FoundNode | PathMiss): Refusal | undefined {
    if (found.miss !== undefined) return this.#miss(override, found)
    const parent = found.above.at(-1)!
    const step = override.steps.at(-1)!
    const entry = parent.kind === 'mapping' && step.kind === 'key' ? this.entry(parent, step.name) : undefined
    const removed = entry ? [entry.key, entry.value] : [found.node]
    for (const node of removed) {
      const outside = this.#anchors.outsideOf(node, 'whole')
      if (outside) return this.#hasAliases(override, outside, 'removed')
    }
    for (const node of removed) this.#anchors.remove(node)
    if (parent.kind === 'sequence' && step.kind === 'index') this.#changedItems(parent).splice(step.index, 1)
    if (parent.kind === 'mapping' && step.kind === 'key') this.#changedEntries(parent).delete(step.name)
    return undefined
  }

  #hasAliases(override: Override, { alias, target }: Outside, verb: string): Refusal {
    const source = alias.source ?? this.context.document
    return refusal(override, 'HAS_ALIASES', () => {
      const { line, column } = source.position(Math.max(alias.start, 0))
      const where = alias.start < 0 ? '' : ` at ${source.filename}:${line}:${column}`
      const what = `${quotedPath(override.steps)} cannot be ${verb}: "*${target.anchor}"${where} refers to`
      return `${what} "&${target.anchor}" in it, so override that first`
    })
  }
}

const tooDeep = `The value would be nested more than ${maxDepth} levels deep: put it higher up, or make it flatter`

/** The number of collections in each other. */
function depthOf(node: Node): number {
  if (node.kind !== 'mapping' && node.kind !== 'sequence') return 0
  return 1 + partsOf(node).reduce((most, part) => Math.max(most, depthOf(part)), 0)
}

/** Why an override is not applied. */
interface Refusal {
  readonly code: string
  readonly message: () => string
  readonly span: Span
}

function refusal({ span }: Override, code: string, message: () => string): Refusal {
  return { code, message, span }
}

function notASequence(override: Override, node: Node): Refusal {
  const found = () => `${quotedPath(override.steps)} is ${describeSingle(node)}`
  const remedy = 'but "+=" appends an item to a sequence: write "=" to replace the value'
  return refusal(override, 'NOT_A_SEQUENCE', () => `${found()}, ${remedy}`)
}

// Whether the node that was found is itself changed, not replaced or removed.
function isInside(found: FoundNode | PathMiss, { operation }: Override): boolean {
  const isCollection = found.node.kind === 'mapping' || found.node.kind === 'sequence'
  return isCollection && (found.miss !== undefined || operation === 'append')
}

// Its text is the step of the path.
function keyOf({ steps, source }: Override, depth: number): Node {
  const { start, end, ...step } = steps[depth]!
  const key = scalarNode(step.kind === 'key' ? step.name : undefined)
  return { ...key, start, end, source }
}

// What may become a mapping or a sequence: null, or a tag with nothing after it.
function isFree(node: Node): boolean {
  return isEmpty(node) && (node.tag === undefined || isApplicationTag(node.tag))
}

// With the tag of an empty node that it replaces.
function emptyMapping(from?: Node): MappingNode {
  const made = mappingNode([], from?.tag)
  if (!from) return made
  const { tagStart, tagEnd, source } = from
  return { ...made, tagStart, tagEnd, ...(source && { source }) }
}

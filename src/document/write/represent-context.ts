import { type Entry, isApplicationTag, type MappingNode, type Node, type ScalarNode } from '../../node.js'
import { type Definition, optionName } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import type { ConstructContext } from '../construct/construct-context.js'
import { resolveAlias, textOfKey } from '../nodes.js'

/** A loaded node, and the loading that knows what it became. */
export interface Origin {
  readonly node: Node
  readonly context: ConstructContext
  /** The node lends its style only: what takes its place is another thing. */
  readonly styleOnly?: true
}

/** Makes nodes of values. */
export interface RepresentContext {
  readonly registry: Registry
  /** Whether what a schema filled in is written too. */
  readonly defaults: boolean
  /** The node of a value; `hint` is what stood in its place, whose style and comments it keeps. */
  represent(value: unknown, origin?: Origin): Node
  /** The node that a loaded one is written as, with what became of it since. */
  copy(origin: Origin): Node
  copyEntry(entry: Entry, context: ConstructContext): Entry
  /** The finished node that a loaded one, or what it is an alias of, was written as. */
  written(node: Node, context: ConstructContext): Node | undefined
  /** Whether a made node, or what it is an alias of, is that of a value. */
  isWrittenAs(value: unknown, made: Node, context: ConstructContext): boolean
  /** The values that a made mapping has when it is read, by their names: what `<<` brings along included. */
  mergedEntries(made: Node): ReadonlyMap<string, Node>
  /** The node of a name that no file has; mappings share it, as they do their names. */
  key(name: string): ScalarNode
  /** Says which loaded node a made one takes the place of, and returns the made one. */
  recordOrigin<N extends Node>(made: N, origin: Origin | undefined): N
  /** Makes something one step further down. */
  within<T>(step: string, make: () => T): T
}

/** Stands for what was not constructed, as what is in a template: its node is all there is. */
export class Unconstructed implements Origin {
  constructor(
    readonly node: Node,
    readonly context: ConstructContext,
  ) {}
}

/** The values of a loaded mapping as it is read, with what `<<` brings along; for an object, by the names of options. */
export function valuesOf(
  node: MappingNode,
  context: ConstructContext,
  definition?: Definition,
): Map<string, unknown> {
  const values = new Map<string, unknown>()
  for (const { key, value } of context.entriesOf(node)) {
    const name = definition ? optionName(textOfKey(key), definition.keys) : textOfKey(key)
    values.set(name, currentOf(value, context))
  }
  return values
}

function currentOf(written: Node, context: ConstructContext): unknown {
  const node = resolveAlias(written)
  if (node.kind === 'value') return node.value
  if (node.kind === 'scalar' && !isApplicationTag(node.tag) && !isObject(node.value)) return node.value
  return context.valueOf(node) ?? new Unconstructed(node, context)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

import { type Entry, isApplicationTag, type MappingNode, type Node, type ScalarNode } from '../../node.js'
import { type Definition, optionName } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import type { ConstructContext } from '../construct/construct-context.js'
import { resolveAlias, textOfKey } from '../nodes.js'

/** The loaded node that a made one comes from, and the context that has the values of loaded nodes. */
export interface Origin {
  readonly node: Node
  readonly context: ConstructContext
  /** Only the style of the node is used: the value that replaces it is a different one. */
  readonly styleOnly?: true
}

/** Makes the nodes of values. */
export interface RepresentContext {
  readonly registry: Registry
  /** Whether the defaults of schemas are written, too. */
  readonly defaults: boolean
  /** The node of a value, with the style and comments of its `origin`. */
  represent(value: unknown, origin?: Origin): Node
  /** The node for a loaded one, with the changes since. */
  copy(origin: Origin): Node
  copyEntry(entry: Entry, context: ConstructContext): Entry
  /** The finished node for a loaded one, or for the target of an alias. */
  written(node: Node, context: ConstructContext): Node | undefined
  /** Whether a made node, or the target of an alias, represents a value. */
  isWrittenAs(value: unknown, made: Node, context: ConstructContext): boolean
  /** The values that a made mapping will have when it is read, including merged ones, by name. */
  mergedEntries(made: Node): ReadonlyMap<string, Node>
  /** The node of a key that was not loaded; mappings share it. */
  key(name: string): ScalarNode
  /** Records which loaded node a made one comes from, and returns the made one. */
  recordOrigin<N extends Node>(made: N, origin: Origin | undefined): N
  /** Calls `make` one step deeper in the path. */
  within<T>(step: string, make: () => T): T
}

/** The value of a node that was not constructed, such as one in a template. */
export class Unconstructed implements Origin {
  constructor(
    readonly node: Node,
    readonly context: ConstructContext,
  ) {}
}

/** The current values of a loaded mapping, including merged ones; for an object, by the names of its options. */
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

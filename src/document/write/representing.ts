import type { Entry, Node, ScalarNode } from '../../node.js'
import type { Registry } from '../../registry/registry.js'
import type { Constructing } from '../construct/constructing.js'

/** A loaded node, and the loading that knows what it became. */
export interface Hint {
  readonly node: Node
  readonly by: Constructing
  /** The node lends its style only: what takes its place is another thing. */
  readonly styleOnly?: true
}

/** Makes nodes of values. */
export interface Representing {
  readonly registry: Registry
  /** Whether what a schema filled in is written too. */
  readonly defaults: boolean
  /** The node of a value; `hint` is what stood in its place, whose style and comments it keeps. */
  represent(value: unknown, hint?: Hint): Node
  /** The node that a loaded one is written as, with what became of it since. */
  copy(hint: Hint): Node
  copyEntry(entry: Entry, by: Constructing): Entry
  /** The finished node that a loaded one, or what it is an alias of, was written as. */
  written(node: Node, by: Constructing): Node | undefined
  /** Whether a made node, or what it is an alias of, is that of a value. */
  isWrittenAs(value: unknown, made: Node, by: Constructing): boolean
  /** The values that a made mapping has when it is read, by their names: what `<<` brings along included. */
  mergedEntries(made: Node): ReadonlyMap<string, Node>
  /** The node of a name that no file has; mappings share it, as they do their names. */
  key(name: string): ScalarNode
  /** Says which loaded node a made one takes the place of, and returns the made one. */
  from<N extends Node>(made: N, hint: Hint | undefined): N
  /** Makes something one step further down. */
  at<T>(step: string, make: () => T): T
}

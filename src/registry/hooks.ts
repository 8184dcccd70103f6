import type { Node } from '../node.js'
import type { Tag } from './tag.js'

/** What a `fromYaml` constructs with. Children are constructed once, however often they are asked for. */
export interface Builder {
  /** The value of a node, whatever it is. */
  construct(node: Node): unknown
  /** The values of a mapping by key; any other node is an error that says so. */
  constructMapping(node: Node): Record<string, unknown>
  /** The values of a sequence; any other node is an error that says so. */
  constructSequence(node: Node): unknown[]
  /** The text of a scalar; any other node is an error that says so. */
  constructScalar(node: Node): string
  /** Ends the loading with a message that points at `node`, by default the one that `fromYaml` was given. */
  fail(message: string, node?: Node): never
}

/** What a `toYaml` represents with. What was loaded keeps its comments and styles where it did not change. */
export interface Representer {
  /** The node of any value that can be written. */
  represent(value: unknown): Node
  representMapping(tag: Tag | undefined, mapping: object): Node
  representSequence(tag: Tag | undefined, items: Iterable<unknown>): Node
  representScalar(tag: Tag | undefined, value: string | number | boolean | bigint | null): Node
}

/**
 * Constructs an object of a class from its node, instead of handing its options to the constructor.
 * `factoryName` is the `fromFile` of `!Model.fromFile`.
 */
export type FromYaml<T = unknown> = (builder: Builder, node: Node, factoryName?: string) => T

const inherited = Symbol.for('flambeau.inheritedHook')

/** @internal Marks a hook that a base class has for `super` alone: a class that only inherits it has none of its own. */
export function markInherited(...hooks: readonly object[]): void {
  for (const hook of hooks) Object.defineProperty(hook, inherited, { value: true })
}

/** Whether a hook is one of those that base classes have for `super`, of whichever copy of this package. */
export function isInherited(hook: object): boolean {
  return inherited in hook
}

/** Tells a compile-time check the hook of a base class from one that a class has of its own. */
export interface InheritedHook {
  readonly [inherited]: true
}

/** Makes the node that `value` is written as, with the tag that it was loaded with or that its class has. */
export type ToYaml<T = any> = (representer: Representer, value: T, tag: Tag) => Node

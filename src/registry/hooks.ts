import type { Logger } from '../logger.js'
import type { Node } from '../node.js'
import type { Tag } from './tag.js'

/** What a factory receives after the options. */
export interface FactoryContext {
  /** Aborted when the run should stop: what is being opened is not needed any more. */
  readonly signal: AbortSignal
  readonly logger: Logger
}

/**
 * Constructs the children of a node in a `fromYaml`. Each child is constructed only once. When a child is asynchronous, its method
 * throws, and `fromYaml` is called again when the children exist: construct them before anything else.
 */
export interface Builder {
  /** The value of a node, whatever it is. */
  construct(node: Node): unknown
  /** The values of a mapping by key; throws for any other node. */
  constructMapping(node: Node): Record<string, unknown>
  /** The values of a sequence; throws for any other node. */
  constructSequence(node: Node): unknown[]
  /** The text of a scalar; throws for any other node. */
  constructScalar(node: Node): string
  /** Throws an error that points at `node`, by default the node that `fromYaml` received. */
  fail(message: string, node?: Node): never
}

/** Makes nodes in a `toYaml`. Loaded values keep their comments and styles where they did not change. */
export interface Representer {
  /** The node of any value that can be written. */
  represent(value: unknown): Node
  representMapping(tag: Tag | undefined, mapping: object): Node
  representSequence(tag: Tag | undefined, items: Iterable<unknown>): Node
  representScalar(tag: Tag | undefined, value: string | number | boolean | bigint | null): Node
}

/**
 * Constructs an object of a class from its node, instead of passing its options to the constructor.
 * `factoryName` is the `fromFile` of `!Model.fromFile`. It may be asynchronous: then {@link loadAsync}, `loadFile` and `runFile`
 * construct the object.
 */
export type FromYaml<T = unknown> = (builder: Builder, node: Node, factoryName?: string) => T | Promise<T>

const inherited = Symbol.for('flambeau.inheritedHook')

/** @internal Marks a hook of a base class that exists only for `super`: a class that inherits it has no hook of its own. */
export function markInherited(...hooks: readonly object[]): void {
  for (const hook of hooks) Object.defineProperty(hook, inherited, { value: true })
}

/** Whether a hook of a base class exists only for `super`, in any copy of this package. */
export function isInherited(hook: object): boolean {
  return inherited in hook
}

/** Lets the compile-time check distinguish the hook of a base class from one of the class itself. */
export interface InheritedHook {
  readonly [inherited]: true
}

/** Makes the node of `value`; `tag` is the one that it was loaded with, or that of its class. */
export type ToYaml<T = any> = (representer: Representer, value: T, tag: Tag) => Node

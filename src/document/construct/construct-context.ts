import type { Entry, MappingNode, Node } from '../../node.js'
import type { Definition } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import type { Source } from '../../source.js'
import type { ParsedDocument } from '../read/parsed.js'

/** The options of an object: those that its schema and constructor see, and those that the loader sets itself. */
export interface Options {
  readonly visible: Record<string, unknown>
  readonly injected: Record<string, unknown>
}

/** Constructs the values of the nodes of one document, each node once. */
export interface ConstructContext {
  readonly source: Source
  readonly registry: Registry
  readonly document: ParsedDocument
  /** The value of a node. */
  construct(node: Node): unknown
  /** Returns the node that replaces this one: the value that a check picked for a placeholder, else the node itself. */
  substitute(node: Node): Node
  /** The value of a node that was constructed. */
  valueOf(node: Node): unknown
  /** The keys and values of a mapping, including those that `<<` merges. */
  entriesOf(node: MappingNode): Iterable<Entry>
  /** The options of a tagged node. */
  optionsOf(node: Node, definition: Definition): Options
  /** Constructs a changed copy of a part of the document; it shares the values of nodes outside that part. */
  constructCopy(copy: Node): unknown
  /** Does the same, and waits for what is asynchronous. */
  constructCopyAsync(copy: Node): Promise<unknown>
}

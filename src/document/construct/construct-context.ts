import type { Entry, MappingNode, Node } from '../../node.js'
import type { Definition } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import type { Source } from '../../source.js'
import type { ParsedDocument } from '../read/parsed.js'

/** The options of a registrable: what its schema and constructor see, and what the loader sets itself. */
export interface Options {
  readonly visible: Record<string, unknown>
  readonly injected: Record<string, unknown>
}

/** Makes values of the nodes of one document, each node once. */
export interface ConstructContext {
  readonly source: Source
  readonly registry: Registry
  readonly document: ParsedDocument
  /** The value of a node. */
  construct(node: Node): unknown
  /** The node that stands for this one: the value that a check picked for a placeholder. */
  substitute(node: Node): Node
  /** What a node became, if it was constructed. */
  valueOf(node: Node): unknown
  /** The keys and values of a mapping, with what `<<` brings along. */
  entriesOf(node: MappingNode): Iterable<Entry>
  /** The options below a tagged node. */
  optionsOf(node: Node, definition: Definition): Options
  /** Constructs a changed copy of a part of the document; what stands outside it is shared. */
  constructCopy(copy: Node): unknown
}

import type { Problem } from '../../errors.js'
import type { Entry, Node } from '../../node.js'
import type { Source } from '../../source.js'
import type { Addition } from '../edit/tree-editor.js'

export { maxDepth, maxMerged } from '../nodes.js'

/** A parsed text: every later step works on it. */
export interface ParsedText {
  readonly source: Source
  readonly documents: readonly ParsedDocument[]
  /** The problems of the YAML itself, and of what it is composed of. */
  readonly problems: readonly Problem[]
  /** What works but is probably not meant. */
  readonly warnings?: readonly Problem[]
  /** The extensions that its `!extends` and `!include` bring along. */
  readonly declared?: readonly DeclaredExtension[]
  /** The keys that overrides added. */
  readonly additions?: readonly Addition[]
  /** What `!env` sees; no variables when absent. */
  readonly environment?: Environment
}

/** Environment variables by name; `false` for none. */
export type Environment = Readonly<Record<string, string | undefined>> | false

/** An extension that an extended or included file declares. */
export interface DeclaredExtension {
  /** Its name and its source; both nodes have the text that they are in. */
  readonly entry: Entry
  /** The folder from which its path starts. */
  readonly folder: string
}

/** One document of a text; `start` and `end` include its markers and comments. */
export interface ParsedDocument {
  readonly root: Node
  readonly start: number
  readonly end: number
  /** Every node with a tag that is not resolved by YAML itself, in file order. */
  readonly tagged: readonly Node[]
  /** Whether its plain scalars are read as YAML 1.1, where `yes` is a boolean. */
  readonly isYaml11: boolean
  /**
   * The node of the text for each composed node: for the root of an included document, the `!include`. Absent when
   * nothing was composed.
   */
  readonly written?: Map<Node, Node>
  /** The documents that were included, each with its text. */
  readonly included?: readonly IncludedDocument[]
  /** The children of collections before the `set` of an `!extends`, or an override, changed them. */
  readonly changed?: Map<Node, readonly Node[] | readonly Entry[]>
  /** The node of the base that each value of such a `set` replaced. */
  readonly replaced?: Map<Node, Node>
  /** The node of the text for each value that was copied out of such a `set`. */
  readonly copies?: ReadonlyMap<Node, Node>
  /** Whether there are nodes with `!env`, `!ref`, `!format` or `!link` that are not resolved yet. */
  readonly hasReferences?: boolean
}

/** A document of an included file. */
export interface IncludedDocument {
  readonly source: Source
  readonly document: ParsedDocument
}

/** Whether a document has only comments. */
export function isEmptyDocument({ root }: ParsedDocument): boolean {
  return root.kind === 'scalar' && root.value === null && root.start === root.end
}

import type { Problem } from '../../errors.js'
import type { Node } from '../../node.js'
import type { Source } from '../../source.js'

/** A text as nodes: what every later step works on. */
export interface ParsedText {
  readonly source: Source
  readonly documents: readonly ParsedDocument[]
  /** What is wrong with the YAML itself. */
  readonly problems: readonly Problem[]
}

/** One document of a text; `start` and `end` are those of its text, markers and comments included. */
export interface ParsedDocument {
  readonly root: Node
  readonly start: number
  readonly end: number
  /** Every node with a tag that YAML itself does not know, in file order. */
  readonly tagged: readonly Node[]
  /** Whether its plain scalars are read as YAML 1.1, where `yes` is a boolean. */
  readonly isYaml11?: boolean
}

/** Whether a document has nothing in it but comments. */
export function isEmptyDocument({ root }: ParsedDocument): boolean {
  return root.kind === 'scalar' && root.value === null && root.start === root.end
}

/** How many collections may stand in one another. */
export const maxDepth = 500

/** What `<<` may bring along in a whole text: enough for any file, too little to fill the memory with. */
export const maxMerged = 1_000_000

import type { Node } from '../../node.js'
import type { ParsedDocument } from './parsed.js'
import type { Tape } from './tape.js'
import { nodesOf, type TapeNodes } from './tape-nodes.js'

/**
 * A document on a tape. Its nodes are made when somebody looks at them. A spread copies none of them, and no tape either: what changes
 * documents works on `detached` ones.
 */
export class TapeDocument implements ParsedDocument {
  readonly isYaml11 = false
  readonly #tape: Tape
  readonly #first: number
  #nodes: TapeNodes | undefined

  constructor(
    tape: Tape,
    first: number,
    readonly start: number,
    readonly end: number,
  ) {
    this.#tape = tape
    this.#first = first
  }

  /** The record that it begins with. */
  get first(): number {
    return this.#first
  }

  get tape(): Tape {
    return this.#tape
  }

  get nodes(): TapeNodes {
    this.#nodes ??= nodesOf(this.#tape, this.#first)
    return this.#nodes
  }

  get root(): Node {
    return this.nodes.root
  }

  get tagged(): readonly Node[] {
    return this.nodes.tagged
  }
}

/** The distinct tags of a document, or of the text that it is in; no nodes are made for them. */
export function tagsOf(document: ParsedDocument): Iterable<string> {
  if (document instanceof TapeDocument) return document.tape.tags
  return new Set(document.tagged.map(({ tag }) => tag!))
}

/** A document that can be changed: with nodes, and without a tape. */
export function detached(document: ParsedDocument): ParsedDocument {
  if (!(document instanceof TapeDocument)) return document
  const { root, start, end, tagged, isYaml11 } = document
  return { root, start, end, tagged, isYaml11 }
}

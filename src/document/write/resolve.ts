import type { RelatedPosition } from '../../errors.js'
import { type Node, sourceOf } from '../../node.js'
import type { Registry } from '../../registry/registry.js'
import type { Source } from '../../source.js'
import { Loader } from '../construct/loader.js'
import { startOf } from '../nodes.js'
import { printPath, type Step, stepsOf } from '../path.js'
import { spanOf } from '../problems.js'
import { parse } from '../read/parse.js'
import type { ParsedDocument } from '../read/parsed.js'
import { type Represented, represent, writeNodes } from './dump.js'
import { Unconstructed } from './represent-context.js'

/** Where a value of a resolved file comes from. */
export interface ValueOrigin {
  /** The path of the value in the document; empty for the whole document. */
  readonly path: string
  /** Its line in the resolved text, from 1. */
  readonly resolvedLine: number
  /** The file, or the override, that it is written in. */
  readonly file: string
  readonly line: number
  readonly column: number
  /** Where that file is included, the nearest first. */
  readonly related?: readonly RelatedPosition[]
}

/** A document without `!include` and the like, and where its values come from. */
export interface ResolvedDocument {
  readonly text: string
  /** In the order of the text. */
  readonly origins: readonly ValueOrigin[]
}

/** Writes a composed document as one text that needs no other. Nothing is constructed. */
export function resolveDocument(
  document: ParsedDocument,
  source: Source,
  registry: Registry,
  { keepsSecretVariables = false }: { keepsSecretVariables?: boolean } = {},
): ResolvedDocument {
  const context = new Loader(source, registry, document)
  const value = new Unconstructed(document.root, context)
  const represented = represent(value, { registry, defaults: false, resolved: true, keepsSecretVariables })
  const text = writeNodes(represented, false)
  return { text, origins: new OriginFinder(text, source, represented).find() }
}

/** Writes one node of a document, as one text that needs no other. */
export function resolvePart(
  node: Node,
  { document, source, registry }: { document: ParsedDocument; source: Source; registry: Registry },
): string {
  const value = new Unconstructed(node, new Loader(source, registry, document))
  return writeNodes(represent(value, { registry, defaults: false, resolved: true }), false)
}

/** Finds the origins by reading the text: it has the same nodes as those that were written. */
class OriginFinder {
  readonly #resolved: Source
  readonly #root: Node | undefined
  readonly #origins: ValueOrigin[] = []
  readonly #steps: Step[] = []

  constructor(
    text: string,
    readonly source: Source,
    readonly represented: Represented,
  ) {
    const parsed = parse(text, '')
    this.#resolved = parsed.source
    this.#root = parsed.documents[0]?.root
  }

  find(): readonly ValueOrigin[] {
    if (this.#root) this.#visit(this.#root, this.represented.root, undefined)
    return this.#origins
  }

  #visit(read: Node, made: Node, key: { read: Node; made: Node } | undefined): void {
    const { line } = this.#resolved.position(startOf(key?.read ?? read))
    // The key says where a collection begins.
    const isCollection = made.tag === undefined && (made.kind === 'mapping' || made.kind === 'sequence')
    const nodes = key ? (isCollection ? [key.made, made] : [made, key.made]) : [made]
    const loaded = nodes.map((each) => this.#loadedFrom(each)).find((each) => each !== undefined)
    if (loaded) {
      const {
        file,
        line: writtenLine,
        column,
        related,
      } = sourceOf(loaded, this.source).problem('', '', spanOf(loaded))
      const origin = { path: printPath(this.#steps), resolvedLine: line, file, line: writtenLine, column }
      this.#origins.push(related ? { ...origin, related } : origin)
    }
    const children = [...stepsOf(made)]
    const keys = made.kind === 'mapping' ? made.entries.map((entry) => entry.key) : []
    const readKeys = read.kind === 'mapping' ? read.entries.map((entry) => entry.key) : []
    for (const [index, [, child]] of [...stepsOf(read)].entries()) {
      const [step, madeChild] = children[index]!
      this.#steps.push(step)
      const readKey = readKeys[index]
      this.#visit(child, madeChild, readKey && { read: readKey, made: keys[index]! })
      this.#steps.pop()
    }
  }

  #loadedFrom(made: Node): Node | undefined {
    const { origins, replaced } = this.represented.representation
    const loaded = origins.get(made) ?? replaced.get(made)
    return loaded && loaded.start >= 0 ? loaded : undefined
  }
}

/** The lines of a resolved text, each with the position that its first value comes from. */
export function blame({ text, origins }: ResolvedDocument): string {
  const lines = text.replace(/\n$/, '').split('\n')
  const first = new Map<number, ValueOrigin>()
  for (const origin of origins) if (!first.has(origin.resolvedLine)) first.set(origin.resolvedLine, origin)
  const places: string[] = []
  // A comment above a value belongs to it.
  let below = ''
  for (let line = lines.length; line >= 1; line--) {
    const origin = first.get(line)
    const isComment = /^\s*#/.test(lines[line - 1]!)
    below = origin ? `${origin.file}:${origin.line}` : isComment ? below : ''
    places[line - 1] = below
  }
  const width = Math.max(...places.map((place) => place.length))
  return lines.map((line, index) => `${places[index]!.padEnd(width)} | ${line}`.trimEnd()).join('\n')
}

import type { Pair, Scalar, YAMLMap, YAMLSeq, Node as YamlNode } from 'yaml'
import { yaml } from '#yaml'
import type { Entry, Node } from '../../node.js'
import type { Source } from '../../source.js'
import type { ConstructContext } from '../construct/construct-context.js'
import { IncludedSource } from '../included-source.js'
import type { ParsedDocument } from '../read/parsed.js'

/** The text of a loaded document, parsed again for what our nodes do not have: comments, quotes, empty lines. */
export class SourceDocument {
  readonly root: Node
  readonly nodes = new Map<Node, YamlNode>()
  /** The text before the first node: comments, directives, `---`. */
  readonly header: string
  /** The comment after the last node. */
  readonly comment: string | null
  /** Whether its plain scalars are read as YAML 1.1. */
  readonly isYaml11: boolean
  /** Whether its lines end with CRLF. */
  readonly crlf: boolean
  readonly #body: string
  /** Whether it is in an included file. */
  readonly isIncluded: boolean
  readonly #source: Source
  readonly #changed: ParsedDocument['changed']
  readonly #composed: ReadonlyMap<Node, Node> | undefined
  readonly #yaml = yaml()

  constructor({ source, document }: Pick<ConstructContext, 'source' | 'document'>) {
    this.#source = source
    this.isIncluded = source instanceof IncludedSource
    this.#composed = document.written
    this.#changed = document.changed
    const whole = source.text.slice(document.start, document.end)
    this.crlf = /^[^\n]*\r\n/.test(whole)
    const text = whole.replaceAll('\r\n', '\n')
    const body = bodyStart(text)
    this.header = text.slice(0, body).replace(/^\ufeff/, '')
    this.isYaml11 = document.isYaml11
    this.#body = text.slice(body)
    const parsed = this.#yaml.parseDocument(this.#body, {
      uniqueKeys: false,
      logLevel: 'silent',
      prettyErrors: false,
      version: this.isYaml11 ? '1.1' : '1.2',
    })
    this.comment = parsed.comment
    this.root = document.root
    const inText = document.written?.get(document.root)
    if (inText && this.#isHere(inText)) this.root = inText
    if (parsed.contents) moveComments(parsed.contents, this.#body)
    // The comments above the document of an included file belong to its root.
    if (this.isIncluded) prepend(parsed.contents ?? undefined, commentsOf(this.header))
    this.#pair(document.root, parsed.contents)
  }

  /** The padding after the opening bracket of a flow collection: a space, or nothing. */
  padding({ range }: YamlNode): string {
    return this.#body[range![0] + 1] === ' ' ? ' ' : ''
  }

  /** The text of a scalar on one line; `undefined` for others and for blocks (`BLOCK_LITERAL` and `BLOCK_FOLDED`). */
  lineOf({ range, type }: Scalar): string | undefined {
    const text = this.#body.slice(range![0], range![1])
    return type?.startsWith('B') || text.includes('\n') ? undefined : text
  }

  // The children that the text has.
  #before<Children>(children: Children, node: Node): Children {
    return (this.#changed?.get(node) as Children | undefined) ?? children
  }

  // The node of the text may be in the file that includes this one.
  #isHere({ source }: Node): boolean {
    return this.isIncluded ? source === this.#source : source === undefined
  }

  // Both trees come from the same text and parser, so that they have the same shape.
  #pair(node: Node, written: YamlNode | null): void {
    if (!written) return
    this.nodes.set(node, written)
    const inText = this.#composed?.get(node)
    // The default of an "!env" stands in its place, and in it.
    if (inText && this.#isHere(inText) && !this.nodes.has(inText)) this.#pair(inText, written)
    else if (node.kind === 'sequence' && this.#yaml.isSeq(written))
      this.#pairItems(this.#before(node.items, node), written)
    else if (node.kind === 'mapping' && this.#yaml.isMap(written))
      this.#pairEntries(this.#before(node.entries, node), written)
  }

  #pairItems(items: readonly Node[], { items: written }: YAMLSeq): void {
    for (const [index, item] of items.entries()) this.#pairItem(item, written[index])
  }

  #pairEntries(entries: readonly Entry[], { items: written }: YAMLMap): void {
    for (const [index, entry] of entries.entries()) this.#pairEntry(entry, written[index] as Pair)
  }

  #pairItem(node: Node, written: unknown): void {
    if (!this.#yaml.isPair(written)) this.#pair(node, written as YamlNode | null)
    else if (node.kind === 'mapping') this.#pairEntry(node.entries[0]!, written)
  }

  #pairEntry(entry: Entry, written: Pair): void {
    this.#pair(entry.key, written.key as YamlNode | null)
    this.#pair(entry.value, written.value as YamlNode | null)
  }
}

/** The offset of the content of a document: after comments, empty lines and the marker `---`. */
function bodyStart(text: string): number {
  const lead = /^\ufeff?(?:%[^\n]*\n|[ \t]*(?:#[^\n]*)?\n)*/.exec(text)![0]
  const marker =
    /^---(?=[ \t\n]|$)(?:[ \t]+(?=[^\s#]))?(?:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*)?/.exec(
      text.slice(lead.length),
    )
  return lead.length + (marker?.[0].length ?? 0)
}

/**
 * Moves comments to the nodes that people mean, so that they move along with these. The `yaml` package attaches a comment above
 * the first item or key to the collection; it belongs to the item. A comment after a collection but in the column of its parent
 * belongs to what follows there.
 */
function moveComments(root: YamlNode, text: string): void {
  new CommentMover(text).settle(root)
}

class CommentMover {
  readonly #yaml = yaml()

  constructor(readonly text: string) {}

  /** Moves the comments in a node; returns the lines that belong to the collection around it. */
  settle(node: YamlNode): string[] {
    if (!this.#yaml.isCollection(node)) return []
    if (node.flow) {
      for (const item of node.items) this.#settleItem(item as YamlNode | Pair)
      return []
    }
    let outer: string[] = []
    for (const item of node.items as (YamlNode | Pair)[]) {
      prepend(this.#nodeOf(item), outer)
      outer = this.#settleItem(item)
    }
    if (outer.length > 0) node.comment = [...outer, ...linesOf(node.comment)].join('\n')
    return this.#cutOuter(node)
  }

  #settleItem(item: YamlNode | Pair): string[] {
    if (!this.#yaml.isPair(item)) return item ? this.settle(item) : []
    const [key, value] = [item.key as YamlNode | null, item.value as YamlNode | null]
    if (key) this.settle(key)
    if (!value) return []
    const outer = this.settle(value)
    if (key) this.#settleLead(key, value)
    return outer
  }

  // Of comments between a key and its block, one on the line of the key is about the whole block, others about its first item.
  #settleLead(key: YamlNode, value: YamlNode): void {
    if (!this.#yaml.isCollection(value) || value.flow || !value.commentBefore) return
    const [line = ''] = this.text.slice(key.range![1], value.range![0]).split('\n', 1)
    const lines = linesOf(value.commentBefore)
    if (line.includes('#') && !key.comment) key.comment = lines.shift()!
    value.commentBefore = null
    prepend(this.#nodeOf(value.items[0] as YamlNode | Pair), lines)
  }

  // Cuts off the comment lines from the first one that is left of the collection.
  #cutOuter(node: YamlNode & { comment?: string | null }): string[] {
    const { range } = node
    const lines = linesOf(node.comment)
    if (!range || lines.length === 0) return []
    const column = this.#columnOf(this.#firstOf(node))
    const columns = columnsOfComments(this.text.slice(range[1], range[2]))
    const written = lines.filter((line) => line !== '').length
    if (columns.length !== written) return []
    const inner = columns.findIndex((commentColumn) => commentColumn < column)
    if (inner === -1) return []
    const cut = cutAt(lines, inner)
    node.comment = lines.slice(0, cut).join('\n') || null
    return lines.slice(cut)
  }

  #firstOf(node: YamlNode): number {
    return node.range![0]
  }

  #columnOf(offset: number): number {
    return offset - (this.text.lastIndexOf('\n', offset - 1) + 1)
  }

  #nodeOf(item: YamlNode | Pair | undefined): YamlNode | undefined {
    return (this.#yaml.isPair(item) ? item.key : item) as YamlNode | undefined
  }
}

function commentsOf(header: string): string[] {
  return [...header.matchAll(/^[ \t]*#([^\n]*)$/gm)].map(([, comment]) => comment!)
}

function prepend(node: YamlNode | undefined, lines: readonly string[]): void {
  if (node && lines.length > 0) node.commentBefore = [...lines, ...linesOf(node.commentBefore)].join('\n')
}

function linesOf(comment: string | null | undefined): string[] {
  return comment ? comment.split('\n') : []
}

function columnsOfComments(text: string): number[] {
  return [...text.matchAll(/^([ \t]*)#/gm)].map(([, space]) => space!.length)
}

// The index in `lines` of the comment with this number, not counting empty lines.
function cutAt(lines: readonly string[], number: number): number {
  let count = -1
  return lines.findIndex((line) => line !== '' && ++count === number)
}

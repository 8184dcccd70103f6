import type { Entry, MappingNode, Node, ScalarNode, SequenceNode } from '../../node.js'
import { BAIL_OUT, unlessBailedOut } from '../bail-out.js'
import type { ConstructContext } from '../construct/construct-context.js'
import { anchorNames } from './anchor-names.js'
import { writeQuickly } from './quick-writer.js'
import type { Representation } from './represent.js'
import { roundTrips } from './round-trip.js'
import { isPrintable, quotedText, scalarText } from './scalar-text.js'

interface Edit {
  start: number
  end: number
  text: string
}

/**
 * Writes a loaded object as its original text, with only the changes replaced or added. Returns `undefined` if the changes need
 * more than that.
 */
export function patchText(root: Node, from: Representation, isYaml11: boolean): string | undefined {
  const [source] = from.sources
  if (!source || from.sources.size !== 1 || from.origins.get(root) !== inText(source.document.root, source))
    return undefined
  if (source.document.start < 0) return undefined
  const spliced = unlessBailedOut(() => new TextPatch(from, source).apply(root, isYaml11))
  return spliced && (!spliced.doubtful || roundTrips(spliced.text, root)) ? spliced.text : undefined
}

/** The node that the text has in the place of a loaded one. */
function inText(node: Node, { document }: ConstructContext): Node {
  return document.written?.get(node) ?? node
}

class TextPatch {
  readonly #edits: Edit[] = []
  /** The composed nodes whose nodes in the text are being compared. */
  readonly #open = new Set<Node>()
  readonly #text: string

  constructor(
    readonly from: Representation,
    readonly source: ConstructContext,
  ) {
    this.#text = source.source.text
  }

  apply(root: Node, isYaml11: boolean): { text: string; doubtful: boolean } {
    this.#checkVersion(isYaml11)
    for (const [node, name] of anchorNames(root)) if (this.#origin(node)?.anchor !== name) throw BAIL_OUT
    this.#compare(root, this.source.document.root)
    const { start, end } = this.source.document
    const parts: string[] = []
    let offset = start
    for (const edit of this.#edits) {
      parts.push(this.#text.slice(offset, edit.start), edit.text)
      offset = edit.end
    }
    const text = parts.join('') + this.#text.slice(offset, end)
    const complete = endedText(text)
    // An added line end may become part of a block scalar.
    const doubtful = this.#edits.length > 0 || (complete !== text && /[|>][-+\d]*[ \t]*(?:#.*)?$/m.test(text))
    return { text: complete.replace(/^\ufeff/, ''), doubtful }
  }

  // Without its own directive, it is read with the YAML version of the document before it.
  #checkVersion(before: boolean): void {
    const { start, end, isYaml11 } = this.source.document
    if (isYaml11 !== before && !/^\ufeff?%YAML/m.test(this.#text.slice(start, isYaml11 ? end : start + 1000)))
      throw BAIL_OUT
  }

  #origin(node: Node): Node | undefined {
    return this.from.origins.get(node)
  }

  /** Collects the edits that turn the loaded node into `node`. */
  #compare(node: Node, loaded: Node): void {
    const written = inText(loaded, this.source)
    if (written === loaded) this.#compareNodes(node, loaded)
    else this.#compareComposed(node, loaded, written)
  }

  // The default of an "!env" stands in its place, and in it.
  #compareComposed(node: Node, loaded: Node, written: Node): void {
    const isInside = this.#open.has(written)
    this.#open.add(written)
    this.#compareNodes(node, isInside ? loaded : written)
    if (!isInside) this.#open.delete(written)
  }

  #compareNodes(node: Node, before: Node): void {
    const same = this.#origin(node) === before && node.kind === before.kind && node.tag === before.tag
    if (!same) this.#replace(node, before)
    else if (node.kind === 'alias') this.#compareAlias(node.target!, before)
    else if (node.kind === 'scalar') this.#compareScalar(node, before as ScalarNode)
    else if (node.kind === 'sequence') this.#compareItems(node, before as SequenceNode)
    else if (node.kind === 'mapping') this.#compareEntries(node, before as MappingNode)
  }

  #compareAlias(target: Node, before: Node): void {
    if (before.kind !== 'alias' || !before.target) throw BAIL_OUT
    if (this.#origin(target) !== inText(before.target, this.source)) throw BAIL_OUT
  }

  #compareScalar(node: ScalarNode, before: ScalarNode): void {
    if (!Object.is(node.value, before.value)) this.#replace(node, before)
  }

  #compareItems(node: SequenceNode, before: SequenceNode): void {
    if (node.items.length !== before.items.length) throw BAIL_OUT
    for (const [index, item] of node.items.entries()) {
      // Comments move with their items, which takes more than an edit.
      const loaded = inText(before.items[index]!, this.source)
      if ((this.#origin(item) ?? loaded) !== loaded) throw BAIL_OUT
      this.#compare(item, before.items[index]!)
    }
  }

  #compareEntries(node: MappingNode, before: MappingNode): void {
    for (const [index, entry] of before.entries.entries()) {
      const now = node.entries[index]
      if (!now || this.#origin(now.key) !== entry.key) throw BAIL_OUT
      this.#compareValue(now.value, entry)
    }
    const added = node.entries.slice(before.entries.length)
    if (added.length > 0) this.#add(added, before)
  }

  // Without a colon after the key, no value can be inserted.
  #compareValue(value: Node, { key, value: before }: Entry): void {
    const edits = this.#edits.length
    this.#compare(value, before)
    if (this.#edits.length > edits && before.start <= key.end) throw BAIL_OUT
  }

  // Replaces a one-line value by another; comments and quotes stay.
  #replace(node: Node, before: Node): void {
    const written = this.#text.slice(before.start, before.end)
    const kinds = node.kind === 'scalar' && before.kind === 'scalar'
    if (
      !kinds ||
      node.tag !== before.tag ||
      node.anchor !== before.anchor ||
      /[\n|>]/.test(written.slice(0, 1) + (written.includes('\n') ? '\n' : ''))
    )
      throw BAIL_OUT
    const text = inStyleOf(written, node.value, this.source.document.isYaml11)
    if (text === undefined) throw BAIL_OUT
    const lead = written === '' && !/[\s]/.test(this.#text[before.start - 1] ?? ' ') ? ' ' : ''
    const behind = this.#text[before.end] === '#' ? ' ' : ''
    this.#edits.push({ start: before.start, end: before.end, text: lead + text + behind })
  }

  // Adds entries after the last one of a block mapping, in its column.
  #add(added: readonly Entry[], before: MappingNode): void {
    const first = before.entries[0]
    if (!first || this.#text[before.start] === '{') throw BAIL_OUT
    const column = this.#columnOf(first.key)
    const written = writeQuickly({ ...before, tag: undefined, anchor: undefined, entries: added }, new Map())
    if (written === undefined || added.some((entry) => hasAnchors(entry.value))) throw BAIL_OUT
    const lineEnd = this.#text.indexOf('\n', Math.max(before.end - 1, before.start))
    const offset = lineEnd === -1 ? this.#text.length : lineEnd + 1
    const lines = written.split('\n').map((line) => (line === '' ? '' : ' '.repeat(column) + line))
    const newline = this.#text.includes('\r\n') ? '\r\n' : '\n'
    this.#edits.push({
      start: offset,
      end: offset,
      text: (lineEnd === -1 ? newline : '') + lines.join(newline),
    })
  }

  // With a tag, an anchor or `?` before the first key, its column is not the column of the mapping.
  #columnOf({ start }: Node): number {
    const column = this.source.source.position(start).column - 1
    if (!/^[ -]*$/.test(this.#text.slice(start - column, start))) throw BAIL_OUT
    return column
  }
}

// Adds a final line end if it is missing.
function endedText(text: string): string {
  if (/[\r\n]$/.test(text)) return text
  return `${text}${text.includes('\r\n') ? '\r\n' : '\n'}`
}

function inStyleOf(written: string, value: unknown, isYaml11: boolean): string | undefined {
  if (typeof value === 'object' && value !== null) return undefined
  if (typeof value !== 'string') return scalarText(value)
  if (written.startsWith('"')) return quotedText(value)
  if (written.startsWith("'") && isPrintable(value)) return `'${value.replaceAll("'", "''")}'`
  return scalarText(value, { flow: true, isYaml11 })
}

// Anchors are named for the whole text, not for a part of it.
function hasAnchors(node: Node): boolean {
  if (node.kind === 'alias' || node.anchor !== undefined) return true
  if (node.kind === 'sequence') return node.items.some(hasAnchors)
  return node.kind === 'mapping' && node.entries.some(({ value }) => hasAnchors(value))
}

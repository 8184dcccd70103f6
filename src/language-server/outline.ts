import type { Span } from '../source.js'

/** A part of the text. */
export interface Token extends Span {
  readonly text: string
}

/** What a node is; `empty` when nothing follows a key, a dash or a tag yet. */
export type OutlineKind = 'mapping' | 'sequence' | 'scalar' | 'alias' | 'empty'

/** A node of an {@link Outline}. */
export interface OutlineNode {
  kind: OutlineKind
  /** The entry whose value it is; absent at the root of a document. */
  entry: OutlineEntry | undefined
  /** The start of its tag, anchor or content; of an empty node, where they would stand. */
  start: number
  end: number
  tag: Token | undefined
  anchor: Token | undefined
  /** The text of a scalar, or the name of an alias with its `*`. */
  content: Token | undefined
  style: 'plain' | 'quoted' | 'block' | 'flow'
  /** The column of the keys or dashes of a block collection. */
  column: number
  readonly entries: OutlineEntry[]
}

/** An entry of a mapping, or an item of a sequence, which has no key. */
export interface OutlineEntry {
  readonly parent: OutlineNode
  readonly start: number
  readonly key: Token | undefined
  /** Whether a colon follows the key. */
  readonly hasColon: boolean
  readonly value: OutlineNode
}

/** What stands at the end of a text. */
export interface TextEnd {
  /** The unfinished word, which may be empty. */
  readonly word: Token
  readonly kind: 'tag' | 'alias' | 'plain' | 'quoted' | 'space'
  /** The node that gets a key there; it may be empty until then. */
  readonly mapping: OutlineNode | undefined
  /** The node whose content stands there. */
  readonly value: OutlineNode | undefined
}

/** An anchor, or an alias. */
export interface AnchorToken extends Token {
  readonly kind: 'anchor' | 'alias'
  /** The index of its document: anchors of other documents have no meaning. */
  readonly document: number
  readonly node: OutlineNode
}

/** The structure of a text, however broken it is. */
export interface Outline {
  readonly text: string
  /** The root of each document. */
  readonly roots: readonly OutlineNode[]
  /** In text order. */
  readonly anchors: readonly AnchorToken[]
  /** The nodes with tags, in text order. */
  readonly tagged: readonly OutlineNode[]
  /** What stands at the end of the text; absent in comments and block scalars. */
  readonly textEnd: TextEnd | undefined
}

/**
 * Reads the structure of a text that is being typed: nothing is refused. A line belongs to the collection that its indentation
 * says, whatever is wrong above it. The reading of a text up to the cursor says what may be written there.
 *
 * Explicit keys (`? key`), directives and the values of scalars are not read: what is valid is decided by the reader of
 * `document/`.
 */
export function outlineOf(text: string): Outline {
  return new OutlineReader(text).read()
}

const deepest = 200
const eol = /\r?\n|$/g
const wordEnd = /[\s,[\]{}]|$/g

/** A block collection to which lines may belong. */
interface Open {
  readonly node: OutlineNode
  readonly column: number
}

class OutlineReader {
  readonly #roots: OutlineNode[] = []
  readonly #anchors: AnchorToken[] = []
  readonly #tagged: OutlineNode[] = []
  #open: Open[] = []
  #offset: number
  #lineStart = 0
  #end: TextEnd | undefined

  constructor(readonly text: string) {
    this.#offset = text.startsWith('\ufeff') ? 1 : 0
    this.#lineStart = this.#offset
  }

  read(): Outline {
    this.#roots.push(emptyNode(this.#offset))
    do this.#line()
    while (this.#offset < this.text.length)
    return {
      text: this.text,
      roots: this.#roots,
      anchors: this.#anchors,
      tagged: this.#tagged,
      textEnd: this.#end,
    }
  }

  get #char(): string {
    return this.text[this.#offset] ?? ''
  }

  get #isQuote(): boolean {
    return this.#char === '"' || this.#char === "'"
  }

  get #column(): number {
    return this.#offset - this.#lineStart
  }

  #line(): void {
    this.#lineStart = this.#offset
    this.#skipSpaces()
    if (this.#offset === this.text.length) this.#end = this.#freshLine()
    else if (this.#char === '#' || this.#isLineEnd()) this.#nextLine()
    else if (this.#column === 0 && isMarker(this.text, this.#offset)) this.#marker()
    else if (this.#column === 0 && this.#char === '%' && this.#open.length === 0) this.#nextLine()
    else this.#content()
  }

  // A comment, or what is left of the line.
  #nextLine(): void {
    eol.lastIndex = this.#offset
    const match = eol.exec(this.text)!
    this.#offset = match.index + match[0].length
    // The end of a text without a final line end is in this line.
    if (match[0] === '') return
    this.#lineStart = this.#offset
    if (this.#offset === this.text.length) this.#end = this.#freshLine()
  }

  #marker(): void {
    const isStart = this.#char === '-'
    this.#offset += 3
    this.#open = []
    const root = this.#roots.at(-1)!
    const isFirst = this.#roots.length === 1 && root.kind === 'empty' && !root.tag && !root.anchor
    if (isStart && !isFirst) this.#roots.push(emptyNode(this.#offset))
    if (isStart) this.#inline(this.#roots.at(-1)!, false)
    this.#nextLine()
  }

  #content(): void {
    const isDash = this.#atDash()
    const { collection, slot } = this.#belongingTo(this.#column, isDash)
    if (collection?.kind === 'mapping') this.#mappingLine(collection)
    else if (collection) this.#item(collection)
    else if (slot.kind === 'empty' || isDash || this.#startsKey()) this.#inline(slot, true)
    else this.#continueScalar(slot)
    this.#nextLine()
  }

  /** The collection to which a line in this column adds an entry, or else the node of which it is the content. */
  #belongingTo(column: number, isDash: boolean): { collection?: OutlineNode; slot: OutlineNode } {
    let popped: Open | undefined
    const top = (): Open | undefined => this.#open.at(-1)
    while (top() && top()!.column > column) popped = this.#open.pop()
    // The items of a sequence may be in the column of its key.
    const current = top()
    if (current?.node.kind === 'sequence' && current.column === column && !isDash) this.#open.pop()
    const above = top()
    const slot = this.#slotIn(above)
    if (!above) return { slot }
    if (above.column === column && (!isDash || above.node.kind === 'sequence'))
      return { collection: above.node, slot }
    // Between the columns of two collections: the inner one is meant.
    if (
      popped &&
      (popped.node.kind === 'sequence') === isDash &&
      slot === popped.node &&
      above.column < column
    ) {
      this.#open.push(popped)
      return { collection: popped.node, slot }
    }
    return { slot }
  }

  /** What may stand on a line that has only spaces so far. */
  #freshLine(): TextEnd | undefined {
    const word = this.#wordFrom(this.#offset)
    const above = this.#open.filter(({ column }) => column <= this.#column)
    if (above.at(-1)?.node.kind === 'sequence' && above.at(-1)!.column === this.#column) above.pop()
    const top = above.at(-1)
    const slot = this.#slotIn(top)
    if (top?.column === this.#column) return { word, kind: 'space', mapping: top.node, value: undefined }
    return slot.kind === 'empty' ? { word, kind: 'space', mapping: slot, value: slot } : undefined
  }

  /** The node below the last key or dash of a collection, or the root. */
  #slotIn(open: Open | undefined): OutlineNode {
    return open ? open.node.entries.at(-1)!.value : this.#roots.at(-1)!
  }

  #mappingLine(mapping: OutlineNode): void {
    // Tags and anchors before a key are rare; they are of the key.
    const ignored = emptyNode(this.#offset)
    if (this.#properties(ignored, mapping)) this.#mappingEntry(mapping)
    else this.#end = undefined
  }

  /** Reads a key with its value; without a colon, a key that is being typed. */
  #mappingEntry(mapping: OutlineNode): void {
    const start = this.#offset
    const key = this.#keyToken(false)
    this.#skipSpaces()
    const hasColon = this.#char === ':'
    const entry = this.#addEntry(mapping, { start, key, hasColon })
    if (!hasColon) {
      if (this.#offset === this.text.length && !/["']/.test(this.text[start] ?? ''))
        this.#end = { word: this.#wordFrom(start), kind: 'plain', mapping, value: undefined }
      return
    }
    this.#offset++
    entry.value.start = entry.value.end = this.#offset
    this.#inline(entry.value, false)
  }

  #keyToken(inFlow: boolean): Token {
    const start = this.#offset
    if (this.#isQuote) {
      const closed = closingQuote(this.text, start, this.#lineEnd())
      this.#offset = closed ?? this.#lineEnd()
      const end = closed === undefined ? this.#offset : closed - 1
      return { start: start + 1, end, text: this.text.slice(start + 1, end) }
    }
    this.#offset = this.#plainEnd(start, inFlow)
    const text = this.text.slice(start, this.#offset).trimEnd()
    return { start, end: start + text.length, text }
  }

  #item(sequence: OutlineNode): void {
    const start = this.#offset++
    const entry = this.#addEntry(sequence, { start, key: undefined, hasColon: true })
    this.#inline(entry.value, true)
  }

  #addEntry(
    parent: OutlineNode,
    { start, key, hasColon }: Pick<OutlineEntry, 'start' | 'key' | 'hasColon'>,
  ): OutlineEntry {
    const value = emptyNode(this.#offset)
    const entry: OutlineEntry = { parent, start, key, hasColon, value }
    value.entry = entry
    parent.entries.push(entry)
    this.#extend(parent, this.#offset)
    return entry
  }

  #extend(node: OutlineNode, end: number): void {
    for (let each: OutlineNode | undefined = node; each; each = each.entry?.parent) {
      if (each.end >= end) return
      each.end = end
    }
  }

  /** Reads what follows a key, a dash or an indentation on this line; `takesBlock`: a block collection may start there. */
  #inline(node: OutlineNode, takesBlock: boolean): void {
    const isBelow = node.entry === undefined ? this.#column === 0 : this.#isFirstInLine()
    if (!this.#properties(node, takesBlock ? node : undefined)) return
    const char = this.#char
    if (this.#isLineEnd() || this.#atComment()) return
    if (!node.tag && !node.anchor) node.start = this.#offset
    const isBlock = takesBlock && this.#open.length < deepest
    if (isBlock && this.#atDash()) {
      this.#startBlock(node, 'sequence')
      this.#item(node)
    } else if (char === '{' || char === '[') this.#flow(node, this.#blockColumn(), 0)
    else if (isBlock && this.#startsKey()) {
      this.#startBlock(node, 'mapping')
      this.#mappingEntry(node)
    } else if (char === '|' || char === '>') this.#blockScalar(node)
    else if (char === '*') this.#alias(node)
    else if (this.#isQuote) this.#quoted(node, this.#blockColumn())
    else this.#plain(node, isBelow && takesBlock)
  }

  #startBlock(node: OutlineNode, kind: 'mapping' | 'sequence'): void {
    node.kind = kind
    node.column = this.#column
    node.entries.length = 0
    this.#open.push({ node, column: this.#column })
  }

  /**
   * Reads tags and anchors, and the spaces around them. Returns whether anything may follow: not where the text ends.
   */
  #properties(node: OutlineNode, mapping: OutlineNode | undefined): boolean {
    const from = this.#offset
    this.#skipSpaces()
    // "key:" needs a space before its value.
    const isApart = this.#offset > from || this.#isFirstInLine() || /[[{,]/.test(this.text[from - 1] ?? '')
    while (this.#char === '!' || this.#char === '&') {
      const start = this.#offset
      const isTag = this.#char === '!'
      wordEnd.lastIndex = start + 1
      this.#offset = wordEnd.exec(this.text)!.index
      const token = { start, end: this.#offset, text: this.text.slice(start, this.#offset) }
      if (!node.tag && !node.anchor) node.start = start
      if (isTag) {
        node.tag = token
        this.#tagged.push(node)
      } else {
        node.anchor = token
        this.#addAnchor('anchor', token, node)
      }
      this.#extend(node, this.#offset)
      if (this.#offset === this.text.length) {
        if (isTag) this.#end = { word: token, kind: 'tag', mapping: undefined, value: node }
        return false
      }
      this.#skipSpaces()
    }
    if (this.#offset < this.text.length) return true
    if (isApart) this.#end = { word: this.#wordFrom(this.#offset), kind: 'space', mapping, value: node }
    return false
  }

  #plain(node: OutlineNode, isOwnLine: boolean): void {
    const start = this.#offset
    const lineEnd = this.#lineEnd()
    const comment = this.text.slice(start, lineEnd).search(/\s#/)
    const end = comment === -1 ? lineEnd : start + comment
    const text = this.text.slice(start, end).trimEnd()
    node.kind = 'scalar'
    node.style = 'plain'
    node.content = { start, end: start + text.length, text }
    this.#extend(node, start + text.length)
    this.#offset = end
    if (end !== this.text.length || comment !== -1) return
    // A word on a line of its own may become a key.
    const mapping = isOwnLine || node.entry?.key === undefined ? node : undefined
    this.#end = { word: this.#wordFrom(start), kind: 'plain', mapping, value: node }
  }

  #continueScalar(node: OutlineNode): void {
    const end = this.#lineEnd()
    if (node.kind === 'scalar' && node.style === 'plain') this.#extend(node, end)
    this.#offset = end
  }

  #quoted(node: OutlineNode, parentColumn: number): void {
    const start = this.#offset
    const { end, isClosed } = this.#quotedEnd(start, parentColumn)
    node.kind = 'scalar'
    node.style = 'quoted'
    node.content = { start, end, text: this.text.slice(start, end) }
    this.#extend(node, end)
    this.#moveTo(end)
    if (end === this.text.length && !isClosed)
      this.#end = { word: this.#wordFrom(start + 1), kind: 'quoted', mapping: undefined, value: node }
  }

  // A quote that is not closed before a line of another entry ends with its line.
  #quotedEnd(start: number, parentColumn: number): { end: number; isClosed: boolean } {
    for (let from = start; ; ) {
      const line = this.text.indexOf('\n', from)
      const closed = closingQuote(this.text, start, line === -1 ? this.text.length : line, from)
      if (closed !== undefined) return { end: closed, isClosed: true }
      if (line === -1) return { end: this.text.length, isClosed: false }
      if (this.#endsValue(line + 1, parentColumn)) return { end: this.#lineEnd(), isClosed: false }
      from = line + 1
    }
  }

  /** Whether a line has content that is not indented more than a column. */
  #endsValue(lineStart: number, column: number): boolean {
    let offset = lineStart
    while (this.text[offset] === ' ' || this.text[offset] === '\t') offset++
    const char = this.text[offset]
    return char !== '\n' && char !== '\r' && offset - lineStart <= column
  }

  #blockScalar(node: OutlineNode): void {
    const start = this.#offset
    const parentColumn = this.#blockColumn()
    node.kind = 'scalar'
    node.style = 'block'
    let end = this.#lineEnd()
    let next = end
    while (next < this.text.length) {
      const from = this.text.indexOf('\n', next) + 1
      if (from === 0) break
      const spaces = /^ */.exec(this.text.slice(from, from + 1000))![0].length
      const char = this.text[from + spaces]
      const isBlank = char === '\n' || char === '\r' || char === undefined
      if (!isBlank && spaces <= parentColumn) break
      if (isMarker(this.text, from)) break
      if (from + spaces === this.text.length && spaces <= parentColumn) break
      next = lineEndAfter(this.text, from)
      if (!isBlank || next === this.text.length) end = next
    }
    node.content = { start, end, text: this.text.slice(start, end) }
    this.#extend(node, end)
    this.#moveTo(end)
  }

  #alias(node: OutlineNode): void {
    const start = this.#offset
    wordEnd.lastIndex = start + 1
    this.#offset = wordEnd.exec(this.text)!.index
    const token = { start, end: this.#offset, text: this.text.slice(start, this.#offset) }
    node.kind = 'alias'
    node.content = token
    this.#addAnchor('alias', token, node)
    this.#extend(node, this.#offset)
    if (this.#offset === this.text.length)
      this.#end = { word: token, kind: 'alias', mapping: undefined, value: node }
  }

  #addAnchor(kind: AnchorToken['kind'], token: Token, node: OutlineNode): void {
    this.#anchors.push({ ...token, kind, node, document: this.#roots.length - 1 })
  }

  #flow(node: OutlineNode, parentColumn: number, depth: number): void {
    const isMapping = this.#char === '{'
    node.kind = isMapping ? 'mapping' : 'sequence'
    node.style = 'flow'
    const close = isMapping ? '}' : ']'
    this.#offset++
    for (;;) {
      const goesOn = this.#flowSpace(parentColumn)
      this.#extend(node, this.#offset)
      if (!goesOn) return
      if (this.#offset === this.text.length) {
        this.#end = this.#flowEnd(node, this.#wordFrom(this.#offset))
        return
      }
      const char = this.#char
      if (char === close) {
        this.#offset++
        this.#extend(node, this.#offset)
        return
      }
      if (char === ',') this.#offset++
      else if (char === ']' || char === '}' || depth > deepest) {
        this.#skipFlow()
        return
      } else if (!this.#flowEntry(node, parentColumn, depth)) return
    }
  }

  #skipFlow(): void {
    this.#offset = this.#lineEnd()
  }

  #flowEnd(node: OutlineNode, word: Token, kind: TextEnd['kind'] = 'space'): TextEnd {
    if (node.kind === 'mapping') return { word, kind, mapping: node, value: undefined }
    const value = emptyNode(word.start)
    value.entry = { parent: node, start: word.start, key: undefined, hasColon: true, value }
    return { word, kind, mapping: undefined, value }
  }

  // Returns whether the collection goes on.
  #flowEntry(parent: OutlineNode, parentColumn: number, depth: number): boolean {
    const start = this.#offset
    if (parent.kind === 'sequence') {
      const { value } = this.#addEntry(parent, { start, key: undefined, hasColon: true })
      if (!this.#startsFlowKey()) return this.#flowValue(value, parentColumn, depth)
      // "[a: 1]" is a sequence with a mapping of one entry.
      Object.assign(value, { kind: 'mapping', style: 'flow' })
      return this.#flowEntry(value, parentColumn, depth)
    }
    const key = this.#keyToken(true)
    const atEnd = this.#offset === this.text.length
    this.#skipSpaces()
    const hasColon = this.#char === ':'
    const entry = this.#addEntry(parent, { start, key, hasColon })
    if (!hasColon) {
      if (atEnd) this.#end = this.#flowEnd(parent, this.#wordFrom(start), 'plain')
      // Something that is no key, such as "}" of another collection: the line ends what is known.
      if (this.#offset === start) this.#skipFlow()
      return !atEnd
    }
    this.#offset++
    entry.value.start = entry.value.end = this.#offset
    return this.#flowValue(entry.value, parentColumn, depth)
  }

  #flowValue(node: OutlineNode, parentColumn: number, depth: number): boolean {
    if (!this.#properties(node, undefined)) return false
    const start = this.#offset
    const char = this.#char
    if (!node.tag && !node.anchor) node.start = start
    if (char === '{' || char === '[') this.#flow(node, parentColumn, depth + 1)
    else if (char === '*') this.#alias(node)
    else if (this.#isQuote) this.#quoted(node, parentColumn)
    else if (!/[,\]}\r\n#]/.test(char)) {
      this.#offset = Math.max(this.#plainEnd(start, true), Math.min(start + 1, this.text.length))
      const text = this.text.slice(start, this.#offset).trimEnd()
      node.kind = 'scalar'
      node.style = 'plain'
      node.content = { start, end: start + text.length, text }
      this.#extend(node, start + text.length)
      if (this.#offset === this.text.length)
        this.#end = { word: this.#wordFrom(start), kind: 'plain', mapping: undefined, value: node }
    }
    return this.#offset < this.text.length
  }

  // Skips white space, comments and line ends; returns false where a line belongs to the collection around the flow.
  #flowSpace(parentColumn: number): boolean {
    for (;;) {
      this.#skipSpaces()
      if (this.#atComment()) {
        this.#offset = this.#lineEnd()
        if (this.#offset === this.text.length) return false
      }
      if (!this.#isLineEnd() || this.#offset === this.text.length) return true
      const from = lineEndAfter(this.text, this.#offset)
      const next = from + (this.text[from] === '\r' ? 2 : 1)
      const spaces = /^[ \t]*/.exec(this.text.slice(next, next + 1000))![0].length
      const char = this.text[next + spaces] ?? ''
      if (char !== '' && !/[\r\n\]}]/.test(char) && spaces <= parentColumn) return false
      if (char === '' && spaces <= parentColumn) return false
      this.#offset = next
      this.#lineStart = next
    }
  }

  /** The column of the collection that the current line belongs to: deeper lines belong to the value. */
  #blockColumn(): number {
    return this.#open.at(-1)?.column ?? -1
  }

  /** The end of a plain text that may be a key: before ": ", " #" and the end of the line. */
  #plainEnd(start: number, inFlow: boolean): number {
    const pattern = inFlow ? /:(?=[\s,[\]{}]|$)|[,[\]{}]|\s#|\r?\n|$/g : /:(?=\s|$)|\s#|\r?\n|$/g
    pattern.lastIndex = start
    return pattern.exec(this.text)!.index
  }

  #startsKey(): boolean {
    const start = this.#offset
    if (/[{[#|>]/.test(this.#char)) return false
    if (!this.#isQuote) return this.text[this.#plainEnd(start, false)] === ':'
    const end = closingQuote(this.text, start, this.#lineEnd())
    return end !== undefined && /^\s*:(?:\s|$)/.test(this.text.slice(end, end + 100))
  }

  #startsFlowKey(): boolean {
    const start = this.#offset
    if (/[[{!&]/.test(this.#char)) return false
    const end = this.#isQuote ? closingQuote(this.text, start, this.#lineEnd()) : this.#plainEnd(start, true)
    if (end === undefined || end === start) return false
    return /^\s*:(?:[\s,[\]{}]|$)/.test(this.text.slice(end, end + 100))
  }

  #atDash(): boolean {
    return this.#char === '-' && /^\s?$/.test(this.text[this.#offset + 1] ?? '')
  }

  #atComment(): boolean {
    return this.#char === '#' && /\s/.test(this.text[this.#offset - 1] ?? ' ')
  }

  #isLineEnd(): boolean {
    const char = this.#char
    return char === '' || char === '\n' || (char === '\r' && this.text[this.#offset + 1] === '\n')
  }

  #isFirstInLine(): boolean {
    return this.text.slice(this.#lineStart, this.#offset).trim() === ''
  }

  #lineEnd(): number {
    return lineEndAfter(this.text, this.#offset)
  }

  #skipSpaces(): void {
    while (this.#char === ' ' || this.#char === '\t') this.#offset++
  }

  #moveTo(offset: number): void {
    this.#offset = offset
    this.#lineStart = this.text.lastIndexOf('\n', offset - 1) + 1
  }

  #wordFrom(start: number): Token {
    return { start, end: this.text.length, text: this.text.slice(start) }
  }
}

function emptyNode(offset: number): OutlineNode {
  return {
    kind: 'empty',
    entry: undefined,
    start: offset,
    end: offset,
    tag: undefined,
    anchor: undefined,
    content: undefined,
    style: 'plain',
    column: -1,
    entries: [],
  }
}

/** Whether a document starts or ends at the start of a line. */
function isMarker(text: string, lineStart: number): boolean {
  return /^(?:---|\.\.\.)(?=\s|$)/.test(text.slice(lineStart, lineStart + 4))
}

function lineEndAfter(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  if (end === -1) return text.length
  return end > offset && text[end - 1] === '\r' ? end - 1 : end
}

/** The offset after the closing quote of a string, if it is before `limit`; `from` is where the search goes on. */
function closingQuote(text: string, start: number, limit: number, from = start): number | undefined {
  const quote = text[start]!
  for (let offset = Math.max(start + 1, from); offset < limit; offset++) {
    if (quote === '"' && text[offset] === '\\') offset++
    else if (text[offset] === quote) {
      if (quote === '"' || text[offset + 1] !== quote) return offset + 1
      offset++
    }
  }
  return undefined
}

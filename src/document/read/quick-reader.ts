import { Suggester } from '../../registry/suggest.js'
import { isCompositionTag } from '../../registry/tag.js'
import { Source, type Span } from '../../source.js'
import { BAIL_OUT, unlessBailedOut } from '../bail-out.js'
import type { ReportProblem } from '../problems.js'
import { duplicateKey, unknownAlias } from './key-check.js'
import type { ParsedDocument, ParsedText } from './parsed.js'
import { ALIAS, ANCHOR, MAPPING, PLAIN, QUOTED, SEQUENCE, TAG, Tape } from './tape.js'
import { TapeDocument } from './tape-document.js'

/**
 * Reads common YAML in a single pass onto a tape, from which the same nodes are made as the exact reader makes. At the first unusual or
 * wrong construct it bails out and returns `undefined`; the exact reader then reads the whole text.
 *
 * The exact reader handles directives, `? key`, multi-line scalars, tabs and carriage returns, `!!tags`, keys with tags or
 * anchors, block scalars with an indentation indicator, and all errors. With `report`, duplicate keys and unknown aliases
 * are reported to it, and reading continues.
 */
export function readQuickly(text: string, filename: string, report?: ReportProblem): ParsedText | undefined {
  const documents = unlessBailedOut(() => new QuickReader(text, report).documents())
  return documents && { source: new Source(text, filename), documents, problems: [] }
}

const deepest = 200
const longestKey = 1000
// So many keys are compared one by one.
const fewKeys = 16

// The code after the last character.
const END = -1
const LF = 10
const SPACE = 32
const BANG = 33
const DOUBLE = 34
const HASH = 35
const AMP = 38
const SINGLE = 39
const STAR = 42
const COMMA = 44
const DASH = 45
const COLON = 58
const GREATER = 62
const OPEN_LIST = 91
const BACKSLASH = 92
const CLOSE_LIST = 93
const PIPE = 124
const OPEN_MAP = 123
const CLOSE_MAP = 125

const anchorName = /[A-Za-z0-9_-]+/y
// By character code: the first characters of plain scalars that are read here.
const startsPlain = Uint8Array.from({ length: 128 }, (_, code) =>
  /[A-Za-z0-9$()+./;<=^_~\\-]/.test(String.fromCharCode(code)) ? 1 : 0,
)

/** Reads a text onto a tape. The methods that read a node return its record. */
class QuickReader {
  readonly tape: Tape
  readonly #length: number
  offset = 0
  lineStart = 0
  depth = 0
  /** The smallest column of a comment on its own line, among those that `below` skips. */
  comments = 0
  /** The nodes with anchors. */
  anchors: Map<string, number> | undefined
  // The properties before the content of the node that is read: the number of its tag or -1, and its anchor.
  tag = -1
  tagStart = -1
  tagEnd = -1
  anchor = false
  anchorStart = -1
  anchorEnd = -1
  /** The offset of an empty scalar after them. */
  behind = -1
  /** The keys of the mappings that are being read, those of the innermost last. */
  readonly #keys: number[] = []
  #keyCount = 0
  /** The keys of mappings with many, by the position of their first in `#keys`. */
  #manyKeys: Map<number, Set<number>> | undefined
  #suggester: Suggester | undefined

  constructor(
    readonly text: string,
    readonly report: ReportProblem | undefined,
  ) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
    if (/[\x00-\x09\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029]/.test(text)) throw BAIL_OUT
    this.tape = new Tape(text)
    this.#length = text.length
  }

  documents(): ParsedDocument[] {
    const documents: ParsedDocument[] = []
    let start = 0
    while (start < this.#length || documents.length === 0) {
      const document = this.document(start)
      documents.push(document)
      start = document.end
    }
    this.tape.complete()
    return documents
  }

  document(start: number): ParsedDocument {
    const first = this.tape.count
    this.anchors = undefined
    this.skip()
    if (this.offset >= this.#length) throw BAIL_OUT
    const marked = this.atMarker()
    if (marked) this.offset += 3
    const root = this.node(-1, false, marked)
    this.skip()
    // A comment above a marker belongs to either document.
    const rest = this.offset < this.#length
    if (rest && (!this.atMarker() || this.text.slice(this.tape.endOf(root), this.offset).includes('#')))
      throw BAIL_OUT
    return new TapeDocument(this.tape, first, start, this.offset)
  }

  #code(offset: number): number {
    return offset < this.#length ? this.text.charCodeAt(offset) : END
  }

  /** Whether the reader is at `---`; `...` and directives are unusual. */
  atMarker(): boolean {
    const { text, offset } = this
    if (offset !== this.lineStart || offset >= this.#length) return false
    const first = text.charCodeAt(offset)
    if (first === 37 || (first === 46 && text.startsWith('...', offset))) throw BAIL_OUT
    return first === DASH && text.startsWith('---', offset) && isBlank(this.#code(offset + 3))
  }

  /** Skips spaces, comments and line ends. */
  skip(): void {
    for (;;) {
      const code = this.#code(this.offset)
      if (code === SPACE) this.offset++
      else if (code === LF) this.lineStart = ++this.offset
      else if (code === HASH) this.skipComment()
      else return
    }
  }

  skipComment(): void {
    const { text, offset } = this
    if (text.slice(this.lineStart, offset).trim() === '')
      this.comments = Math.min(this.comments, this.column())
    if (offset !== this.lineStart && text.charCodeAt(offset - 1) !== SPACE) throw BAIL_OUT
    const end = text.indexOf('\n', offset)
    this.offset = end === -1 ? this.#length : end
  }

  skipSpaces(): void {
    while (this.#code(this.offset) === SPACE) this.offset++
  }

  /** Whether the reader is at the end of a line, or at a comment that ends it. */
  atLineEnd(): boolean {
    const code = this.#code(this.offset)
    return code === LF || code === HASH || code === END
  }

  column(): number {
    return this.offset - this.lineStart
  }

  /** Reads the node after `key:`, `-`, `---` or the start; `inMapping`: a sequence may start in the column of its key. */
  node(parent: number, inMapping: boolean, sameLine: boolean): number {
    this.props(false)
    if (this.atLineEnd()) return this.below(parent, inMapping)
    return this.inline(parent, !inMapping && !sameLine && this.isBare())
  }

  /** Reads a node that starts on a later line, if one is indented enough. */
  below(parent: number, inMapping: boolean): number {
    this.comments = Infinity
    this.skip()
    const column = this.column()
    if (this.comments < column) throw BAIL_OUT
    if (this.offset >= this.#length || (column === 0 && this.atMarker())) return this.empty()
    const dash = this.atDash()
    if (column <= parent && !(inMapping && dash && column === parent)) return this.empty()
    if (dash) return this.sequence(column)
    const code = this.#code(this.offset)
    return code === BANG || code === AMP ? this.propsBelow(parent) : this.inline(parent, true)
  }

  // Tags and anchors at the start of a line belong to the node, unless a key follows on the line.
  propsBelow(parent: number): number {
    if (!this.isBare()) throw BAIL_OUT
    this.props(false)
    return this.atLineEnd() ? this.below(parent, false) : this.inline(parent, false)
  }

  /** Reads content that starts here; `key`: it may be the first key of a mapping. */
  inline(parent: number, key: boolean): number {
    const { offset } = this
    const code = this.#code(offset)
    if (code === OPEN_LIST || code === OPEN_MAP) return this.lineEnded(this.flow(parent))
    if (code === STAR) return this.lineEnded(this.alias())
    if (code === PIPE || code === GREATER) return this.block(parent)
    if (code === DASH && this.atDash()) {
      if (!key) throw BAIL_OUT
      return this.sequence(this.column())
    }
    const quoted = code === DOUBLE || code === SINGLE
    if (quoted) this.quoted(code)
    else this.plain(code)
    const end = this.offset
    this.skipSpaces()
    if (this.#code(this.offset) === COLON) {
      if (!key || end - offset > longestKey) throw BAIL_OUT
      return this.mapping(offset, end, quoted)
    }
    if (!this.atLineEnd()) throw BAIL_OUT
    const scalar = this.scalar(quoted, offset, end)
    if (!quoted) this.refuseContinuation(parent)
    return scalar
  }

  // A plain scalar continues on the next line if that is indented.
  refuseContinuation(parent: number): void {
    if (this.#code(this.offset) === HASH) {
      this.skip()
      return
    }
    this.skip()
    if (this.offset < this.#length && this.column() > parent && !(this.column() === 0 && this.atMarker()))
      throw BAIL_OUT
  }

  lineEnded(node: number): number {
    const end = this.offset
    this.skipSpaces()
    if (!this.atLineEnd() || (this.offset === end && this.#code(end) === HASH)) throw BAIL_OUT
    return node
  }

  props(inFlow: boolean): void {
    this.tag = -1
    this.anchor = false
    this.behind = this.offset
    this.skipSpaces()
    this.behind = this.offset
    for (;;) {
      const code = this.#code(this.offset)
      if (code === BANG) this.readTag(inFlow)
      else if (code === AMP) this.readAnchor(inFlow)
      else return
      this.skipSpaces()
      this.behind = this.offset
    }
  }

  isBare(): boolean {
    return this.tag < 0 && !this.anchor
  }

  readTag(inFlow: boolean): void {
    if (this.tag >= 0) throw BAIL_OUT
    this.tagStart = this.offset
    while (!this.endsToken(inFlow)) this.offset++
    this.tagEnd = this.offset
    this.tag = this.tape.tagNumber(this.tagStart, this.tagEnd)
  }

  readAnchor(inFlow: boolean): void {
    if (this.anchor) throw BAIL_OUT
    this.anchor = true
    this.anchorStart = this.offset + 1
    this.anchorName(inFlow)
    this.anchorEnd = this.offset
  }

  /** Reads the name after `&` or `*`. */
  anchorName(inFlow: boolean): string {
    anchorName.lastIndex = ++this.offset
    const name = anchorName.exec(this.text)?.[0]
    if (name === undefined) throw BAIL_OUT
    this.offset += name.length
    if (!this.endsToken(inFlow)) throw BAIL_OUT
    return name
  }

  /** Whether a tag or the name of an anchor ends here: at white space, or in a flow collection at its punctuation. */
  endsToken(inFlow: boolean): boolean {
    const code = this.#code(this.offset)
    return isBlank(code) || (inFlow && (code === COMMA || code === CLOSE_LIST || code === CLOSE_MAP))
  }

  atDash(): boolean {
    if (this.#code(this.offset) !== DASH) return false
    const next = this.#code(this.offset + 1)
    return isBlank(next)
  }

  sequence(column: number): number {
    const node = this.enter(SEQUENCE, this.offset)
    let last: number
    do {
      this.offset++
      last = this.node(column, false, false)
      this.skip()
    } while (this.goesOn(column) && this.atDash())
    return this.leave(node, this.tape.endOf(last))
  }

  mapping(start: number, end: number, quoted: boolean): number {
    const column = start - this.lineStart
    const node = this.enter(MAPPING, start)
    const firstKey = this.#keyCount
    let key = this.key(firstKey, quoted, start, end)
    let value: number
    for (;;) {
      this.afterColon()
      value = this.node(column, true, false)
      if (this.tape.isMerge(key)) this.checkMerge(value)
      this.skip()
      if (!this.goesOn(column)) break
      key = this.nextKey(firstKey)
    }
    this.#forgetKeys(firstKey)
    return this.leave(node, Math.max(this.tape.endOf(value), this.tape.endOf(key)))
  }

  nextKey(firstKey: number): number {
    const start = this.offset
    const code = this.#code(start)
    const quoted = code === DOUBLE || code === SINGLE
    if (quoted) this.quoted(code)
    else this.plain(code)
    const end = this.offset
    this.skipSpaces()
    if (this.#code(this.offset) !== COLON || end - start > longestKey) throw BAIL_OUT
    return this.key(firstKey, quoted, start, end)
  }

  afterColon(): void {
    this.offset++
    if (!isBlank(this.#code(this.offset))) throw BAIL_OUT
  }

  /** Adds a key of the mapping whose first key is at a position of `#keys`. */
  key(firstKey: number, quoted: boolean, start: number, end: number): number {
    const { names } = this.tape
    const key = this.tape.addKey(start, end, quoted)
    const number = this.tape.linkOf(key)
    if (!this.#isNewKey(firstKey, names.firsts[number]!)) this.refuseKey({ start, end }, names.names[number]!)
    return key
  }

  // Most mappings have few keys, so that a search is faster than hashing.
  #isNewKey(firstKey: number, key: number): boolean {
    if (this.#keyCount - firstKey > fewKeys) return this.#isNewOfMany(firstKey, key)
    for (let index = firstKey; index < this.#keyCount; index++) if (this.#keys[index] === key) return false
    this.#keys[this.#keyCount++] = key
    return true
  }

  #isNewOfMany(firstKey: number, key: number): boolean {
    this.#manyKeys ??= new Map()
    const known = this.#manyKeys.get(firstKey)
    const keys = known ?? new Set(this.#keys.slice(firstKey, this.#keyCount))
    if (!known) this.#manyKeys.set(firstKey, keys)
    return keys.size < keys.add(key).size
  }

  #forgetKeys(firstKey: number): void {
    if (this.#keyCount - firstKey > fewKeys) this.#manyKeys?.delete(firstKey)
    this.#keyCount = firstKey
  }

  refuseKey(span: Span, key: string): void {
    if (!this.report) throw BAIL_OUT
    this.report(span, 'DUPLICATE_KEY', duplicateKey(key))
  }

  refuseAlias(span: Span, alias: string): void {
    if (!this.report) throw BAIL_OUT
    this.#suggester ??= new Suggester()
    const meant = this.#suggester.nearest(alias, this.anchors?.keys() ?? [])
    this.report(span, 'UNKNOWN_ALIAS', unknownAlias(alias, meant), meant && `*${meant}`)
  }

  /** The value of `<<` must be a mapping, an alias to one, or a sequence of these; composition may give one later. */
  checkMerge(value: number): void {
    const { tape } = this
    const target = tape.targetOf(value)
    if (target === undefined || tape.kindOf(target) !== SEQUENCE) this.expectMapping(value)
    else for (const item of tape.itemsOf(target)) this.expectMapping(item)
  }

  expectMapping(node: number): void {
    const { tape } = this
    const target = tape.targetOf(node)
    if (target !== undefined && tape.kindOf(target) === MAPPING) return
    if (target === undefined || !isCompositionTag(tape.tagOf(target))) throw BAIL_OUT
  }

  /** Whether a block collection in `column` continues; a line between its column and that of its parent is wrong. */
  goesOn(column: number): boolean {
    if (this.offset >= this.#length || this.column() < column) return false
    if (this.column() > column) throw BAIL_OUT
    return !(column === 0 && this.atMarker())
  }

  /** Reads a plain scalar outside of flow collections. */
  plain(first: number): void {
    this.startPlain(first)
    const { text, offset: start } = this
    const length = this.#length
    let end = start + 1
    for (let offset = end; offset < length; offset++) {
      const code = text.charCodeAt(offset)
      if (code > COLON) end = offset + 1
      else if (code === LF) break
      else if (code === HASH && text.charCodeAt(offset - 1) === SPACE) break
      else if (code === COLON && isBlank(this.#code(offset + 1))) break
      else if (code !== SPACE) end = offset + 1
    }
    this.offset = end
  }

  startPlain(first: number): void {
    if (first === END || !(first < 128 ? startsPlain[first] : first < 0xd800)) throw BAIL_OUT
    if (first === DASH && isBlank(this.#code(this.offset + 1))) throw BAIL_OUT
  }

  plainInFlow(first: number): void {
    this.startPlain(first)
    const { text, offset: start } = this
    if (first === DASH && !isDigit(this.#code(start + 1))) throw BAIL_OUT
    const length = this.#length
    let end = start
    for (let offset = start; offset < length; offset++) {
      const code = text.charCodeAt(offset)
      if (code === LF || isFlowMark(code)) break
      if (code === HASH && text.charCodeAt(offset - 1) === SPACE) break
      if (code === COLON && this.endsFlowKey(offset + 1)) break
      if (code !== SPACE) end = offset + 1
    }
    this.offset = end
  }

  endsFlowKey(offset: number): boolean {
    const code = this.#code(offset)
    return isBlank(code) || isFlowMark(code)
  }

  quoted(quote: number): void {
    const { text } = this
    for (let offset = this.offset + 1; offset < this.#length; offset++) {
      const code = text.charCodeAt(offset)
      if (code === LF || (code === BACKSLASH && quote === DOUBLE)) throw BAIL_OUT
      if (code !== quote) continue
      if (quote === SINGLE && this.#code(offset + 1) === SINGLE) throw BAIL_OUT
      this.offset = offset + 1
      return
    }
    throw BAIL_OUT
  }

  alias(): number {
    const start = this.offset
    if (!this.isBare()) throw BAIL_OUT
    const name = this.anchorName(true)
    const target = this.anchors?.get(name)
    if (target === undefined) this.refuseAlias({ start, end: this.offset }, name)
    else if (this.tape.isOpen(target)) throw BAIL_OUT
    return this.tape.add(ALIAS, start, this.offset, target === undefined ? 0 : target + 1)
  }

  scalar(quoted: boolean, start: number, end: number): number {
    this.addProps(true)
    return this.tape.add(quoted ? QUOTED : PLAIN, start, end, 0)
  }

  empty(): number {
    this.addProps(false)
    return this.tape.add(PLAIN, this.behind, this.behind, 0)
  }

  /** Adds the anchor and the tag of the node that is added next. */
  addProps(isOther: boolean, isCollection = false): void {
    const { tape } = this
    if (this.anchor) {
      tape.add(ANCHOR, this.anchorStart, this.anchorEnd, 0)
      const node = this.tag < 0 ? tape.count : tape.count + 1
      this.anchors ??= new Map()
      this.anchors.set(this.text.slice(this.anchorStart, this.anchorEnd), node)
      this.anchor = false
    }
    if (isCollection || this.tag >= 0) tape.valueCount++
    if (this.tag < 0) return
    tape.add(TAG, this.tagStart, this.tagEnd, this.tag)
    if (isOther) tape.isTagOfOther[this.tag] = true
    this.tag = -1
  }

  /** Reads a block scalar whose lines have the same indentation, or a deeper one in a literal. */
  block(parent: number): number {
    const start = this.offset
    const folded = this.#code(this.offset++) === GREATER
    const strip = this.#code(this.offset) === DASH
    if (strip) this.offset++
    this.skipSpaces()
    if (this.#code(this.offset) !== LF) throw BAIL_OUT
    this.addProps(true)
    const lines = this.blockLines(++this.offset, parent)
    const value = (folded ? fold(lines) : lines.join('\n')) + (strip ? '' : '\n')
    return this.tape.addBlock(start, this.offset, value)
  }

  blockLines(from: number, parent: number): string[] {
    const { text } = this
    const indent = indentAt(text, from)
    if (
      indent <= Math.max(parent, 0) ||
      text.charCodeAt(from + indent) === LF ||
      from + indent >= text.length
    )
      throw BAIL_OUT
    const lines: string[] = []
    let offset = from
    let end = from
    let last = 0
    while (offset < text.length) {
      const lineEnd = text.indexOf('\n', offset)
      const stop = lineEnd === -1 ? text.length : lineEnd
      const spaces = indentAt(text, offset)
      const blank = offset + spaces === stop
      if (blank && spaces > indent) throw BAIL_OUT
      if (!blank && spaces < indent) break
      lines.push(blank ? '' : text.slice(offset + indent, stop))
      offset = lineEnd === -1 ? stop : stop + 1
      if (!blank) {
        end = offset
        last = lines.length
      }
    }
    if (offset >= text.length && text.charCodeAt(text.length - 1) !== LF) throw BAIL_OUT
    this.offset = end
    this.lineStart = end
    return lines.slice(0, last)
  }

  flow(parent: number): number {
    const isList = this.#code(this.offset) === OPEN_LIST
    const node = this.enter(isList ? SEQUENCE : MAPPING, this.offset++)
    if (isList) this.flowItems(parent)
    else this.flowEntries(parent)
    return this.leave(node, this.offset)
  }

  flowItems(parent: number): void {
    let isMore = this.flowStart(CLOSE_LIST, parent)
    while (isMore) {
      this.flowValue(parent)
      isMore = this.flowMore(CLOSE_LIST, parent)
    }
  }

  flowEntries(parent: number): void {
    const firstKey = this.#keyCount
    let isMore = this.flowStart(CLOSE_MAP, parent)
    while (isMore) {
      const key = this.flowKey(firstKey)
      const value = this.flowValue(parent)
      if (this.tape.isMerge(key)) this.checkMerge(value)
      isMore = this.flowMore(CLOSE_MAP, parent)
    }
    this.#forgetKeys(firstKey)
  }

  /** Whether a flow collection has a first item; else its end is read. */
  flowStart(close: number, parent: number): boolean {
    this.flowSkip(parent)
    if (this.#code(this.offset) !== close) return true
    this.offset++
    return false
  }

  /** Whether a flow collection has another item; else its end is read. */
  flowMore(close: number, parent: number): boolean {
    this.flowSkip(parent)
    const code = this.#code(this.offset++)
    if (code !== COMMA && code !== close) throw BAIL_OUT
    if (code === COMMA) this.flowSkip(parent)
    return code === COMMA
  }

  flowSkip(parent: number): void {
    const line = this.lineStart
    this.skip()
    if (this.offset >= this.#length || (this.lineStart !== line && this.column() <= Math.max(parent, 0)))
      throw BAIL_OUT
  }

  flowKey(firstKey: number): number {
    const start = this.offset
    const code = this.#code(start)
    const quoted = code === DOUBLE || code === SINGLE
    if (quoted) this.quoted(code)
    else this.plainInFlow(code)
    const end = this.offset
    const key = this.key(firstKey, quoted, start, end)
    if (this.#code(this.offset++) !== COLON || end - start > longestKey) throw BAIL_OUT
    if (this.#code(this.offset) !== SPACE) throw BAIL_OUT
    return key
  }

  flowValue(parent: number): number {
    this.props(true)
    const start = this.offset
    const code = this.#code(start)
    if (code === OPEN_LIST || code === OPEN_MAP) return this.flowEnded(this.flow(parent))
    if (code === STAR) return this.flowEnded(this.alias())
    if (this.tag >= 0 && (code === COMMA || code === CLOSE_LIST || code === CLOSE_MAP)) return this.empty()
    const quoted = code === DOUBLE || code === SINGLE
    if (quoted) this.quoted(code)
    else this.plainInFlow(code)
    return this.flowEnded(this.scalar(quoted, start, this.offset))
  }

  flowEnded(node: number): number {
    this.skipSpaces()
    const code = this.#code(this.offset)
    if (code !== COMMA && code !== CLOSE_LIST && code !== CLOSE_MAP && code !== LF) throw BAIL_OUT
    if (code === LF && this.tape.kindOf(node) === PLAIN) throw BAIL_OUT
    return node
  }

  enter(kind: number, start: number): number {
    if (++this.depth > deepest) throw BAIL_OUT
    this.addProps(kind !== MAPPING, true)
    return this.tape.add(kind, start, start, 0)
  }

  leave(node: number, end: number): number {
    this.depth--
    this.tape.close(node, Math.max(end, this.tape.startOf(node)))
    return node
  }
}

function isBlank(code: number): boolean {
  return code === SPACE || code === LF || code === END
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function indentAt(text: string, from: number): number {
  let offset = from
  while (text.charCodeAt(offset) === SPACE) offset++
  return offset - from
}

function isFlowMark(code: number): boolean {
  return (
    code === COMMA || code === OPEN_LIST || code === CLOSE_LIST || code === OPEN_MAP || code === CLOSE_MAP
  )
}

// Joins the lines of a paragraph with spaces; an empty line becomes a line end.
function fold(lines: readonly string[]): string {
  let folded = ''
  let gap = ''
  for (const line of lines) {
    if (line.charCodeAt(0) === SPACE) throw BAIL_OUT
    if (line === '') gap = gap === ' ' || gap === '' ? '\n' : `${gap}\n`
    else {
      folded += gap + line
      gap = ' '
    }
  }
  return folded
}

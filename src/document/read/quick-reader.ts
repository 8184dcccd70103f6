import {
  aliasAt,
  type Entry,
  mappingAt,
  type Node,
  type NodeProps,
  scalarAt,
  sequenceAt,
} from '../../node.js'
import { Suggester } from '../../registry/suggest.js'
import { isCompositionTag } from '../../registry/tag.js'
import { Source, type Span } from '../../source.js'
import { BAIL_OUT, unlessBailedOut } from '../bail-out.js'
import { mergeSources } from '../nodes.js'
import type { ReportProblem } from '../problems.js'
import { resolvePlain } from './core-schema.js'
import { duplicateKey, KeyNames, unknownAlias } from './key-check.js'
import type { ParsedDocument, ParsedText } from './parsed.js'

/**
 * Reads common YAML in a single pass, into the same nodes as the exact reader. At the first unusual or wrong construct it bails
 * out and returns `undefined`; the exact reader then reads the whole text.
 *
 * The exact reader handles directives, `? key`, multi-line scalars, tabs and carriage returns, `!!tags`, keys with tags or
 * anchors, block scalars with an indentation indicator, and all errors. With `report`, duplicate keys and unknown aliases
 * are reported to it, and reading continues.
 */
export function readQuickly(text: string, filename: string, report?: ReportProblem): ParsedText | undefined {
  const documents = unlessBailedOut(() => new QuickReader(text, report).documents())
  return documents && { source: new Source(text, filename), documents, problems: [] }
}

const noProps = { tag: undefined, tagStart: -1, tagEnd: -1, anchor: undefined, behind: -1 }
const deepest = 200
const longestKey = 1000

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
const OPEN_LIST = 91
const BACKSLASH = 92
const CLOSE_LIST = 93
const PIPE = 124
const OPEN_MAP = 123
const CLOSE_MAP = 125

interface Props extends NodeProps {
  /** The offset of an empty scalar after them. */
  behind: number
}

const name = /[A-Za-z0-9_-]+/y
const tagName = /!(?:[A-Za-z][A-Za-z0-9_-]*\.)*[A-Za-z][A-Za-z0-9_-]*/y
// By character code: the first characters of plain scalars that are read here.
const startsPlain = Uint8Array.from({ length: 128 }, (_, code) =>
  /[A-Za-z0-9$()+./;<=^_~\\-]/.test(String.fromCharCode(code)) ? 1 : 0,
)

class QuickReader {
  offset = 0
  lineStart = 0
  depth = 0
  /** The smallest column of a comment on its own line, among those that `below` skips. */
  comments = 0
  tagged: Node[] = []
  anchors = new Map<string, Node>()
  open = new Set<Node>()
  #suggester: Suggester | undefined

  constructor(
    readonly text: string,
    readonly report: ReportProblem | undefined,
  ) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
    if (/[\x00-\x09\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029]/.test(text)) throw BAIL_OUT
  }

  documents(): ParsedDocument[] {
    const documents: ParsedDocument[] = []
    let start = 0
    while (start < this.text.length || documents.length === 0) {
      const document = this.document(start)
      documents.push(document)
      start = document.end
    }
    return documents
  }

  document(start: number): ParsedDocument {
    this.tagged = []
    this.anchors = new Map()
    this.skip()
    if (this.offset >= this.text.length) throw BAIL_OUT
    const marked = this.atMarker()
    if (marked) this.offset += 3
    const root = this.node(-1, false, marked)
    this.skip()
    // A comment above a marker belongs to either document.
    const rest = this.offset < this.text.length
    if (rest && (!this.atMarker() || this.text.slice(root.end, this.offset).includes('#'))) throw BAIL_OUT
    return { root, start, end: this.offset, tagged: this.tagged, isYaml11: false }
  }

  /** Whether the reader is at `---`; `...` and directives are unusual. */
  atMarker(): boolean {
    const { text, offset } = this
    if (offset !== this.lineStart || offset >= text.length) return false
    const first = text.charCodeAt(offset)
    if (first === 37 || text.startsWith('...', offset)) throw BAIL_OUT
    if (!text.startsWith('---', offset)) return false
    const next = text.charCodeAt(offset + 3)
    return next === SPACE || next === LF || Number.isNaN(next)
  }

  /** Skips spaces, comments and line ends. */
  skip(): void {
    const { text } = this
    for (;;) {
      const code = text.charCodeAt(this.offset)
      if (code === SPACE) this.offset++
      else if (code === LF) this.lineStart = ++this.offset
      else if (code === HASH) this.skipComment()
      else return
    }
  }

  skipComment(): void {
    const before = this.text.charCodeAt(this.offset - 1)
    if (this.text.slice(this.lineStart, this.offset).trim() === '')
      this.comments = Math.min(this.comments, this.column())
    if (this.offset !== this.lineStart && before !== SPACE) throw BAIL_OUT
    const end = this.text.indexOf('\n', this.offset)
    this.offset = end === -1 ? this.text.length : end
  }

  skipSpaces(): void {
    while (this.text.charCodeAt(this.offset) === SPACE) this.offset++
  }

  /** Whether the reader is at the end of a line, or at a comment that ends it. */
  atLineEnd(): boolean {
    const code = this.text.charCodeAt(this.offset)
    return code === LF || code === HASH || Number.isNaN(code)
  }

  column(): number {
    return this.offset - this.lineStart
  }

  /** Reads the node after `key:`, `-`, `---` or the start; `inMapping`: a sequence may start in the column of its key. */
  node(parent: number, inMapping: boolean, sameLine: boolean): Node {
    const props = this.props(false)
    if (this.atLineEnd()) return this.below(parent, inMapping, props)
    return this.inline(parent, props, !inMapping && !sameLine && isBare(props))
  }

  /** Reads a node that starts on a later line, if one is indented enough. */
  below(parent: number, inMapping: boolean, props: Props): Node {
    this.comments = Infinity
    this.skip()
    const column = this.column()
    if (this.comments < column) throw BAIL_OUT
    if (this.offset >= this.text.length || (column === 0 && this.atMarker())) return this.empty(props)
    const dash = this.atDash()
    if (column <= parent && !(inMapping && dash && column === parent)) return this.empty(props)
    if (dash) return this.sequence(column, props)
    const code = this.text.charCodeAt(this.offset)
    return code === BANG || code === AMP ? this.propsBelow(parent, props) : this.inline(parent, props, true)
  }

  // Tags and anchors at the start of a line belong to the node, unless a key follows on the line.
  propsBelow(parent: number, above: Props): Node {
    if (!isBare(above)) throw BAIL_OUT
    const props = this.props(false)
    return this.atLineEnd() ? this.below(parent, false, props) : this.inline(parent, props, false)
  }

  /** Reads content that starts here; `key`: it may be the first key of a mapping. */
  inline(parent: number, props: Props, key: boolean): Node {
    const { text, offset } = this
    const code = text.charCodeAt(offset)
    if (code === OPEN_LIST || code === OPEN_MAP) return this.lineEnded(this.flow(props, parent))
    if (code === STAR) return this.lineEnded(this.alias(props))
    if (code === PIPE || code === 62) return this.block(parent, props)
    if (this.atDash()) {
      if (!key) throw BAIL_OUT
      return this.sequence(this.column(), props)
    }
    const quoted = code === DOUBLE || code === SINGLE
    const value = quoted ? this.quoted(code) : this.plain(false)
    const end = this.offset
    this.skipSpaces()
    if (text.charCodeAt(this.offset) === COLON) {
      if (!key || end - offset > longestKey) throw BAIL_OUT
      return this.mapping(offset, end, value, !quoted, props)
    }
    if (!this.atLineEnd()) throw BAIL_OUT
    const scalar = this.scalar(value, !quoted, props, offset, end)
    if (!quoted) this.refuseContinuation(parent)
    return scalar
  }

  // A plain scalar continues on the next line if that is indented.
  refuseContinuation(parent: number): void {
    if (this.text.charCodeAt(this.offset) === HASH) {
      this.skip()
      return
    }
    this.skip()
    if (this.offset < this.text.length && this.column() > parent && !(this.column() === 0 && this.atMarker()))
      throw BAIL_OUT
  }

  lineEnded<N extends Node>(node: N): N {
    const end = this.offset
    this.skipSpaces()
    if (!this.atLineEnd() || (this.offset === end && this.text.charCodeAt(end) === HASH)) throw BAIL_OUT
    return node
  }

  props(inFlow: boolean): Props {
    const props: Props = { tag: undefined, tagStart: -1, tagEnd: -1, anchor: undefined, behind: this.offset }
    this.skipSpaces()
    props.behind = this.offset
    for (;;) {
      const code = this.text.charCodeAt(this.offset)
      if (code === BANG) this.tag(props, inFlow)
      else if (code === AMP) this.anchor(props, inFlow)
      else return props
      this.skipSpaces()
      props.behind = this.offset
    }
  }

  tag(props: Props, inFlow: boolean): void {
    if (props.tag !== undefined) throw BAIL_OUT
    props.tagStart = this.offset
    props.tag = this.token(tagName, inFlow)
    props.tagEnd = this.offset
  }

  anchor(props: Props, inFlow: boolean): void {
    if (props.anchor !== undefined) throw BAIL_OUT
    this.offset++
    props.anchor = this.token(name, inFlow)
  }

  /** Reads a name that ends at white space, or in a flow collection at its punctuation. */
  token(pattern: RegExp, inFlow: boolean): string {
    pattern.lastIndex = this.offset
    const token = pattern.exec(this.text)?.[0]
    if (token === undefined) throw BAIL_OUT
    this.offset += token.length
    const next = this.text.charCodeAt(this.offset)
    const isEnded = next === SPACE || next === LF || Number.isNaN(next)
    if (!isEnded && !(inFlow && (next === COMMA || next === CLOSE_LIST || next === CLOSE_MAP))) throw BAIL_OUT
    return token
  }

  atDash(): boolean {
    if (this.text.charCodeAt(this.offset) !== DASH) return false
    const next = this.text.charCodeAt(this.offset + 1)
    return next === SPACE || next === LF || Number.isNaN(next)
  }

  sequence(column: number, props: Props): Node {
    const items: Node[] = []
    const node = sequenceAt(props, this.offset, items)
    this.enter(node)
    do {
      this.offset++
      items.push(this.node(column, false, false))
      this.skip()
    } while (this.goesOn(column) && this.atDash())
    return this.leave(node, items.at(-1))
  }

  mapping(start: number, end: number, key: unknown, plain: boolean, props: Props): Node {
    const column = start - this.lineStart
    const entries: Entry[] = []
    const node = mappingAt(props, start, entries)
    this.enter(node)
    const keys = new KeyNames()
    let keyNode: Node = this.key(key, plain, start, end, keys)
    for (;;) {
      this.afterColon()
      entries.push(this.entry(keyNode, column))
      this.skip()
      if (!this.goesOn(column)) break
      keyNode = this.nextKey(keys)
    }
    const last = entries.at(-1)!.value
    return this.leave(node, last.end > entries.at(-1)!.key.end ? last : entries.at(-1)!.key)
  }

  nextKey(keys: KeyNames): Node {
    const start = this.offset
    const code = this.text.charCodeAt(start)
    const quoted = code === DOUBLE || code === SINGLE
    if (!quoted && this.atDash()) throw BAIL_OUT
    const value = quoted ? this.quoted(code) : this.plain(false)
    const end = this.offset
    this.skipSpaces()
    if (this.text.charCodeAt(this.offset) !== COLON || end - start > longestKey) throw BAIL_OUT
    return this.key(value, !quoted, start, end, keys)
  }

  entry(key: Node, column: number): Entry {
    const merge = key.kind === 'scalar' && key.plain && key.value === '<<'
    const value = this.node(column, true, false)
    if (merge) this.checkMerge(value)
    return { key, value, merge }
  }

  afterColon(): void {
    const next = this.text.charCodeAt(++this.offset)
    if (next !== SPACE && next !== LF && !Number.isNaN(next)) throw BAIL_OUT
  }

  key(value: unknown, plain: boolean, start: number, end: number, keys: KeyNames): Node {
    const resolved = plain ? resolvePlain(value as string) : value
    const text = String(resolved)
    if (!keys.add(text)) this.refuseKey({ start, end }, text)
    return scalarAt(noProps, start, end, resolved, plain)
  }

  refuseKey(span: Span, key: string): void {
    if (!this.report) throw BAIL_OUT
    this.report(span, 'DUPLICATE_KEY', duplicateKey(key))
  }

  refuseAlias(span: Span, alias: string): void {
    if (!this.report) throw BAIL_OUT
    this.#suggester ??= new Suggester()
    const meant = this.#suggester.nearest(alias, this.anchors.keys())
    this.report(span, 'UNKNOWN_ALIAS', unknownAlias(alias, meant), meant && `*${meant}`)
  }

  checkMerge(value: Node): void {
    for (const source of mergeSources(value)) {
      const target = source.kind === 'alias' ? source.target : source
      if (target?.kind !== 'mapping' && !isCompositionTag(target?.tag)) throw BAIL_OUT
    }
  }

  /** Whether a block collection in `column` continues; a line between its column and that of its parent is wrong. */
  goesOn(column: number): boolean {
    if (this.offset >= this.text.length || this.column() < column) return false
    if (this.column() > column) throw BAIL_OUT
    return !(column === 0 && this.atMarker())
  }

  plain(inFlow: boolean): string {
    const { text } = this
    const start = this.offset
    const first = text.charCodeAt(start)
    const next = text.charCodeAt(start + 1)
    if (!(first < 128 ? startsPlain[first] : first < 0xd800)) throw BAIL_OUT
    if (first === DASH && (next === SPACE || next === LF || Number.isNaN(next) || inFlow)) {
      if (!(inFlow && next >= 48 && next <= 57)) throw BAIL_OUT
    }
    let end = start
    let offset = start
    for (; offset < text.length; offset++) {
      const code = text.charCodeAt(offset)
      if (code === LF) break
      if (code === SPACE) continue
      if (code === HASH && text.charCodeAt(offset - 1) === SPACE) break
      if (code === COLON && endsKey(text.charCodeAt(offset + 1), inFlow)) break
      if (inFlow && isFlowMark(code)) break
      end = offset + 1
    }
    this.offset = end
    return text.slice(start, end)
  }

  quoted(quote: number): string {
    const { text } = this
    const start = ++this.offset
    for (let offset = start; offset < text.length; offset++) {
      const code = text.charCodeAt(offset)
      if (code === LF || code === BACKSLASH) {
        if (code === LF || quote === DOUBLE) throw BAIL_OUT
      }
      if (code !== quote) continue
      if (quote === SINGLE && text.charCodeAt(offset + 1) === SINGLE) throw BAIL_OUT
      this.offset = offset + 1
      return text.slice(start, offset)
    }
    throw BAIL_OUT
  }

  alias(props: Props): Node {
    const start = this.offset++
    if (props.tag !== undefined || props.anchor !== undefined) throw BAIL_OUT
    const alias = this.token(name, true)
    const target = this.anchors.get(alias)
    if (!target) this.refuseAlias({ start, end: this.offset }, alias)
    else if (this.open.has(target)) throw BAIL_OUT
    return aliasAt(start, this.offset, alias, target)
  }

  scalar(value: string, plain: boolean, props: Props, start: number, end: number): Node {
    const resolved = plain && props.tag === undefined ? resolvePlain(value) : value
    return this.register(scalarAt(props, start, end, resolved, plain))
  }

  empty(props: Props): Node {
    const offset = props.behind
    const value = props.tag === undefined ? null : ''
    return this.register(scalarAt(props, offset, offset, value, true))
  }

  /** Reads a block scalar whose lines have the same indentation, or a deeper one in a literal. */
  block(parent: number, props: Props): Node {
    const start = this.offset
    const folded = this.text.charCodeAt(this.offset++) === 62
    const strip = this.text.charCodeAt(this.offset) === DASH
    if (strip) this.offset++
    this.skipSpaces()
    if (this.text.charCodeAt(this.offset) !== LF) throw BAIL_OUT
    const lines = this.blockLines(++this.offset, parent)
    const value = (folded ? fold(lines) : lines.join('\n')) + (strip ? '' : '\n')
    return this.register(scalarAt(props, start, this.offset, value, false))
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

  flow(props: Props, parent: number): Node {
    return this.text.charCodeAt(this.offset) === OPEN_LIST
      ? this.flowSequence(props, parent)
      : this.flowMapping(props, parent)
  }

  flowSequence(props: Props, parent: number): Node {
    const items: Node[] = []
    const node = sequenceAt(props, this.offset++, items)
    this.enter(node)
    this.flowItems(CLOSE_LIST, parent, () => items.push(this.flowValue(parent)))
    return this.leaveFlow(node)
  }

  flowMapping(props: Props, parent: number): Node {
    const entries: Entry[] = []
    const node = mappingAt(props, this.offset++, entries)
    this.enter(node)
    const keys = new KeyNames()
    this.flowItems(CLOSE_MAP, parent, () => entries.push(this.flowEntry(parent, keys)))
    return this.leaveFlow(node)
  }

  flowItems(close: number, parent: number, item: () => void): void {
    this.flowSkip(parent)
    let more = this.text.charCodeAt(this.offset) !== close
    while (more) {
      item()
      this.flowSkip(parent)
      more = this.text.charCodeAt(this.offset) === COMMA
      if (!more) break
      this.offset++
      this.flowSkip(parent)
    }
    if (this.text.charCodeAt(this.offset++) !== close) throw BAIL_OUT
  }

  leaveFlow(node: Node): Node {
    this.depth--
    if (node.anchor !== undefined) this.open.delete(node)
    ;(node as { end: number }).end = this.offset
    return node
  }

  flowSkip(parent: number): void {
    const line = this.lineStart
    this.skip()
    if (this.offset >= this.text.length || (this.lineStart !== line && this.column() <= Math.max(parent, 0)))
      throw BAIL_OUT
  }

  flowEntry(parent: number, keys: KeyNames): Entry {
    const start = this.offset
    const code = this.text.charCodeAt(start)
    const quoted = code === DOUBLE || code === SINGLE
    const value = quoted ? this.quoted(code) : this.plain(true)
    const end = this.offset
    const key = this.key(value, !quoted, start, end, keys)
    if (this.text.charCodeAt(this.offset) !== COLON || end - start > longestKey) throw BAIL_OUT
    if (this.text.charCodeAt(++this.offset) !== SPACE) throw BAIL_OUT
    const entry = {
      key,
      value: this.flowValue(parent),
      merge: key.kind === 'scalar' && key.plain && key.value === '<<',
    }
    if (entry.merge) this.checkMerge(entry.value)
    return entry
  }

  flowValue(parent: number): Node {
    const props = this.props(true)
    const start = this.offset
    const code = this.text.charCodeAt(start)
    if (code === OPEN_LIST || code === OPEN_MAP) return this.flowEnded(this.flow(props, parent))
    if (code === STAR) return this.flowEnded(this.alias(props))
    if (props.tag !== undefined && (code === COMMA || code === CLOSE_LIST || code === CLOSE_MAP))
      return this.empty(props)
    const quoted = code === DOUBLE || code === SINGLE
    const value = quoted ? this.quoted(code) : this.plain(true)
    return this.flowEnded(this.scalar(value, !quoted, props, start, this.offset))
  }

  flowEnded(node: Node): Node {
    this.skipSpaces()
    const code = this.text.charCodeAt(this.offset)
    if (code !== COMMA && code !== CLOSE_LIST && code !== CLOSE_MAP && code !== LF) throw BAIL_OUT
    if (code === LF && node.kind === 'scalar' && node.plain) throw BAIL_OUT
    return node
  }

  register(node: Node): Node {
    if (node.anchor !== undefined) this.anchors.set(node.anchor, node)
    if (node.tag !== undefined) this.tagged.push(node)
    return node
  }

  enter(node: Node): void {
    if (++this.depth > deepest) throw BAIL_OUT
    this.register(node)
    if (node.anchor !== undefined) this.open.add(node)
  }

  leave(node: Node, last: Node | undefined): Node {
    this.depth--
    if (node.anchor !== undefined) this.open.delete(node)
    ;(node as { end: number }).end = Math.max(last?.end ?? 0, node.start)
    return node
  }
}

function isBare({ tag, anchor }: Props): boolean {
  return tag === undefined && anchor === undefined
}

function indentAt(text: string, from: number): number {
  let offset = from
  while (text.charCodeAt(offset) === SPACE) offset++
  return offset - from
}

function endsKey(next: number, inFlow: boolean): boolean {
  return next === SPACE || next === LF || Number.isNaN(next) || (inFlow && isFlowMark(next))
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

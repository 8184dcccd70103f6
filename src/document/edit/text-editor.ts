import type { RelatedPosition } from '../../errors.js'
import { type Node, sourceOf } from '../../node.js'
import type { Source, Span } from '../../source.js'
import { BAIL_OUT } from '../bail-out.js'
import { specOf } from '../include-spec.js'
import { IncludedSource } from '../included-source.js'
import { partsOf } from '../nodes.js'
import { scalarText } from '../write/scalar-text.js'
import {
  added,
  type Edit,
  type Fragment,
  type Piece,
  replacedPosition,
  splice,
  standIn,
  textOf,
} from './edited-source.js'
import { Layout } from './layout.js'
import {
  type Collection,
  movedPath,
  type Slot,
  type TextContext,
  type ValueTexts,
  ValueWriter,
  type Written,
} from './value-writer.js'

/** Where a value is in its text. */
export interface Position {
  /** The offset after its key or dash. */
  readonly lower: number
  /** The column of its entry or item; -1 for the root. */
  readonly column: number
  readonly inFlow: boolean
  /** Whether it is an item of a sequence, where a mapping may start on the line of the dash. */
  readonly isItem: boolean
  /** Whether a colon is before it. */
  readonly hasColon: boolean
}

/** Writes the changes of a tree into its text, by replacing and adding parts; bails out where that is not enough. */
export class TextEditor implements ValueTexts {
  readonly newline: string
  readonly #layouts = new Map<Source, Layout>()
  readonly #slotsOf = new Map<Node, Slots>()
  readonly #writer: ValueWriter

  constructor(readonly context: TextContext) {
    this.newline = this.layoutOf(context.document).newline
    this.#writer = new ValueWriter(this)
  }

  /** A document, from `start` to `end`, with its changes; `root` is its root before the edits. */
  edited(root: Node, { start, end }: Span): Fragment {
    const { document, tree } = this.context
    const edits: Edit[] = []
    const lower = this.#rootLower(this.#writtenOf(root), start)
    const position = { lower, column: -1, inFlow: false, isItem: false, hasColon: true }
    if (tree.root === root) this.#visit(root, position, edits)
    else this.#replace(this.#writtenOf(root), tree.root, position, edits)
    const pieces = splice(document, { start, end }, edits)
    // A text that had only comments ends as others do.
    const hadNothing = root.start === end && root.end === end
    return hadNothing && !textOf(pieces).endsWith('\n') ? [...pieces, added(this.newline)] : pieces
  }

  #rootLower({ tag, anchor, start }: Node, from: number): number {
    if (tag === undefined && anchor === undefined) return start
    const markers = [...this.context.document.text.slice(from, start).matchAll(/^---(?=\s)/gm)]
    const marker = markers.at(-1)
    return marker ? from + marker.index + 3 : from
  }

  layoutOf(source: Source): Layout {
    const layout = this.#layouts.get(source) ?? new Layout(source.text)
    this.#layouts.set(source, layout)
    return layout
  }

  sourceOf(node: Node): Source {
    return sourceOf(node, this.context.document)
  }

  textOf(node: Node): Node {
    const written = this.context.written.get(node)
    if (!written || this.context.tree.extended.has(node)) return written ?? node
    return this.isChanged(node) ? node : written
  }

  // The node of the text before.
  #writtenOf(node: Node): Node {
    return this.context.written.get(node) ?? node
  }

  slotsOf(node: Collection): readonly Slot[] {
    return node.kind === 'mapping' ? node.entries : node.items.map((value) => ({ value }))
  }

  #slotsBefore(node: Collection): readonly Slot[] {
    const children = this.context.tree.changed.get(node)
    return children
      ? children.map((child) => ('key' in child ? child : { value: child }))
      : this.slotsOf(node)
  }

  isChanged(node: Node): boolean {
    return this.context.tree.touched.has(node)
  }

  isFlow(node: Collection): boolean {
    return this.sourceOf(node).text[node.start] === (node.kind === 'mapping' ? '{' : '[')
  }

  editsIn(node: Node, inFlow: boolean): Edit[] {
    const edits: Edit[] = []
    const position = { lower: node.start, column: -1, inFlow, isItem: false, hasColon: true }
    if (this.isChanged(node)) this.#collection(node as Collection, position, edits)
    if (this.sourceOf(node) instanceof IncludedSource || this.context.renamed.size > 0)
      this.#renames(node, edits)
    return edits
  }

  /** Renames what has another name in the file: paths of included files, and anchors. */
  #renames(node: Node, edits: Edit[]): void {
    const text = this.textOf(node)
    const source = this.sourceOf(text)
    const moved = movedPath(text, source, this.context.document)
    const path = specOf(text)?.node
    if (moved !== undefined && path)
      edits.push({
        start: path.start,
        end: path.end,
        pieces: [standIn(scalarText(moved, { flow: true, isYaml11: true }), source, path)],
      })
    this.#renameAnchor(text, source, edits)
    for (const each of partsOf(text))
      if (this.sourceOf(this.#writtenOf(each)) === source && !this.context.tree.origins.has(each))
        this.#renames(each, edits)
  }

  #renameAnchor(node: Node, source: Source, edits: Edit[]): void {
    const { renamed } = this.context
    const name = renamed.get(node.kind === 'alias' && node.target ? node.target : node)
    if (name === undefined || node.start < 0) return
    if (node.kind === 'alias')
      edits.push({ start: node.start, end: node.end, pieces: [standIn(`*${name}`, source, node)] })
    else {
      const start = source.text.lastIndexOf(`&${node.anchor}`, node.start)
      edits.push({ start, end: start + node.anchor!.length + 1, pieces: [added(`&${name}`)] })
    }
  }

  #visit(node: Node, position: Position, edits: Edit[]): void {
    if (!this.isChanged(node)) return
    const written = this.#writtenOf(node)
    if (written === this.textOf(node)) this.#collection(written as Collection, position, edits)
    else this.#replace(written, node, position, edits)
  }

  #collection(node: Collection, position: Position, edits: Edit[]): void {
    const isFlow = this.isFlow(node)
    // `[a: 1]` is a mapping without braces.
    if (position.inFlow && !isFlow) throw BAIL_OUT
    const slots = this.#slots(node)
    if (this.isRewritten(node)) this.#rewrite(node, position, edits)
    else this.#edit(slots, edits)
  }

  #slots(node: Collection): Slots {
    const known = this.#slotsOf.get(node)
    if (known) return known
    const slots = new Slots(this, node, this.#slotsBefore(node))
    this.#slotsOf.set(node, slots)
    return slots
  }

  isRewritten(node: Collection): boolean {
    if (!this.context.tree.changed.has(node)) return false
    const { before, now, kept } = this.#slots(node)
    return before.length === 0 ? now.length > 0 : !kept.some((slot) => slot !== undefined)
  }

  // What is inserted at one offset is in the order of the edits: inner values come first.
  #edit(slots: Slots, edits: Edit[]): void {
    for (const [index, kept] of slots.kept.entries())
      if (kept && (kept.value !== slots.before[index]!.value || this.isChanged(kept.value)))
        this.#value(slots.before[index]!.value, kept.value, slots.position(index), edits)
    if (!this.context.tree.changed.has(slots.node)) return
    if (slots.isFlow) this.#flow(slots, edits)
    else this.#block(slots, edits)
  }

  #value(before: Node, now: Node, position: Position, edits: Edit[]): void {
    if (before === now) this.#visit(now, position, edits)
    else this.#replace(this.#writtenOf(before), now, position, edits)
  }

  // Of a collection that has no child of before, all is written anew; its tag and anchor are before its content.
  #rewrite(node: Collection, position: Position, edits: Edit[]): void {
    if (this.isFlow(node)) {
      const { head } = this.#writer.collection(node, { column: position.column, inFlow: true })
      edits.push({ start: node.start, end: node.end, pieces: head })
    } else this.#put(node, this.#writer.rewritten(node, position), position, edits)
  }

  #flow(slots: Slots, edits: Edit[]): void {
    const { layout } = slots
    const last = slots.lastKept
    for (let index = 0; index < last; index++)
      if (!slots.kept[index])
        edits.push({ start: slots.flowLead(index), end: slots.flowLead(index + 1), pieces: [] })
    const isOwnLine = layout.startsLine(slots.start(last))
    const comma = layout.skip(slots.end(last))
    const hasComma = layout.text[comma] === ','
    this.#cutFlowTail(slots, { isOwnLine, comma, hasComma }, edits)
    if (slots.added.length === 0) return
    const column = layout.column(slots.start(last))
    const start = isOwnLine ? layout.lineEnd(slots.end(last)) : slots.end(last)
    if (isOwnLine && !hasComma) edits.push(insertion(slots.end(last), [added(',')]))
    const isTrailing = isOwnLine && hasComma && last === slots.before.length - 1
    for (const [number, slot] of slots.added.entries()) {
      const before = isOwnLine
        ? `${number > 0 && !isTrailing ? ',' : ''}${this.newline}${' '.repeat(column)}`
        : ', '
      const pieces = this.#writer.flowSlot(slot)
      edits.push(insertion(start, [added(before), ...pieces, added(isTrailing ? ',' : '')]))
    }
  }

  // Removes what is after the last child that is kept.
  #cutFlowTail(
    slots: Slots,
    { isOwnLine, comma, hasComma }: { isOwnLine: boolean; comma: number; hasComma: boolean },
    edits: Edit[],
  ): void {
    const last = slots.lastKept
    const final = slots.before.length - 1
    if (last === final) return
    const { layout } = slots
    const tail = layout.skip(slots.end(final))
    const isTrailing = layout.text[tail] === ','
    const isSpread = layout.text.slice(slots.end(last), slots.start(last + 1)).includes('\n')
    if (!isSpread) {
      edits.push({ start: slots.end(last), end: slots.end(final), pieces: [] })
      return
    }
    if (hasComma && !isTrailing && !(isOwnLine && slots.added.length > 0))
      edits.push({ start: comma, end: comma + 1, pieces: [] })
    const lead = slots.flowLead(last + 1)
    const start = layout.startsLine(lead) ? layout.lineEnd(Math.max(0, layout.lineStart(lead) - 1)) : lead
    const end = isTrailing ? tail + 1 : slots.end(final)
    const rest = layout.text.slice(end, layout.lineEnd(end))
    edits.push({
      start: backOverReturn(layout.text, start),
      end: /^\s*(?:#.*)?$/.test(rest) ? layout.lineEnd(end) : end,
      pieces: [],
    })
  }

  #block(slots: Slots, edits: Edit[]): void {
    const { layout, column } = slots
    const first = slots.kept.findIndex((kept) => kept !== undefined)
    const isInline = !layout.startsLine(slots.start(0))
    if (isInline && first > 0)
      edits.push({ start: slots.start(0), end: slots.lead(first) + column, pieces: [] })
    for (let index = isInline ? first : 0; index < slots.before.length; index++)
      if (!slots.kept[index]) edits.push(slots.removal(index))
    if (slots.added.length === 0) return
    const last = slots.lastKept
    const start = backOverReturn(layout.text, layout.slotEnd(slots.end(last), column))
    for (const slot of slots.added) edits.push(insertion(start, this.#writer.blockSlot(slot, column)))
  }

  #replace(old: Node, value: Node, position: Position, edits: Edit[]): void {
    const { column, inFlow } = position
    const written = this.#writer.value(value, { column, inFlow })
    const before = this.context.tree.replaced.get(value)
    this.#put(
      old,
      before ? marked(written, replacedPosition(before, this.context.document)) : written,
      position,
      edits,
    )
  }

  /** Puts a written value in the place of a node. */
  #put(old: Node, written: Written, position: Position, edits: Edit[]): void {
    const isBlock = (old.kind === 'mapping' || old.kind === 'sequence') && !this.isFlow(old)
    if (isBlock && position.inFlow) throw BAIL_OUT
    if (isBlock) this.#putForBlock(old as Collection, written, position, edits)
    else this.#putForInline(old, written, position, edits)
  }

  #propsOf(old: Node, { lower }: Position): Span | undefined {
    if (old.tag === undefined && old.anchor === undefined) return undefined
    return this.layoutOf(this.sourceOf(old)).props(lower, old.start)
  }

  #putForInline(old: Node, { head, body }: Written, position: Position, edits: Edit[]): void {
    const layout = this.layoutOf(this.sourceOf(old))
    const props = this.#propsOf(old, position)
    const isNothing = old.start === old.end
    const content = isNothing ? (props ?? { start: position.lower, end: position.lower }) : old
    const end = isNothing ? content.end : this.endOf(old, position.lower)
    const start = props?.start ?? content.start
    const indent = indentOf(position)
    const [first, ...rest] = body
    const isRoot = position.column === -1 && !position.inFlow && layout.startsLine(start)
    const isInline = head.length === 0 && first !== undefined && (position.isItem || isRoot)
    const line = isInline ? first : head
    const from = line.length === 0 ? Math.max(position.lower, layout.trimmed(start, position.lower)) : start
    const lead = position.hasColon ? this.#gapBefore(layout.text, from, line) : ': '
    const gap = layout.text[end] === '#' && line.length > 0 ? ' ' : ''
    edits.push({ start: from, end, pieces: [added(lead), ...line, added(gap)] })
    const below = isInline ? rest : body
    if (below.length > 0) edits.push(insertion(layout.lineEnd(end), this.lines(below, indent)))
  }

  #gapBefore(text: string, offset: number, line: Fragment): string {
    return line.length === 0 || offset === 0 || /[\s[{,\ufeff]/.test(text[offset - 1]!) ? '' : ' '
  }

  #putForBlock(old: Collection, { head, body }: Written, position: Position, edits: Edit[]): void {
    const layout = this.layoutOf(this.sourceOf(old))
    const props = this.#propsOf(old, position)
    const isRoot = position.column === -1
    const last = this.endOf(old, old.start)
    const end = isRoot ? layout.lineEnd(last) : layout.slotEnd(last, position.column)
    const indent = indentOf(position)
    if (layout.startsLine(old.start) && (props || !isRoot)) {
      const lineEnd = layout.lineEnd(props?.end ?? position.lower)
      const lead = props || head.length === 0 ? '' : ' '
      const place = { start: props?.start ?? position.lower, end: props?.end ?? position.lower }
      if (head.length === 0) place.start = layout.trimmed(place.start, position.lower)
      edits.push({ start: place.start, end: place.end, pieces: [added(lead), ...head] })
      edits.push({ start: lineEnd, end, pieces: this.lines(body, indent) })
      return
    }
    const [first = [], ...rest] = head.length > 0 ? [head, ...body] : body
    edits.push({ start: old.start, end, pieces: [...first, ...this.lines(rest, indent)] })
  }

  lines(lines: readonly Fragment[], indent: number): Piece[] {
    return lines.flatMap((line) => [
      added(this.newline + (line.some(({ text }) => text !== '') ? ' '.repeat(indent) : '')),
      ...line,
    ])
  }

  /** Whether empty lines below a node would belong to it. */
  endsOpen(node: Node): boolean {
    if (node.kind === 'scalar') return isKept(node, this.sourceOf(node).text)
    const last =
      node.kind === 'mapping' || node.kind === 'sequence' ? this.#slotsBefore(node).at(-1) : undefined
    return last !== undefined && this.endsOpen(this.#writtenOf(last.value))
  }

  endOf(node: Node, lower: number): number {
    const source = this.sourceOf(node)
    const layout = this.layoutOf(source)
    if ((node.kind === 'mapping' || node.kind === 'sequence') && !this.isFlow(node)) {
      const last = this.#slotsBefore(node).at(-1)
      if (!last) return node.end
      const below = last.key ? (layout.colonAfter(last.key.end) ?? last.key.end - 1) + 1 : node.start + 1
      return Math.max(below, this.endOf(this.#writtenOf(last.value), below))
    }
    const { text } = source
    if (isKept(node, text)) return text[node.end - 1] === '\n' ? backOverReturn(text, node.end - 1) : node.end
    return layout.trimmed(node.end, lower)
  }
}

// Empty lines at the end belong to a block scalar with "+".
function isKept(node: Node, text: string): boolean {
  return /^[|>]\d?\+/.test(text.slice(node.start, node.start + 3))
}

function indentOf({ column }: Position): number {
  return column === -1 ? 0 : column + 2
}

function insertion(offset: number, pieces: Fragment): Edit {
  return { start: offset, end: offset, pieces }
}

function backOverReturn(text: string, offset: number): number {
  return offset > 0 && text[offset] === '\n' && text[offset - 1] === '\r' ? offset - 1 : offset
}

function marked({ head, body }: Written, replaces: RelatedPosition): Written {
  const mark = (pieces: Fragment) => pieces.map((piece) => (piece.origin ? { replaces, ...piece } : piece))
  return { head: mark(head), body: body.map(mark) }
}

/** The entries or items of a changed collection in its text. */
class Slots {
  readonly layout: Layout
  readonly now: readonly Slot[]
  /** What each slot of before is now; `undefined` if it was removed. */
  readonly kept: readonly (Slot | undefined)[]
  readonly added: readonly Slot[]
  readonly isFlow: boolean
  readonly #starts = new Map<number, number>()

  constructor(
    readonly editor: TextEditor,
    readonly node: Collection,
    readonly before: readonly Slot[],
  ) {
    this.layout = editor.layoutOf(editor.sourceOf(node))
    this.isFlow = editor.isFlow(node)
    this.now = editor.slotsOf(node)
    const { replaced } = editor.context.tree
    const now = new Map(this.now.map((slot) => [slot.key ?? replaced.get(slot.value) ?? slot.value, slot]))
    const olds = before.map(({ key, value }) => key ?? value)
    this.kept = olds.map((old) => now.get(old))
    const kept = new Set(this.kept)
    this.added = this.now.filter((slot) => !kept.has(slot))
  }

  get lastKept(): number {
    return this.kept.findLastIndex((kept) => kept !== undefined)
  }

  get column(): number {
    return this.layout.column(this.node.start)
  }

  #lowerOf(key: Node | undefined, start: number): { lower: number; hasColon: boolean } {
    if (!key) return { lower: this.isFlow ? start : start + 1, hasColon: true }
    const colon = this.layout.colonAfter(key.end)
    if (colon === undefined && !this.isFlow) throw BAIL_OUT
    return colon === undefined ? { lower: key.end, hasColon: false } : { lower: colon + 1, hasColon: true }
  }

  start(index: number): number {
    const known = this.#starts.get(index)
    if (known !== undefined) return known
    const { key } = this.before[index]!
    const first = this.isFlow ? this.node.start + 1 : this.node.start
    const start = this.layout.skip(index === 0 ? first : this.end(index - 1), this.isFlow ? ',' : '')
    if (this.layout.text[start] === '?' || (key && !isBare(key))) throw BAIL_OUT
    this.#starts.set(index, start)
    return start
  }

  /** The end of the content of a slot. */
  end(index: number): number {
    const { key, value } = this.before[index]!
    // A dash is before its item, and after the end of the item above.
    const { lower } = this.#lowerOf(key, key ? key.start : this.#least(index))
    return Math.max(lower, this.editor.endOf(this.editor.context.written.get(value) ?? value, lower))
  }

  // An offset that is not after an item.
  #least(index: number): number {
    const { value } = this.before[index]!
    const isNothing = value.start === value.end && value.tag === undefined && value.anchor === undefined
    return isNothing ? this.layout.trimmed(value.start, this.node.start + 1) - 1 : this.node.start
  }

  position(index: number): Position {
    const { key } = this.before[index]!
    const { lower, hasColon } = this.#lowerOf(key, key ? key.start : this.start(index))
    const column = this.isFlow ? -1 : this.column
    return { lower, hasColon, column, inFlow: this.isFlow, isItem: !key }
  }

  /** The start of the lines of a slot, with the comments that belong to it. */
  lead(index: number): number {
    const lower = index === 0 ? 0 : this.end(index - 1)
    return this.layout.slotStart(this.start(index), lower)
  }

  /** Removes the lines of a slot. */
  removal(index: number): Edit {
    const { layout } = this
    const start = this.lead(index)
    const slotEnd = layout.slotEnd(this.end(index), this.column)
    const isBelowOpen = index > 0 && this.editor.endsOpen(this.before[index - 1]!.value)
    const end = isBelowOpen ? layout.blankEnd(slotEnd) : slotEnd
    const newline = layout.text.indexOf('\n', end)
    if (newline === -1 && start > 0 && !isBelowOpen)
      return { start: backOverReturn(layout.text, start - 1), end: layout.text.length, pieces: [] }
    return { start, end: newline === -1 ? layout.text.length : newline + 1, pieces: [] }
  }

  /** The start of a slot of a flow collection, with the comments that are above it on their own lines. */
  flowLead(index: number): number {
    const { layout } = this
    const { text } = layout
    let offset = index === 0 ? this.node.start + 1 : this.end(index - 1)
    while (/[ \t,]/.test(text[offset]!)) offset++
    if (text[offset] === '#') offset = layout.lineEnd(offset)
    while (/\s/.test(text[offset]!)) offset++
    return offset
  }
}

// A tag or an anchor before a key is written where only the parser finds it.
function isBare({ tag, anchor, kind }: Node): boolean {
  return kind === 'alias' || (tag === undefined && anchor === undefined)
}

import { coreTag, type MappingNode, type Node, type ScalarNode, type SequenceNode } from '../../node.js'
import type { Source } from '../../source.js'
import { BAIL_OUT } from '../bail-out.js'
import { includesFile, optionOf, relocatePath, specOf } from '../include-spec.js'
import { IncludedSource } from '../included-source.js'
import { endsInFlow, quotedText, scalarText } from '../write/scalar-text.js'
import {
  added,
  type Edit,
  type Fragment,
  linesOf,
  outdented,
  type Piece,
  part,
  splice,
  standIn,
  textOf,
} from './edited-source.js'
import type { ExtendedTree } from './extend-sets.js'
import type { Layout } from './layout.js'

/** A mapping or a sequence. */
export type Collection = MappingNode | SequenceNode

/** An entry or an item of a collection. */
export interface Slot {
  readonly key?: Node
  readonly value: Node
}

/** What is known about the text that is edited. */
export interface TextContext {
  readonly tree: ExtendedTree
  readonly document: Source
  readonly isYaml11: boolean
  /** Whether values are written anew instead of as they were typed. */
  readonly anew: boolean
  /** The node of the text for each composed node. */
  readonly written: ReadonlyMap<Node, Node>
  /** The names of anchors that are others in the text that they come from. */
  readonly renamed: ReadonlyMap<Node, string>
}

/** The texts that values come from. */
export interface ValueTexts {
  readonly context: TextContext
  layoutOf(source: Source): Layout
  sourceOf(node: Node): Source
  slotsOf(node: Collection): readonly Slot[]
  /** The node of the edited text for a composed node. */
  textOf(node: Node): Node
  /** Whether nothing in a collection is as it was. */
  isRewritten(node: Collection): boolean
  /** Whether a collection is written with brackets. */
  isFlow(node: Collection): boolean
  /** The edits in a node that stays itself. */
  editsIn(node: Node, inFlow: boolean): Edit[]
  /** Lines below a line, indented. */
  lines(lines: readonly Fragment[], indent: number): Piece[]
  /** The end of the content of a node, without white space after it. */
  endOf(node: Node, lower: number): number
}

/** A written value: on the line of its key or dash, and on lines below, without their indentation. */
export interface Written {
  readonly head: Fragment
  readonly body: readonly Fragment[]
}

/** Where a value is written. */
interface Place {
  /** The column of its entry or item; -1 for the root. */
  readonly column: number
  readonly inFlow: boolean
}

const longestKey = 1000

/** Writes values into a text: as they are in the text that they come from, where that reads the same. */
export class ValueWriter {
  constructor(readonly editor: ValueTexts) {}

  value(composed: Node, place: Place): Written {
    const { written, anew, tree } = this.editor.context
    const node = this.editor.textOf(composed)
    // The text of a file that is extended lacks what "set" changes.
    if (node === composed && written.get(node)?.tag === '!extends' && !anew) throw BAIL_OUT
    const props = this.#props(node, tree.replaced.has(composed) ? composed.anchor : node.anchor)
    if (node.kind === 'alias') return inline(this.#alias(node))
    if (node.kind === 'mapping' || node.kind === 'sequence')
      return prefixed(props, this.#collection(node, place))
    if (node.kind !== 'scalar') throw BAIL_OUT
    return prefixed(props, this.#scalar(node, place))
  }

  #alias(node: Node & { kind: 'alias' }): Piece {
    if (node.target?.anchor === undefined) throw BAIL_OUT
    const name = this.editor.context.renamed.get(node.target) ?? node.target.anchor
    return standIn(`*${name}`, this.editor.sourceOf(node), node)
  }

  #props(node: Node, name = node.anchor): Piece[] {
    const source = this.editor.sourceOf(node)
    const anchor =
      name === undefined || node.kind === 'alias'
        ? []
        : [added(`&${this.editor.context.renamed.get(node) ?? name}`)]
    if (node.tag === undefined) return anchor
    if (node.tagStart >= 0) return spaced([...anchor, part(source, node.tagStart, node.tagEnd)])
    if (!node.tag.startsWith(coreTag)) throw BAIL_OUT
    return spaced([...anchor, standIn(`!!${node.tag.slice(coreTag.length)}`, source, node)])
  }

  #collection(node: Collection, place: Place): Written {
    const isWritten = node.start >= 0 && !this.editor.context.anew && !this.editor.isRewritten(node)
    if (!isWritten || (place.inFlow && !this.editor.isFlow(node))) return this.collection(node, place)
    return this.editor.isFlow(node) ? this.#flowText(node, place) : this.#blockText(node)
  }

  /** A collection that is written anew, without its tag and anchor. */
  collection(node: Collection, place: Place): Written {
    const slots = this.editor.slotsOf(node)
    const [open, close] = node.kind === 'mapping' ? ['{', '}'] : ['[', ']']
    const source = this.editor.sourceOf(node)
    const bracket = (text: string) => (node.start < 0 ? added(text) : standIn(text, source, node))
    if (slots.length === 0) return inline(bracket(`${open}${close}`))
    const isFlow = place.inFlow || (node.start >= 0 && !this.editor.context.anew && this.editor.isFlow(node))
    if (!isFlow) return { head: [], body: slots.flatMap((slot) => this.#slotLines(slot)) }
    const padding = node.kind === 'mapping' ? ' ' : ''
    const items = slots.flatMap((slot, index) => [added(index > 0 ? ', ' : ''), ...this.flowSlot(slot)])
    return { head: [bracket(open + padding), ...items, bracket(padding + close)], body: [] }
  }

  /** A block collection that is written anew, with its tag and anchor. */
  rewritten(node: Collection, place: Place): Written {
    return prefixed(this.#props(node), this.collection(node, place))
  }

  // Lines after the first are indented deeper than the key.
  #flowText(node: Collection, { column, inFlow }: Place): Written {
    const source = this.editor.sourceOf(node)
    const pieces = splice(source, node, this.editor.editsIn(node, inFlow))
    return { head: this.#reindented(pieces, source, { node, column }), body: [] }
  }

  #reindented(pieces: Fragment, source: Source, { node, column }: { node: Node; column: number }): Fragment {
    const [first = [], ...rest] = linesOf(pieces)
    if (rest.length === 0) return pieces
    const layout = this.editor.layoutOf(source)
    const line = layout.lineStart(node.start)
    const indent = /^ */.exec(source.text.slice(line, node.start))![0].length
    return [
      ...first,
      ...this.editor.lines(
        rest.map((each) => outdented(each, indent)),
        Math.max(column, 0) + 2,
      ),
    ]
  }

  // With the comments above its first entry or item.
  #blockText(node: Collection): Written {
    const source = this.editor.sourceOf(node)
    const layout = this.editor.layoutOf(source)
    const column = layout.column(node.start)
    const isLine = layout.startsLine(node.start)
    const start = isLine ? layout.slotStart(node.start, 0) : node.start
    const end = layout.slotEnd(this.editor.endOf(node, node.start), column - 1)
    const lines = linesOf(splice(source, { start, end }, this.editor.editsIn(node, false)))
    return {
      head: [],
      body: lines.map((line, index) => (index > 0 || isLine ? outdented(line, column) : line)),
    }
  }

  #scalar(node: ScalarNode, place: Place): Written {
    const source = this.editor.sourceOf(node)
    const text = node.start < 0 ? '' : source.text.slice(node.start, node.end)
    const moved = movedPath(node, source, this.editor.context.document)
    if (moved !== undefined)
      return inline(standIn(scalarText(moved, { flow: true, isYaml11: true }), source, node))
    if (text === '' && (node.value === null || node.value === ''))
      return inline(
        standIn(node.tag === undefined && node.start >= 0 ? scalarText(node.value) : '', source, node),
      )
    const isBlock = /^[|>]/.test(text) && !node.plain
    if (isBlock && !place.inFlow && !this.editor.context.anew && !/^[|>][-+]?\d/.test(text))
      return this.#blockScalar(node, source)
    const isUnsafe = node.plain && place.inFlow && (endsInFlow(text) || text.includes('\n'))
    if (isBlock || isUnsafe || this.editor.context.anew) return inline(this.#anew(node, source, place))
    const pieces = [part(source, node.start, node.end)]
    return { head: text.includes('\n') ? this.#flowLines(pieces, place) : pieces, body: [] }
  }

  #flowLines(pieces: Fragment, { column }: Place): Fragment {
    const [first = [], ...rest] = linesOf(pieces)
    return [
      ...first,
      ...this.editor.lines(
        rest.map((line) => outdented(line, Infinity)),
        Math.max(column, 0) + 2,
      ),
    ]
  }

  #anew({ value, start, end }: ScalarNode, source: Source, { inFlow }: Place): Piece {
    if (typeof value === 'object' && value !== null && !(value instanceof Date)) throw BAIL_OUT
    const { isYaml11 } = this.editor.context
    const isLong = typeof value === 'string' && value.includes('\n')
    const text = isLong ? quotedText(value) : scalarText(value, { flow: inFlow, isYaml11 })
    return standIn(text, source, { start, end })
  }

  #blockScalar(node: ScalarNode, source: Source): Written {
    const end = this.editor.endOf(node, node.start)
    const [header = [], ...lines] = linesOf([part(source, node.start, end)])
    const indents = lines.map(textOf).filter((line) => line.trim() !== '')
    const indent = Math.min(...indents.map((line) => line.search(/[^ ]/)))
    return { head: header, body: lines.map((line) => outdented(line, indent)) }
  }

  #key(key: Node, inFlow: boolean): Piece {
    const source = this.editor.sourceOf(key)
    const { isYaml11, tree, anew } = this.editor.context
    if (key.kind !== 'scalar' || key.tag !== undefined || key.anchor !== undefined) throw BAIL_OUT
    const own = key.start < 0 ? '' : source.text.slice(key.start, key.end)
    const isOwn = !tree.origins.has(key) && own !== '' && !own.includes('\n') && !(inFlow && endsInFlow(own))
    const isMerge = key.plain && key.value === '<<'
    const text = isOwn && (!anew || isMerge) ? own : scalarText(key.value, { flow: inFlow, isYaml11 })
    if (text.length > longestKey) throw BAIL_OUT
    return text === own ? part(source, key.start, key.end) : standIn(text, source, key)
  }

  /** An entry or item of a flow collection. */
  flowSlot({ key, value }: Slot): Piece[] {
    const { head } = this.value(value, { column: -1, inFlow: true })
    return key ? [this.#key(key, true), added(': '), ...head] : [...head]
  }

  /** An entry or item of a block collection, below the one before it. */
  blockSlot(slot: Slot, column: number): Piece[] {
    return this.editor.lines(this.#slotLines(slot, column), column)
  }

  // Without the indentation of the collection.
  #slotLines({ key, value }: Slot, column = 0): Fragment[] {
    const { head, body } = this.value(value, { column, inFlow: false })
    const below = (lines: readonly Fragment[]) =>
      lines.map((line) => [added(isBlank(line) ? '' : '  '), ...line])
    if (key) return [[this.#key(key, false), added(head.length > 0 ? ': ' : ':'), ...head], ...below(body)]
    if (head.length > 0) return [[added('- '), ...head], ...below(body)]
    const [first = [], ...rest] = body
    return [[added('- '), ...first], ...below(rest)]
  }
}

/** The path of an included file as the top file names it, for an `!include` in another file. */
export function movedPath(node: Node, source: Source, document: Source): string | undefined {
  if (!(source instanceof IncludedSource) || !includesFile(node)) return undefined
  const spec = specOf(node)
  return spec && relocatePath(String(spec.node.value), source, document)
}

/** A copy of a node of another file, with the paths of included files as the top file names them. */
export function movedTree(node: Node, document: Source): Node {
  const path = node.source && movedPath(node, node.source, document)
  if (path !== undefined && node.kind === 'scalar') return { ...node, value: path }
  if (node.kind === 'sequence') return { ...node, items: node.items.map((item) => movedTree(item, document)) }
  if (node.kind !== 'mapping') return node
  const entries = node.entries.map((entry) => {
    const isPath = path !== undefined && entry === optionOf(node, 'file')
    const value = isPath ? { ...entry.value, value: path } : movedTree(entry.value, document)
    return { ...entry, value: value as Node }
  })
  return { ...node, entries }
}

function isBlank(line: Fragment): boolean {
  return line.every(({ text }) => text === '')
}

function inline(piece: Piece): Written {
  return { head: [piece], body: [] }
}

function spaced(pieces: readonly Piece[]): Piece[] {
  return pieces.flatMap((piece, index) => (index === 0 ? [piece] : [added(' '), piece]))
}

function prefixed(props: readonly Piece[], { head, body }: Written): Written {
  const content = head.filter(({ text }) => text !== '')
  const gap = props.length > 0 && content.length > 0 ? [added(' ')] : []
  return { head: [...props, ...gap, ...content], body }
}

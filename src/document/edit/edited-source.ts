import type { Problem, RelatedPosition } from '../../errors.js'
import { type Node, sourceOf } from '../../node.js'
import { Source, type Span } from '../../source.js'
import { firstIndexWhere } from '../../util/binary-search.js'
import { spanOf } from '../problems.js'

/** A piece of an edited text. */
export interface Piece {
  readonly text: string
  /** The text that it comes from; absent for what was added between, such as indentation. */
  readonly origin?: Source
  /** Its part of `origin`: of the same length when it was taken as it was. */
  readonly span: Span
  /** What it replaced. */
  readonly replaces?: RelatedPosition
}

/** Pieces of a text in order. */
export type Fragment = readonly Piece[]

/** A text that overrides edited: its positions are those of the pieces that it was made of. */
export class EditedSource extends Source {
  readonly #pieces: Fragment
  readonly #starts: number[] = []

  constructor(pieces: Fragment, filename: string) {
    super(pieces.map(({ text }) => text).join(''), filename)
    this.#pieces = pieces.filter(({ text }) => text !== '')
    let start = 0
    for (const { text } of this.#pieces) {
      this.#starts.push(start)
      start += text.length
    }
  }

  override position(offset: number): { line: number; column: number } {
    const { origin, span } = this.#located({ start: offset, end: offset })
    return origin ? origin.position(span.start) : super.position(offset)
  }

  override problem(code: string, message: string, span: Span, hint?: string): Problem {
    const { origin, span: original, replaces } = this.#located(span)
    if (!origin) return super.problem(code, message, span, hint)
    const problem = origin.problem(code, message, original, hint)
    return replaces ? { ...problem, related: [replaces, ...(problem.related ?? [])] } : problem
  }

  override frame(span: Span): string {
    const { origin, span: original } = this.#located(span)
    return origin ? origin.frame(original) : super.frame(span)
  }

  #located({ start, end }: Span): Omit<Piece, 'text'> {
    const index = this.#pieceAt(start)
    const piece = this.#pieces[index]
    if (!piece?.origin) return { span: { start, end } }
    const from = inPiece(piece, start - this.#starts[index]!)
    const last = this.#pieceAt(Math.max(start, end - 1))
    const ending = this.#pieces[last]!
    const isSame = ending.origin === piece.origin
    const to = isSame ? inPiece(ending, end - this.#starts[last]!) : piece.span.end
    return { ...piece, span: { start: from, end: Math.max(from, isVerbatim(piece) ? to : piece.span.end) } }
  }

  // The piece at an offset that has an origin, or the nearest one before it.
  #pieceAt(offset: number): number {
    const above = firstIndexWhere(this.#pieces.length, (index) => this.#starts[index]! > offset)
    let low = Math.max(above - 1, 0)
    while (low > 0 && !this.#pieces[low]!.origin) low--
    return low
  }
}

function isVerbatim({ text, span }: Piece): boolean {
  return text.length === span.end - span.start
}

function inPiece(piece: Piece, offset: number): number {
  const { start, end } = piece.span
  return isVerbatim(piece) ? Math.min(start + offset, end) : start
}

/** The position of a node of the text before, which another value replaces. */
export function replacedPosition(node: Node, document: Source): RelatedPosition {
  // Without a frame, which a problem would have: there may be many edits.
  const source = sourceOf(node, document)
  const { line, column } = source.position(spanOf(node).start)
  return { message: 'replaces', file: source.filename, line, column }
}

/** A part of a text, as it is. */
export function part(origin: Source, start: number, end: number): Piece {
  return { text: origin.text.slice(start, end), origin, span: { start, end } }
}

/** A text that stands for a part of another. */
export function standIn(text: string, origin: Source | undefined, span: Span): Piece {
  return origin ? { text, origin, span } : { text, span }
}

/** A text that comes from nowhere. */
export function added(text: string): Piece {
  return { text, span: { start: 0, end: 0 } }
}

/** The text of pieces. */
export function textOf(pieces: Fragment): string {
  return pieces.map(({ text }) => text).join('')
}

/** A change of a text: pieces in place of a part of it. */
export interface Edit extends Span {
  readonly pieces: Fragment
}

/** Applies edits to a part of a text. */
export function splice(origin: Source, { start, end }: Span, edits: readonly Edit[]): Piece[] {
  const pieces: Piece[] = []
  let offset = start
  // Insertions at one offset keep their order.
  for (const edit of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (edit.start > offset) pieces.push(part(origin, offset, edit.start))
    for (const piece of edit.pieces) pieces.push(piece)
    offset = Math.max(offset, edit.end)
  }
  if (end > offset) pieces.push(part(origin, offset, end))
  return pieces
}

/** Splits pieces into lines, without their line ends. */
export function linesOf(pieces: Fragment): Piece[][] {
  const lines: Piece[][] = [[]]
  for (const piece of pieces) {
    let start = 0
    for (let end = piece.text.indexOf('\n'); end !== -1; end = piece.text.indexOf('\n', start)) {
      lines.at(-1)!.push(sliced(piece, start, piece.text[end - 1] === '\r' ? end - 1 : end))
      lines.push([])
      start = end + 1
    }
    lines.at(-1)!.push(sliced(piece, start, piece.text.length))
  }
  return lines
}

/** Removes up to `count` spaces from the start of a line. */
export function outdented(line: Fragment, count: number): Piece[] {
  const [first, ...rest] = line.filter(({ text }) => text !== '')
  if (!first) return []
  const spaces = /^ */.exec(first.text)![0].length
  return [sliced(first, Math.min(spaces, count), first.text.length), ...rest]
}

function sliced(piece: Piece, start: number, end: number): Piece {
  const text = piece.text.slice(start, Math.max(start, end))
  if (!isVerbatim(piece)) return { ...piece, text }
  const from = piece.span.start + start
  return { ...piece, text, span: { start: from, end: from + text.length } }
}

import type { Span } from '../../../source.js'
import { firstIndexWhere } from '../../../util/binary-search.js'

/** An error of the parser. */
export interface Finding {
  readonly span: Span
  readonly code: string
  readonly message: string
  /** Where an unclosed quote starts. */
  readonly opened?: number | undefined
  /** What was probably meant. */
  readonly hint?: string | undefined
}

/** A replacement of a part of the text. */
export interface Edit extends Span {
  readonly text: string
}

/** A change that may fix an error, and the message to report if it does. */
export interface Repair {
  readonly span: Span
  readonly message: string
  readonly edits: readonly Edit[]
  /** The change turns a quoted string back into text, which may have errors of its own. */
  readonly mayAddErrors?: boolean
  /** The message is reported once, even if the change is needed in several places. */
  readonly once?: boolean
  /** Makes the edits for a whole text, where the mistake is likely to be in other lines, too. */
  readonly everywhere?: (lines: readonly Line[]) => readonly Edit[]
}

/** Proposes changes for the first error of a text, the most likely ones first. */
export type Proposer = (scene: ErrorLines) => Iterable<Repair>

/** One line of a text, without its line end. */
export interface Line {
  readonly start: number
  readonly end: number
  readonly text: string
  /** The number of leading spaces. */
  readonly indent: number
  /** The text without surrounding white space. */
  readonly content: string
}

const maxLines = 60

/** The lines around the first error of a text. */
export class ErrorLines {
  readonly lines: readonly Line[]
  readonly index: number

  constructor(
    readonly text: string,
    readonly error: Finding,
  ) {
    this.lines = linesOf(text)
    this.index = this.indexAt(error.span.start)
  }

  indexAt(offset: number): number {
    const above = firstIndexWhere(this.lines.length, (index) => this.lines[index]!.start > offset)
    return Math.max(above - 1, 0)
  }

  /** Yields the line of the error and the lines above it, upwards, without empty ones. */
  *upwards(count = maxLines): Generator<Line> {
    for (let index = this.index; index >= 0 && this.index - index < count; index--)
      if (this.lines[index]!.content !== '') yield this.lines[index]!
    const opened = this.indexAt(this.error.opened ?? this.error.span.start)
    if (count === maxLines && this.index - opened >= count) yield this.lines[opened]!
  }

  /** The line of the error and the next lines with content above and below it. */
  nearby(): Line[] {
    const above = [...this.upwards(8)].slice(0, 2)
    const below = this.lines.slice(this.index + 1, this.index + 4).find(({ content }) => content !== '')
    return below ? [...above, below] : above
  }

  /** The span of the content of a line. */
  contentSpan({ start, end, text, content }: Line): Span {
    const offset = start + text.length - text.trimStart().length
    return { start: offset, end: Math.min(end, offset + Math.max(1, content.length)) }
  }
}

export function linesOf(text: string): Line[] {
  const lines: Line[] = []
  let start = 0
  for (const line of text.split('\n')) {
    const shown = line.endsWith('\r') ? line.slice(0, -1) : line
    const indent = /^ */.exec(shown)![0].length
    lines.push({ start, end: start + shown.length, text: shown, indent, content: shown.trim() })
    start += line.length + 1
  }
  return lines
}

/** Applies edits, which do not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let made = ''
  let from = 0
  for (const edit of inOrder(edits)) {
    made += text.slice(from, edit.start) + edit.text
    from = edit.end
  }
  return made + text.slice(from)
}

/** Maps an offset in the edited text to one in the original text. */
export function originalOffset(offset: number, edits: readonly Edit[]): number {
  let shift = 0
  for (const { start, end, text } of inOrder(edits)) {
    const made = start + shift
    if (offset < made) break
    if (offset < made + text.length) return Math.min(start + offset - made, end)
    shift += text.length - (end - start)
  }
  return offset - shift
}

function inOrder(edits: readonly Edit[]): Edit[] {
  return [...edits].sort((a, b) => a.start - b.start)
}

/** The span of one character. */
export function charSpan(offset: number): Span {
  return { start: offset, end: offset + 1 }
}

export function insert(offset: number, text: string): Edit {
  return { start: offset, end: offset, text }
}

export function replace({ start, end }: Span, text: string): Edit {
  return { start, end, text }
}

/** Puts a text in quotes, of the kind that needs no escapes if there is one. */
export function inQuotes(text: string): string {
  return text.includes("'") && !/["\\]/.test(text) ? `"${text}"` : `'${text.replaceAll("'", "''")}'`
}

/** Shortens a part of the file for a message. */
export function excerpt(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

import type { Span } from '../../../source.js'

/** What the parser says of a place. */
export interface Finding {
  readonly span: Span
  readonly code: string
  readonly message: string
  /** Where the quotes begin that are not closed. */
  readonly opened?: number
}

/** What is put in the place of a part of the text. */
export interface Edit extends Span {
  readonly text: string
}

/** A change that may mend a text, and what to say of its place if it does. */
export interface Repair {
  readonly span: Span
  readonly message: string
  readonly edits: readonly Edit[]
  /** Brings to light text that was taken for something else, and may have mistakes of its own. */
  readonly mayAddErrors?: boolean
  /** Said once, however often it is to be mended. */
  readonly once?: boolean
}

/** Proposes changes for the first error of a text; those that a person would think of first come first. */
export type Proposer = (scene: ErrorLines) => Iterable<Repair>

/** One line of a text, without its line end. */
export interface Line {
  readonly start: number
  readonly end: number
  readonly text: string
  /** The number of spaces before its content. */
  readonly indent: number
  /** Its content, without white space around it. */
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
    let low = 0
    let high = this.lines.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.lines[middle]!.start <= offset) low = middle
      else high = middle - 1
    }
    return low
  }

  /** The line of the error, and those above it that have content, upwards. */
  *upwards(count = maxLines): Generator<Line> {
    for (let index = this.index; index >= 0 && this.index - index < count; index--)
      if (this.lines[index]!.content !== '') yield this.lines[index]!
    const opened = this.indexAt(this.error.opened ?? this.error.span.start)
    if (count === maxLines && this.index - opened >= count) yield this.lines[opened]!
  }

  /** The line of the error with content, the one above it and the one below it. */
  nearby(): Line[] {
    const above = [...this.upwards(8)].slice(0, 2)
    const below = this.lines.slice(this.index + 1, this.index + 4).find(({ content }) => content !== '')
    return below ? [...above, below] : above
  }

  /** The place of the content of a line. */
  contentSpan({ start, end, text, content }: Line): Span {
    const offset = start + text.length - text.trimStart().length
    return { start: offset, end: Math.min(end, offset + Math.max(1, content.length)) }
  }
}

function linesOf(text: string): Line[] {
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

/** A text with edits, which do not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let made = ''
  let from = 0
  for (const edit of inOrder(edits)) {
    made += text.slice(from, edit.start) + edit.text
    from = edit.end
  }
  return made + text.slice(from)
}

/** Where an offset of the text with edits stands in the text without. */
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

export function insert(offset: number, text: string): Edit {
  return { start: offset, end: offset, text }
}

export function replace({ start, end }: Span, text: string): Edit {
  return { start, end, text }
}

/** A text in quotes which leave every character as it is, where there are such. */
export function inQuotes(text: string): string {
  return text.includes("'") && !/["\\]/.test(text) ? `"${text}"` : `'${text.replaceAll("'", "''")}'`
}

/** A part of the file as a message writes it. */
export function excerpt(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

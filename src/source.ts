import type { Problem } from './errors.js'
import { firstIndexWhere } from './util/binary-search.js'
import { printableColumns } from './util/printable.js'
import { isSecretVariable } from './util/private-names.js'
import { hideUrlCredentials } from './util/url-credentials.js'

/** A part of a text: offsets in UTF-16 units, the end exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

const contextLines = 2
const widestLine = 120
const longestUrl = 1000

/** A text and the name of its file: converts offsets to lines, columns and code frames. */
export class Source {
  #lineStarts: number[] | undefined

  constructor(
    readonly text: string,
    readonly filename: string,
  ) {}

  /** Returns the 1-based line and column of an offset. */
  position(offset: number): { line: number; column: number } {
    this.#lineStarts ??= findLineStarts(this.text)
    const line = lastAtMost(this.#lineStarts, Math.min(offset, this.text.length))
    return { line: line + 1, column: Math.max(1, offset - this.#lineStarts[line]! + 1) }
  }

  /** Returns the offset of a 1-based line and column. */
  offsetOf(line: number, column: number): number {
    this.#lineStarts ??= findLineStarts(this.text)
    return (this.#lineStarts[line - 1] ?? this.text.length) + column - 1
  }

  /** Returns a problem that points at `span`. */
  problem(code: string, message: string, span: Span, hint?: string): Problem {
    const { line, column } = this.position(span.start)
    const end = this.position(Math.max(span.end, span.start))
    const location = { file: this.filename, line, column, endLine: end.line, endColumn: end.column }
    const problem = { code, message, ...location, frame: this.frame(span) }
    return hint === undefined ? problem : { ...problem, hint }
  }

  /** Returns the line of `span` and up to two lines before it, with `^` under the span. */
  frame(span: Span): string {
    const { line, column } = this.position(span.start)
    const first = Math.max(1, line - contextLines)
    const width = String(line).length
    const shift = Math.max(0, column - widestLine / 2)
    const rows: string[] = []
    for (let row = first; row <= line; row++)
      rows.push(`${String(row).padStart(width)} | ${this.#line(row, shift)}`)
    rows.push(`${' '.repeat(width)} | ${this.#marker(span, line, column, shift)}`)
    return rows.map((row) => row.trimEnd()).join('\n')
  }

  #line(line: number, shift: number): string {
    const start = this.#lineStarts![line - 1]! + shift
    const end = Math.min(this.#lineStarts![line] ?? this.text.length, start + widestLine)
    // A URL may start before the part of the line that is shown.
    const before = Math.min(shift, longestUrl)
    const shown = withoutSecrets(this.text.slice(start - before, end)).slice(before)
    return printableColumns(shown.replace(/[\r\n]+$/, ''))
  }

  #marker(span: Span, line: number, column: number, shift: number): string {
    const lineEnd = this.#lineStarts![line] ?? this.text.length
    const before = this.text.slice(span.start - (column - 1) + shift, span.start).replace(/[^\t]/g, ' ')
    const length = Math.min(span.end, lineEnd) - span.start
    const marked = this.text.slice(span.start, span.start + length).trimEnd().length
    return before + '^'.repeat(Math.max(1, Math.min(marked, widestLine - before.length)))
  }
}

/** A name and its value, which ends with its quote, with the line, or in a flow with `,` or `}`. */
const namedValue =
  /(?<name>\b[A-Za-z]\w{0,99})(?<colon>["']?\s{0,9}[:=]\s{0,9})(?<value>"[^"]*"?|'[^']*'?|[^\s,{}[\]"'!&*][^,}\r\n]*)/g

// Keeps the length, since a marker may be below. Words such as "key" are options of many classes; variables have more.
function withoutSecrets(line: string): string {
  const hidden = hideUrlCredentials(line, (credentials) => '*'.repeat(credentials.length))
  return hidden.replace(namedValue, (all: string, name: string, colon: string, value: string) => {
    const isVariable = /_|^[A-Z]+$/.test(name) && isSecretVariable(name)
    return isVariable ? `${name}${colon}${'*'.repeat(value.length)}` : all
  })
}

// A byte order mark is not part of the first line.
function findLineStarts(text: string): number[] {
  const starts = [text.startsWith('\ufeff') ? 1 : 0]
  for (let offset = text.indexOf('\n'); offset !== -1; offset = text.indexOf('\n', offset + 1))
    starts.push(offset + 1)
  return starts
}

function lastAtMost(sorted: readonly number[], value: number): number {
  const above = firstIndexWhere(sorted.length, (index) => sorted[index]! > value)
  return Math.max(above - 1, 0)
}

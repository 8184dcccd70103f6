import type { Span } from '../../../source.js'

/** A range of lines by their indices, the end exclusive. */
export interface Lines {
  readonly start: number
  readonly end: number
}

/** An entry of a block collection by its lines: those of its key or dash, and what is indented more. */
export interface Entry extends Lines {
  readonly column: number
  readonly kind: Kind
}

/** The entries at one level, with the column and kind that most of them have. */
export interface Level {
  readonly entries: readonly Entry[]
  readonly column: number
  readonly kind: Kind
  /** The brackets of a flow collection, whose closing one is in the lines of `tail`. */
  readonly flow?: { readonly open: string; readonly close: string; readonly tail: Lines }
}

type Kind = 'item' | 'key' | 'text' | 'conflict'

const marker = /^(?:---|\.\.\.)(?:\s|$)/
const propertiesOnly = /^(?:---(?:\s+|$))?(?:[!&]\S*(?:\s+|$))*(?:#.*)?$/
const conflict = /^(?:<{7}|={7}|>{7}|\|{7})(?:\s|$)/
const completeStrings = /"(?:\\.|[^"\\])*"|'(?:''|[^'])*'|(?:^|\s)#.*/g
const blockHeader = /(?:^|[\s:-])[|>][-+\d]*$/

/** Divides a text into entries, from the indentation of its lines alone. */
export class TextEntries {
  readonly #starts: number[] = []
  /** The number of spaces before each line; -1 for empty lines and comments. */
  readonly #columns: number[] = []

  constructor(readonly text: string) {
    for (let start = 0; start < text.length; ) {
      const next = text.indexOf('\n', start) + 1 || text.length
      this.#starts.push(start)
      this.#columns.push(columnOf(text, start))
      start = next
    }
  }

  spanOf({ start, end }: Lines): Span {
    return { start: this.#startOf(start), end: this.#startOf(end) }
  }

  textOf(lines: Lines): string {
    const { start, end } = this.spanOf(lines)
    return this.text.slice(start, end)
  }

  /** The lines of each document; `undefined` if there are directives or unusual markers. */
  documents(): Lines[] | undefined {
    const starts = [0]
    for (let line = 0; line < this.#starts.length; line++) {
      const first = this.text[this.#startOf(line)]
      if (first === '%') return undefined
      if ((first !== '-' && first !== '.') || !marker.test(this.#contentOf(line))) continue
      if (!propertiesOnly.test(this.#contentOf(line))) return undefined
      starts.push(line)
    }
    return starts.map((start, index) => ({ start, end: starts[index + 1] ?? this.#starts.length }))
  }

  /** The entries in these lines at the smallest column that is usual; tags and anchors above the first belong to none. */
  entriesIn({ start, end }: Lines): Level {
    const first = this.#firstContent(start, end)
    const column = this.#usualColumn(first, end)
    const entries: Entry[] = []
    for (let line = first; line < end; line++) {
      if (!this.#startsEntry(line, column, entries.at(-1))) continue
      const last = entries.at(-1)
      if (last) entries[entries.length - 1] = { ...last, end: line }
      entries.push({ start: line, end, column: this.#columns[line]!, kind: this.#kindOf(line) })
    }
    return { entries, column, kind: usualKind(entries.filter((entry) => entry.column === column)) }
  }

  /** The entries below the first line of an entry. */
  below({ start, end, column }: Entry): Level {
    const open = this.#opensFlow(start)
    if (!open) return this.entriesIn({ start: start + 1, end })
    let tail = end - 1
    while (tail > start && this.#columns[tail]! < 0) tail--
    const level = this.entriesIn({ start: start + 1, end: tail })
    const close = open === '[' ? ']' : '}'
    const isClosed = this.#columns[tail] === column && this.#contentOf(tail).startsWith(close)
    if (!isClosed || level.column <= column) return { ...level, entries: [] }
    return { ...level, flow: { open, close, tail: { start: tail, end } } }
  }

  // The bracket that ends a line, if nothing else in the line is left open.
  #opensFlow(line: number): string | undefined {
    const content = this.#contentOf(line)
    const rest = content.replace(completeStrings, '').trim()
    return /^[^[\]{}"']*[[{]$/.test(rest) ? rest.at(-1) : undefined
  }

  /** Whether a string, flow collection or block scalar starts in the line and goes on below it. */
  isOpen(line: number): boolean {
    const rest = this.#contentOf(line).replace(completeStrings, '').trim()
    const opened = rest.match(/[[{]/g)?.length ?? 0
    const closed = rest.match(/[\]}]/g)?.length ?? 0
    return opened > closed || /["']/.test(rest) || blockHeader.test(rest)
  }

  #firstContent(start: number, end: number): number {
    let line = start
    while (line < end && (this.#columns[line]! < 0 || propertiesOnly.test(this.#contentOf(line)))) line++
    return line
  }

  // The column of the first line, unless more lines have the smallest one.
  #usualColumn(start: number, end: number): number {
    const counts = new Map<number, number>()
    for (let line = start; line < end; line++)
      counts.set(this.#columns[line]!, (counts.get(this.#columns[line]!) ?? 0) + 1)
    counts.delete(-1)
    const first = this.#columns[start] ?? 0
    const least = [...counts.keys()].reduce((a, b) => Math.min(a, b), first)
    return (counts.get(least) ?? 0) > (counts.get(first) ?? 0) ? least : first
  }

  #startsEntry(line: number, column: number, above: Entry | undefined): boolean {
    const own = this.#columns[line]!
    if (own < 0) return false
    if (!above) return true
    const first = this.text[this.#startOf(line) + own]
    if (own > column || first === ']' || first === '}') return false
    // A sequence may start in the column of its key.
    const isBelowKey = above.kind === 'key' && above.column === own && this.#kindOf(line) === 'item'
    return !isBelowKey || !this.#contentOf(above.start).replace(completeStrings, '').trim().endsWith(':')
  }

  #kindOf(line: number): Kind {
    const content = this.#contentOf(line)
    if (/^-(?:\s|$)/.test(content)) return 'item'
    if (conflict.test(content)) return 'conflict'
    if (/^[[{]/.test(content)) return 'text'
    return /:(?:\s|$)|^\?(?:\s|$)/.test(content) ? 'key' : 'text'
  }

  #contentOf(line: number): string {
    return this.textOf({ start: line, end: line + 1 }).trim()
  }

  #startOf(line: number): number {
    return this.#starts[line] ?? this.text.length
  }
}

function columnOf(text: string, start: number): number {
  let offset = start
  while (text.charCodeAt(offset) === 32) offset++
  const first = text[offset]
  const isEmpty = first === undefined || first === '\n' || first === '\r' || first === '#'
  return isEmpty ? -1 : offset - start
}

function usualKind(entries: readonly Entry[]): Kind {
  const count = (kind: Kind) => entries.filter((entry) => entry.kind === kind).length
  const [items, keys] = [count('item'), count('key')]
  if (items + keys <= count('text')) return 'text'
  if (items === keys) return entries.find(({ kind }) => kind === 'item' || kind === 'key')!.kind
  return items > keys ? 'item' : 'key'
}

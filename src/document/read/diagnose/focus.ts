import type { Span } from '../../../source.js'
import { type Entry, type Level, type Lines, Outline } from './outline.js'

/** Whether an entry is valid as a text of its own; `thoroughly`: with the exact reader, if the quick one does not take it. */
export type Accepts = (entry: string, thoroughly: boolean) => boolean

/** A broken part of a text: whole lines that are diagnosed as one text. */
export interface Focused {
  readonly spans: readonly Span[]
  /** The entries that were not accepted. */
  readonly entries: readonly string[]
}

/** Lines to keep, in order, and whether lines before and after the broken ones are among them. */
interface Kept {
  readonly lines: readonly Lines[]
  readonly entries: readonly Lines[]
  readonly hasBefore: boolean
  readonly hasAfter: boolean
}

// An entry of so many lines is not divided further.
const smallEntry = 12
// Broken entries in a row are diagnosed together, up to so many lines.
const mostLines = 40
// The columns of so many lines above are proposed for a wrong one.
const linesBefore = 16
const mostLevels = 100

/**
 * Finds the first broken part of a text: entries that are invalid even as texts of their own, the lines above that they are
 * nested in, and an entry before and after them. Errors need no more, and parsing the rest for each repair takes long.
 */
export class Focus {
  readonly #outline: Outline

  /** `settled`: entries that were diagnosed already, without a result. */
  constructor(
    text: string,
    readonly accepts: Accepts,
    readonly settled: ReadonlySet<string>,
  ) {
    this.#outline = new Outline(text)
  }

  /** Returns no spans if each entry is valid, and `undefined` if the text cannot be divided. */
  find(): Focused | undefined {
    const documents = this.#outline.documents()
    for (const document of documents ?? []) {
      const level = this.#outline.entriesIn(document)
      const [first] = level.entries
      if (!first) continue
      // The lines of a string or flow collection at the root may start in any column.
      if (first.kind === 'text' && this.#outline.isOpen(first.start)) return undefined
      // One line of text with entries below it is a key without its colon.
      if (level.kind === 'text' && this.#below(first).kind === 'text') return undefined
      const kept = this.#inLevel(level, 0)
      if (kept) return this.#focused({ start: document.start, end: first.start }, kept)
    }
    return documents && { spans: [], entries: [] }
  }

  #focused(above: Lines, { lines, entries }: Kept): Focused {
    const spans = [above, ...lines].map((each) => this.#outline.spanOf(each))
    return {
      spans: joined(spans.filter(({ start, end }) => start < end)),
      entries: entries.map((entry) => this.#outline.textOf(entry)),
    }
  }

  #inLevel(level: Level, depth: number): Kept | undefined {
    for (const [index, entry] of level.entries.entries()) {
      const kept = this.#inEntry(entry, level, depth)
      if (kept) return this.#withNext(this.#withPrevious(kept, level, index), level, index + 1)
    }
    return undefined
  }

  #inEntry(entry: Entry, level: Level, depth: number): Kept | undefined {
    if (this.#isAccepted(entry, level)) return undefined
    if (this.#isWhole(entry) || depth > mostLevels)
      return { lines: [entry], entries: [entry], hasBefore: false, hasAfter: false }
    const below = this.#below(entry)
    const inside = fits(entry, level) && below.kind !== 'text' ? this.#inLevel(below, depth + 1) : undefined
    if (inside) return { ...inside, lines: [headOf(entry, below), ...inside.lines] }
    const edge = this.#edge(entry, 0)
    const isValid = fits(entry, level) && below.kind !== 'text' && this.accepts(this.#joined(edge), true)
    return isValid ? undefined : { lines: edge, entries: [entry], hasBefore: false, hasAfter: true }
  }

  #joined(lines: readonly Lines[]): string {
    return lines.map((each) => this.#outline.textOf(each)).join('')
  }

  #isAccepted(entry: Entry, level: Level): boolean {
    const text = this.#outline.textOf(entry)
    return this.settled.has(text) || (fits(entry, level) && this.accepts(text, this.#isWhole(entry)))
  }

  #withPrevious(kept: Kept, { entries }: Level, index: number): Kept {
    if (index === 0 || kept.hasBefore) return kept
    const lines = [...kept.lines]
    for (let above = index - 1, count = 0; above >= 0 && count < linesBefore; above--) {
      const edge = this.#edge(entries[above]!, -1)
      lines.unshift(...edge)
      count += lineCount(edge)
    }
    return { ...kept, lines, hasBefore: true }
  }

  #withNext(kept: Kept, level: Level, index: number): Kept {
    const next = level.entries[index]
    if (!next || kept.hasAfter) return kept
    if (this.#isAccepted(next, level))
      return { ...kept, lines: [...kept.lines, ...this.#edge(next, 0)], hasAfter: true }
    if (lineCount(kept.entries) + lineCount([next]) > mostLines || !this.#isWhole(next))
      return { ...kept, hasAfter: true }
    const both = { ...kept, lines: [...kept.lines, next], entries: [...kept.entries, next] }
    return this.#withNext(both, level, index + 1)
  }

  /** The first (0) or last (-1) lines of an entry: its key, and one of the entries below it. */
  #edge(entry: Entry, side: 0 | -1): Lines[] {
    if (this.#isWhole(entry)) return [entry]
    const below = this.#below(entry)
    const child = below.entries.at(side)
    return child ? [headOf(entry, below), ...this.#edge(child, side)] : [entry]
  }

  #isWhole({ start, end }: Entry): boolean {
    return end - start <= smallEntry || this.#outline.isOpen(start)
  }

  #below({ start, end }: Entry): Level {
    return this.#outline.entriesIn({ start: start + 1, end })
  }
}

function lineCount(lines: readonly Lines[]): number {
  return lines.reduce((sum, { start, end }) => sum + end - start, 0)
}

function fits(entry: Entry, { column, kind }: Level): boolean {
  return entry.column === column && entry.kind === kind
}

function headOf({ start }: Entry, { entries }: Level): Lines {
  return { start, end: entries[0]!.start }
}

function joined(spans: readonly Span[]): Span[] {
  const result: Span[] = []
  for (const span of spans) {
    const last = result.at(-1)
    if (last?.end === span.start) result[result.length - 1] = { start: last.start, end: span.end }
    else result.push(span)
  }
  return result
}

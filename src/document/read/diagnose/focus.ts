import type { Span } from '../../../source.js'
import { type Entry, type Level, type Lines, TextEntries } from './entries.js'

/** Whether an entry is valid as a text of its own; `thoroughly`: with the exact reader, if the quick one does not take it. */
export type Accepts = (entry: string, thoroughly: boolean) => boolean

/** A broken part of a text: whole lines that are diagnosed as one text. */
export interface Focused {
  readonly spans: readonly Span[]
  /** The entries that were not accepted. */
  readonly entries: readonly string[]
  /** Whether the part is in a flow collection, where a string may go on in the column of the entries. */
  readonly isInFlow: boolean
}

/** Lines to keep, in order: how many are before the broken ones, and whether some are after them. */
interface Kept {
  readonly lines: readonly Lines[]
  readonly entries: readonly Lines[]
  readonly before: number
  readonly hasAfter: boolean
  readonly isInFlow: boolean
}

// An entry of so many lines is not divided further.
const smallEntry = 12
// Broken entries in a row are diagnosed together, up to so many lines.
const mostLines = 24
// The columns of so many lines above are proposed for a wrong one.
const linesBefore = 30
const mostLevels = 100

/**
 * Finds the first broken part of a text: entries that are invalid even as texts of their own, the lines above that they are
 * nested in, and an entry before and after them. Errors need no more, and parsing the rest for each repair takes long.
 */
export class Focus {
  readonly #entries: TextEntries

  /** `settled`: entries that were diagnosed already, without a result. */
  constructor(
    text: string,
    readonly accepts: Accepts,
    readonly settled: ReadonlySet<string>,
  ) {
    this.#entries = new TextEntries(text)
  }

  /** Returns no spans if each entry is valid, and `undefined` if the text cannot be divided. */
  find(): Focused | undefined {
    const documents = this.#entries.documents()
    for (const document of documents ?? []) {
      const level = this.#entries.entriesIn(document)
      const [first] = level.entries
      if (!first) continue
      if (!this.#isDivisible(level)) return undefined
      const kept = this.#inLevel(level, 0)
      if (kept) return this.#focused({ start: document.start, end: first.start }, kept)
    }
    return documents && { spans: [], entries: [], isInFlow: false }
  }

  // At the root, the lines of a string or flow collection may start in any column, and text may go on in the next line.
  #isDivisible({ entries, kind }: Level): boolean {
    const [first] = entries
    if (first!.kind !== 'text') return kind !== 'text'
    const below = this.#entries.below(first!)
    if (this.#entries.isOpen(first!.start))
      return below.flow !== undefined && below.entries.length > 0 && entries.length === 1
    return kind !== 'text' || below.kind !== 'text'
  }

  #focused(above: Lines, { lines, entries, isInFlow }: Kept): Focused {
    const spans = [above, ...lines].map((each) => this.#entries.spanOf(each))
    return {
      spans: joined(spans.filter(({ start, end }) => start < end)),
      entries: entries.map((entry) => this.#entries.textOf(entry)),
      isInFlow,
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
    const broken = { entries: [entry], before: 0, isInFlow: level.flow !== undefined }
    if (this.#isWhole(entry) || depth > mostLevels) return { ...broken, lines: [entry], hasAfter: false }
    const below = this.#entries.below(entry)
    const isLevel = fits(entry, level) && (below.flow !== undefined || below.kind !== 'text')
    const inside = isLevel ? this.#inLevel(below, depth + 1) : undefined
    if (inside) return { ...inside, lines: [headOf(entry, below), ...inside.lines, ...tailOf(below)] }
    const edge = this.#edge(entry, 0)
    const isValid = isLevel && this.#isValid(this.#joined(edge), level, true)
    return isValid ? undefined : { ...broken, lines: edge, hasAfter: true }
  }

  #joined(lines: readonly Lines[]): string {
    return lines.map((each) => this.#entries.textOf(each)).join('')
  }

  #isAccepted(entry: Entry, level: Level): boolean {
    const text = this.#entries.textOf(entry)
    if (this.settled.has(text)) return true
    if (!fits(entry, level)) return false
    const isLast = entry === level.entries.at(-1)
    if (level.flow && !isLast && !text.trimEnd().endsWith(',')) return false
    return this.#isValid(text, level, this.#isWhole(entry))
  }

  #isValid(text: string, { flow }: Level, thoroughly: boolean): boolean {
    if (!flow) return this.accepts(text, thoroughly)
    const entry = text.trimEnd().replace(/,$/, '')
    return this.accepts(`${flow.open}\n${entry} ${flow.close}\n`, thoroughly)
  }

  #withPrevious(kept: Kept, { entries }: Level, index: number): Kept {
    const lines = [...kept.lines]
    let { before } = kept
    for (let above = index - 1; above >= 0 && before < linesBefore; above--) {
      const edge = this.#edge(entries[above]!, -1)
      lines.unshift(...edge)
      before += lineCount(edge)
    }
    return { ...kept, lines, before }
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
    const below = this.#entries.below(entry)
    const child = below.entries.at(side)
    return child ? [headOf(entry, below), ...this.#edge(child, side), ...tailOf(below)] : [entry]
  }

  #isWhole(entry: Entry): boolean {
    if (entry.end - entry.start <= smallEntry) return true
    return this.#entries.isOpen(entry.start) && this.#entries.below(entry).flow === undefined
  }
}

function lineCount(lines: readonly Lines[]): number {
  return lines.reduce((sum, { start, end }) => sum + end - start, 0)
}

function fits(entry: Entry, { column, kind, flow }: Level): boolean {
  return entry.column === column && (flow !== undefined || entry.kind === kind)
}

function tailOf({ flow }: Level): Lines[] {
  return flow ? [flow.tail] : []
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

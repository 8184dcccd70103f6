import type { Span } from '../../../source.js'
import { type Edit, type Finding, type Line, linesOf, type Repair, replace } from './repair.js'

/** Some lines of a text, as a text of their own; converts what is found in it back to the whole text. */
export class ReducedText {
  readonly text: string
  // The offset in the reduced text of each span.
  readonly #starts: number[] = []

  constructor(
    readonly whole: string,
    readonly spans: readonly Span[],
  ) {
    this.text = spans.map(({ start, end }) => whole.slice(start, end)).join('')
    let offset = 0
    for (const { start, end } of spans) {
      this.#starts.push(offset)
      offset += end - start
    }
  }

  inWhole<S extends Span>(found: S): S {
    const start = this.#offsetInWhole(found.start)
    const last = found.end > found.start ? this.#offsetInWhole(found.end - 1) + 1 : start
    return { ...found, start, end: last }
  }

  finding(found: Finding): Finding {
    return { ...found, span: this.inWhole(found.span) }
  }

  /** The repair for the whole text: lines that were left out are moved or removed with the lines above them. */
  repair(found: Repair): Repair {
    const span = this.inWhole(found.span)
    if (found.everywhere) return { ...found, span, edits: found.everywhere(linesOf(this.whole)) }
    const edits = found.edits.map((edit) => this.inWhole(edit))
    return { ...found, span, edits: [...edits, ...this.#editsBetween(found.edits)] }
  }

  #offsetInWhole(offset: number): number {
    const index = this.#starts.findLastIndex((start) => start <= offset)
    return this.spans[index]!.start + offset - this.#starts[index]!
  }

  #editsBetween(edits: readonly Edit[]): Edit[] {
    return this.spans.flatMap((span, index) => {
      const kept = linesOf(this.text.slice(this.#starts[index]!, this.#starts[index + 1])).map((line) =>
        moved(line, this.#starts[index]!),
      )
      const until = this.spans[index + 1]?.start ?? this.whole.length
      return continued(kept, edits, () =>
        linesOf(this.whole.slice(span.end, until)).map((line) => moved(line, span.end)),
      )
    })
  }
}

// The edits of the lines below the last of `kept`, if they belong to the block that it is moved or removed with.
function continued(kept: readonly Line[], edits: readonly Edit[], below: () => readonly Line[]): Edit[] {
  const lines = kept.filter(({ content }) => content !== '').reverse()
  const change = lines[0] && changeOf(lines[0], edits)
  if (change === undefined) return []
  const end = lines.findIndex((line) => changeOf(line, edits) !== change)
  const block = end < 0 ? lines : lines.slice(0, end)
  const top = block.at(-1)!
  const hasPeers = block.some((line) => line !== top && line.indent <= top.indent)
  const least = hasPeers ? Math.min(...block.map(({ indent }) => indent)) : top.indent + 1
  const all = below()
  const outside = all.findIndex(({ content, indent }) => content !== '' && indent < least)
  const inside = outside < 0 ? all : all.slice(0, outside)
  return inside.filter(({ content }) => content !== '').map((line) => editFor(line, change))
}

const removal = 'removal'

/** By how many columns the edits move a line, or that they remove it. */
function changeOf({ start, end, indent }: Line, edits: readonly Edit[]): number | typeof removal | undefined {
  for (const edit of edits) {
    if (edit.start < start || edit.end > end) continue
    if (edit.start === edit.end && edit.start <= start + indent && /^(?: +|- )$/.test(edit.text))
      return edit.text.length
    if (edit.text !== '' || edit.start !== start) continue
    if (edit.end === end) return removal
    if (edit.end > start && edit.end <= start + indent) return start - edit.end
  }
  return undefined
}

function editFor({ start, end, indent }: Line, change: number | typeof removal): Edit {
  if (change === removal) return replace({ start, end }, '')
  if (change > 0) return { start, end: start, text: ' '.repeat(change) }
  return { start, end: start + Math.min(-change, indent), text: '' }
}

function moved(line: Line, distance: number): Line {
  return { ...line, start: line.start + distance, end: line.end + distance }
}

import type { Span } from '../../source.js'

/** Finds its way in a text of YAML: lines, columns, comments, and what is between nodes. */
export class Layout {
  readonly newline: string

  constructor(readonly text: string) {
    const first = text.indexOf('\n')
    this.newline = first > 0 && text[first - 1] === '\r' ? '\r\n' : '\n'
  }

  lineStart(offset: number): number {
    const start = offset === 0 ? 0 : this.text.lastIndexOf('\n', offset - 1) + 1
    return start === 0 && this.text.startsWith('\ufeff') ? 1 : start
  }

  /** The end of the line, before its line end. */
  lineEnd(offset: number): number {
    const end = this.text.indexOf('\n', offset)
    if (end === -1) return this.text.length
    return end > offset && this.text[end - 1] === '\r' ? end - 1 : end
  }

  column(offset: number): number {
    return offset - this.lineStart(offset)
  }

  /** Whether only spaces are before the offset on its line. */
  startsLine(offset: number): boolean {
    return this.text.slice(this.lineStart(offset), offset).trim() === ''
  }

  /** The offset of the next text that is neither white space nor a comment, nor one of `others`. */
  skip(from: number, others = ''): number {
    const { text } = this
    let offset = from
    while (offset < text.length) {
      const char = text[offset]!
      if (
        char === '#' &&
        (offset === 0 || /\s/.test(text[offset - 1]!) || others.includes(text[offset - 1]!))
      )
        offset = this.lineEnd(offset)
      else if (/\s/.test(char) || char === '\ufeff' || others.includes(char)) offset++
      else break
    }
    return offset
  }

  /** The offset of the ":" after a key. */
  colonAfter(keyEnd: number): number | undefined {
    const offset = this.skip(keyEnd)
    return this.text[offset] === ':' ? offset : undefined
  }

  /** The tag and anchor before the content of a node; `lower` is after its key or dash. */
  props(lower: number, start: number): Span | undefined {
    let found: Span | undefined
    let offset = this.skip(lower)
    while (offset < start && /[!&]/.test(this.text[offset]!)) {
      const end = offset + /^(?:!<[^>]*>|[^\s,[\]{}]+)/.exec(this.text.slice(offset, start))![0].length
      found = { start: found?.start ?? offset, end }
      offset = this.skip(end)
    }
    return found
  }

  /** Removes white space from the end of a part of the text. */
  trimmed(end: number, least: number): number {
    let offset = end
    while (offset > least && /\s/.test(this.text[offset - 1]!)) offset--
    return offset
  }

  /** The end of the last line of an entry or item: with the comment on it, and comments below that are deeper than `column`. */
  slotEnd(contentEnd: number, column: number): number {
    let end = this.lineEnd(contentEnd)
    let next = end
    while (next < this.text.length) {
      const line = this.#lineAfter(next)
      const indent = /^[ \t]*/.exec(line.text)![0].length
      const isComment = line.text[indent] === '#'
      if (indent < line.text.length && !(isComment && indent > column)) break
      next = line.end
      if (isComment) end = next
    }
    return end
  }

  /** The end of the empty lines below a line. */
  blankEnd(lineEnd: number): number {
    let end = lineEnd
    for (;;) {
      const line = this.#lineAfter(end)
      if (line.text.trim() !== '') return end
      end = line.end
    }
  }

  #lineAfter(end: number): { text: string; end: number } {
    const newline = this.text.indexOf('\n', end)
    if (newline === -1) return { text: 'end', end: this.text.length }
    const lineEnd = this.lineEnd(newline + 1)
    if (newline + 1 >= this.text.length) return { text: 'end', end: this.text.length }
    return { text: this.text.slice(newline + 1, lineEnd), end: lineEnd }
  }

  /** The start of the first line of an entry or item that starts a line: of the comment lines directly above it, in its column. */
  slotStart(offset: number, lower: number): number {
    const column = this.column(offset)
    let start = this.lineStart(offset)
    while (start > lower) {
      const above = this.lineStart(start - 1)
      const line = this.text.slice(above, start)
      if (above < lower || /^[ \t]*/.exec(line)![0].length !== column || line[column] !== '#') break
      start = above
    }
    return start
  }
}

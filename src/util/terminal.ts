import type { WriteStream } from 'node:tty'

const clearLine = '\r\u001b[2K'
const upAndClear = '\u001b[1A\u001b[2K'

/** The lines at the bottom of the terminal, if any are shown. */
let shown: StatusLines | undefined

/**
 * Lines at the bottom of a terminal that are drawn again and again. What the process prints meanwhile appears above them. They are
 * written to the terminal itself: whoever copies standard error does not see them.
 */
export class StatusLines {
  #lines: readonly string[] = []
  #drawn = 0
  /** Whether the last text ended with a line break: within a line, nothing is drawn. */
  #isAtLineStart = true
  readonly #restore: (() => void)[] = []
  readonly #onExit = (): void => this.end()

  constructor(readonly stream: WriteStream) {
    for (const each of [process.stdout, process.stderr]) this.#watch(each)
    process.once('exit', this.#onExit)
    shown = this
  }

  /** Replaces the lines. */
  show(lines: readonly string[]): void {
    // Two columns stay free for the "^C" that a terminal adds.
    const width = (this.stream.columns ?? 80) - 3
    this.clear()
    this.#lines = lines.map((line) => cutToWidth(line, width))
    this.#draw()
  }

  clear(): void {
    if (this.#drawn === 0) return
    this.#write(clearLine + upAndClear.repeat(this.#drawn - 1))
    this.#drawn = 0
  }

  end(): void {
    this.clear()
    for (const restore of this.#restore.splice(0)) restore()
    process.off('exit', this.#onExit)
    if (shown === this) shown = undefined
  }

  #draw(): void {
    if (!this.#isAtLineStart || this.#lines.length === 0) return
    this.#write(this.#lines.join('\n'))
    this.#drawn = this.#lines.length
  }

  #watch(stream: NodeJS.WriteStream): void {
    // A file or pipe is no part of the terminal.
    if (!stream.isTTY) return
    const { write } = stream
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      this.clear()
      const isWritten = (write as (...words: unknown[]) => boolean).call(stream, chunk, ...rest)
      if (chunk.length > 0) this.#isAtLineStart = endsLine(chunk)
      this.#draw()
      return isWritten
    }
    this.#restore.push(() => {
      stream.write = write
    })
  }

  #write(text: string): void {
    const { write } = Object.getPrototypeOf(this.stream) as WriteStream
    write.call(this.stream, text)
  }
}

let isReserved = false

/** Keeps the terminal for lines of data: nothing is drawn on it. */
export function reserveTerminal(): void {
  isReserved = true
}

/** Whether lines can be drawn at the bottom of the terminal. */
export function canDraw(): boolean {
  const { env, stderr } = process
  return !isReserved && stderr.isTTY && env['TERM'] !== 'dumb' && env['CI'] === undefined
}

/** Ends the line on which a terminal shows "^C". */
export function endInterruptedLine(): void {
  if (shown) shown.clear()
  else if (process.stderr.isTTY) process.stderr.write('\n')
}

function endsLine(chunk: string | Uint8Array): boolean {
  return typeof chunk === 'string' ? chunk.endsWith('\n') : chunk.at(-1) === 10
}

// Its data take long to load.
let segmenter: Intl.Segmenter | undefined
/** East Asian characters and emoji take two columns. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u

function cutToWidth(text: string, width: number): string {
  let used = 0
  let end = 0
  segmenter ??= new Intl.Segmenter()
  for (const { segment, index } of segmenter.segment(text)) {
    used += wide.test(segment) ? 2 : 1
    if (used > width) return text.slice(0, end)
    end = index + segment.length
  }
  return text
}

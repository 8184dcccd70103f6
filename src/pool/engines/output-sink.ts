import { once } from 'node:events'
import type { Writable } from 'node:stream'

const clearLine = '\r\u001b[2K'
/** A longer line is forwarded in parts. */
const maxLineLength = 64 * 1024
/** How much of such a line is kept back: it may end in the beginning of a mark. */
const overlapLength = 256

/**
 * Forwards the output of other processes to standard error of this one. Its `write` tells when the reader is behind.
 */
export class OutputSink {
  #drained: Promise<void> | undefined

  constructor(readonly stream: Writable & { isTTY?: boolean } = process.stderr) {}

  /** Whether the reader is behind. */
  get isFull(): boolean {
    return this.#drained !== undefined
  }

  /**
   * Writes whole lines, as `latin1`. When the reader is behind, returns a promise that settles when more can be
   * written.
   */
  write(lines: string): Promise<void> | undefined {
    // A progress bar may be on the line.
    const text = this.stream.isTTY ? clearLine + lines : lines
    if (!this.stream.write(text, 'latin1')) this.#drained ??= this.#drain()
    return this.#drained
  }

  // A reader that has gone must not stop the work.
  async #drain(): Promise<void> {
    const controller = new AbortController()
    const ends = ['drain', 'close'].map((event) => once(this.stream, event, controller).catch(() => {}))
    await Promise.race(ends)
    controller.abort()
    this.#drained = undefined
  }
}

/** The sink of this process. */
export const standardError = new OutputSink()

/**
 * Joins the chunks of a stream to lines. Bytes become `latin1`, so that text in another encoding than UTF-8 stays as it
 * is.
 */
export class LineBuffer {
  #rest = ''

  /** Adds a chunk; returns the lines that are complete now, each with its line break. */
  add(chunk: Buffer): string {
    const text = this.#rest + chunk.toString('latin1')
    const end = text.lastIndexOf('\n') + 1
    const cut = text.length - end > maxLineLength ? text.length - overlapLength : end
    this.#rest = text.slice(cut)
    return text.slice(0, cut)
  }

  /** The rest, completed to a line. */
  flush(): string {
    const rest = this.#rest
    this.#rest = ''
    return rest === '' ? '' : `${rest}\n`
  }
}

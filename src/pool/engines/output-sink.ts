import { once } from 'node:events'
import type { Writable } from 'node:stream'

const clearLine = '\r\u001b[2K'
/** A line that is longer is passed on in parts. */
const maxLineLength = 64 * 1024
/** So much of it stays behind: the beginning of a mark may be there. */
const overlapLength = 256

/** Where lines of other processes go: standard error of this one. Whoever writes waits while its reader is slow. */
export class OutputSink {
  #drained: Promise<void> | undefined

  constructor(readonly stream: Writable & { isTTY?: boolean } = process.stderr) {}

  /** Whether its reader is behind. */
  get isFull(): boolean {
    return this.#drained !== undefined
  }

  /** Writes whole lines, as `latin1`; returns what settles when more can be written, where that is not at once. */
  write(lines: string): Promise<void> | undefined {
    // A bar that shows progress may stand on the line.
    const text = this.stream.isTTY ? clearLine + lines : lines
    if (!this.stream.write(text, 'latin1')) this.#drained ??= this.#drain()
    return this.#drained
  }

  // A reader that is gone is no reason to stop the work.
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

/** Puts the chunks of a stream together to lines. Bytes become `latin1`, so that what is not UTF-8 stays as it is. */
export class LineBuffer {
  #rest = ''

  /** The lines that are complete now, each with its end. */
  add(chunk: Buffer): string {
    const text = this.#rest + chunk.toString('latin1')
    const end = text.lastIndexOf('\n') + 1
    const cut = text.length - end > maxLineLength ? text.length - overlapLength : end
    this.#rest = text.slice(cut)
    return text.slice(0, cut)
  }

  /** What is left, made a line. */
  flush(): string {
    const rest = this.#rest
    this.#rest = ''
    return rest === '' ? '' : `${rest}\n`
  }
}

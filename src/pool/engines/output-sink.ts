import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { TaskMessage } from '../engine.js'

const clearLine = '\r\u001b[2K'
/** How long a line may be. */
const maxLineLength = 64 * 1024
/** How much of such a line is kept back: it may end in the beginning of a mark. */
const overlapLength = 256

/** Takes the output of tasks. Texts are `latin1`, so that text in another encoding than UTF-8 stays as it is. */
export interface TaskOutputSink {
  /** Whether the reader is behind. */
  readonly isFull: boolean
  /**
   * Takes whole lines of a task, or those that a worker prints without one. When the reader is behind, returns a promise that settles
   * when more can be written.
   */
  print(lines: string, task?: TaskId): Promise<void> | undefined
  /** Takes a text, as UTF-16, for the log of a task alone; `isLast` at the end of an attempt. Absent where tasks have no logs. */
  readonly note?: ((text: string, task: TaskId, isLast?: boolean) => void) | undefined
}

type TaskId = TaskMessage['id']

/** A stream that other processes write to through this one. */
export class SharedStream {
  #drained: Promise<void> | undefined

  constructor(readonly stream: Writable) {}

  /** Whether the reader is behind. */
  get isFull(): boolean {
    return this.#drained !== undefined
  }

  /** When the reader is behind, returns a promise that settles when more can be written. */
  write(text: string, encoding: BufferEncoding): Promise<void> | undefined {
    if (!this.stream.write(text, encoding)) this.#drained ??= this.#drain()
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

/** Forwards output to standard error of this process. */
class StandardError implements TaskOutputSink {
  readonly #stream = new SharedStream(process.stderr)

  get isFull(): boolean {
    return this.#stream.isFull
  }

  /** Each line of a task has its id. */
  print(lines: string, task?: TaskId): Promise<void> | undefined {
    if (lines === '') return undefined
    const labelled = task === undefined ? lines : withLabel(lines, task)
    // A progress bar may be on the line.
    return this.#stream.write(process.stderr.isTTY ? clearLine + labelled : labelled, 'latin1')
  }
}

function withLabel(lines: string, task: TaskId): string {
  const label = `[${Buffer.from(task).toString('latin1')}] `
  return lines.replace(/(?<=^|\n)(?=[\s\S])/g, label)
}

/** The sink of this process. */
export const standardError = new StandardError()

/**
 * Joins the chunks of a stream to lines. Bytes become `latin1`, so that text in another encoding than UTF-8 stays as it
 * is.
 */
export class LineBuffer {
  #rest = ''

  /** A longer line is forwarded in parts. */
  constructor(readonly maxLength = maxLineLength) {}

  /** Adds a chunk; returns the lines that are complete now, each with its line break. */
  add(chunk: Buffer): string {
    const text = this.#rest + chunk.toString('latin1')
    const end = text.lastIndexOf('\n') + 1
    const cut = text.length - end > this.maxLength ? text.length - overlapLength : end
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

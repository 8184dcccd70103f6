import { isRecord } from '../../serialize.js'
import { LineBuffer, SharedStream, standardError, type TaskOutputSink } from '../output-sink.js'

/** What tasks do on a worker host, as it is sent to the pool: each frame is a line of JSON. */
type Frame =
  | { readonly task: string; readonly lines: string }
  | { readonly task: string; readonly note: string; readonly isLast: boolean }

/** What the program of the workers prints when they take tasks. */
export const readyLine = 'ready'

/** Sends the output of tasks on standard output; what workers print without a task goes to standard error. */
export class FrameSink implements TaskOutputSink {
  readonly note: TaskOutputSink['note']
  readonly #stream = new SharedStream(process.stdout)

  constructor({ hasLogs }: { readonly hasLogs: boolean }) {
    if (hasLogs) this.note = (note, task, isLast = false) => void this.#send({ task, note, isLast })
  }

  get isFull(): boolean {
    return this.#stream.isFull || standardError.isFull
  }

  print(lines: string, task?: string): Promise<void> | undefined {
    return task === undefined ? standardError.print(lines) : this.#send({ task, lines })
  }

  #send(frame: Frame): Promise<void> | undefined {
    return this.#stream.write(`${JSON.stringify(frame)}\n`, 'utf8')
  }
}

/** Passes frames on to the sink of the pool. */
export class FrameReader {
  // A frame is as long as what its worker has printed at once.
  readonly #lines = new LineBuffer(Number.POSITIVE_INFINITY)

  constructor(
    readonly sink: TaskOutputSink,
    /** Takes each line that is no frame. */
    readonly onLine: (line: string) => void,
  ) {}

  /** When the reader of the sink is behind, returns a promise that settles when more can be added. */
  add(chunk: Buffer): Promise<void> | undefined {
    const complete = Buffer.from(this.#lines.add(chunk), 'latin1').toString()
    let written: Promise<void> | undefined
    for (const line of complete.split('\n').slice(0, -1)) written = this.#pass(line) ?? written
    return written
  }

  #pass(line: string): Promise<void> | undefined {
    const frame = parseFrame(line)
    if (!frame) return void this.onLine(line)
    if ('lines' in frame) return this.sink.print(frame.lines, frame.task)
    return void this.sink.note?.(frame.note, frame.task, frame.isLast)
  }
}

// A host may send anything.
function parseFrame(line: string): Frame | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const frame: unknown = JSON.parse(line)
    return isFrame(frame) ? frame : undefined
  } catch {
    return undefined
  }
}

function isFrame(value: unknown): value is Frame {
  if (!isRecord(value) || typeof value['task'] !== 'string') return false
  const { lines, note, isLast } = value
  return typeof lines === 'string' || (typeof note === 'string' && typeof isLast === 'boolean')
}

import type { Readable, Writable } from 'node:stream'
import { type ChunkHeader, heartbeat } from './messages.js'

const newline = 0x0a
/** The longest line that is converted to a string. */
const defaultMaxLineLength = 1 << 28

/** The peer violated the protocol. */
export class ProtocolError extends Error {}

/** The peer closed the connection during a message. */
export class ConnectionClosed extends Error {}

/** A write to a slow connection may take so many times the idle timeout. */
const writeTimeoutFactor = 10

/** How long the peer may be silent while a message is expected. */
export interface IdleTimeout {
  readonly ms: number
  /** Ends the connection. */
  readonly onSilence: () => void
}

/** Exchanges messages over two streams: lines of JSON, and bytes whose number the line before them announces. */
export class MessageConnection {
  readonly #input: AsyncIterator<Buffer>
  readonly #output: Writable
  #unread: Buffer = Buffer.alloc(0)
  #next: Promise<any> | undefined
  /** The longest line that is accepted, in bytes. */
  maxLineLength = defaultMaxLineLength
  /** Absent while the peer may take any time. */
  idleTimeout: IdleTimeout | undefined

  constructor(input: Readable, output: Writable) {
    this.#input = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    this.#output = output
  }

  /** Sends a message as one line; settles when there is room for more. */
  send(message: object): Promise<void> {
    return this.write(Buffer.from(`${JSON.stringify(message)}\n`))
  }

  /** Sends bytes; settles when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#output.writable) throw new Error('the connection is closed')
    if (this.#output.write(bytes)) return
    await this.#withIdleTimeout(this.#drained(), writeTimeoutFactor)
  }

  #drained(): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const done = (): void => {
        this.#output.off('drain', done).off('close', closed)
        resolve()
      }
      const closed = (): void => reject(new Error('the connection is closed'))
      this.#output.once('drain', done).once('close', closed)
    })
  }

  /** Tells the peer that an operation is in progress, unless it has not read earlier output yet. */
  sendHeartbeat(): void {
    if (this.#output.writable && !this.#output.writableNeedDrain)
      this.#output.write(`${JSON.stringify(heartbeat)}\n`)
  }

  /** Sends a header and its bytes together, so that several senders can alternate. */
  sendChunk(stream: ChunkHeader['stream'], bytes: Uint8Array): Promise<void> {
    const head = Buffer.from(`${JSON.stringify({ bytes: bytes.length, stream } satisfies ChunkHeader)}\n`)
    return this.write(Buffer.concat([head, bytes]))
  }

  /** Receives the next message; `undefined` when the peer has closed. */
  async receive<Message = any>(): Promise<Message | undefined> {
    const next = this.peek()
    const message = await next
    this.#next = undefined
    return message as Message | undefined
  }

  /** The next message, which {@link receive} returns again: to notice a message, or the end, during other work. */
  peek(): Promise<unknown> {
    this.#next ??= this.line().then((line) => (line === undefined ? undefined : parseLine(line)))
    return this.#next
  }

  /**
   * Reads the next line; `undefined` at the end.
   *
   * @throws {@link ProtocolError} when it is too long.
   */
  async line(): Promise<string | undefined> {
    const parts: Buffer[] = []
    let length = 0
    for (let chunk: Buffer | undefined = this.#unread; chunk; chunk = await this.#readChunk()) {
      const end = chunk.indexOf(newline)
      length += end < 0 ? chunk.length : end
      if (length > this.maxLineLength)
        throw new ProtocolError(`a line is longer than ${this.maxLineLength} bytes`)
      if (end >= 0) {
        this.#unread = chunk.subarray(end + 1)
        return Buffer.concat([...parts, chunk.subarray(0, end)]).toString()
      }
      parts.push(chunk)
    }
    this.#unread = Buffer.alloc(0)
    return undefined
  }

  /**
   * Reads the next `count` bytes, in pieces.
   *
   * @throws {@link ConnectionClosed} when the peer closes before.
   */
  async *bytes(count: number): AsyncGenerator<Buffer> {
    let missing = count
    while (missing > 0) {
      const chunk = this.#unread.length > 0 ? this.#unread : await this.#readChunk()
      if (!chunk) throw new ConnectionClosed('the connection ended in the middle of a file')
      const piece = chunk.subarray(0, missing)
      this.#unread = chunk.subarray(piece.length)
      missing -= piece.length
      yield piece
    }
  }

  async #readChunk(): Promise<Buffer | undefined> {
    // An error of the stream is treated as its end.
    const next = this.#input.next().catch(() => ({ value: undefined, done: true }))
    const { value, done } = await this.#withIdleTimeout(next)
    return done ? undefined : value
  }

  async #withIdleTimeout<T>(expected: Promise<T>, times = 1): Promise<T> {
    if (!this.idleTimeout) return expected
    const { ms, onSilence } = this.idleTimeout
    const timer = setTimeout(onSilence, ms * times).unref()
    return expected.finally(() => clearTimeout(timer))
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new ProtocolError('a line is not JSON')
  }
}

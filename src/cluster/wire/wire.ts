import type { Readable, Writable } from 'node:stream'
import type { Piece } from './protocol.js'

const newline = 0x0a

/** A conversation over two streams: lines of JSON, and bytes whose number a line before them tells. */
export class Wire {
  readonly #input: AsyncIterator<Buffer>
  readonly #output: Writable
  #rest: Buffer = Buffer.alloc(0)
  #next: Promise<any> | undefined

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
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        this.#output.off('drain', done).off('close', closed)
        resolve()
      }
      const closed = (): void => reject(new Error('the connection is closed'))
      this.#output.once('drain', done).once('close', closed)
    })
  }

  /** Sends bytes with the line that tells of them, so that several senders may take turns. */
  sendPiece(stream: Piece['stream'], bytes: Uint8Array): Promise<void> {
    const head = Buffer.from(`${JSON.stringify({ bytes: bytes.length, stream } satisfies Piece)}\n`)
    return this.write(Buffer.concat([head, bytes]))
  }

  /** The next message; `undefined` when the other side has closed. */
  async receive<Message = any>(): Promise<Message | undefined> {
    const next = this.peek()
    const message = await next
    this.#next = undefined
    return message as Message | undefined
  }

  /** The next message, which {@link receive} will give again: to learn of it, or of the end, while doing something else. */
  peek(): Promise<unknown> {
    this.#next ??= this.line().then((line) => (line === undefined ? undefined : JSON.parse(line)))
    return this.#next
  }

  /** The next line as it is; `undefined` at the end. */
  async line(): Promise<string | undefined> {
    const parts: Buffer[] = []
    for (let chunk: Buffer | undefined = this.#rest; chunk; chunk = await this.#chunk()) {
      const end = chunk.indexOf(newline)
      if (end >= 0) {
        this.#rest = chunk.subarray(end + 1)
        return Buffer.concat([...parts, chunk.subarray(0, end)]).toString()
      }
      parts.push(chunk)
    }
    this.#rest = Buffer.alloc(0)
    return undefined
  }

  /** The next `count` bytes, in pieces; throws when the other side closes before. */
  async *bytes(count: number): AsyncGenerator<Buffer> {
    let missing = count
    while (missing > 0) {
      const chunk = this.#rest.length > 0 ? this.#rest : await this.#chunk()
      if (!chunk) throw new Error('the connection ended in the middle of a file')
      const piece = chunk.subarray(0, missing)
      this.#rest = chunk.subarray(piece.length)
      missing -= piece.length
      yield piece
    }
  }

  async #chunk(): Promise<Buffer | undefined> {
    // However a connection ends, it ends.
    const { value, done } = await this.#input.next().catch(() => ({ value: undefined, done: true }))
    return done ? undefined : value
  }
}

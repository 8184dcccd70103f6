// What Bun and Deno do differently from Node in the processes of a pool.
import { Console } from 'node:console'
import { Duplex } from 'node:stream'
import { writeAllSync } from '../../../util/write-sync.js'

/** The part of the socket of Bun that is used here. */
interface BunSocket {
  /** Returns how many bytes it has taken; after fewer than all, `drain` is called. */
  write(bytes: Uint8Array): number
  end(): void
}

interface Bun {
  connect(options: { fd: number; socket: object }): Promise<BunSocket>
}

/** A socket that a process of Bun has inherited: `net.Socket` takes no file descriptors there. */
export class BunChannel extends Duplex {
  #socket: BunSocket | undefined
  #onDrain: (() => void) | undefined

  constructor(readonly fd: number) {
    super()
  }

  override async _construct(callback: (error?: Error) => void): Promise<void> {
    const { Bun } = globalThis as unknown as { Bun: Bun }
    const socket = {
      data: (_: BunSocket, bytes: Uint8Array) => void this.push(Buffer.from(bytes)),
      drain: () => this.#onDrain?.(),
      end: () => void this.push(null),
      close: () => void this.destroy(),
      error: (_: BunSocket, error: Error) => void this.destroy(error),
    }
    try {
      this.#socket = await Bun.connect({ fd: this.fd, socket })
      callback()
    } catch (error) {
      callback(error as Error)
    }
  }

  // What arrives is pushed; a parent that sends tasks waits for their results.
  override _read(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    const rest = bytes.subarray(this.#socket!.write(bytes))
    this.#onDrain = rest.length === 0 ? undefined : () => this._write(rest, 'utf8', callback)
    if (rest.length === 0) callback()
  }

  override _final(callback: () => void): void {
    this.#socket!.end()
    callback()
  }
}

/**
 * Makes the standard streams of a worker like those of Node with blocking pipes: the console of Bun and Deno would write past
 * them, unmasked and uncounted, and output would be lost when a task ends its process.
 */
export function useBlockingStreams(): void {
  const streams = [process.stdout, process.stderr] as const
  for (const stream of streams) blockingWrites(stream)
  const [stdout, stderr] = streams
  const routed = new Console({ stdout, stderr })
  for (const [name, method] of Object.entries(routed))
    if (typeof method === 'function') Object.assign(console, { [name]: method.bind(routed) })
}

function blockingWrites(stream: NodeJS.WriteStream & { fd: number }): void {
  let written = 0
  const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    const encoding = typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : 'utf8'
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
    written += bytes.length
    writeOrDrop(stream.fd, bytes)
    const callback = rest.find((each) => typeof each === 'function')
    if (callback) queueMicrotask(callback as () => void)
    return true
  }
  Object.defineProperties(stream, {
    write: { value: write, writable: true, configurable: true },
    bytesWritten: { get: () => written, configurable: true },
  })
}

function writeOrDrop(fd: number, bytes: Uint8Array): void {
  try {
    writeAllSync(fd, bytes)
  } catch {
    // The reader is gone: Node drops such output as well.
  }
}

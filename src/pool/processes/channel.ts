import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Outbox } from './outbox.js'

/**
 * Where a worker finds its end of the channel. It is not the IPC channel of Node: in a worker `process.send` is absent, as
 * in a program that was started from a shell. What user code sends is no message of ours, and it does not receive ours.
 */
export const channelFd = 3

/** Who receives the messages of a {@link Channel}. */
export interface ChannelListener<In> {
  readonly isMessage: (value: unknown) => value is In
  hear(message: In): void
  /** Called in place of `hear` for what is no message. */
  onBroken?(): void
}

/** Messages between a worker and its parent: each batch is a line of JSON. */
export class Channel<In, Out> {
  readonly #outbox = new Outbox<Out>((messages) => this.#send(messages))
  #rest = ''

  constructor(
    readonly stream: Duplex,
    readonly listener: ChannelListener<In>,
  ) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => this.#take(text))
    // The end of the stream, which follows, says as much.
    stream.on('error', () => {})
  }

  post(message: Out): void {
    this.#outbox.post(message)
  }

  /** Settles when nothing can arrive any more. */
  async closed(): Promise<void> {
    if (!this.stream.closed) await once(this.stream, 'close')
  }

  #send(messages: Out[]): void {
    if (this.stream.writable) this.stream.write(`${JSON.stringify(messages)}\n`)
  }

  // A message of many pieces is put together once, however many there are.
  #take(text: string): void {
    const lines = text.split('\n')
    lines[0] = this.#rest + lines[0]
    this.#rest = lines.pop()!
    for (const line of lines) this.#hear(line)
  }

  #hear(line: string): void {
    const messages = parsed(line)
    if (Array.isArray(messages) && messages.every(this.listener.isMessage))
      for (const message of messages) this.listener.hear(message)
    else this.listener.onBroken?.()
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** The worker's end of the channel. */
export function openChannel(): Socket {
  return new Socket({ fd: channelFd })
}

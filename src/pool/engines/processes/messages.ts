import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SerializedSecrets } from '../../../runnable/secrets/serialize-secrets.js'
import type { Ended, PackedError, TaskMessage, TaskNews } from '../../engine.js'
import { isEnded, isPackedError, isRecord, isTaskNews } from '../../serialize.js'
import { MessageBatcher } from '../message-batcher.js'

/** What a worker process is told. */
export type ToWorker =
  | { readonly type: 'setup'; readonly setup: WorkerSettings }
  | { readonly type: 'run'; readonly task: TaskMessage }
  | { readonly type: 'cancel'; readonly task: TaskMessage['id'] }

/** The setup of a worker, as it travels. */
export interface WorkerSettings {
  readonly imports: readonly string[]
  readonly folder: string
  /** What the worker writes into its output behind that of a task. */
  readonly mark: string
  readonly extensions: Readonly<Record<string, string>>
  readonly secrets?: SerializedSecrets
}

/** What a worker process tells. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'unfit'; readonly error: PackedError }
  | { readonly type: 'news'; readonly news: TaskNews }
  | {
      readonly type: 'ended'
      readonly ended: Ended
      readonly ms: number
      /** Whether standard output and standard error have a mark behind what the task printed. */
      readonly marked: readonly boolean[]
    }

/** Whether a value is a message of a worker. */
export function isFromWorker(value: unknown): value is FromWorker {
  if (!isRecord(value)) return false
  const { type, error, news, ended, ms, marked } = value
  if (type === 'news') return isTaskNews(news)
  if (type === 'ended') return isEnded(ended) && typeof ms === 'number' && Array.isArray(marked)
  return type === 'ready' || (type === 'unfit' && isPackedError(error))
}

/**
 * Where a worker finds its end of the channel. It is not the IPC channel of Node: in a worker `process.send` is absent, as
 * in a program that was started from a shell. What user code sends is no message of ours, and it does not receive ours.
 */
export const channelFd = 3

/** Who receives the messages of a {@link Channel}. */
interface ChannelListener<In> {
  readonly isMessage: (value: unknown) => value is In
  onMessage(message: In): void
  /** Called in place of `hear` for what is no message. */
  onInvalid?(): void
}

/** Messages between a worker and its parent: each batch is a line of JSON. */
export class Channel<In, Out> {
  readonly #batcher = new MessageBatcher<Out>((messages) => this.#send(messages))
  #rest = ''

  constructor(
    readonly stream: Duplex,
    readonly listener: ChannelListener<In>,
  ) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => this.#onData(text))
    // The end of the stream, which follows, says as much.
    stream.on('error', () => {})
  }

  post(message: Out): void {
    this.#batcher.post(message)
  }

  /** Settles when nothing can arrive any more. */
  async closed(): Promise<void> {
    if (!this.stream.closed) await once(this.stream, 'close')
  }

  #send(messages: Out[]): void {
    if (this.stream.writable) this.stream.write(`${JSON.stringify(messages)}\n`)
  }

  // A message of many pieces is put together once, however many there are.
  #onData(text: string): void {
    const lines = text.split('\n')
    lines[0] = this.#rest + lines[0]
    this.#rest = lines.pop()!
    for (const line of lines) this.#onLine(line)
  }

  #onLine(line: string): void {
    const messages = parsed(line)
    if (Array.isArray(messages) && messages.every(this.listener.isMessage))
      for (const message of messages) this.listener.onMessage(message)
    else this.listener.onInvalid?.()
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

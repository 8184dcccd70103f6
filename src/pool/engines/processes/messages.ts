import { Socket } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import type { SerializedSecrets } from '../../../runnable/secrets/serialize-secrets.js'
import type { Ended, PackedError, TaskMessage, TaskNews } from '../../engine.js'
import { isEnded, isPackedError, isRecord, isTaskNews } from '../../serialize.js'
import { BunChannel } from './other-runtimes.js'

/** A message to a worker process. */
export type ToWorker =
  | { readonly type: 'setup'; readonly setup: WorkerSettings }
  | { readonly type: 'run'; readonly task: TaskMessage }
  | { readonly type: 'cancel'; readonly task: TaskMessage['id'] }

/** The setup of a worker as it is sent. */
export interface WorkerSettings {
  readonly imports: readonly string[]
  readonly folder: string
  /** What the worker prints after the output of a task. */
  readonly mark: string
  readonly extensions: Readonly<Record<string, string>>
  readonly secrets: SerializedSecrets | undefined
  /** The most memory that it may use, in bytes; 0 when that is not limited. */
  readonly memory: number
}

/** A message of a worker process. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'unfit'; readonly error: PackedError }
  | { readonly type: 'news'; readonly news: TaskNews }
  | {
      readonly type: 'ended'
      readonly ended: Ended
      readonly ms: number
      /** Whether standard output and standard error have a mark after the output of the task. */
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
 * The file descriptor of the channel in a worker. It is not the IPC channel of Node, so that user code neither sends
 * nor receives our messages: in a worker, `process.send` is absent, as in any program that was started from a shell.
 */
export const channelFd = 3

/** Receives the messages of a {@link Channel}. */
interface ChannelListener<In> {
  readonly isMessage: (value: unknown) => value is In
  onMessage(message: In): void
  /** Called in place of `onMessage` for anything else. */
  onInvalid?(): void
}

/** Messages between a worker and its parent: each line is a batch as JSON. */
export class Channel<In, Out> {
  readonly #batcher = new MessageBatcher<Out>((messages) => this.#send(messages))
  #rest = ''

  constructor(
    readonly stream: Duplex,
    readonly listener: ChannelListener<In>,
  ) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => this.#onData(text))
    // The stream closes after an error; `closed` waits for that.
    stream.on('error', () => {})
  }

  post(message: Out): void {
    this.#batcher.post(message)
  }

  /** Settles when no more messages can arrive. */
  closed(): Promise<void> {
    return streamClosed(this.stream)
  }

  #send(messages: Out[]): void {
    if (this.stream.writable) this.stream.write(`${JSON.stringify(messages)}\n`)
  }

  // A line of many chunks is joined once, not once for each chunk.
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

/** Waits until a stream has closed. Never rejects: `once` of Node does at an error, after which the stream closes. */
export async function streamClosed(stream: Readable): Promise<void> {
  if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', () => resolve()))
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** The worker's end of the channel. */
export function openChannel(): Duplex {
  return process.versions['bun'] === undefined ? new Socket({ fd: channelFd }) : new BunChannel(channelFd)
}

/** Sends the messages of one turn of the event loop together: sending costs more than most of them are worth. */
export class MessageBatcher<Message> {
  #messages: Message[] = []

  constructor(readonly send: (messages: Message[]) => void) {}

  post(message: Message): void {
    if (this.#messages.length === 0) setImmediate(() => this.#flush())
    this.#messages.push(message)
  }

  #flush(): void {
    const messages = this.#messages
    this.#messages = []
    this.send(messages)
  }
}

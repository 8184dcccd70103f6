import type { ChildProcess } from 'node:child_process'
import { settledWithin } from '../../util/concurrency.js'
import { printable } from '../../util/printable.js'
import { ConnectionClosed, MessageConnection, ProtocolError } from '../protocol/connection.js'
import {
  type ChunkHeader,
  greeting,
  type Operation,
  type Reply,
  type Request,
  type Unwritten,
} from '../protocol/messages.js'
import { AgentResponseError, InvalidMessageError, SessionEnded } from './agent-errors.js'
import {
  ChunkHeaderSchema,
  ErrorSchema,
  type MessageSchema,
  parseMessage,
  replySchema,
} from './reply-schemas.js'

const maxStderr = 4000
/** How long an agent may take to exit. */
const exitTimeoutMs = 3000

/** The local process that connects to an agent: its lifetime, and how it exits. */
class AgentProcess {
  #stderr = ''
  #exitCode: number | null = null
  /** Why it was killed, if it was. */
  #killReason: string | undefined
  /** Whether `close` was called. */
  #closing = false
  /** Whether the agent has sent its greeting. */
  protected greeted = false
  /** The output before the greeting. */
  protected noise = ''
  hasExited = false
  /** Settles when the process has exited. */
  readonly exited: Promise<void>

  constructor(readonly child: ChildProcess) {
    // A failed write shows in the response, which does not arrive.
    child.stdin!.on('error', () => undefined)
    child.stderr!.on('data', (chunk) => {
      this.#stderr = (this.#stderr + chunk).slice(-maxStderr)
    })
    this.exited = new Promise((resolve) => {
      child.once('close', (code) => resolve(this.#recordExit(code)))
      child.once('error', ({ message }) => {
        this.#stderr = message
        resolve(this.#recordExit(null))
      })
    })
  }

  /** Sets whether the process keeps the event loop alive: an idle session must not. */
  keepAlive(keep: boolean): void {
    const streams = [this.child.stdin, this.child.stdout, this.child.stderr] as unknown as ReferenceCounted[]
    for (const handle of [this.child, ...streams]) keep ? handle.ref?.() : handle.unref?.()
  }

  /** Lets the agent exit. The process may stay alive while other sessions share its connection. */
  async leave(): Promise<void> {
    this.keepAlive(true)
    this.abandon()
    // Unread output would delay the event "close".
    this.child.stdout!.destroy()
    await settledWithin(this.exited, exitTimeoutMs)
    this.keepAlive(this.#closing)
  }

  /** Stops the agent and the process. */
  async close(): Promise<void> {
    this.#closing = true
    await this.leave()
    this.child.kill('SIGKILL')
    await this.exited
  }

  /** Cancels the request: the agent stops its work and exits. */
  abandon(): void {
    this.child.stdin!.end()
  }

  /** Whether another request can be sent. */
  get isOpen(): boolean {
    return !this.hasExited && this.child.stdin!.writable
  }

  /** Kills the process of a connection that is silent. */
  kill(reason = 'Connection timed out'): void {
    this.#killReason = reason
    this.child.kill('SIGKILL')
  }

  /** Returns the reason why there is no response. */
  async failure(): Promise<SessionEnded> {
    await this.leave()
    const stderr = printable(this.#stderr.trim())
    return new SessionEnded({
      exitCode: this.#exitCode,
      stderr: this.greeted ? (this.#killReason ?? stderr) : stderr,
      noise: printable(this.noise.slice(-maxStderr).trim()),
      timedOut: this.#killReason !== undefined,
      greeted: this.greeted,
    })
  }

  #recordExit(exitCode: number | null): void {
    if (!this.hasExited) this.#exitCode = exitCode
    this.hasExited = true
  }
}

interface ReferenceCounted {
  ref?(): void
  unref?(): void
}

/** No login shell prints more before the agent starts. */
const maxNoise = 1 << 16
/** How much of that an error keeps. */
const maxKeptNoise = 4000
/** The longest message, in bytes: a manifest of more than 100,000 files, or the result of a run. */
const maxReplyLength = 1 << 25
/** How many bytes are written at once; the timeout applies to each write. */
const writeSize = 1 << 16

/** Operations that a host completes quickly, so that their total time is limited. */
const quickOperations: ReadonlySet<Operation> = new Set([
  'inspect',
  'resources',
  'authorize',
  'setKnownHosts',
  'exists',
  'makeFolders',
  'runs',
  'status',
  'logStart',
])
const quickTimeoutFactor = 4

/** A connection to an agent. It handles one request at a time, and validates every message. */
export class Session extends AgentProcess {
  readonly connection: MessageConnection
  #request: { readonly op: Operation; readonly reply: MessageSchema<{ reply: unknown }> } | undefined
  #quickTimer: NodeJS.Timeout | undefined

  constructor(
    child: ChildProcess,
    readonly silenceMs: number,
  ) {
    super(child)
    this.connection = new MessageConnection(child.stdout!, child.stdin!)
    this.connection.maxLineLength = maxNoise
  }

  /** Sends the agent and waits for its greeting. */
  async open(agent: Buffer): Promise<void> {
    this.connection.write(agent).catch(() => undefined)
    for (let noise = 0; noise < maxNoise; ) {
      const line = await this.connection.line().catch(() => ' '.repeat(maxNoise))
      if (line === undefined) throw await this.failure()
      this.greeted = line === greeting
      if (this.greeted) return this.#expectMessages()
      noise += line.length + 1
      this.noise = `${this.noise.slice(-maxKeptNoise)}${line}\n`
    }
    this.kill()
    throw new AgentResponseError({ code: 'HOST_SHELL_NOISY', message: 'its login shell prints too much' })
  }

  /** Sends a request without waiting for the response: bytes may have to follow. */
  async ask<O extends Operation>(op: O, request: Unwritten<Request<O>>): Promise<void> {
    this.#request = { op, reply: replySchema(op, request) }
    if (quickOperations.has(op))
      this.#quickTimer = setTimeout(() => this.#timeOut(), this.silenceMs * quickTimeoutFactor).unref()
    await this.connection.send({ op, ask: request }).catch(async () => {
      throw await this.failure()
    })
  }

  /** Sends a message that belongs to the request; throws the agent's error if it has stopped reading. */
  send(message: object): Promise<void> {
    return this.#orFailure(this.connection.send(message))
  }

  /** Sends bytes that belong to the request; throws the agent's error if it has stopped reading. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.length; start += writeSize)
      await this.#orFailure(this.connection.write(bytes.subarray(start, start + writeSize)))
  }

  #orFailure(sent: Promise<void>): Promise<void> {
    return sent.catch(async () => {
      await this.#nextMessage()
      throw await this.failure()
    })
  }

  /**
   * Receives the next message of the agent, validated by its schema.
   *
   * @throws {@link AgentResponseError}, {@link InvalidMessageError}, or `SessionEnded`.
   */
  async receive<T>(schema: MessageSchema<T>): Promise<T> {
    return this.#parse(schema, await this.#nextMessage())
  }

  /** Receives the reply of an operation that sends no chunks. */
  async reply<O extends Operation>(): Promise<Reply<O>> {
    return this.#parseReply(await this.#nextMessage()) as Reply<O>
  }

  /** Passes each chunk of a response to `take`, which is awaited, and returns the reply that follows. */
  async readChunks<O extends Operation>(
    take: (stream: ChunkHeader['stream'], chunk: Buffer) => unknown,
  ): Promise<Reply<O>> {
    for (;;) {
      const message = await this.#nextMessage()
      if ('reply' in message) return this.#parseReply(message) as Reply<O>
      const { bytes, stream } = this.#parse(ChunkHeaderSchema, message)
      for await (const chunk of this.bytes(bytes)) await take(stream, chunk)
    }
  }

  /** Receives the bytes that the agent has announced. */
  async *bytes(count: number): AsyncGenerator<Buffer> {
    try {
      yield* this.connection.bytes(count)
    } catch (error) {
      throw error instanceof ConnectionClosed ? await this.failure() : error
    }
  }

  /** Returns the error for a message that is not valid. */
  invalidMessage(reason: string): InvalidMessageError {
    return new InvalidMessageError(this.#request?.op ?? '', reason)
  }

  // The process may stay alive for other sessions, so the timer must not kill it.
  override leave(): Promise<void> {
    clearTimeout(this.#quickTimer)
    return super.leave()
  }

  // Skips the heartbeats that the agent sends while it works.
  async #nextMessage(): Promise<object> {
    for (;;) {
      const message = await this.#receiveMessage()
      if (message === undefined) throw await this.failure()
      if (typeof message !== 'object' || message === null)
        throw this.invalidMessage('a message is not an object')
      if ('error' in message) throw new AgentResponseError(this.#parse(ErrorSchema, message).error)
      if (!('alive' in message)) return message
    }
  }

  async #receiveMessage(): Promise<unknown> {
    try {
      return await this.connection.receive()
    } catch (error) {
      throw error instanceof ProtocolError ? this.invalidMessage(error.message) : error
    }
  }

  #parseReply(message: object): unknown {
    clearTimeout(this.#quickTimer)
    return this.#parse(this.#request!.reply, message).reply
  }

  #parse<T>(schema: MessageSchema<T>, message: unknown): T {
    const parsed = parseMessage(schema, message)
    if ('reason' in parsed) throw this.invalidMessage(parsed.reason)
    return parsed.value
  }

  #expectMessages(): void {
    this.connection.maxLineLength = maxReplyLength
    this.connection.idleTimeout = { ms: this.silenceMs, onSilence: () => this.#timeOut() }
  }

  #timeOut(): void {
    this.kill(`no response for ${Math.ceil(this.silenceMs / 1000)} s`)
  }
}

import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { printable } from '../../util/printable.js'
import { ConnectionClosed, MessageConnection, ProtocolError } from '../protocol/connection.js'
import { type ChunkHeader, greeting, type Operation, type Reply, type Request } from '../protocol/messages.js'
import { AgentResponseError, InvalidMessageError, SessionEnded } from './agent-errors.js'
import {
  ChunkHeaderSchema,
  ErrorSchema,
  type MessageSchema,
  parseMessage,
  replySchema,
} from './reply-schemas.js'

const maxStderr = 4000
/** How long an agent may take to end. */
const exitTimeoutMs = 3000

/** The process here by which an agent is reached: how it is kept, and how it ends. */
class AgentProcess {
  #stderr = ''
  #exitCode: number | null = null
  /** Why it was given up, if it was. */
  #killReason: string | undefined
  /** Whether someone waits for its end. */
  #closing = false
  /** Whether the agent was heard. */
  protected greeted = false
  /** What was heard before it. */
  protected noise = ''
  hasExited = false
  /** Settles when the process has ended. */
  readonly exited: Promise<void>

  constructor(readonly child: ChildProcess) {
    // What is written to a connection that ended is told by the answer that does not come.
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

  /** While nothing is asked, a host program may end. */
  keepAlive(keep: boolean): void {
    const streams = [this.child.stdin, this.child.stdout, this.child.stderr] as unknown as ReferenceCounted[]
    for (const handle of [this.child, ...streams]) keep ? handle.ref?.() : handle.unref?.()
  }

  /** Lets the agent end. Its process may stay for as long as the connections of others go through it. */
  async leave(): Promise<void> {
    this.keepAlive(true)
    this.abandon()
    // While something is unread there, the process counts as not ended.
    this.child.stdout!.destroy()
    const patience = new AbortController()
    await Promise.race([this.exited, delay(exitTimeoutMs, undefined, patience).catch(() => undefined)])
    patience.abort()
    this.keepAlive(this.#closing)
  }

  /** Ends the agent, and its process with it. */
  async close(): Promise<void> {
    this.#closing = true
    await this.leave()
    this.child.kill('SIGKILL')
    await this.exited
  }

  /** Says that nobody waits for the answer any more: the agent stops what it does, and ends. */
  abandon(): void {
    this.child.stdin!.end()
  }

  /** Whether another question can be asked. */
  get isOpen(): boolean {
    return !this.hasExited && this.child.stdin!.writable
  }

  /** Ends a connection on which nothing is heard. */
  kill(why = 'Connection timed out'): void {
    this.#killReason = why
    this.child.kill('SIGKILL')
  }

  /** Why there is no answer. */
  async failure(): Promise<SessionEnded> {
    await this.leave()
    const said = printable(this.#stderr.trim())
    return new SessionEnded({
      exitCode: this.#exitCode,
      stderr: this.greeted ? (this.#killReason ?? said) : said,
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

/** More than any greeting of a login shell. */
const maxNoise = 1 << 16
/** As much of it as an error may need. */
const maxKeptNoise = 4000
/** The longest line of an answer, in bytes: a manifest of more than a hundred thousand files, or the result of a run. */
const maxReplyLength = 1 << 25
/** Bytes that are written at once: each of them has its own time. */
const writeSize = 1 << 16

/** Questions that a host answers from what it has at hand, and how long it may take at most, in milliseconds. */
const quickOperations: ReadonlySet<Operation> = new Set([
  'inspect',
  'measure',
  'authorize',
  'know',
  'exists',
  'makeFolders',
  'runs',
  'status',
  'logStart',
])
const quickTimeoutFactor = 4

/** A conversation with an agent. It is asked one question at a time, and what it answers is checked. */
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
      if (this.greeted) return this.#expectAnswers()
      noise += line.length + 1
      this.noise = `${this.noise.slice(-maxKeptNoise)}${line}\n`
    }
    this.kill()
    throw new AgentResponseError({ code: 'HOST_SHELL_NOISY', message: 'its login shell prints too much' })
  }

  /** Asks, without waiting for the answer: bytes may have to follow. */
  async ask<O extends Operation>(op: O, ask: Request<O>): Promise<void> {
    this.#request = { op, reply: replySchema(op, ask) }
    if (quickOperations.has(op))
      this.#quickTimer = setTimeout(() => this.#timeOut(), this.silenceMs * quickTimeoutFactor).unref()
    await this.connection.send({ op, ask }).catch(async () => {
      throw await this.failure()
    })
  }

  /** Sends a message that belongs to a question; throws what the agent says when it takes no more. */
  send(message: object): Promise<void> {
    return this.#sent(this.connection.send(message))
  }

  /** Sends bytes that belong to a question; throws what the agent says when it takes no more of them. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += writeSize)
      await this.#sent(this.connection.write(bytes.subarray(at, at + writeSize)))
  }

  #sent(sent: Promise<void>): Promise<void> {
    return sent.catch(async () => {
      await this.#message()
      throw await this.failure()
    })
  }

  /**
   * The next message of the agent, as its schema makes it.
   *
   * @throws {@link AgentResponseError}, {@link InvalidMessageError}, or `SessionEnded`.
   */
  async receive<T>(schema: MessageSchema<T>): Promise<T> {
    return this.#parsed(schema, await this.#message())
  }

  /** The answer to a question that has no more to it. */
  async reply<O extends Operation>(): Promise<Reply<O>> {
    return this.#replied(await this.#message()) as Reply<O>
  }

  /** Hands on the pieces of an answer as they come, each awaited, and returns what comes after them. */
  async readChunks<O extends Operation>(
    take: (stream: ChunkHeader['stream'], chunk: Buffer) => unknown,
  ): Promise<Reply<O>> {
    for (;;) {
      const message = await this.#message()
      if ('reply' in message) return this.#replied(message) as Reply<O>
      const { bytes, stream } = this.#parsed(ChunkHeaderSchema, message)
      for await (const chunk of this.bytes(bytes)) await take(stream, chunk)
    }
  }

  /** The bytes that the agent has announced. */
  async *bytes(count: number): AsyncGenerator<Buffer> {
    try {
      yield* this.connection.bytes(count)
    } catch (error) {
      throw error instanceof ConnectionClosed ? await this.failure() : error
    }
  }

  /** What to throw when an answer is not what it should be. */
  invalidMessage(why: string): InvalidMessageError {
    return new InvalidMessageError(this.#request?.op ?? '', why)
  }

  // Its process may be the way for others, and has no time limit of its own.
  override leave(): Promise<void> {
    clearTimeout(this.#quickTimer)
    return super.leave()
  }

  // Whatever else the agent has to say, it says that it is at work every few seconds.
  async #message(): Promise<object> {
    for (;;) {
      const message = await this.#received()
      if (message === undefined) throw await this.failure()
      if (typeof message !== 'object' || message === null)
        throw this.invalidMessage('a message is not an object')
      if ('error' in message) throw new AgentResponseError(this.#parsed(ErrorSchema, message).error)
      if (!('alive' in message)) return message
    }
  }

  async #received(): Promise<unknown> {
    try {
      return await this.connection.receive()
    } catch (error) {
      throw error instanceof ProtocolError ? this.invalidMessage(error.message) : error
    }
  }

  #replied(message: object): unknown {
    clearTimeout(this.#quickTimer)
    return this.#parsed(this.#request!.reply, message).reply
  }

  #parsed<T>(schema: MessageSchema<T>, message: unknown): T {
    const parsed = parseMessage(schema, message)
    if ('why' in parsed) throw this.invalidMessage(parsed.why)
    return parsed.value
  }

  #expectAnswers(): void {
    this.connection.maxLineLength = maxReplyLength
    this.connection.idleTimeout = { ms: this.silenceMs, onSilence: () => this.#timeOut() }
  }

  #timeOut(): void {
    this.kill(`it gave no answer for ${Math.ceil(this.silenceMs / 1000)} s`)
  }
}

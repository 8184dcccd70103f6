import type { ChildProcess } from 'node:child_process'
import { type Ask, greeting, type Operation, type Piece, type Reply } from '../wire/protocol.js'
import { Wire, WireEnd, WireFault } from '../wire/wire.js'
import { AgentProcess } from './agent-process.js'
import { type Answer, PieceHead, parseAnswer, Refusal, replyTo } from './answers.js'
import { AgentRefusal, InvalidAnswer } from './session-end.js'

/** More than any greeting of a login shell. */
const mostNoise = 1 << 16
/** As much of it as an error may need. */
const keptNoise = 4000
/** The longest line of an answer, in bytes: a manifest of more than a hundred thousand files, or the result of a run. */
const longestAnswer = 1 << 25
/** Bytes that are written at once: each of them has its own time. */
const writeSize = 1 << 16

/** Questions that a host answers from what it has at hand, and how long it may take at most, in milliseconds. */
const quick: ReadonlySet<Operation> = new Set([
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
const quickSilences = 4

/** A conversation with an agent. It is asked one question at a time, and what it answers is checked. */
export class Session extends AgentProcess {
  readonly wire: Wire
  #question: { readonly op: Operation; readonly reply: Answer<{ reply: unknown }> } | undefined
  #late: NodeJS.Timeout | undefined

  constructor(
    child: ChildProcess,
    readonly silenceMs: number,
  ) {
    super(child)
    this.wire = new Wire(child.stdout!, child.stdin!)
    this.wire.longestLine = mostNoise
  }

  /** Sends the agent and waits for its greeting. */
  async open(agent: Buffer): Promise<void> {
    this.wire.write(agent).catch(() => undefined)
    for (let noise = 0; noise < mostNoise; ) {
      const line = await this.wire.line().catch(() => ' '.repeat(mostNoise))
      if (line === undefined) throw await this.failure()
      this.greeted = line === greeting
      if (this.greeted) return this.#expectAnswers()
      noise += line.length + 1
      this.noise = `${this.noise.slice(-keptNoise)}${line}\n`
    }
    this.giveUp()
    throw new AgentRefusal({ code: 'HOST_SHELL_NOISY', message: 'its login shell prints too much' })
  }

  /** Asks, without waiting for the answer: bytes may have to follow. */
  async ask<O extends Operation>(op: O, ask: Ask<O>): Promise<void> {
    this.#question = { op, reply: replyTo(op, ask) }
    if (quick.has(op)) this.#late = setTimeout(() => this.#silent(), this.silenceMs * quickSilences).unref()
    await this.wire.send({ op, ask }).catch(async () => {
      throw await this.failure()
    })
  }

  /** Sends a message that belongs to a question; throws what the agent says when it takes no more. */
  send(message: object): Promise<void> {
    return this.#taken(this.wire.send(message))
  }

  /** Sends bytes that belong to a question; throws what the agent says when it takes no more of them. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += writeSize)
      await this.#taken(this.wire.write(bytes.subarray(at, at + writeSize)))
  }

  #taken(sent: Promise<void>): Promise<void> {
    return sent.catch(async () => {
      await this.#message()
      throw await this.failure()
    })
  }

  /**
   * The next message of the agent, as its schema makes it.
   *
   * @throws {@link AgentRefusal}, {@link InvalidAnswer}, or `SessionEnded`.
   */
  async next<T>(schema: Answer<T>): Promise<T> {
    return this.#parsed(schema, await this.#message())
  }

  /** The answer to a question that has no more to it. */
  async reply<O extends Operation>(): Promise<Reply<O>> {
    return this.#replied(await this.#message()) as Reply<O>
  }

  /** Hands on the pieces of an answer as they come, each awaited, and returns what comes after them. */
  async pieces<O extends Operation>(
    take: (stream: Piece['stream'], chunk: Buffer) => unknown,
  ): Promise<Reply<O>> {
    for (;;) {
      const message = await this.#message()
      if ('reply' in message) return this.#replied(message) as Reply<O>
      const { bytes, stream } = this.#parsed(PieceHead, message)
      for await (const chunk of this.bytes(bytes)) await take(stream, chunk)
    }
  }

  /** The bytes that the agent has announced. */
  async *bytes(count: number): AsyncGenerator<Buffer> {
    try {
      yield* this.wire.bytes(count)
    } catch (error) {
      throw error instanceof WireEnd ? await this.failure() : error
    }
  }

  /** What to throw when an answer is not what it should be. */
  invalid(why: string): InvalidAnswer {
    return new InvalidAnswer(this.#question?.op ?? '', why)
  }

  // Its process may be the way for others, and has no time limit of its own.
  override leave(): Promise<void> {
    clearTimeout(this.#late)
    return super.leave()
  }

  // Whatever else the agent has to say, it says that it is at work every few seconds.
  async #message(): Promise<object> {
    for (;;) {
      const message = await this.#received()
      if (message === undefined) throw await this.failure()
      if (typeof message !== 'object' || message === null) throw this.invalid('a message is not an object')
      if ('error' in message) throw new AgentRefusal(this.#parsed(Refusal, message).error)
      if (!('alive' in message)) return message
    }
  }

  async #received(): Promise<unknown> {
    try {
      return await this.wire.receive()
    } catch (error) {
      throw error instanceof WireFault ? this.invalid(error.message) : error
    }
  }

  #replied(message: object): unknown {
    clearTimeout(this.#late)
    return this.#parsed(this.#question!.reply, message).reply
  }

  #parsed<T>(schema: Answer<T>, message: unknown): T {
    const parsed = parseAnswer(schema, message)
    if ('why' in parsed) throw this.invalid(parsed.why)
    return parsed.value
  }

  #expectAnswers(): void {
    this.wire.longestLine = longestAnswer
    this.wire.silence = { ms: this.silenceMs, onSilence: () => this.#silent() }
  }

  #silent(): void {
    this.giveUp(`it gave no answer for ${Math.ceil(this.silenceMs / 1000)} s`)
  }
}

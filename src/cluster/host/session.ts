import type { ChildProcess } from 'node:child_process'
import {
  type AgentError,
  type Ask,
  greeting,
  type Operation,
  type Piece,
  type Reply,
} from '../wire/protocol.js'
import { Wire } from '../wire/wire.js'
import { AgentProcess } from './agent-process.js'
import { AgentRefusal } from './session-end.js'

/** More than any greeting of a login shell. */
const mostNoise = 1 << 16
/** As much of it as an error may need. */
const keptNoise = 4000

/** A conversation with an agent. It is asked one question at a time. */
export class Session extends AgentProcess {
  readonly wire: Wire

  constructor(child: ChildProcess) {
    super(child)
    this.wire = new Wire(child.stdout!, child.stdin!)
  }

  /** Sends the agent and waits for its greeting. */
  async open(agent: Buffer): Promise<void> {
    this.wire.write(agent).catch(() => undefined)
    for (let noise = 0; noise < mostNoise; ) {
      const line = await this.wire.line()
      if (line === undefined) throw await this.failure()
      this.greeted = line === greeting
      if (this.greeted) return
      noise += line.length + 1
      this.noise = `${this.noise.slice(-keptNoise)}${line}\n`
    }
    this.giveUp()
    throw new AgentRefusal({ code: 'HOST_SHELL_NOISY', message: 'its login shell prints too much' })
  }

  /** Asks, without waiting for the answer: bytes may have to follow. */
  async ask<O extends Operation>(op: O, ask: Ask<O>): Promise<void> {
    await this.wire.send({ op, ask }).catch(async () => {
      throw await this.failure()
    })
  }

  /** Sends a message that belongs to a question; throws what the agent says when it takes no more. */
  send(message: object): Promise<void> {
    return this.#taken(this.wire.send(message))
  }

  /** Sends bytes that belong to a question; throws what the agent says when it takes no more of them. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#taken(this.wire.write(bytes))
  }

  #taken(sent: Promise<void>): Promise<void> {
    return sent.catch(async () => {
      await this.next()
      throw await this.failure()
    })
  }

  /** The next message of the agent; throws what it refuses, and when the connection ends. */
  async next<Message>(): Promise<Message> {
    const message = await this.wire.receive<Message | { error: AgentError }>()
    if (message === undefined) throw await this.failure()
    if (typeof message === 'object' && message !== null && 'error' in message)
      throw new AgentRefusal(message.error)
    return message as Message
  }

  /** The answer to a question that has no more to it. */
  async reply<O extends Operation>(): Promise<Reply<O>> {
    const { reply } = await this.next<{ reply: Reply<O> }>()
    return reply
  }

  /** Hands on the pieces of an answer as they come, each awaited, and returns what comes after them. */
  async pieces<R>(take: (stream: Piece['stream'], chunk: Buffer) => unknown): Promise<R> {
    for (;;) {
      const message = await this.next<Piece | { reply: R }>()
      if ('reply' in message) return message.reply
      for await (const chunk of this.wire.bytes(message.bytes)) await take(message.stream, chunk)
    }
  }
}

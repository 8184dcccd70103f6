import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type AgentError,
  type Ask,
  greeting,
  type Operation,
  type Piece,
  type Reply,
} from '../wire/protocol.js'
import { Wire } from '../wire/wire.js'
import { AgentRefusal, SessionEnded } from './session-end.js'

/** More than any greeting of a login shell. */
const mostNoise = 1 << 16
const mostStderr = 4000
/** How long an agent may take to end. */
const patienceMs = 3000

/** One process that talks to an agent. It is asked one question at a time. */
export class Session {
  readonly wire: Wire
  #stderr = ''
  #exitCode: number | null = null
  #timedOut = false
  #greeted = false
  hasEnded = false
  /** Settles when the process has ended. */
  readonly ended: Promise<void>

  constructor(readonly child: ChildProcess) {
    this.wire = new Wire(child.stdout!, child.stdin!)
    // What is written to a connection that ended is told by the answer that does not come.
    child.stdin!.on('error', () => undefined)
    child.stderr!.on('data', (chunk) => {
      this.#stderr = (this.#stderr + chunk).slice(-mostStderr)
    })
    this.ended = new Promise((resolve) => {
      const end = (code: number | null): void => {
        if (this.hasEnded) return
        this.#exitCode = code
        this.hasEnded = true
        resolve()
      }
      child.once('error', ({ message }) => {
        this.#stderr = message
        end(null)
      })
      child.once('close', end)
    })
  }

  /** Sends the agent and waits for its greeting. */
  async open(agent: Buffer): Promise<void> {
    this.wire.write(agent).catch(() => undefined)
    for (let noise = 0; noise < mostNoise; ) {
      const line = await this.wire.line()
      if (line === undefined) throw await this.failure()
      this.#greeted = line === greeting
      if (this.#greeted) return
      noise += line.length + 1
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

  /** Sends bytes that belong to a question; throws what the agent says when it takes no more of them. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.wire.write(bytes).catch(async () => {
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
    await Promise.race([this.ended, delay(patienceMs, undefined, patience).catch(() => undefined)])
    patience.abort()
    this.keepAlive(false)
  }

  /** Ends the agent, and its process with it. */
  async close(): Promise<void> {
    await this.leave()
    this.child.kill('SIGKILL')
    this.keepAlive(true)
    await this.ended
  }

  /** Says that nobody waits for the answer any more: the agent stops what it does, and ends. */
  abandon(): void {
    this.child.stdin!.end()
  }

  /** Whether another question can be asked. */
  get isOpen(): boolean {
    return !this.hasEnded && this.child.stdin!.writable
  }

  /** Ends a connection on which nothing is heard. */
  giveUp(): void {
    this.#timedOut = true
    this.child.kill('SIGKILL')
  }

  /** Why there is no answer. */
  async failure(): Promise<SessionEnded> {
    await this.leave()
    const said = this.#stderr.trim()
    const stderr = this.#timedOut && said === '' ? 'Connection timed out' : said
    return new SessionEnded({ exitCode: this.#exitCode, stderr, greeted: this.#greeted })
  }
}

interface ReferenceCounted {
  ref?(): void
  unref?(): void
}

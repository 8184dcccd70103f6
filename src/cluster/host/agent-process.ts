import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { printable } from '../../util/printable.js'
import { SessionEnded } from './session-end.js'

const mostStderr = 4000
/** How long an agent may take to end. */
const patienceMs = 3000

/** The process here by which an agent is reached: how it is kept, and how it ends. */
export class AgentProcess {
  #stderr = ''
  #exitCode: number | null = null
  /** Why it was given up, if it was. */
  #givenUp: string | undefined
  /** Whether someone waits for its end. */
  #closing = false
  /** Whether the agent was heard. */
  protected greeted = false
  /** What was heard before it. */
  protected noise = ''
  hasEnded = false
  /** Settles when the process has ended. */
  readonly ended: Promise<void>

  constructor(readonly child: ChildProcess) {
    // What is written to a connection that ended is told by the answer that does not come.
    child.stdin!.on('error', () => undefined)
    child.stderr!.on('data', (chunk) => {
      this.#stderr = (this.#stderr + chunk).slice(-mostStderr)
    })
    this.ended = new Promise((resolve) => {
      child.once('close', (code) => resolve(this.#end(code)))
      child.once('error', ({ message }) => {
        this.#stderr = message
        resolve(this.#end(null))
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
    await Promise.race([this.ended, delay(patienceMs, undefined, patience).catch(() => undefined)])
    patience.abort()
    this.keepAlive(this.#closing)
  }

  /** Ends the agent, and its process with it. */
  async close(): Promise<void> {
    this.#closing = true
    await this.leave()
    this.child.kill('SIGKILL')
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
  giveUp(why = 'Connection timed out'): void {
    this.#givenUp = why
    this.child.kill('SIGKILL')
  }

  /** Why there is no answer. */
  async failure(): Promise<SessionEnded> {
    await this.leave()
    const said = printable(this.#stderr.trim())
    return new SessionEnded({
      exitCode: this.#exitCode,
      stderr: this.greeted ? (this.#givenUp ?? said) : said,
      noise: printable(this.noise.slice(-mostStderr).trim()),
      timedOut: this.#givenUp !== undefined,
      greeted: this.greeted,
    })
  }

  #end(exitCode: number | null): void {
    if (!this.hasEnded) this.#exitCode = exitCode
    this.hasEnded = true
  }
}

interface ReferenceCounted {
  ref?(): void
  unref?(): void
}

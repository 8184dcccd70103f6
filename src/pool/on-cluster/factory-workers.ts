import { setTimeout as delay } from 'node:timers/promises'
import type { AgentHost } from '../../cluster/host/agent-host.js'
import { isFlambeauError } from '../../errors.js'
import type { Logger } from '../../runnable/logger.js'
import { mistakeCode } from '../../util/exit-codes.js'
import { printable } from '../../util/printable.js'
import { LineBuffer, standardError } from '../output-sink.js'
import { type RedisPlace, WayToRedis } from './way-to-redis.js'

/** How the program of the workers is started on a factory. */
export interface WorkerProgram {
  /** Its path, from the home folder there. */
  readonly path: string
  /** What it is told, besides the URL of Redis. */
  readonly settings: object
  readonly redis: RedisPlace
}

/** Who is told of the workers of a factory. */
export interface WorkersListener {
  readonly logger: Logger
  /** They take tasks. */
  onReady(): void
  /** They did not get to Redis, which way soever. */
  onUnreachable(factory: string, message: string): void
  /** They can be started on no factory: a user's own mistake. */
  onMistake(message: string): void
}

const firstPauseMs = 500
const longestPauseMs = 10_000
/** Workers that ran this long were well: what ended them is something new. */
const steadyMs = 30_000
/** Characters of what workers said last. */
const mostSaid = 2000
const unreachableCode = 69

/** Keeps the workers of one factory running, also when they are killed, and when it is cut off and comes back. */
export class FactoryWorkers {
  readonly #end = new AbortController()
  readonly #way: WayToRedis
  readonly #kept: Promise<void>

  constructor(
    readonly host: AgentHost,
    readonly program: WorkerProgram,
    readonly listener: WorkersListener,
  ) {
    this.#way = new WayToRedis(host, program.redis)
    this.#kept = this.#keepRunning()
  }

  /** Ends the workers with the tasks that they have. */
  async close(): Promise<void> {
    this.#end.abort()
    await this.#kept
    await this.host.close()
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#end
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const began = Date.now()
      const why = await this.#work().catch((error: Error) => this.#notStarted(error))
      if (signal.aborted || why === undefined) return
      if (Date.now() - began > steadyMs) pauseMs = firstPauseMs
      this.listener.logger.warn(`The workers on "${this.host.name}" ended, and are started again: ${why}`)
      await delay(pauseMs, undefined, { signal }).catch(() => {})
    }
  }

  // Settles when they have ended, with what they said last; with nothing when they would always end so.
  async #work(): Promise<string | undefined> {
    const { path, settings } = this.program
    const { signal } = this.#end
    const input = JSON.stringify({ ...settings, redis: await this.#way.open(signal) })
    const onStdout = (): void => this.#ready()
    let last = ''
    const lines = new LineBuffer()
    // What tasks print there is part of the log of the run here.
    const onStderr = (chunk: Buffer): Promise<void> | undefined => {
      last = (last + chunk.toString()).slice(-mostSaid)
      const whole = lines.add(chunk)
      return whole === '' ? undefined : standardError.write(whole)
    }
    const ended = await this.host.exec(['node', path], { input, signal, onStdout, onStderr })
    await standardError.write(lines.flush())
    const said = printable(last.trim()) || (ended.signal ?? `exit code ${ended.exitCode}`)
    if (ended.exitCode === mistakeCode)
      return void this.listener.onMistake(`The workers on "${this.host.name}" cannot start: ${said}`)
    if (ended.exitCode !== unreachableCode) return said
    this.listener.onUnreachable(this.host.name, said)
    return said + this.#way.change()
  }

  #ready(): void {
    this.listener.logger.debug(`The workers on "${this.host.name}" are ready`)
    this.listener.onReady()
  }

  #notStarted(error: Error): string {
    if (isFlambeauError(error) && error.code === 'REDIS_OUT_OF_REACH')
      this.listener.onUnreachable(this.host.name, error.message)
    return error.message
  }
}

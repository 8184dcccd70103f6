import { setTimeout as delay } from 'node:timers/promises'
import type { AgentHost } from '../../../cluster/host/agent-host.js'
import type { Server } from '../../../cluster/host/port-forward.js'
import { ClusterError, isFlambeauError } from '../../../errors.js'
import type { Logger } from '../../../runnable/logger.js'
import { mistakeCode } from '../../../util/exit-codes.js'
import { printable } from '../../../util/printable.js'
import { LineBuffer, standardError } from '../output-sink.js'

/** How the program of the workers is started on a factory. */
interface WorkerProgram {
  /** Its path, from the home folder there. */
  readonly path: string
  /** What it is told, besides the URL of Redis. */
  readonly settings: object
  readonly redis: RedisEndpoint
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

const minPauseMs = 500
const maxPauseMs = 10_000
/** Workers that ran this long were well: what ended them is something new. */
const steadyMs = 30_000
/** Characters of what workers said last. */
const maxLastOutput = 2000
const unreachableCode = 69

/** Keeps the workers of one factory running, also when they are killed, and when it is cut off and comes back. */
export class HostWorkers {
  readonly #end = new AbortController()
  readonly #route: RedisRoute
  readonly #supervised: Promise<void>

  constructor(
    readonly host: AgentHost,
    readonly program: WorkerProgram,
    readonly listener: WorkersListener,
  ) {
    this.#route = new RedisRoute(host, program.redis)
    this.#supervised = this.#supervise()
  }

  /** Ends the workers with the tasks that they have. */
  async close(): Promise<void> {
    this.#end.abort()
    await this.#supervised
    await this.host.close()
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#end
    for (let pauseMs = minPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
      const began = Date.now()
      const why = await this.#runWorkers().catch((error: Error) => this.#notStarted(error))
      if (signal.aborted || why === undefined) return
      if (Date.now() - began > steadyMs) pauseMs = minPauseMs
      this.listener.logger.warn(`The workers on "${this.host.name}" ended, and are started again: ${why}`)
      await delay(pauseMs, undefined, { signal }).catch(() => {})
    }
  }

  // Settles when they have ended, with what they said last; with nothing when they would always end so.
  async #runWorkers(): Promise<string | undefined> {
    const { path, settings } = this.program
    const { signal } = this.#end
    const input = JSON.stringify({ ...settings, redis: await this.#route.open(signal) })
    const onStdout = (): void => this.#ready()
    let last = ''
    const lines = new LineBuffer()
    // What tasks print there is part of the log of the run here.
    const onStderr = (chunk: Buffer): Promise<void> | undefined => {
      last = (last + chunk.toString()).slice(-maxLastOutput)
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
    return said + this.#route.switchRoute()
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

/** A Redis, as the orchestrator reaches it. */
interface RedisEndpoint {
  readonly url: string
  /** Whether it is the user's own: nothing is known of the ways to it. */
  readonly own: boolean
}

/** How the workers of one factory reach Redis: straight, or through the SSH connection of the cluster. */
class RedisRoute {
  #overSsh = false

  constructor(
    readonly host: AgentHost,
    readonly redis: RedisEndpoint,
  ) {}

  /**
   * The URL for workers there, good for as long as the connection to the host.
   *
   * @throws {@link ClusterError} when SSH should be the way, and is not.
   */
  async open(signal: AbortSignal): Promise<string> {
    const url = new URL(this.redis.url)
    if (!this.#overSsh) return url.href
    url.port = String(await this.#forward({ address: url.hostname, port: Number(url.port) }, signal))
    url.hostname = '127.0.0.1'
    return url.href
  }

  /** Says that this way led nowhere: the next one is the other, if there is one. It is told in words. */
  switchRoute(): string {
    if (this.redis.own || !this.host.forward) return ''
    this.#overSsh = !this.#overSsh
    return this.#overSsh ? ' (they go through SSH now)' : ' (they go straight now)'
  }

  async #forward(server: Server, signal: AbortSignal): Promise<number> {
    try {
      return await this.host.forward!(server, signal)
    } catch (error) {
      if (!isFlambeauError(error) || error.code !== 'HOST_NO_FORWARDING') throw error
      this.#overSsh = false
      const message = `Redis does not answer there at ${server.address}:${server.port}, and no other way leads to it: ${error.message}`
      throw new ClusterError(message, { code: 'REDIS_OUT_OF_REACH', cause: error })
    }
  }
}

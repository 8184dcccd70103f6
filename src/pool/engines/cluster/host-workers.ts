import { setTimeout as delay } from 'node:timers/promises'
import type { AgentHost } from '../../../cluster/host/agent-host.js'
import type { Server } from '../../../cluster/host/port-forward.js'
import { memoryKill, type Request } from '../../../cluster/protocol/messages.js'
import { ClusterError, isFlambeauError } from '../../../errors.js'
import type { Logger } from '../../../logger.js'
import { doesNotFitCode, mistakeCode, unavailableCode } from '../../../util/exit-codes.js'
import { printable } from '../../../util/printable.js'
import { LineBuffer, standardError, type TaskOutputSink } from '../output-sink.js'
import { FrameReader, readyLine } from './output-frames.js'

/** The program of the workers, as a worker host starts it. */
interface WorkerProgram {
  /** Its path, relative to the home folder there. */
  readonly path: string
  /** Its settings, without the URL of Redis. */
  readonly settings: object
  readonly redis: RedisEndpoint
  /** After so many milliseconds without workers, the host counts as gone. */
  readonly goneMs: number
  /** The run whose folder the tasks work in. */
  readonly work: Request<'makeWorkFolder'>
}

/** Receives the events of the workers of a worker host. */
export interface WorkersListener {
  readonly logger: Logger
  /** Takes the output of the tasks. */
  readonly output: TaskOutputSink
  /** The workers take tasks. */
  onReady(factory: string): void
  /** The workers have not taken tasks for a while. */
  onGone(factory: string): void
  /** Slurm has ended the workers for their memory. */
  onMemoryKill(): void
  /** The workers could not connect to Redis. */
  onUnreachable(factory: string, message: string): void
  /** The host has less than a worker needs. */
  onUnfit(factory: string, message: string): void
  /** The workers can start on no worker host, because of a mistake of the user. */
  onMistake(message: string): void
}

const minPauseMs = 500
const maxPauseMs = 10_000
/** When workers ran for this long, the next pause is short again. */
const steadyMs = 30_000
/** How many of the last characters of the workers a message shows. */
const maxLastOutput = 2000

/**
 * Keeps the workers of one worker host running: starts them again when they were killed, and when the worker host was cut off.
 */
export class HostWorkers {
  readonly #end = new AbortController()
  readonly #route: RedisRoute
  readonly #supervised: Promise<void>
  #goneTimer: NodeJS.Timeout | undefined

  constructor(
    readonly host: AgentHost,
    readonly program: WorkerProgram,
    readonly listener: WorkersListener,
  ) {
    this.#route = new RedisRoute(host, program.redis)
    this.#supervised = this.#supervise()
  }

  /** Ends the workers, with their tasks. */
  async close(): Promise<void> {
    this.#end.abort()
    this.#endGoneTimer()
    await this.#supervised
    await this.host.close()
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#end
    for (let pauseMs = minPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
      const startedAt = Date.now()
      this.#startGoneTimer()
      const why = await this.#runWorkers().catch((error: Error) => this.#notStarted(error))
      if (signal.aborted || why === undefined) return
      if (memoryKill.test(why)) this.listener.onMemoryKill()
      if (Date.now() - startedAt > steadyMs) pauseMs = minPauseMs
      this.listener.logger.warn(`The workers on "${this.host.name}" ended and will be started again: ${why}`)
      await delay(pauseMs, undefined, { signal }).catch(() => {})
    }
  }

  // Goes on while the workers are started again and again.
  #startGoneTimer(): void {
    this.#goneTimer ??= setTimeout(() => this.listener.onGone(this.host.name), this.program.goneMs).unref()
  }

  #endGoneTimer(): void {
    clearTimeout(this.#goneTimer)
    this.#goneTimer = undefined
  }

  // Settles when the workers have ended, with the reason; with `undefined` when they would always end in this way.
  async #runWorkers(): Promise<string | undefined> {
    const { path, settings } = this.program
    const { signal } = this.#end
    const work = await this.host.ask('makeWorkFolder', this.program.work, signal)
    const input = JSON.stringify({ ...settings, work, redis: await this.#route.open(signal) })
    const frames = new FrameReader(this.listener.output, (line) => line === readyLine && this.#ready())
    let last = ''
    const lines = new LineBuffer()
    // What workers print without a task is part of the log of this run, too.
    const onStderr = (chunk: Buffer): Promise<void> | undefined => {
      last = (last + chunk.toString()).slice(-maxLastOutput)
      const complete = lines.add(chunk)
      return standardError.print(complete)
    }
    const exit = await this.host.exec(['node', '--enable-source-maps', path], {
      input,
      signal,
      // The result of a task may arrive before what it has printed.
      readsToEnd: true,
      onStdout: (chunk) => frames.add(chunk),
      onStderr,
    })
    await standardError.print(lines.flush())
    const reason = printable(last.trim()) || (exit.signal ?? `exit code ${exit.exitCode}`)
    if (exit.exitCode === mistakeCode)
      return void this.listener.onMistake(`The workers on "${this.host.name}" cannot start: ${reason}`)
    if (exit.exitCode === doesNotFitCode) return void this.listener.onUnfit(this.host.name, reason)
    if (exit.exitCode !== unavailableCode) return reason
    this.listener.onUnreachable(this.host.name, reason)
    return `${reason}${this.#route.switchRoute()}`
  }

  #ready(): void {
    this.listener.logger.debug(`The workers on "${this.host.name}" are ready`)
    this.#endGoneTimer()
    this.listener.onReady(this.host.name)
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
  /** Whether it is the user's own: then there is no other route to it. */
  readonly isOwn: boolean
}

/** The route from the workers of one worker host to Redis: direct, or through the SSH connection of the cluster. */
class RedisRoute {
  #overSsh = false

  constructor(
    readonly host: AgentHost,
    readonly redis: RedisEndpoint,
  ) {}

  /**
   * The URL of Redis for the workers there, valid as long as the connection to the host.
   *
   * @throws {@link ClusterError} when the SSH server forwards no ports.
   */
  async open(signal: AbortSignal): Promise<string> {
    const url = new URL(this.redis.url)
    if (!this.#overSsh) return url.href
    url.port = String(await this.#forward({ address: url.hostname, port: Number(url.port) }, signal))
    url.hostname = '127.0.0.1'
    return url.href
  }

  /** Takes the other route from now on, if there is one; returns the end of a message that says so. */
  switchRoute(): string {
    if (this.redis.isOwn || !this.host.forward) return ''
    this.#overSsh = !this.#overSsh
    return this.#overSsh ? ' (they will connect through SSH now)' : ' (they will connect directly now)'
  }

  async #forward(server: Server, signal: AbortSignal): Promise<number> {
    try {
      return await this.host.forward!(server, signal)
    } catch (error) {
      if (!isFlambeauError(error) || error.code !== 'HOST_NO_FORWARDING') throw error
      this.#overSsh = false
      const message = `Redis cannot be reached from there at ${server.address}:${server.port}, nor through SSH: ${error.message}`
      throw new ClusterError(message, { code: 'REDIS_OUT_OF_REACH', cause: error })
    }
  }
}

import { PassThrough, type Readable } from 'node:stream'
import { ClusterError } from '../../errors.js'
import { unreachableCode } from '../../util/exit-codes.js'
import { fromJson } from '../../util/json.js'
import { defaultGraceMs } from '../../util/process.js'
import type { AgentHost } from '../host/agent-host.js'
import type { FetchOptions } from '../host/host.js'
import type { RunStatus } from '../protocol/messages.js'
import {
  isConnectionLoss,
  type ReconnectOptions,
  retryOnConnectionLoss,
  usualReconnectMs,
} from './reconnect.js'

/** How {@link RemoteRun.logs} is read; the log is followed through cut connections, as {@link ReconnectOptions} say. */
export interface LogOptions extends ReconnectOptions {
  /** Go on until the run is over; otherwise end with what there is. */
  readonly follow?: boolean
  /** Where to begin, in bytes. */
  readonly offset?: number
  /** Begin with so many of the last lines that there are, in place of `offset`. */
  readonly tail?: number | undefined
}

/** How a run ended. */
export interface RunEnd extends RunStatus {
  /** What `run()` returned, if JSON can hold it. */
  readonly value?: unknown
}

/** Where a run's folder lies on the orchestrator, from the home folder. */
export function runPath(id: string): string {
  return `.flambeau/runs/${id}`
}

/**
 * A run on a cluster, which goes on whether anyone looks or not: attach to it with its id, from any process, at any
 * time.
 *
 * ```ts
 * const run = cluster.attach('20261124-161622-5f3a')
 * for await (const chunk of run.logs({ follow: true })) process.stderr.write(chunk)
 * const { state, exitCode, value } = await run.wait()
 * ```
 */
export class RemoteRun {
  readonly id: string
  readonly #cluster: string
  readonly #host: AgentHost
  /** Whether the host has spoken of it. */
  #wasSeen: boolean

  /** @internal */
  constructor(id: string, cluster: string, host: AgentHost, known = false) {
    this.id = id
    this.#cluster = cluster
    this.#host = host
    this.#wasSeen = known
  }

  /**
   * How it is doing.
   *
   * @throws `ClusterError` when there is no such run.
   */
  status(): Promise<RunStatus> {
    return this.#status()
  }

  /**
   * What it has written, byte for byte; with `follow` through cut connections, until the run is over. The stream ends
   * with a `ClusterError` of code `RUN_OUT_OF_REACH` when its host cannot be reached any more.
   */
  logs(options: LogOptions = {}): Readable {
    const output = new PassThrough()
    const closed = new AbortController()
    output.once('close', () => closed.abort())
    const signal = AbortSignal.any([closed.signal, ...(options.signal ? [options.signal] : [])])
    this.#copyLog(output, { ...options, signal }).then(
      () => output.end(),
      (error) => output.destroy(error),
    )
    return output
  }

  /**
   * Waits until it is over, through cut connections.
   *
   * @throws `ClusterError` with code `RUN_OUT_OF_REACH` when its host cannot be reached any more: the run goes on.
   */
  async wait(options: ReconnectOptions = {}): Promise<RunEnd> {
    const ask = async () => {
      // Whoever waits is to know that there is something to wait for, should the connection be lost.
      if (!this.#wasSeen) await this.#status(options.signal)
      return this.#host.ask('wait', this.#ask, options.signal)
    }
    const { result, ...status } = await this.#persistently(ask, options)
    return result === undefined ? status : { ...status, value: fromJson(result) }
  }

  /** Ends its process group: TERM, and KILL after the grace. Does nothing to a run that is over. */
  cancel({ graceMs = defaultGraceMs }: { graceMs?: number } = {}): Promise<RunStatus> {
    return this.#host.ask('cancel', { ...this.#ask, graceMs })
  }

  /**
   * Brings a file or folder that it wrote here, as {@link Host.fetch} does; a relative `path` is taken from the folder that
   * it runs in.
   */
  fetch(path: string, local: string, options: FetchOptions = {}): Promise<void> {
    const there = path.startsWith('/') ? path : `${runPath(this.id)}/work/${path}`
    return this.#host.fetch(there, local, options)
  }

  get #ask(): { cluster: string; id: string } {
    return { cluster: this.#cluster, id: this.id }
  }

  async #status(signal?: AbortSignal): Promise<RunStatus> {
    const status = await this.#host.ask('status', this.#ask, signal)
    this.#wasSeen = true
    return status
  }

  async #copyLog(output: PassThrough, options: LogOptions): Promise<void> {
    const { follow = false, signal } = options
    let at = await this.#logStart(options)
    const take = (chunk: Buffer): Promise<void> => {
      at += chunk.length
      this.#wasSeen = true
      return writeWithBackpressure(output, chunk)
    }
    const copy = async (): Promise<unknown> => {
      if (follow && !this.#wasSeen) await this.#status(signal)
      return this.#host.readLog({ ...this.#ask, offset: at, follow }, take, signal)
    }
    await (follow ? this.#persistently(copy, options) : copy())
  }

  async #logStart({ tail, offset = 0, follow, ...options }: LogOptions): Promise<number> {
    if (tail === undefined) return offset
    const ask = () => this.#host.ask('logStart', { ...this.#ask, tail }, options.signal)
    const start = await (follow ? this.#persistently(ask, options) : ask())
    return start.offset
  }

  async #persistently<T>(ask: () => Promise<T>, options: ReconnectOptions): Promise<T> {
    try {
      return await retryOnConnectionLoss(ask, options, () => this.#wasSeen)
    } catch (error) {
      throw this.#wasSeen && isConnectionLoss(error) ? this.#outOfReach(error, options) : error
    }
  }

  #outOfReach(cause: Error, { reconnectTimeoutMs = usualReconnectMs }: ReconnectOptions): ClusterError {
    const seconds = Math.round(reconnectTimeoutMs / 1000)
    const message = `Host "${this.#host.name}" was not reached again within ${seconds} s (${cause.message}): run "${this.id}" goes on there, and can be attached to again by its id`
    return new ClusterError(message, { code: 'RUN_OUT_OF_REACH', exitCode: unreachableCode, cause })
  }
}

async function writeWithBackpressure(output: PassThrough, chunk: Buffer): Promise<void> {
  if (output.destroyed || output.write(chunk)) return
  await new Promise<void>((resolve) => {
    const go = (): void => {
      output.off('drain', go).off('close', go)
      resolve()
    }
    output.on('drain', go).on('close', go)
  })
}

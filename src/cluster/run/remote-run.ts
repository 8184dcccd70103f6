import { posix } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { ClusterError } from '../../errors.js'
import type { RunEvent } from '../../records/events.js'
import { unreachableCode } from '../../util/exit-codes.js'
import { fromJson } from '../../util/json.js'
import { defaultGraceMs } from '../../util/process.js'
import type { AgentHost } from '../host/agent-host.js'
import type { FetchOptions } from '../host/host.js'
import { EventSchema, parseMessage } from '../host/reply-schemas.js'
import { fromHome, type RunFile, runFiles } from '../protocol/layout.js'
import type { RunStatus } from '../protocol/messages.js'
import {
  isConnectionLoss,
  type Reconnection,
  type ReconnectOptions,
  reconnectionOf,
  retryOnConnectionLoss,
} from './reconnect.js'

/** Options of {@link RemoteRun.logs}. With `follow`, it reconnects as {@link ReconnectOptions} describe. */
export interface LogOptions extends ReconnectOptions {
  /** Whether to continue until the run is over; by default the stream ends at the current end of the log. */
  readonly follow?: boolean
  /** The byte at which to start. */
  readonly offset?: number
  /** The number of last lines with which to start, instead of `offset`. */
  readonly tail?: number | undefined
}

/** Options of {@link RemoteRun.events}. With `follow`, it reconnects as {@link ReconnectOptions} describe. */
export interface EventOptions extends ReconnectOptions {
  /** Whether to continue until the run is over; by default the events end with the last one so far. */
  readonly follow?: boolean
}

/** {@link LogOptions} with their defaults. */
interface LogRequest {
  readonly file: 'log' | 'events'
  readonly follow: boolean
  readonly offset: number
  readonly tail: number | undefined
  readonly reconnection: Reconnection
}

/** How a run ended. */
export interface RunEnd extends RunStatus {
  /** The value that `run()` returned, if JSON can represent it. */
  readonly value?: unknown
}

/** What is known of a run before its host is asked. */
interface KnownRun {
  readonly wasSeen: boolean
  readonly waitsFor?: string | undefined
  readonly job?: string | undefined
}

/**
 * A run on a cluster. It continues without this process: attach to it by its id, from any process, at any time.
 *
 * ```ts
 * const run = cluster.attach('20261124-161622-5f3a1a3')
 * for await (const chunk of run.logs({ follow: true })) process.stderr.write(chunk)
 * const { state, exitCode, value } = await run.wait()
 * ```
 */
export class RemoteRun {
  readonly id: string
  readonly #cluster: string
  readonly #host: AgentHost
  /** Whether the host has confirmed that the run exists. */
  #wasSeen: boolean
  /** @internal The run that it waited for when it was submitted. */
  readonly waitsFor: string | undefined
  /** @internal The id of its job of Slurm. */
  readonly job: string | undefined

  /** @internal */
  constructor(id: string, cluster: string, host: AgentHost, known: KnownRun = { wasSeen: false }) {
    this.id = id
    this.#cluster = cluster
    this.#host = host
    this.#wasSeen = known.wasSeen
    this.waitsFor = known.waitsFor
    this.job = known.job
  }

  /**
   * Returns the status of the run.
   *
   * @throws `ClusterError` when the run does not exist.
   */
  status(): Promise<RunStatus> {
    return this.#status()
  }

  /**
   * Returns the output of the run, byte for byte. With `follow`, the stream reconnects, and ends when the run is
   * over. It fails with a `ClusterError` of code `RUN_OUT_OF_REACH` when the host can no longer be reached.
   */
  logs(options: LogOptions = {}): Readable {
    return this.#read('log', options)
  }

  /**
   * What has happened in the run, from its beginning: progress, the trials of a sweep and what they log. Its own messages are in the
   * log, and its end is what {@link wait} returns. With `follow`, it reconnects like {@link logs}.
   */
  async *events({ follow, ...options }: EventOptions = {}): AsyncGenerator<RunEvent> {
    const input = this.#read('events', { ...options, follow: follow ?? false })
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of input) {
      const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n')
      rest = lines.pop()!
      for (const line of lines) yield* eventIn(line)
    }
  }

  #read(file: LogRequest['file'], options: LogOptions): Readable {
    const output = new PassThrough()
    const closed = new AbortController()
    output.once('close', () => closed.abort())
    const { signal = closed.signal, offset = 0, tail, follow = false } = options
    const reconnection = reconnectionOf({ ...options, signal: AbortSignal.any([closed.signal, signal]) })
    this.#copyLog(output, { file, offset, tail, follow, reconnection }).then(
      () => output.end(),
      (error) => output.destroy(error),
    )
    return output
  }

  /**
   * Waits until the run is over, and reconnects as needed.
   *
   * @throws `ClusterError` with code `RUN_OUT_OF_REACH` when the host can no longer be reached: the run continues.
   */
  async wait(options: ReconnectOptions = {}): Promise<RunEnd> {
    const wait = async () => {
      // Reconnecting makes sense only for a run that is known to exist.
      if (!this.#wasSeen) await this.#status(options.signal)
      return this.#host.ask('wait', this.#run, options.signal)
    }
    const { result, ...status } = await this.#retry(wait, reconnectionOf(options))
    return result === undefined ? status : { ...status, value: fromJson(result) }
  }

  /**
   * Takes it out of the queue, or terminates its processes: SIGTERM, then SIGKILL after `graceMs`. A run that is over stays as it
   * is.
   */
  cancel({ graceMs = defaultGraceMs }: { graceMs?: number } = {}): Promise<RunStatus> {
    return this.#host.ask('cancel', { ...this.#run, graceMs })
  }

  /**
   * Copies a file or folder of the run to this machine, as {@link Host.fetch} does. A relative `path` starts at the
   * working directory of the run; a file of the run itself, such as `job.yaml` or `events.jsonl`, is copied when that folder has none
   * of this name.
   */
  async fetch(path: string, local: string, options: FetchOptions = {}): Promise<void> {
    return this.#host.fetch(await this.#remotePath(path), local, options)
  }

  async #remotePath(path: string): Promise<string> {
    if (path.startsWith('/')) return path
    const inWork = posix.join(fromHome.run(this.id, 'work'), path)
    const file = fetched.find((name) => runFiles[name] === posix.normalize(path))
    if (file === undefined || (await this.#host.exists(inWork))) return inWork
    return fromHome.run(this.id, file)
  }

  get #run(): { cluster: string; id: string } {
    return { cluster: this.#cluster, id: this.id }
  }

  async #status(signal?: AbortSignal): Promise<RunStatus> {
    const status = await this.#host.ask('status', this.#run, signal)
    this.#wasSeen = true
    return status
  }

  async #copyLog(output: PassThrough, options: LogRequest): Promise<void> {
    const { file, follow, reconnection } = options
    let position = await this.#logStart(options)
    const add = (chunk: Buffer): Promise<void> => {
      position += chunk.length
      this.#wasSeen = true
      return writeWithBackpressure(output, chunk)
    }
    const copy = async (): Promise<unknown> => {
      if (follow && !this.#wasSeen) await this.#status(reconnection.signal)
      return this.#host.readLog({ ...this.#run, offset: position, follow, file }, add, reconnection.signal)
    }
    await (follow ? this.#retry(copy, reconnection) : copy())
  }

  async #logStart({ tail, offset, follow, reconnection }: LogRequest): Promise<number> {
    if (tail === undefined) return offset
    const findStart = () => this.#host.ask('logStart', { ...this.#run, tail }, reconnection.signal)
    const start = await (follow ? this.#retry(findStart, reconnection) : findStart())
    return start.offset
  }

  async #retry<T>(work: () => Promise<T>, reconnection: Reconnection): Promise<T> {
    try {
      return await retryOnConnectionLoss(work, reconnection, () => this.#wasSeen)
    } catch (error) {
      throw this.#wasSeen && isConnectionLoss(error) ? this.#outOfReach(error, reconnection) : error
    }
  }

  #outOfReach(cause: Error, { reconnectTimeoutMs }: Reconnection): ClusterError {
    const seconds = Math.round(reconnectTimeoutMs / 1000)
    const message = `Host "${this.#host.name}" was not reached again within ${seconds} s (${cause.message}): run "${this.id}" goes on there, and can be attached to again by its id`
    return new ClusterError(message, { code: 'RUN_OUT_OF_REACH', exitCode: unreachableCode, cause })
  }
}

/** The files of a run that can be copied: those with what it was given, and with what is known of it. */
const fetched: readonly RunFile[] = ['job', 'content', 'program', 'log', 'events', 'result', 'exit']

function* eventIn(line: string): Generator<RunEvent> {
  try {
    const parsed = parseMessage(EventSchema, fromJson(line))
    if ('value' in parsed) yield parsed.value
  } catch {
    // The disk had no space for the whole line.
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

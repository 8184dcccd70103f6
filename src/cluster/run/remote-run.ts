import { PassThrough, type Readable } from 'node:stream'
import { fromJson } from '../../util/json.js'
import type { AgentHost } from '../host/agent-host.js'
import type { RunStatus } from '../wire/protocol.js'
import { persistently } from './persistently.js'

/** How {@link RemoteRun.logs} is read. */
export interface LogOptions {
  /** Go on until the run is over; otherwise end with what there is. */
  readonly follow?: boolean
  /** Where to begin, in bytes. */
  readonly offset?: number
  readonly signal?: AbortSignal
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

  /** @internal */
  constructor(id: string, cluster: string, host: AgentHost) {
    this.id = id
    this.#cluster = cluster
    this.#host = host
  }

  /**
   * How it is doing.
   *
   * @throws `ClusterError` when there is no such run.
   */
  status(): Promise<RunStatus> {
    return this.#host.ask('status', this.#ask)
  }

  /** What it has written, byte for byte; with `follow` through cut connections, until the run is over. */
  logs({ follow = false, offset = 0, signal }: LogOptions = {}): Readable {
    const output = new PassThrough()
    const closed = new AbortController()
    output.once('close', () => closed.abort())
    const end = signal ? AbortSignal.any([signal, closed.signal]) : closed.signal
    this.#copyLog(output, { follow, offset, signal: end }).then(
      () => output.end(),
      (error) => output.destroy(error),
    )
    return output
  }

  /** Waits until it is over, through cut connections. */
  async wait({ signal }: { signal?: AbortSignal } = {}): Promise<RunEnd> {
    const { result, ...status } = await persistently(() => this.#host.ask('wait', this.#ask, signal), signal)
    return result === undefined ? status : { ...status, value: fromJson(result) }
  }

  /** Ends its process group: TERM, and KILL after the grace. Does nothing to a run that is over. */
  cancel({ graceMs = 5000 }: { graceMs?: number } = {}): Promise<RunStatus> {
    return this.#host.ask('cancel', { ...this.#ask, graceMs })
  }

  /** Brings a file or folder that it wrote here; a relative `path` is taken from the folder that it runs in. */
  fetch(path: string, local: string): Promise<void> {
    const there = path.startsWith('/') ? path : `${runPath(this.id)}/work/${path}`
    return this.#host.fetch(there, local)
  }

  get #ask(): { cluster: string; id: string } {
    return { cluster: this.#cluster, id: this.id }
  }

  async #copyLog(output: PassThrough, { follow, offset, signal }: Required<LogOptions>): Promise<void> {
    let at = offset
    const take = (chunk: Buffer): Promise<void> => {
      at += chunk.length
      return written(output, chunk)
    }
    const copy = (): Promise<unknown> =>
      this.#host.readLog({ ...this.#ask, offset: at, follow }, take, signal)
    await (follow ? persistently(copy, signal) : copy())
  }
}

async function written(output: PassThrough, chunk: Buffer): Promise<void> {
  if (output.destroyed || output.write(chunk)) return
  await new Promise<void>((resolve) => {
    const go = (): void => {
      output.off('drain', go).off('close', go)
      resolve()
    }
    output.on('drain', go).on('close', go)
  })
}

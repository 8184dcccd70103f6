import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { FlambeauError } from '../../../errors.js'
import { settledWithin } from '../../../util/concurrency.js'
import { mistakeCode } from '../../../util/exit-codes.js'
import type { GpuLease } from '../../../util/gpu-leases.js'
import { signalGroup, terminateGroup, waitForExit } from '../../../util/process.js'
import { isNode } from '../../../util/runtime.js'
import type { TaskOutputSink } from '../output-sink.js'
import { heapMegabytes, MemoryWatch } from './memory-watch.js'
import {
  Channel,
  channelFd,
  type FromWorker,
  isFromWorker,
  streamClosed,
  type ToWorker,
  type WorkerSettings,
} from './messages.js'
import { WorkerOutput } from './output.js'

/**
 * When the output stays silent for this long after the exit of a worker, a process that it left behind holds it open.
 */
const idleMs = 500

/** How the process of a worker is started. */
export interface WorkerStart {
  readonly settings: Omit<WorkerSettings, 'mark'>
  /** Environment variables besides those of this process. */
  readonly variables: Readonly<Record<string, string>>
  /** The GPUs that are its own, if it needs any. */
  readonly lease: GpuLease | undefined
}

/** The process of a worker and its process group: messages, output, and exit. */
export class WorkerChild {
  /** Settles when the whole process group has ended, and its messages and output have been read. */
  readonly exited: Promise<void>
  readonly output: WorkerOutput
  readonly #child: ChildProcess
  /** Absent when the process could not be started. */
  readonly #channel: Channel<FromWorker, ToWorker> | undefined
  #end: Promise<void> | undefined
  #isBroken = false
  #memory: MemoryWatch | undefined
  #hasExceededMemory = false
  /** Whether it keeps this program alive. */
  #isKept = true

  constructor(
    start: WorkerStart,
    readonly sink: TaskOutputSink,
    onMessage: (message: FromWorker) => void,
  ) {
    this.#child = spawnWorker(start)
    // Secret, so that no task can print it.
    const mark = `\0${randomBytes(12).toString('hex')}:`
    const { stdout, stderr } = this.#child
    this.output = new WorkerOutput(stdout && stderr ? [stdout, stderr] : [], mark, sink)
    const onInvalid = (): void => this.#invalidate()
    this.#channel =
      this.#stream && new Channel(this.#stream, { isMessage: isFromWorker, onMessage, onInvalid })
    this.exited = this.#waitForExit(start.lease)
    void this.#setUp(start, mark)
  }

  // Before it has the lease on its GPUs it must not use them: this process may be killed.
  async #setUp({ settings, lease }: WorkerStart, mark: string): Promise<void> {
    const { pid } = this.#child
    if (pid === undefined) return
    if (lease) await lease.passTo(pid)
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    if (settings.memory > 0) this.#memory = new MemoryWatch(pid, settings.memory, () => this.#exceedMemory())
    this.post({ type: 'setup', setup: { ...settings, mark } })
  }

  #exceedMemory(): void {
    this.#hasExceededMemory = true
    this.#kill()
  }

  /** Whether it was killed because it used more memory than it may. */
  get hasExceededMemory(): boolean {
    return this.#hasExceededMemory
  }

  /** Whether {@link end} was called. */
  get isEnding(): boolean {
    return this.#end !== undefined
  }

  /** The id of the process and of its group; absent when the process could not be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** For a message: `SIGKILL`, `exit code 1`. */
  get exitReason(): string {
    return this.#isBroken ? 'it sent what is not a message of a worker' : exitReason(this.#child)
  }

  post(message: ToWorker): void {
    this.#channel?.post(message)
  }

  /** Closes the channel: the process then exits, and kills its group, unless a task blocks it. */
  disconnect(): void {
    this.#stream?.end()
  }

  /** Terminates the process group within the grace period. */
  end(graceMs: number): Promise<void> {
    const { pid } = this.#child
    this.#end ??= pid === undefined ? this.exited : terminateGroup(pid, this.exited, graceMs)
    this.stayAlive(true)
    return this.#end
  }

  // A pool that is not closed keeps its program alive only while a worker has a task or is ending.
  stayAlive(isBusy: boolean): void {
    const isKept = isBusy || this.isEnding
    if (isKept === this.#isKept) return
    this.#isKept = isKept
    const { stdout, stderr } = this.#child
    const handles = [this.#child, this.#stream, stdout as Socket | null, stderr as Socket | null]
    // Some streams of Bun have no such methods.
    for (const handle of handles)
      if (isKept) handle?.ref?.()
      else handle?.unref?.()
  }

  get #stream(): Socket | undefined {
    return this.#child.pid === undefined ? undefined : (this.#child.stdio[channelFd] as Socket)
  }

  // A worker that breaks the protocol is not trusted any more.
  #invalidate(): void {
    this.#isBroken = true
    this.#stream?.destroy()
    this.#kill()
  }

  // Its last messages and output may arrive after its exit.
  async #waitForExit(lease: GpuLease | undefined): Promise<void> {
    await waitForExit(this.#child).catch(() => undefined)
    this.#memory?.stop()
    this.#kill()
    // Others take the GPUs as soon as the last process of the group has ended, and not before.
    await lease?.releaseAfter(this.pid)
    await Promise.all([this.#channel?.closed(), this.#outputRead()])
  }

  // A process that left the group may hold the streams open for ever, so silence counts as the end.
  async #outputRead(): Promise<void> {
    const streams = [this.#child.stdout, this.#child.stderr].flatMap(
      (stream) => (stream as Socket | null) ?? [],
    )
    const closed = Promise.all(streams.map(streamClosed)).then(() => true)
    let bytes = 0
    // Streams of Bun and Deno have no "bytesRead".
    const count = (chunk: Buffer): void => {
      bytes += chunk.length
    }
    for (const stream of streams) stream.on('data', count)
    for (let before = -1; before !== bytes || this.sink.isFull; ) {
      before = bytes
      if (await settledWithin(closed, idleMs)) return
    }
    for (const stream of streams) stream.destroy()
  }

  #kill(): void {
    signalGroup(this.#child.pid, 'SIGKILL')
  }
}

const depthVariable = 'FLAMBEAU_POOL_DEPTH'
/** Limits a module that opens a pool when it is imported: the workers of that pool import it, too. */
const maxDepth = 3

/**
 * Starts the worker program as the leader of a process group.
 *
 * @throws {@link FlambeauError} in a worker of a worker of a worker.
 */
function spawnWorker({ settings, variables, lease }: WorkerStart): ChildProcess {
  const depth = Number(process.env[depthVariable] ?? 0) + 1
  if (depth > maxDepth) throw tooDeep()
  const program = fileURLToPath(import.meta.resolve('#pool-worker'))
  const flags = [...inheritedFlags(process.execArgv), ...heapFlags(settings.memory)]
  return spawn(process.execPath, [...flags, program], {
    detached: true,
    // Output is read line by line. The last one is the channel.
    stdio: ['ignore', 'pipe', 'pipe', 'overlapped'],
    env: { ...process.env, ...variables, ...lease?.variables, [depthVariable]: String(depth) },
  })
}

function heapFlags(memory: number): string[] {
  return memory > 0 && isNode ? [`--max-old-space-size=${heapMegabytes(memory)}`] : []
}

/** The flags of this Node that suit another program: not those that name a script or the port of a debugger. */
function inheritedFlags(flags: readonly string[]): string[] {
  const script = flags.findIndex((flag) => /^-(?:[ep]+$|-eval|-print)/.test(flag))
  const kept = script < 0 ? flags : flags.slice(0, script)
  return kept.filter((flag) => !/^--(?:inspect|input-type|test)/.test(flag))
}

function tooDeep(): FlambeauError {
  const message = `Pools are nested ${maxDepth} deep in each other's workers: open the pool in a function, not while its module is imported`
  return new FlambeauError(message, { code: 'POOL_IN_POOL', exitCode: mistakeCode })
}

/** How a process ended, for a message: `SIGKILL`, `exit code 1`. */
function exitReason({ pid, signalCode, exitCode }: ChildProcess): string {
  return pid === undefined ? 'it could not be started' : (signalCode ?? `exit code ${exitCode}`)
}

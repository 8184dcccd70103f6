import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { FlambeauError } from '../../../errors.js'
import { settledWithin } from '../../../util/concurrency.js'
import { mistakeCode } from '../../../util/exit-codes.js'
import { signalGroup, terminateGroup, waitForExit } from '../../../util/process.js'
import { standardError } from '../output-sink.js'
import {
  Channel,
  channelFd,
  type FromWorker,
  isFromWorker,
  type ToWorker,
  type WorkerSettings,
} from './messages.js'
import { WorkerOutput } from './output.js'

/** Output from which nothing arrives for so long after the end of a worker is held by a process that it left behind. */
const idleMs = 500
const immediately = AbortSignal.abort()

/** The process of a worker, which leads a process group of its own: what goes to and fro, and how it ends. */
export class WorkerChild {
  /** Settles when it has ended, with all that its tasks have started and left behind. */
  readonly exited: Promise<void>
  /** What it prints. */
  readonly output: WorkerOutput
  readonly #child: ChildProcess
  /** Absent when the process could not be started. */
  readonly #channel: Channel<FromWorker, ToWorker> | undefined
  #end: Promise<void> | undefined
  #isBroken = false

  constructor(settings: Omit<WorkerSettings, 'mark'>, hear: (message: FromWorker) => void) {
    this.#child = spawnWorker()
    // Nobody else knows it, so no task can print one.
    const mark = `\0${randomBytes(12).toString('hex')}:`
    const { stdout, stderr } = this.#child
    this.output = new WorkerOutput(stdout && stderr ? [stdout, stderr] : [], mark, standardError)
    const onBroken = (): void => this.#invalidate()
    this.#channel =
      this.#stream &&
      new Channel(this.#stream, { isMessage: isFromWorker, onMessage: hear, onInvalid: onBroken })
    this.exited = this.#waitForExit()
    this.post({ type: 'setup', setup: { ...settings, mark } })
  }

  /** Whether it has been told to end. */
  get isEnding(): boolean {
    return this.#end !== undefined
  }

  /** The id of its process, and of the group that it leads; absent when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** For a message: `SIGKILL`, `exit code 1`. */
  get exitReason(): string {
    return this.#isBroken ? 'it sent what is no message of a worker' : exitReason(this.#child)
  }

  post(message: ToWorker): void {
    this.#channel?.post(message)
  }

  /** Asks it to end by itself, once no task is left. */
  disconnect(): void {
    this.#stream?.end()
  }

  /** Ends its process group, within the grace. */
  end(graceMs: number): Promise<void> {
    const { pid } = this.#child
    this.#end ??= pid === undefined ? this.exited : terminateGroup(pid, this.exited, graceMs)
    this.stayAlive(true)
    return this.#end
  }

  // A pool that is not closed keeps its program alive only while a task runs, or waits for the end of one.
  stayAlive(busy: boolean): void {
    const { stdout, stderr } = this.#child
    const handles = [this.#child, this.#stream, stdout as Socket | null, stderr as Socket | null]
    for (const handle of handles)
      if (busy || this.isEnding) handle?.ref()
      else handle?.unref()
  }

  get #stream(): Socket | undefined {
    return this.#child.pid === undefined ? undefined : (this.#child.stdio[channelFd] as Socket)
  }

  // Nothing that it says counts any more.
  #invalidate(): void {
    this.#isBroken = true
    this.#stream?.destroy()
    this.#kill()
  }

  // What it said last may arrive after its end.
  async #waitForExit(): Promise<void> {
    await waitForExit(this.#child).catch(() => undefined)
    this.#kill()
    await Promise.all([this.#channel?.closed(), this.#outputRead()])
  }

  // A process that left its group may hold the streams for ever: what is silent is read.
  async #outputRead(): Promise<void> {
    const streams = [this.#child.stdout, this.#child.stderr].flatMap(
      (stream) => (stream as Socket | null) ?? [],
    )
    const closed = Promise.all(streams.map((stream) => stream.closed || once(stream, 'close'))).then(
      () => true,
    )
    const bytes = (): number => streams.reduce((sum, { bytesRead }) => sum + bytesRead, 0)
    for (let before = -1; before !== bytes() || standardError.isFull; ) {
      before = bytes()
      if (await settledWithin(closed, immediately, idleMs)) return
    }
    for (const stream of streams) stream.destroy()
  }

  #kill(): void {
    signalGroup(this.#child.pid, 'SIGKILL')
  }
}

const depthVariable = 'FLAMBEAU_POOL_DEPTH'
/** A module that opens a pool as it is imported, by the workers of that pool, too, would never stop starting more. */
const maxDepth = 3

/**
 * Starts the program of a worker as the leader of a process group of its own.
 *
 * @throws {@link FlambeauError} in a worker of a worker of a worker.
 */
function spawnWorker(): ChildProcess {
  const depth = Number(process.env[depthVariable] ?? 0) + 1
  if (depth > maxDepth) throw tooDeep()
  const program = fileURLToPath(import.meta.resolve('#pool-worker'))
  return spawn(process.execPath, [...inheritedFlags(process.execArgv), program], {
    detached: true,
    // What tasks print is passed on line by line. Then the channel.
    stdio: ['ignore', 'pipe', 'pipe', 'overlapped'],
    env: { ...process.env, [depthVariable]: String(depth) },
  })
}

/** The flags of this Node that hold for another program, too: not those that give it a script, or a debugger's port. */
function inheritedFlags(flags: readonly string[]): string[] {
  const ours = flags.findIndex((flag) => /^-(?:[ep]+$|-eval|-print)/.test(flag))
  const kept = ours < 0 ? flags : flags.slice(0, ours)
  return kept.filter((flag) => !/^--(?:inspect|input-type|test)/.test(flag))
}

function tooDeep(): FlambeauError {
  const message = `Pools in workers of pools, ${maxDepth} deep: open the pool in a function, not as its module is imported`
  return new FlambeauError(message, { code: 'POOL_IN_POOL', exitCode: mistakeCode })
}

/** How a process ended, for a message: `SIGKILL`, `exit code 1`. */
function exitReason({ pid, signalCode, exitCode }: ChildProcess): string {
  return pid === undefined ? 'it could not be started' : (signalCode ?? `exit code ${exitCode}`)
}

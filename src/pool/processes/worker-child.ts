import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { settledWithin } from '../../util/concurrency.js'
import { signalGroup, terminateGroup, waitForExit } from '../../util/process.js'
import { standardError } from '../output-sink.js'
import { Channel, channelFd } from './channel.js'
import { howItEnded } from './child-end.js'
import { type FromWorker, isFromWorker, type ToWorker, type WorkerSettings } from './messages.js'
import { startWorker } from './start-worker.js'
import { WorkerOutput } from './task-output.js'

/** Output from which nothing arrives for so long after the end of a worker is held by a process that it left behind. */
const silentMs = 500
const now = AbortSignal.abort()

/** The process of a worker, which leads a process group of its own: what goes to and fro, and how it ends. */
export class WorkerChild {
  /** Settles when it has ended, with all that its tasks have started and left behind. */
  readonly gone: Promise<void>
  /** What it prints. */
  readonly output: WorkerOutput
  readonly #child: ChildProcess
  /** Absent when the process could not be started. */
  readonly #channel: Channel<FromWorker, ToWorker> | undefined
  #end: Promise<void> | undefined
  #isBroken = false

  constructor(settings: Omit<WorkerSettings, 'mark'>, hear: (message: FromWorker) => void) {
    this.#child = startWorker()
    // Nobody else knows it, so no task can print one.
    const mark = `\0${randomBytes(12).toString('hex')}:`
    const { stdout, stderr } = this.#child
    this.output = new WorkerOutput(stdout && stderr ? [stdout, stderr] : [], mark, standardError)
    const onBroken = (): void => this.#break()
    this.#channel = this.#stream && new Channel(this.#stream, { isMessage: isFromWorker, hear, onBroken })
    this.gone = this.#ended()
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
  get howItEnded(): string {
    return this.#isBroken ? 'it sent what is no message of a worker' : howItEnded(this.#child)
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
    this.#end ??= pid === undefined ? this.gone : terminateGroup(pid, this.gone, graceMs)
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
  #break(): void {
    this.#isBroken = true
    this.#stream?.destroy()
    this.#kill()
  }

  // What it said last may arrive after its end.
  async #ended(): Promise<void> {
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
      if (await settledWithin(closed, now, silentMs)) return
    }
    for (const stream of streams) stream.destroy()
  }

  #kill(): void {
    signalGroup(this.#child.pid, 'SIGKILL')
  }
}

import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { signalGroup } from '../../cluster/agent/signal-group.js'
import { Channel, channelFd } from './channel.js'
import { ended, howItEnded } from './child-end.js'
import { endGroup } from './end-group.js'
import { type FromWorker, isFromWorker, type ToWorker, type WorkerSettings } from './messages.js'
import { startWorker } from './start-worker.js'

/** The process of a worker, which leads a process group of its own: what goes to and fro, and how it ends. */
export class WorkerChild {
  /** Settles when it has ended, with all that its tasks have started and left behind. */
  readonly gone: Promise<void>
  readonly #child: ChildProcess
  /** Absent when the process could not be started. */
  readonly #channel: Channel<FromWorker, ToWorker> | undefined
  #end: Promise<void> | undefined
  #isBroken = false

  constructor(settings: WorkerSettings, hear: (message: FromWorker) => void) {
    this.#child = startWorker()
    const onBroken = (): void => this.#break()
    this.#channel = this.#stream && new Channel(this.#stream, { isMessage: isFromWorker, hear, onBroken })
    this.gone = this.#ended()
    this.post({ type: 'setup', setup: settings })
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
    this.#end ??= pid === undefined ? this.gone : endGroup(pid, this.gone, graceMs)
    this.stayAlive(true)
    return this.#end
  }

  // A pool that is not closed keeps its program alive only while a task runs, or waits for the end of one.
  stayAlive(busy: boolean): void {
    const handles = [this.#child, this.#stream]
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
    await ended(this.#child)
    this.#kill()
    await this.#channel?.closed()
  }

  #kill(): void {
    signalGroup(this.#child.pid, 'SIGKILL')
  }
}

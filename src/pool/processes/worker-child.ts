import type { ChildProcess } from 'node:child_process'
import { signalGroup } from '../../cluster/agent/signal-group.js'
import { ended, howItEnded } from './child-end.js'
import { endGroup } from './end-group.js'
import type { FromWorker, ToWorker, WorkerSettings } from './messages.js'
import { Outbox } from './outbox.js'
import { startWorker } from './start-worker.js'

/** The process of a worker, which leads a process group of its own: what goes to and fro, and how it ends. */
export class WorkerChild {
  /** Settles when it has ended, with all that its tasks have started and left behind. */
  readonly gone: Promise<void>
  readonly #child: ChildProcess
  readonly #outbox = new Outbox<ToWorker>((messages) => this.#send(messages))
  #end: Promise<void> | undefined

  constructor(settings: WorkerSettings, hear: (message: FromWorker) => void) {
    this.#child = startWorker()
    this.#child.on('message', (messages: FromWorker[]) => messages.forEach(hear))
    this.gone = ended(this.#child).then(() => this.#kill())
    this.post({ type: 'setup', setup: settings })
  }

  /** Whether it has been told to end. */
  get isEnding(): boolean {
    return this.#end !== undefined
  }

  /** For a message: `SIGKILL`, `exit code 1`. */
  get howItEnded(): string {
    return howItEnded(this.#child)
  }

  post(message: ToWorker): void {
    this.#outbox.post(message)
  }

  /** Asks it to end by itself, once no task is left. */
  disconnect(): void {
    if (this.#child.connected) this.#child.disconnect()
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
    const handles = [this.#child, this.#child.channel]
    for (const handle of handles)
      if (busy || this.isEnding) handle?.ref()
      else handle?.unref()
  }

  #kill(): void {
    signalGroup(this.#child.pid, 'SIGKILL')
  }

  #send(messages: ToWorker[]): void {
    if (this.#child.connected) this.#child.send(messages, () => {})
  }
}

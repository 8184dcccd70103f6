import { thisHost } from '../attempt.js'
import { Deadline } from '../deadline.js'
import type { Ended, TaskMessage, Watch } from '../engine.js'

/** A task that a worker has at hand: it waits behind others until it begins. */
export class HeldTask {
  /** Settles as `undefined` when the process was gone before the task began. */
  readonly ended: Promise<Ended | undefined>
  #settle!: (ended: Ended | undefined) => void
  #deadline: Deadline | undefined

  constructor(
    readonly task: TaskMessage,
    readonly watch: Watch,
  ) {
    this.ended = new Promise((settle) => {
      this.#settle = settle
    })
  }

  get hasBegun(): boolean {
    return this.#deadline !== undefined
  }

  /** Its time begins; `onCall` hears when it is cancelled or takes too long. */
  begin(onCall: () => void): void {
    this.watch.onNews({ type: 'started', host: thisHost })
    this.#deadline = new Deadline(this.task.timeoutMs, this.watch.signal, onCall)
  }

  settle(ended: Ended | undefined): void {
    this.#deadline?.clear()
    this.#settle(ended && this.#deadline ? this.#deadline.judge(ended) : ended)
  }
}

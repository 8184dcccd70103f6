import type { Ended, TaskMessage, Watch } from '../engine.js'

/** A task that waits for a worker, or has one; `onCancel` hears when nobody wants it any more. */
export class WaitingTask {
  readonly ended: Promise<Ended>
  resolve!: (ended: Ended) => void
  reject!: (error: Error) => void
  /** How many workers it has killed. */
  crashes = 0

  constructor(
    readonly task: TaskMessage,
    readonly watch: Watch,
    onCancel: (waiting: WaitingTask) => void,
  ) {
    const cancel = (): void => onCancel(this)
    const ended = new Promise<Ended>((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    watch.signal.addEventListener('abort', cancel, { once: true })
    this.ended = ended.finally(() => watch.signal.removeEventListener('abort', cancel))
  }
}

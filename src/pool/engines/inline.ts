import { setImmediate } from 'node:timers/promises'
import { settledWithin } from '../../util/concurrency.js'
import type { Ended, Engine, TaskMessage, Watch, WorkerSetup } from '../engine.js'
import { Deadline, type PreparedWorker, prepareWorker, runAttempt, thisHost } from './attempt.js'

/** Runs tasks one after the other in this process: for tests, and where a task is too small to send away. */
export class InlineEngine implements Engine {
  readonly capacity = 1
  readonly #worker: Promise<PreparedWorker>

  constructor(
    readonly setup: WorkerSetup,
    readonly graceMs: number,
  ) {
    this.#worker = prepareWorker(setup)
    // Told by the first `run`, and no reason to end the process before.
    this.#worker.catch(() => {})
  }

  async run(task: TaskMessage, { signal, onNews }: Watch): Promise<Ended> {
    const worker = await this.#worker
    const controller = new AbortController()
    const deadline = new Deadline(task.timeoutMs, signal, () => controller.abort())
    onNews({ type: 'started', host: thisHost })
    const attempt = runAttempt(task, worker, { signal: controller.signal, tell: onNews })
    const ended = await settledWithin(attempt, controller.signal, this.graceMs)
    deadline.clear()
    // A turn for what else waits: timers, Ctrl-C.
    await setImmediate()
    return ended ? deadline.explain(ended) : deadline.ended(deadline.interruption!)
  }

  async close(): Promise<void> {}
}

import { setImmediate } from 'node:timers/promises'
import { settledAfterAbort } from '../../util/concurrency.js'
import { cancellationOf } from '../cancellation.js'
import type { Ended, Engine, TaskMessage, Watch, WorkerProcessSetup } from '../engine.js'
import {
  cancelledAttempt,
  Deadline,
  type PreparedWorker,
  prepareWorker,
  runAttempt,
  thisHost,
} from './attempt.js'

/** Runs tasks one after the other in this process: for tests, and for tasks that are too small to be sent. */
export class InlineEngine implements Engine {
  readonly capacity = 1
  readonly slots = 1
  readonly #worker: Promise<PreparedWorker>

  constructor(readonly setup: WorkerProcessSetup) {
    this.#worker = prepareWorker(setup)
    // `run` rejects with it; until then it must not end the process.
    this.#worker.catch(() => {})
  }

  async run(task: TaskMessage, watch: Watch): Promise<Ended> {
    const cancellation = cancellationOf(watch)
    if (cancellation.isCancelled) return cancelledAttempt()
    const worker = await this.#worker
    if (cancellation.isCancelled) return cancelledAttempt()
    const controller = new AbortController()
    const deadline = new Deadline(task.timeoutMs, cancellation, () => controller.abort())
    const { onNews } = watch
    let isRunning = true
    onNews({ type: 'started', host: thisHost })
    const running = runAttempt(task, worker, {
      signal: controller.signal,
      // News of an attempt that has ended would be taken for news of the next one.
      onNews: (news) => isRunning && onNews(news),
    })
    const attempt = await settledAfterAbort(running, controller.signal, this.setup.graceMs)
    isRunning = false
    deadline.clear()
    // Lets timers and signals such as Ctrl-C take their turn.
    await setImmediate()
    return attempt ? deadline.explain(attempt) : deadline.interruptedAttempt()
  }

  async close(): Promise<void> {}
}

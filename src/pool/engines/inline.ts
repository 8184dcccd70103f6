import { setImmediate } from 'node:timers/promises'
import { settledWithin } from '../../util/concurrency.js'
import type { Ended, Engine, TaskMessage, Watch, WorkerProcessSetup } from '../engine.js'
import { Deadline, type PreparedWorker, prepareWorker, runAttempt, thisHost } from './attempt.js'

/** Runs tasks one after the other in this process: for tests, and for tasks that are too small to be sent. */
export class InlineEngine implements Engine {
  readonly capacity = 1
  readonly #worker: Promise<PreparedWorker>

  constructor(readonly setup: WorkerProcessSetup) {
    this.#worker = prepareWorker(setup)
    // `run` rejects with it; until then it must not end the process.
    this.#worker.catch(() => {})
  }

  async run(task: TaskMessage, { signal, onNews }: Watch): Promise<Ended> {
    const worker = await this.#worker
    const controller = new AbortController()
    const deadline = new Deadline(task.timeoutMs, signal, () => controller.abort())
    onNews({ type: 'started', host: thisHost })
    const attempt = runAttempt(task, worker, { signal: controller.signal, onNews })
    const ended = await settledWithin(attempt, controller.signal, this.setup.graceMs)
    deadline.clear()
    // Lets timers and signals such as Ctrl-C take their turn.
    await setImmediate()
    return ended ? deadline.explain(ended) : deadline.interruptedAttempt()
  }

  async close(): Promise<void> {}
}

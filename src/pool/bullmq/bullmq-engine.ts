import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { ended, endedBy } from '../attempt.js'
import type { Ended, Engine, TaskMessage, TaskNews, Watch } from '../engine.js'
import { packError } from '../packed-error.js'
import { Outbox } from '../processes/outbox.js'
import type { RedisAddress } from './connection.js'
import { verdictOf, verdictOnFailure } from './job-verdict.js'
import { cancelChannel, jobIdOf } from './naming.js'
import { type OpenQueue, openQueue } from './open-queue.js'
import { PendingJobs } from './pending-jobs.js'

/** Options of {@link bullmqEngine}. */
export interface BullmqOptions extends RedisAddress {
  /**
   * The name of the queue that the workers take from. Another process that opens the same queue gets the results of
   * tasks with the same ids, and does not have them done again. A new one when absent.
   */
  queue?: string
  /** How many tasks are in the queue at most; default 1024. */
  capacity?: number
  /** Milliseconds until a cancelled task counts as ended, whether or not its worker answers; default 5000. */
  graceMs?: number
}

/** Seconds that results are kept: of a named queue for whoever opens it again. */
const week = 7 * 24 * 3600
const hour = 3600
/** Milliseconds after which Redis is asked what became of a job: an event may have been lost with a connection. */
const doubtMs = 5000

/**
 * An engine whose workers take tasks from a queue in Redis, on this machine or others.
 *
 * ```ts
 * const engine = await bullmqEngine({ redis: 'redis://:secret@10.0.0.1:6379', queue: 'night' })
 * await using pool = await openPool({ engine })
 * ```
 *
 * Workers are started with `startWorkers`.
 *
 * @throws `FlambeauError` when a package is not installed, or Redis cannot be used.
 */
export async function bullmqEngine(options: BullmqOptions): Promise<BullmqEngine> {
  const name = options.queue ?? `run-${randomUUID()}`
  return new BullmqEngine(await openQueue(options, name), options)
}

/** An attempt on its way into the queue. */
interface Queued {
  readonly id: string
  readonly task: TaskMessage
}

/** Puts tasks into a queue, and hears what becomes of them. */
export class BullmqEngine implements Engine {
  readonly capacity: number
  /** The name that workers of this engine are started with. */
  readonly queue: string
  readonly #pending = new PendingJobs()
  readonly #outbox = new Outbox<Queued>((queued) => void this.#add(queued))
  readonly #doubt = setInterval(() => void this.#lookAfterOldOnes(), doubtMs).unref()

  /** @internal */
  constructor(
    private readonly open: OpenQueue,
    readonly options: BullmqOptions,
  ) {
    this.capacity = options.capacity ?? 1024
    this.queue = open.queue.name
    const { events } = open
    events.on('active', ({ jobId }) => this.#tell(jobId, { type: 'started' }))
    events.on('progress', ({ jobId, data }) => this.#tell(jobId, data as unknown as TaskNews))
    events.on('completed', ({ jobId, returnvalue }) =>
      this.#pending.settle(jobId, returnvalue as unknown as Ended),
    )
    events.on('failed', ({ jobId, failedReason }) =>
      this.#pending.settle(jobId, verdictOnFailure(failedReason)),
    )
    events.on('duplicated', ({ jobId }) => void this.#takeOver(jobId))
  }

  run(task: TaskMessage, watch: Watch): Promise<Ended> {
    const id = jobIdOf(task)
    const job = this.#pending.add(id, task, watch)
    this.#outbox.post({ id, task })
    const cancel = (): void => void this.#cancel(id)
    if (watch.signal.aborted) cancel()
    else watch.signal.addEventListener('abort', cancel, { once: true })
    return job.ended
  }

  /** Cancels all tasks; settles when they have ended, within the grace. */
  async cancelAll(): Promise<void> {
    await Promise.all(this.#pending.olderThan(0).map((id) => this.#cancel(id)))
  }

  async close(): Promise<void> {
    clearInterval(this.#doubt)
    await this.cancelAll()
    const { queue, events, connection } = this.open
    if (this.options.queue === undefined) await queue.obliterate({ force: true })
    await Promise.all([queue.close(), events.close()])
    connection.disconnect()
  }

  async #add(queued: readonly Queued[]): Promise<void> {
    const keep = this.options.queue === undefined ? { age: hour, count: 10_000 } : { age: week }
    const opts = { removeOnComplete: keep, removeOnFail: keep }
    const jobs = queued.map(({ id, task }) => ({ name: 'task', data: task, opts: { ...opts, jobId: id } }))
    try {
      await this.open.queue.addBulk(jobs)
    } catch (thrown) {
      for (const { id } of queued) this.#pending.settle(id, ended('failed', packError(thrown)))
    }
  }

  #tell(id: string, news: TaskNews): void {
    this.#pending.get(id)?.watch.onNews(news)
  }

  async #cancel(id: string): Promise<void> {
    const { connection, queue } = this.open
    const removed = await queue.remove(id).catch(() => 0)
    if (removed === 0) {
      await connection.publish(cancelChannel(queue.name), id)
      const { graceMs = 5000 } = this.options
      await Promise.race([this.#pending.get(id)?.ended, delay(graceMs, undefined, { ref: false })])
    }
    this.#pending.settle(id, endedBy('cancelled', 'was cancelled'))
  }

  // A job of an earlier process: its result counts, but a failure of then is tried again.
  async #takeOver(id: string): Promise<void> {
    const job = await this.open.queue.getJob(id)
    const verdict = job && verdictOf(job)
    if (verdict?.ok) return this.#pending.settle(id, verdict)
    const pending = this.#pending.get(id)
    if (!verdict || !pending) return
    await this.open.queue.remove(id)
    this.#outbox.post({ id, task: pending.task })
  }

  async #lookAfterOldOnes(): Promise<void> {
    for (const id of this.#pending.olderThan(doubtMs)) await this.#look(id).catch(() => {})
  }

  async #look(id: string): Promise<void> {
    const job = await this.open.queue.getJob(id)
    const verdict = job && verdictOf(job)
    if (verdict) this.#pending.settle(id, verdict)
    const pending = this.#pending.get(id)
    // Twice, as its end may be on the way.
    if (!job && pending && ++pending.missing > 1) this.#outbox.post({ id, task: pending.task })
  }
}

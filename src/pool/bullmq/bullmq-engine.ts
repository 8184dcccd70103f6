import { randomUUID } from 'node:crypto'
import { defaultGraceMs } from '../../util/process.js'
import { ended, endedBy } from '../attempt.js'
import type { Ended, Engine, TaskMessage, Watch } from '../engine.js'
import { packError } from '../packed-error.js'
import { Outbox } from '../processes/outbox.js'
import { isTaskNews } from '../received.js'
import type { RedisAddress } from './connection.js'
import { verdictOnFailure, verdictOnValue } from './job-verdict.js'
import { Jobs } from './jobs.js'
import { jobIdOf } from './naming.js'
import { type OpenQueue, openQueue } from './open-queue.js'
import { type PendingJob, PendingJobs, type Waiting } from './pending-jobs.js'

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

/** Puts tasks into a queue, and hears what becomes of them. */
export class BullmqEngine implements Engine {
  readonly capacity: number
  /** The name that workers of this engine are started with. */
  readonly queue: string
  readonly #jobs: Jobs
  readonly #pending = new PendingJobs()
  readonly #outbox = new Outbox<PendingJob['id']>((ids) => this.#send(ids))
  readonly #doubt = setInterval(() => void this.#lookAfterOldOnes(), doubtMs).unref()
  #isLooking = false

  /** @internal */
  constructor(
    open: OpenQueue,
    readonly options: BullmqOptions,
  ) {
    const { queue, capacity = 1024, graceMs = defaultGraceMs } = options
    this.capacity = capacity
    this.queue = open.queue.name
    this.#jobs = new Jobs(open, { isNamed: queue !== undefined, graceMs })
    this.#listen(open)
  }

  run(task: TaskMessage, watch: Watch): Promise<Ended> {
    const { signal } = watch
    if (signal.aborted) return Promise.resolve(cancelled())
    const id = jobIdOf(task)
    const waiting = this.#pending.add(id, task, watch)
    if (waiting.isNew) this.#outbox.post(id)
    const leave = (): void => void this.#leave(id, waiting)
    signal.addEventListener('abort', leave, { once: true })
    return waiting.ended.finally(() => signal.removeEventListener('abort', leave))
  }

  /** Cancels all tasks; settles when they have ended, within the grace. */
  async cancelAll(): Promise<void> {
    await Promise.all(this.#pending.olderThan(0).map((job) => this.#cancel(job)))
  }

  async close(): Promise<void> {
    clearInterval(this.#doubt)
    await this.cancelAll()
    await this.#jobs.close()
  }

  #listen({ events }: OpenQueue): void {
    events.on('active', ({ jobId }) => this.#pending.tell(jobId, { type: 'started' }))
    events.on('progress', ({ jobId, data }) => isTaskNews(data) && this.#pending.tell(jobId, data))
    events.on('completed', ({ jobId, returnvalue }) =>
      this.#pending.settle(jobId, verdictOnValue(returnvalue)),
    )
    events.on('failed', ({ jobId, failedReason }) =>
      this.#pending.settle(jobId, verdictOnFailure(failedReason)),
    )
    // What cannot be asked now is asked again with the old ones.
    events.on('duplicated', ({ jobId }) => void this.#takeOver(jobId).catch(() => {}))
  }

  // Those that were cancelled before their turn are left out.
  #send(ids: readonly string[]): void {
    const jobs = [...new Set(ids)].flatMap((id) => this.#pending.get(id) ?? [])
    if (jobs.length === 0) return
    const sent = this.#jobs.add(jobs)
    for (const job of jobs) job.sent = sent
    sent.catch((thrown) => {
      for (const { id } of jobs) this.#pending.settle(id, ended('failed', packError(thrown)))
    })
  }

  // The job goes on while another one waits for it.
  async #leave(id: string, waiting: Waiting): Promise<void> {
    const job = this.#pending.get(id)
    if (!job?.waiting.has(waiting)) return
    if (job.waiting.size === 1) return this.#cancel(job)
    job.waiting.delete(waiting)
    waiting.settle(cancelled())
  }

  async #cancel(job: PendingJob): Promise<void> {
    if (job.sent) await this.#jobs.withdraw(job)
    if (this.#pending.get(job.id) === job) this.#pending.settle(job.id, cancelled())
  }

  // A job of an earlier process: its result counts, but a failure of then is tried again.
  async #takeOver(id: string): Promise<void> {
    const { verdict } = await this.#jobs.look(id)
    if (verdict?.ok) return this.#pending.settle(id, verdict)
    if (!verdict || !this.#pending.get(id)) return
    await this.#jobs.remove(id)
    this.#sendAgain(id)
  }

  async #lookAfterOldOnes(): Promise<void> {
    // While Redis is away, one waits for it already.
    if (this.#isLooking) return
    this.#isLooking = true
    for (const { id } of this.#pending.olderThan(doubtMs)) await this.#look(id).catch(() => {})
    this.#isLooking = false
  }

  async #look(id: string): Promise<void> {
    const { exists, verdict } = await this.#jobs.look(id)
    if (verdict) this.#pending.settle(id, verdict)
    const pending = this.#pending.get(id)
    // Twice, as its end may be on the way.
    if (!exists && pending && ++pending.missing > 1) this.#sendAgain(id)
  }

  #sendAgain(id: string): void {
    const pending = this.#pending.get(id)
    if (!pending) return
    pending.sent = undefined
    this.#outbox.post(id)
  }
}

function cancelled(): Ended {
  return endedBy('cancelled', 'was cancelled')
}

import { randomUUID } from 'node:crypto'
import { defaultGraceMs } from '../../../util/process.js'
import { type Ended, type Engine, packError, type TaskMessage, type Watch } from '../../engine.js'
import { isTaskNews } from '../../serialize.js'
import { failedResult, interruptedResult } from '../attempt.js'
import { MessageBatcher } from '../message-batcher.js'
import { type PendingJob, PendingJobs, type Waiter } from './pending-jobs.js'
import { JobQueue, jobId, type OpenQueue, openQueue, resultOfFailure, resultOfValue } from './queue.js'
import type { RedisAddress } from './redis.js'

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
const recheckMs = 5000

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
  readonly #jobs: JobQueue
  readonly #pending = new PendingJobs()
  readonly #batcher = new MessageBatcher<PendingJob['id']>((ids) => this.#send(ids))
  readonly #recheck = setInterval(() => void this.#recheckOldJobs(), recheckMs).unref()
  #isRechecking = false

  /** @internal */
  constructor(
    open: OpenQueue,
    readonly options: BullmqOptions,
  ) {
    const { queue, capacity = 1024, graceMs = defaultGraceMs } = options
    this.capacity = capacity
    this.queue = open.queue.name
    this.#jobs = new JobQueue(open, { isNamed: queue !== undefined, graceMs })
    this.#listen(open)
  }

  run(task: TaskMessage, watch: Watch): Promise<Ended> {
    const { signal } = watch
    if (signal.aborted) return Promise.resolve(cancelledResult())
    const id = jobId(task)
    const waiting = this.#pending.add(id, task, watch)
    if (waiting.isNew) this.#batcher.post(id)
    const leave = (): void => void this.#stopWaiting(id, waiting)
    signal.addEventListener('abort', leave, { once: true })
    return waiting.ended.finally(() => signal.removeEventListener('abort', leave))
  }

  /** Cancels all tasks; settles when they have ended, within the grace. */
  async cancelAll(): Promise<void> {
    await Promise.all(this.#pending.olderThan(0).map((job) => this.#cancel(job)))
  }

  async close(): Promise<void> {
    clearInterval(this.#recheck)
    await this.cancelAll()
    await this.#jobs.close()
  }

  #listen({ events }: OpenQueue): void {
    events.on('active', ({ jobId }) => this.#pending.notify(jobId, { type: 'started' }))
    events.on('progress', ({ jobId, data }) => isTaskNews(data) && this.#pending.notify(jobId, data))
    events.on('completed', ({ jobId, returnvalue }) =>
      this.#pending.settle(jobId, resultOfValue(returnvalue)),
    )
    events.on('failed', ({ jobId, failedReason }) =>
      this.#pending.settle(jobId, resultOfFailure(failedReason)),
    )
    // What cannot be asked now is asked again with the old ones.
    events.on('duplicated', ({ jobId }) => void this.#adopt(jobId).catch(() => {}))
  }

  // Those that were cancelled before their turn are left out.
  #send(ids: readonly string[]): void {
    const jobs = [...new Set(ids)].flatMap((id) => this.#pending.get(id) ?? [])
    if (jobs.length === 0) return
    const sent = this.#jobs.add(jobs)
    for (const job of jobs) job.sent = sent
    sent.catch((thrown) => {
      for (const { id } of jobs) this.#pending.settle(id, failedResult('failed', packError(thrown)))
    })
  }

  // The job goes on while another one waits for it.
  async #stopWaiting(id: string, waiting: Waiter): Promise<void> {
    const job = this.#pending.get(id)
    if (!job?.waiting.has(waiting)) return
    if (job.waiting.size === 1) return this.#cancel(job)
    job.waiting.delete(waiting)
    waiting.settle(cancelledResult())
  }

  async #cancel(job: PendingJob): Promise<void> {
    if (job.sent) await this.#jobs.cancel(job)
    if (this.#pending.get(job.id) === job) this.#pending.settle(job.id, cancelledResult())
  }

  // A job of an earlier process: its result counts, but a failure of then is tried again.
  async #adopt(id: string): Promise<void> {
    const { verdict } = await this.#jobs.find(id)
    if (verdict?.ok) return this.#pending.settle(id, verdict)
    if (!verdict || !this.#pending.get(id)) return
    await this.#jobs.remove(id)
    this.#resend(id)
  }

  async #recheckOldJobs(): Promise<void> {
    // While Redis is away, one waits for it already.
    if (this.#isRechecking) return
    this.#isRechecking = true
    for (const { id } of this.#pending.olderThan(recheckMs)) await this.#checkJob(id).catch(() => {})
    this.#isRechecking = false
  }

  async #checkJob(id: string): Promise<void> {
    const { exists, verdict } = await this.#jobs.find(id)
    if (verdict) this.#pending.settle(id, verdict)
    const pending = this.#pending.get(id)
    // Twice, as its end may be on the way.
    if (!exists && pending && ++pending.missing > 1) this.#resend(id)
  }

  #resend(id: string): void {
    const pending = this.#pending.get(id)
    if (!pending) return
    pending.sent = undefined
    this.#batcher.post(id)
  }
}

function cancelledResult(): Ended {
  return interruptedResult('cancelled', 'was cancelled')
}

import { randomBytes } from 'node:crypto'
import { defaultGraceMs } from '../../../util/process.js'
import { cancellationOf } from '../../cancellation.js'
import type { Ended, Engine, TaskMessage, Watch } from '../../engine.js'
import { isTaskNews, packError } from '../../serialize.js'
import { cancelledAttempt, failedAttempt } from '../attempt.js'
import { MessageBatcher } from '../processes/messages.js'
import { type PendingJob, PendingJobs, type Waiter } from './pending-jobs.js'
import {
  attemptOfFailure,
  attemptOfValue,
  hostQueue,
  JobQueue,
  jobId,
  type OpenQueue,
  openQueue,
} from './queue.js'
import type { RedisAddress } from './redis.js'

/** Options of {@link bullmqEngine}. */
export interface BullmqOptions extends RedisAddress {
  /**
   * The name of the queue that the workers take tasks from; a new queue when absent. Another process that opens the
   * same queue gets the results of tasks that ran already, instead of running them again.
   */
  queue?: string
  /** The most tasks in the queue; default 1024. */
  capacity?: number
  /** Milliseconds after which a cancelled task counts as ended even if its worker does not answer; default 5000. */
  graceMs?: number
  /** @internal Called for a task that is run again where its folder is not. */
  onFolderLost?: (task: string, worker: string) => void
}

/** Milliseconds after which the state of a job is read again: its event may have been lost with a connection. */
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
  const name = options.queue ?? newQueueName()
  return new BullmqEngine(await openQueue(options, name), options)
}

// Short, as it is part of about 25 keys that are sent for each task.
function newQueueName(): string {
  return `run-${randomBytes(9).toString('base64url')}`
}

/** Adds tasks to a queue, and follows the events of their jobs. */
export class BullmqEngine implements Engine {
  readonly capacity: number
  /** The name of the queue, for `startWorkers`. */
  readonly queue: string
  /** The queue that all workers take jobs from. */
  readonly #jobs: JobQueue
  /** The queues of the worker hosts that have run tasks before, by their names. */
  readonly #hostQueues = new Map<string, Promise<JobQueue>>()
  readonly #goneHosts = new Set<string>()
  /** The worker hosts whose workers have been ready: each of them has made its queue. */
  readonly #readyHosts = new Set<string>()
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

  async run(task: TaskMessage, watch: Watch): Promise<Ended> {
    const cancellation = cancellationOf(watch)
    const id = jobId(task)
    const queue = task.worker === undefined ? this.#jobs : await this.#queueOf(task.worker, task)
    // The same task of another map.
    for (let job = this.#pending.get(id); job?.isCancelling; job = this.#pending.get(id))
      await job.settled.promise
    if (cancellation.isCancelled) return cancelledAttempt()
    // The host may have gone meanwhile, after the jobs of its queue were moved.
    const isGone = this.#goneHosts.has(task.worker ?? '')
    const waiter = this.#pending.add(id, { task, watch, queue: isGone ? this.#jobs : queue })
    if (waiter.isNew) this.#batcher.post(id)
    const listener = { onCancelled: () => void this.#stopWaiting(id, waiter) }
    cancellation.add(listener)
    try {
      return await waiter.attempt.promise
    } finally {
      cancellation.delete(listener)
    }
  }

  /** Cancels all tasks; settles when they have ended, within the grace period. */
  async cancelAll(): Promise<void> {
    await Promise.all(this.#pending.olderThan(0).map((job) => this.#cancel(job)))
  }

  async close(): Promise<void> {
    clearInterval(this.#recheck)
    await this.cancelAll()
    await Promise.all((await this.#openQueues()).map((queue) => queue.close()))
    await this.#jobs.close([...this.#readyHosts].map((worker) => hostQueue(this.queue, worker)))
  }

  /** @internal Closes the connections of a Redis that is gone. */
  disconnect(): void {
    clearInterval(this.#recheck)
    this.#jobs.disconnect()
    void this.#openQueues().then((queues) => queues.map((queue) => queue.disconnect()))
  }

  /** @internal Says whether the workers of a host take jobs. Those that wait for a host that does not are run on others. */
  setHostGone(worker: string, isGone: boolean): void {
    if (!isGone) this.#readyHosts.add(worker)
    if (!isGone) this.#goneHosts.delete(worker)
    else if (!this.#goneHosts.has(worker)) {
      this.#goneHosts.add(worker)
      // When it fails, Redis is out of reach, which the workers notice as well.
      void this.#moveJobs(worker).catch(() => {})
    }
  }

  async #queueOf(worker: string, { id }: TaskMessage): Promise<JobQueue> {
    if (this.#goneHosts.has(worker)) {
      this.options.onFolderLost?.(id, worker)
      return this.#jobs
    }
    const queue = this.#hostQueues.get(worker) ?? this.#openHostQueue(worker)
    this.#hostQueues.set(worker, queue)
    try {
      return await queue
    } catch {
      // Redis does not answer: it is opened again for the next task.
      this.#hostQueues.delete(worker)
      this.options.onFolderLost?.(id, worker)
      return this.#jobs
    }
  }

  async #openHostQueue(worker: string): Promise<JobQueue> {
    const open = await openQueue(this.options, hostQueue(this.queue, worker))
    this.#listen(open)
    return new JobQueue(open, this.#jobs.options)
  }

  async #openQueues(): Promise<JobQueue[]> {
    const opened = await Promise.allSettled(this.#hostQueues.values())
    return opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  }

  async #moveJobs(worker: string): Promise<void> {
    const queue = await this.#hostQueues.get(worker)
    for (const job of queue ? this.#pending.in(queue) : []) {
      if (job.isCancelling) continue
      this.options.onFolderLost?.(job.task.id, worker)
      // One that runs there is locked; with the host, its lock is gone.
      await queue!.remove(job.id).catch(() => {})
      job.queue = this.#jobs
      this.#resend(job.id)
    }
  }

  #listen({ events }: OpenQueue): void {
    events.on('active', ({ jobId }) => this.#pending.notify(jobId, { type: 'started' }))
    events.on('progress', ({ jobId, data }) => isTaskNews(data) && this.#pending.notify(jobId, data))
    events.on('completed', ({ jobId, returnvalue }) => this.#onAttemptEnd(jobId, attemptOfValue(returnvalue)))
    events.on('failed', ({ jobId, failedReason }) =>
      this.#pending.settle(jobId, attemptOfFailure(failedReason)),
    )
    // When it fails, the job is checked later with the old ones.
    events.on('duplicated', ({ jobId }) => void this.#adopt(jobId).catch(() => {}))
  }

  // Jobs that were cancelled meanwhile are not sent.
  #send(ids: readonly string[]): void {
    const jobs = [...new Set(ids)].flatMap((id) => this.#pending.get(id) ?? [])
    for (const queue of new Set(jobs.map((job) => job.queue)))
      this.#sendTo(
        queue,
        jobs.filter((job) => job.queue === queue),
      )
  }

  #sendTo(queue: JobQueue, jobs: readonly PendingJob[]): void {
    const sent = queue.add(jobs)
    for (const job of jobs) job.sent = sent
    sent.catch((thrown) => {
      for (const { id } of jobs) this.#pending.settle(id, failedAttempt('failed', packError(thrown)))
    })
  }

  // The job continues while another call waits for it.
  async #stopWaiting(id: string, waiter: Waiter): Promise<void> {
    const job = this.#pending.get(id)
    if (!job?.waiters.has(waiter)) return
    if (job.waiters.size === 1) return this.#cancel(job)
    job.waiters.delete(waiter)
    waiter.attempt.resolve(cancelledAttempt())
  }

  async #cancel(job: PendingJob): Promise<void> {
    job.isCancelling = true
    if (job.sent) await job.queue.cancel(job)
    if (this.#pending.get(job.id) === job) this.#pending.settle(job.id, cancelledAttempt())
  }

  // An earlier process has added the same job: its result counts, but a failure is tried again.
  async #adopt(id: string): Promise<void> {
    const attempt = (await this.#pending.get(id)?.queue.find(id))?.attempt
    if (attempt?.ok) return this.#pending.settle(id, attempt)
    if (attempt) await this.#replace(id)
  }

  // Another process may have cancelled the job, or an earlier call that did not wait for its end.
  #onAttemptEnd(id: string, attempt: Ended): void {
    const isCancelled = !attempt.ok && attempt.reason === 'cancelled'
    const isExpected = !isCancelled || this.#pending.get(id)?.isCancelling
    if (isExpected) this.#pending.settle(id, attempt)
    // When it fails, the job is checked later with the old ones.
    else void this.#replace(id).catch(() => {})
  }

  async #replace(id: string): Promise<void> {
    const pending = this.#pending.get(id)
    if (!pending) return
    await pending.queue.remove(id)
    this.#resend(id)
  }

  async #recheckOldJobs(): Promise<void> {
    // While Redis is unreachable, the previous check still waits for it.
    if (this.#isRechecking) return
    this.#isRechecking = true
    for (const job of this.#pending.olderThan(recheckMs)) await this.#checkJob(job).catch(() => {})
    this.#isRechecking = false
  }

  async #checkJob({ id, queue }: PendingJob): Promise<void> {
    const { exists, attempt } = await queue.find(id)
    if (attempt) this.#onAttemptEnd(id, attempt)
    const pending = this.#pending.get(id)
    // Only the second time: after the first one, the event of its end may be on the way.
    if (!exists && pending && ++pending.missing > 1) this.#resend(id)
  }

  #resend(id: string): void {
    const pending = this.#pending.get(id)
    if (!pending) return
    pending.sent = undefined
    this.#batcher.post(id)
  }
}

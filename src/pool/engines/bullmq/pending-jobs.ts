import { type Deferred, deferred } from '../../../util/concurrency.js'
import type { Ended, TaskMessage, TaskNews, Watch } from '../../engine.js'
import type { JobQueue, QueuedJob } from './queue.js'

/** One `run` call that waits for a job. */
export interface Waiter {
  readonly watch: Watch
  readonly attempt: Deferred<Ended>
}

/** A job, and the calls that wait for it: two maps may have the same task, with the same id. */
export interface PendingJob extends QueuedJob {
  readonly waiters: Set<Waiter>
  readonly since: number
  /** The queue that it is added to. */
  queue: JobQueue
  /** Whether it was cancelled and has not ended. Nobody else may wait for it. */
  isCancelling: boolean
  /** How many times in a row Redis did not have the job. */
  missing: number
}

interface NewJob {
  readonly task: TaskMessage
  readonly watch: Watch
  readonly queue: JobQueue
}

/** The jobs that this process waits for, by their ids. */
export class PendingJobs {
  readonly #jobs = new Map<string, PendingJob>()

  /** Adds a waiter to a job; `isNew` when it is the first one. */
  add(id: string, { task, watch, queue }: NewJob): Waiter & { readonly isNew: boolean } {
    const known = this.#jobs.get(id)
    const job = known ?? pendingJob(id, task, queue)
    this.#jobs.set(id, job)
    const waiter = { watch, attempt: deferred<Ended>(), isNew: !known }
    job.waiters.add(waiter)
    return waiter
  }

  get(id: string): PendingJob | undefined {
    return this.#jobs.get(id)
  }

  notify(id: string, news: TaskNews): void {
    for (const { watch } of this.#jobs.get(id)?.waiters ?? []) watch.onNews(news)
  }

  settle(id: string, attempt: Ended): void {
    const job = this.#jobs.get(id)
    this.#jobs.delete(id)
    for (const waiter of job?.waiters ?? []) waiter.attempt.resolve(attempt)
    job?.settled.resolve()
  }

  /** The jobs of a queue. */
  in(queue: JobQueue): PendingJob[] {
    return [...this.#jobs.values()].filter((job) => job.queue === queue)
  }

  /** The jobs that have been pending for at least that long. */
  olderThan(milliseconds: number): PendingJob[] {
    const before = performance.now() - milliseconds
    return [...this.#jobs.values()].filter(({ since }) => since <= before)
  }
}

function pendingJob(id: string, task: TaskMessage, queue: JobQueue): PendingJob {
  const since = performance.now()
  return { id, task, queue, waiters: new Set(), since, isCancelling: false, settled: deferred(), missing: 0 }
}

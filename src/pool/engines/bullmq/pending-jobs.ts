import { type Deferred, deferred } from '../../../util/concurrency.js'
import type { Ended, TaskMessage, TaskNews, Watch } from '../../engine.js'

/** One `run` call that waits for a job. */
export interface Waiter {
  readonly watch: Watch
  readonly attempt: Deferred<Ended>
}

/** A job, and the calls that wait for it: two maps may have the same task, with the same id. */
export interface PendingJob {
  readonly id: string
  readonly task: TaskMessage
  readonly waiters: Set<Waiter>
  readonly since: number
  /** Settles when Redis has the job; absent while it has not been sent. */
  sent?: Promise<void> | undefined
  /** Whether it was cancelled and has not ended. Nobody else may wait for it. */
  isCancelling: boolean
  /** Settles when nobody waits for it any more. */
  readonly settled: Deferred<void>
  /** How many times in a row Redis did not have the job. */
  missing: number
}

/** The jobs that this process waits for, by their ids. */
export class PendingJobs {
  readonly #jobs = new Map<string, PendingJob>()

  /** Adds a waiter to a job; `isNew` when it is the first one. */
  add(id: string, task: TaskMessage, watch: Watch): Waiter & { readonly isNew: boolean } {
    const known = this.#jobs.get(id)
    const job = known ?? pendingJob(id, task)
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

  /** The jobs that have been pending for at least that long. */
  olderThan(milliseconds: number): PendingJob[] {
    const before = performance.now() - milliseconds
    return [...this.#jobs.values()].filter(({ since }) => since <= before)
  }
}

function pendingJob(id: string, task: TaskMessage): PendingJob {
  const since = performance.now()
  return { id, task, waiters: new Set(), since, isCancelling: false, settled: deferred(), missing: 0 }
}

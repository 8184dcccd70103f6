import type { Ended, TaskMessage, TaskNews, Watch } from '../../engine.js'

/** Who waits for a job. */
export interface Waiter {
  readonly watch: Watch
  readonly ended: Promise<Ended>
  readonly settle: (ended: Ended) => void
}

/** A job, and all who wait for it: two maps may have the same task, with the same id. */
export interface PendingJob {
  readonly id: string
  readonly task: TaskMessage
  readonly waiting: Set<Waiter>
  readonly since: number
  /** Settles when Redis has it; absent while it has not been sent. */
  sent?: Promise<void> | undefined
  /** How often Redis knew nothing of it. */
  missing: number
}

/** The jobs that this process waits for, by their ids. */
export class PendingJobs {
  readonly #jobs = new Map<string, PendingJob>()

  /** Waits for a job; whether it `isNew`: nobody waited for it. */
  add(id: string, task: TaskMessage, watch: Watch): Waiter & { readonly isNew: boolean } {
    const known = this.#jobs.get(id)
    const job: PendingJob = known ?? { id, task, waiting: new Set(), since: performance.now(), missing: 0 }
    this.#jobs.set(id, job)
    let settle!: (ended: Ended) => void
    const ended = new Promise<Ended>((resolve) => {
      settle = resolve
    })
    const waiting = { watch, ended, settle, isNew: !known }
    job.waiting.add(waiting)
    return waiting
  }

  get(id: string): PendingJob | undefined {
    return this.#jobs.get(id)
  }

  notify(id: string, news: TaskNews): void {
    for (const { watch } of this.#jobs.get(id)?.waiting ?? []) watch.onNews(news)
  }

  settle(id: string, ended: Ended): void {
    const job = this.#jobs.get(id)
    this.#jobs.delete(id)
    for (const { settle } of job?.waiting ?? []) settle(ended)
  }

  /** Those that have waited for so many milliseconds. */
  olderThan(milliseconds: number): PendingJob[] {
    const before = performance.now() - milliseconds
    return [...this.#jobs.values()].filter(({ since }) => since <= before)
  }
}

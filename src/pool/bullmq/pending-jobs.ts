import type { Ended, TaskMessage, Watch } from '../engine.js'

/** An attempt whose job is in the queue. */
export interface PendingJob {
  readonly task: TaskMessage
  readonly watch: Watch
  readonly ended: Promise<Ended>
  readonly settle: (ended: Ended) => void
  readonly since: number
  /** How often Redis knew nothing of it. */
  missing: number
}

/** The jobs that this process waits for, by their ids. */
export class PendingJobs {
  readonly #jobs = new Map<string, PendingJob>()

  add(id: string, task: TaskMessage, watch: Watch): PendingJob {
    let settle!: (ended: Ended) => void
    const ended = new Promise<Ended>((resolve) => {
      settle = resolve
    })
    const job = { task, watch, ended, settle, since: performance.now(), missing: 0 }
    this.#jobs.set(id, job)
    return job
  }

  get(id: string): PendingJob | undefined {
    return this.#jobs.get(id)
  }

  settle(id: string, ended: Ended): void {
    const job = this.#jobs.get(id)
    this.#jobs.delete(id)
    job?.settle(ended)
  }

  /** The ids of those that have waited for so many milliseconds. */
  olderThan(milliseconds: number): string[] {
    const before = performance.now() - milliseconds
    return [...this.#jobs].flatMap(([id, { since }]) => (since <= before ? [id] : []))
  }
}

import { settledWithin } from '../../util/concurrency.js'
import type { Ended } from '../engine.js'
import { verdictOf } from './job-verdict.js'
import { cancelChannel } from './naming.js'
import type { OpenQueue } from './open-queue.js'
import type { PendingJob } from './pending-jobs.js'

/** Seconds that results are kept: of a named queue for whoever opens it again. */
const week = 7 * 24 * 3600
const hour = 3600
const now = AbortSignal.abort()

/** The jobs of a queue as Redis has them. While Redis is away, commands wait until it is back. */
export class Jobs {
  constructor(
    readonly open: OpenQueue,
    readonly by: { readonly isNamed: boolean; readonly graceMs: number },
  ) {}

  async add(jobs: readonly PendingJob[]): Promise<void> {
    const keep = this.by.isNamed ? { age: week } : { age: hour, count: 10_000 }
    const opts = { removeOnComplete: keep, removeOnFail: keep }
    const data = jobs.map(({ id, task }) => ({ name: 'task', data: task, opts: { ...opts, jobId: id } }))
    await this.open.queue.addBulk(data)
  }

  /** How a job ended, if it has; `exists`: whether Redis knows it. */
  async look(id: string): Promise<{ exists: boolean; verdict: Ended | undefined }> {
    const job = await this.open.queue.getJob(id)
    return { exists: job !== undefined, verdict: job && verdictOf(job) }
  }

  async remove(id: string): Promise<void> {
    await this.open.queue.remove(id)
  }

  /** Takes a job out of the queue, or has its worker cancel it; settles within the grace. */
  async withdraw(job: PendingJob): Promise<void> {
    await this.#withinGrace(this.#takeOut(job).catch(() => {}))
  }

  /** Leaves the queue, and takes away what nobody will open again; settles within the grace. */
  async close(): Promise<void> {
    const { queue, events, connection } = this.open
    try {
      if (!this.by.isNamed) await this.#withinGrace(queue.obliterate({ force: true }))
    } finally {
      await this.#withinGrace(this.#leave().catch(() => {}))
      // What still waits for Redis to come back.
      for (const client of [connection, await events.backend.client]) client.disconnect()
    }
  }

  async #leave(): Promise<void> {
    const { queue, events } = this.open
    await Promise.all([queue.close(), events.close()])
  }

  async #takeOut({ id, sent, waiting }: PendingJob): Promise<void> {
    const { queue, connection } = this.open
    // Before it is there it cannot be removed.
    await sent
    // A worker that has it holds it.
    const removed = await queue.remove(id).catch(() => 0)
    if (removed !== 0) return
    await connection.publish(cancelChannel(queue.name), id)
    await Promise.all([...waiting].map(({ ended }) => ended))
  }

  #withinGrace(promise: Promise<void>): Promise<void> {
    return settledWithin(promise, now, this.by.graceMs)
  }
}

import { createHash } from 'node:crypto'
import type { Job, Queue, QueueEvents } from 'bullmq'
import type { Redis } from 'ioredis'
import { settledWithin } from '../../../util/concurrency.js'
import { type Ended, packError, type TaskMessage } from '../../engine.js'
import { isEnded } from '../../serialize.js'
import { failedResult, interruptedResult } from '../attempt.js'
import { loadPackages } from './packages.js'
import type { PendingJob } from './pending-jobs.js'
import { connect, type RedisAddress } from './redis.js'

/** Seconds that results are kept: of a named queue for whoever opens it again. */
const weekSeconds = 7 * 24 * 3600
const hourSeconds = 3600
const immediately = AbortSignal.abort()

/** The jobs of a queue as Redis has them. While Redis is away, commands wait until it is back. */
export class JobQueue {
  constructor(
    readonly open: OpenQueue,
    readonly options: { readonly isNamed: boolean; readonly graceMs: number },
  ) {}

  async add(jobs: readonly PendingJob[]): Promise<void> {
    const keep = this.options.isNamed ? { age: weekSeconds } : { age: hourSeconds, count: 10_000 }
    const opts = { removeOnComplete: keep, removeOnFail: keep }
    const data = jobs.map(({ id, task }) => ({ name: 'task', data: task, opts: { ...opts, jobId: id } }))
    await this.open.queue.addBulk(data)
  }

  /** How a job ended, if it has; `exists`: whether Redis knows it. */
  async find(id: string): Promise<{ exists: boolean; verdict: Ended | undefined }> {
    const job = await this.open.queue.getJob(id)
    return { exists: job !== undefined, verdict: job && jobResult(job) }
  }

  async remove(id: string): Promise<void> {
    await this.open.queue.remove(id)
  }

  /** Takes a job out of the queue, or has its worker cancel it; settles within the grace. */
  async cancel(job: PendingJob): Promise<void> {
    await this.#withinGrace(this.#cancelJob(job).catch(() => {}))
  }

  /** Leaves the queue, and takes away what nobody will open again; settles within the grace. */
  async close(): Promise<void> {
    const { queue, events, connection } = this.open
    try {
      if (!this.options.isNamed) await this.#withinGrace(queue.obliterate({ force: true }))
    } finally {
      await this.#withinGrace(this.#disconnect().catch(() => {}))
      // What still waits for Redis to come back.
      for (const client of [connection, await events.backend.client]) client.disconnect()
    }
  }

  async #disconnect(): Promise<void> {
    const { queue, events } = this.open
    await Promise.all([queue.close(), events.close()])
  }

  async #cancelJob({ id, sent, waiting }: PendingJob): Promise<void> {
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
    return settledWithin(promise, immediately, this.options.graceMs)
  }
}

/** A queue, what is heard of it, and the connection that both use. */
export interface OpenQueue {
  readonly connection: Redis
  readonly queue: Queue
  readonly events: QueueEvents
}

/** Opens a queue; events are heard from now on, without a gap. */
export async function openQueue(redis: RedisAddress, name: string): Promise<OpenQueue> {
  const { Queue, QueueEvents } = await loadPackages()
  const connection = await connect(redis)
  const [last] = await connection.xrevrange(`${prefix}:${name}:events`, '+', '-', 'COUNT', 1)
  const queue = new Queue(name, { connection, prefix })
  const events = new QueueEvents(name, { connection, prefix, lastEventId: last?.[0] ?? '0-0' })
  // Without listeners, Node would end the process when Redis goes away.
  queue.on('error', () => {})
  events.on('error', () => {})
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()])
  return { connection, queue, events }
}

/** How the attempt of a job ended; `undefined` while it has not. */
function jobResult({ finishedOn, failedReason, returnvalue }: Job): Ended | undefined {
  if (finishedOn === undefined) return undefined
  return failedReason ? resultOfFailure(failedReason) : resultOfValue(returnvalue)
}

/** What a worker gives as the value of a job says how the task ended; whoever can write to Redis could put anything there. */
export function resultOfValue(value: unknown): Ended {
  return isEnded(value)
    ? value
    : failedResult('failed', packError(new Error('Redis has something for its result that no worker wrote')))
}

/** A worker tells how a task ended as a value; a job fails only when its workers die, or cannot work at all. */
export function resultOfFailure(reason: string): Ended {
  return reason.includes('stalled')
    ? interruptedResult('crashed', 'killed its workers, time and again')
    : failedResult('failed', packError(new Error(reason)))
}

/** What all keys of queues begin with. */
export const prefix = 'flambeau'

/** The id of the job of an attempt: the same task in another process is the same job, another task never is. */
export function jobId({ id, attempt, text }: TaskMessage): string {
  const content = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return `${encodeURIComponent(id)}.${attempt}.${content}`
}

/** The channel on which ids of jobs that should end are told. */
export function cancelChannel(queue: string): string {
  return `${prefix}:${queue}:cancel`
}

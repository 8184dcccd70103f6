import { createHash } from 'node:crypto'
import type { Job, Queue, QueueEvents } from 'bullmq'
import type { Redis } from 'ioredis'
import { type Deferred, settledWithin } from '../../../util/concurrency.js'
import type { Ended, TaskMessage } from '../../engine.js'
import { isEnded, packError } from '../../serialize.js'
import { failedAttempt, interruptedAttempt } from '../attempt.js'
import { loadPackages } from './packages.js'
import { connect, type RedisAddress } from './redis.js'

/** How long results are kept in a queue with a name, which another process may open. */
const weekSeconds = 7 * 24 * 3600
/** How long results are kept in other queues. */
const hourSeconds = 3600
/** The pause between two attempts to cancel a job. */
const repeatMs = 500

/** A task in a queue. */
export interface QueuedJob {
  readonly id: string
  readonly task: TaskMessage
  /** Settles when Redis has the job; absent while it has not been sent. */
  sent?: Promise<void> | undefined
  /** Settles when nobody waits for it any more. */
  readonly settled: Deferred<void>
}

/** The jobs of a queue in Redis. While Redis is unreachable, commands wait. */
export class JobQueue {
  constructor(
    readonly open: OpenQueue,
    readonly options: { readonly isNamed: boolean; readonly graceMs: number },
  ) {}

  async add(jobs: readonly QueuedJob[]): Promise<void> {
    const keep = this.options.isNamed ? { age: weekSeconds } : { age: hourSeconds, count: 10_000 }
    const opts = { removeOnComplete: keep, removeOnFail: keep }
    const data = jobs.map(({ id, task }) => ({ name: 'task', data: task, opts: { ...opts, jobId: id } }))
    await this.open.queue.addBulk(data)
  }

  /** The attempt of a job, if it has ended; `exists` says whether Redis has the job. */
  async find(id: string): Promise<{ exists: boolean; attempt: Ended | undefined }> {
    const job = await this.open.queue.getJob(id)
    return { exists: job !== undefined, attempt: job && attemptOf(job) }
  }

  async remove(id: string): Promise<void> {
    await this.open.queue.remove(id)
  }

  /** Removes a job from the queue, or tells its worker to cancel it; settles within the grace period. */
  async cancel(job: QueuedJob): Promise<void> {
    await this.#withinGrace(this.#cancelJob(job).catch(() => {}))
  }

  /**
   * Closes the connections, and removes a queue without a name, and the queues with the names `others`, which have no jobs any
   * more; settles within the grace period.
   */
  async close(others: readonly string[] = []): Promise<void> {
    const { queue, events, connection } = this.open
    const keys = others.flatMap((name) => ['meta', 'stalled-check'].map((key) => `${prefix}:${name}:${key}`))
    try {
      if (!this.options.isNamed) await this.#withinGrace(queue.obliterate({ force: true }))
      if (keys.length > 0) await this.#withinGrace(connection.del(keys).then(() => undefined))
    } finally {
      await this.#withinGrace(this.#disconnect().catch(() => {}))
      // Ends the commands that still wait for Redis.
      for (const client of [connection, await events.backend.client]) client.disconnect()
    }
  }

  /** Closes the connections of a Redis that is gone, without a command. */
  disconnect(): void {
    const { connection, events } = this.open
    connection.disconnect()
    void events.close().catch(() => {})
  }

  async #disconnect(): Promise<void> {
    const { queue, events } = this.open
    await Promise.all([queue.close(), events.close()])
  }

  async #cancelJob({ id, sent, settled }: QueuedJob): Promise<void> {
    const { queue, connection } = this.open
    // A job cannot be removed before it was added.
    await sent
    const hasEnded = settled.promise.then(() => true)
    do {
      // While a worker has the job, it is locked and cannot be removed.
      const removed = await queue.remove(id).catch(() => 0)
      if (removed !== 0) return
      // A worker that connects again, or has just taken the job, misses a message.
      await connection.publish(cancelChannel(queue.name), id)
    } while (!(await settledWithin(hasEnded, repeatMs)))
  }

  #withinGrace(promise: Promise<void>): Promise<void> {
    return settledWithin(promise, this.options.graceMs)
  }
}

/** A queue, its events, and the connection of both. */
export interface OpenQueue {
  readonly connection: Redis
  readonly queue: Queue
  readonly events: QueueEvents
}

/** Opens a queue; no event from now on is missed. */
export async function openQueue(redis: RedisAddress, name: string): Promise<OpenQueue> {
  const { Queue, QueueEvents } = await loadPackages()
  const connection = await connect(redis)
  let events: QueueEvents | undefined
  try {
    const [last] = await connection.xrevrange(`${prefix}:${name}:events`, '+', '-', 'COUNT', 1)
    const queue = new Queue(name, { connection, prefix })
    events = new QueueEvents(name, { connection, prefix, lastEventId: last?.[0] ?? '0-0' })
    // Without listeners, Node would end the process when the connection is lost.
    queue.on('error', () => {})
    events.on('error', () => {})
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady()])
    return { connection, queue, events }
  } catch (error) {
    // An open connection would keep the program running.
    connection.disconnect()
    // "close" fails first where the events never had a connection that is ready.
    await events?.close().catch(() => events?.backend.close())
    throw error
  }
}

function attemptOf({ finishedOn, failedReason, returnvalue }: Job): Ended | undefined {
  if (finishedOn === undefined) return undefined
  return failedReason ? attemptOfFailure(failedReason) : attemptOfValue(returnvalue)
}

/**
 * The attempt that a worker returned as the value of its job. Anyone who can write to Redis could have put anything
 * there.
 */
export function attemptOfValue(value: unknown): Ended {
  return isEnded(value)
    ? value
    : failedAttempt('failed', packError(new Error('No worker wrote what Redis has as its result')))
}

/** Why BullMQ lets a job fail whose workers were lost too often. */
const stalledReason = 'job stalled more than allowable limit'

const lostWorkers = 'killed its workers again and again'

/** Blames the memory of a job of Slurm for an attempt whose workers were lost too often. */
export function blameMemory(attempt: Ended): Ended {
  const isLost = !attempt.ok && attempt.reason === 'crashed' && attempt.error.message === lostWorkers
  return isLost ? interruptedAttempt('memory', `${lostWorkers}: ${memoryText}`) : attempt
}

const memoryText = 'Slurm ended them, as together they used more memory than the job has on a node'

/** A failed attempt is a value, too: a job itself fails only when its workers die, or can run no task at all. */
export function attemptOfFailure(reason: string): Ended {
  return reason === stalledReason
    ? interruptedAttempt('crashed', lostWorkers)
    : failedAttempt('failed', packError(new Error(reason)))
}

/** The prefix of all keys of queues. */
export const prefix = 'flambeau'

/** The id of the job of an attempt: the same for the same task in another process, and for no other task. */
export function jobId({ id, attempt, seed, text }: TaskMessage): string {
  const content = createHash('sha256').update(`${seed} ${text}`).digest('hex').slice(0, 12)
  return `${encodeURIComponent(id)}.${attempt}.${content}`
}

/** The queue of the tasks whose folders a worker host has. */
export function hostQueue(queue: string, worker: string): string {
  return `${queue}-${createHash('sha256').update(worker).digest('hex').slice(0, 12)}`
}

/** The channel on which the ids of cancelled jobs are published. */
export function cancelChannel(queue: string): string {
  return `${prefix}:${queue}:cancel`
}

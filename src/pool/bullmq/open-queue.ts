import type { Queue, QueueEvents } from 'bullmq'
import type { Redis } from 'ioredis'
import { connect, type RedisAddress } from './connection.js'
import { prefix } from './naming.js'
import { loadPackages } from './packages.js'

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

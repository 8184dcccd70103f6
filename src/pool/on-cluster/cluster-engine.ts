import { ClusterError, FlambeauError } from '../../errors.js'
import { mistakeCode } from '../../util/exit-codes.js'
import type { BullmqEngine } from '../bullmq/bullmq-engine.js'
import type { Ended, Engine, TaskMessage, Watch } from '../engine.js'
import type { FactoryWorkers } from './factory-workers.js'
import type { RedisServer } from './redis-server.js'

/** What a {@link ClusterEngine} is made of. */
export interface ClusterEngineParts {
  readonly queue: BullmqEngine
  /** Absent when the user has one. */
  readonly redis: RedisServer | undefined
}

/** A queue with the workers of the factories that take from it; all of it ends with the pool. */
export class ClusterEngine implements Engine {
  readonly capacity: number
  readonly #waiting = new Set<(error: Error) => void>()
  readonly #workers: FactoryWorkers[] = []
  #error: Error | undefined

  constructor(readonly parts: ClusterEngineParts) {
    this.capacity = parts.queue.capacity
    parts.redis?.keep((error) => this.fail(error))
  }

  /** Lets workers take part, which end with this. */
  join(workers: FactoryWorkers): void {
    this.#workers.push(workers)
  }

  run(task: TaskMessage, watch: Watch): Promise<Ended> {
    if (this.#error) return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject)
      const forget = (): boolean => this.#waiting.delete(reject)
      this.parts.queue.run(task, watch).then(resolve, reject).finally(forget)
    })
  }

  /** From now on no task can be run here. */
  fail(error: Error): void {
    this.#error ??= error
    for (const reject of this.#waiting) reject(this.#error)
  }

  async close(): Promise<void> {
    const { queue, redis } = this.parts
    // Without Redis, the queue would wait for it.
    const hasRedis = !redis || !this.#error
    if (hasRedis) await queue.cancelAll()
    // Before the queue: they would write into one that was taken away.
    await Promise.all(this.#workers.map((each) => each.close()))
    if (hasRedis) await queue.close()
    await redis?.close()
  }
}

/** What leaves a pool without workers: no factory reaches Redis. */
export function outOfReach(why: string): ClusterError {
  return new ClusterError(`No factory reaches Redis: ${why}`, { code: 'REDIS_OUT_OF_REACH' })
}

/** What keeps workers from being started anywhere. */
export function workersUnfit(message: string): FlambeauError {
  return new FlambeauError(message, { code: 'WORKERS_UNFIT', exitCode: mistakeCode })
}

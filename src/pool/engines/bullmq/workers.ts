import { availableParallelism } from 'node:os'
import type { Job, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { SecretsConfig } from '../../../runnable/secrets/secrets.js'
import { defaultGraceMs } from '../../../util/process.js'
import { type Ended, packError, type TaskMessage } from '../../engine.js'
import { moduleUrls } from '../../import-modules.js'
import { isTaskMessage } from '../../serialize.js'
import { failedResult } from '../attempt.js'
import { ProcessEngine } from '../processes/engine.js'
import { loadPackages } from './packages.js'
import { cancelChannel, prefix } from './queue.js'
import { connect, type RedisAddress } from './redis.js'

/** Options of {@link startWorkers}. */
export interface WorkersOptions extends RedisAddress {
  /** The name of the queue: `engine.queue`. */
  queue: string
  /** Modules that register the classes of the tasks. A worker imports these, never what a task names. */
  imports?: readonly (string | URL)[]
  /** The extensions that tasks may declare, by name: imported at the start, from these sources and no others. */
  extensions?: Readonly<Record<string, string>>
  /** How many processes at most, each with one task; default one for each processor. */
  slots?: number
  /** Where results above 64 KB are kept; default the current folder. */
  folder?: string
  /** What `config` of each task gives. */
  secrets?: SecretsConfig
  /** How often a task is run again whose worker died; default 2. */
  crashRetries?: number
  /** Milliseconds that a cancelled task has to clean up; default 5000. */
  graceMs?: number
  /**
   * Milliseconds after which a host that went silent loses its tasks to others; default 10 000. A shorter time finds a
   * dead host sooner, and has tasks done twice after a shorter pause of the network.
   */
  lockMs?: number
}

/**
 * Takes tasks from a queue on this machine, each in a child process, until it is closed.
 *
 * ```ts
 * const workers = await startWorkers({ redis, queue: engine.queue, imports: ['./tasks.js'], slots: 4 })
 * await workers.close()
 * ```
 *
 * @throws `FlambeauError` when a package is not installed, or Redis cannot be used.
 */
export async function startWorkers(options: WorkersOptions): Promise<Workers> {
  const { imports = [], extensions = {}, slots = availableParallelism(), folder = '.', secrets } = options
  const { crashRetries = 2, graceMs = defaultGraceMs } = options
  const setup = { imports: moduleUrls(imports), extensions, folder, ...(secrets && { secrets }) }
  const engine = new ProcessEngine({ ...setup, workers: slots, crashRetries, graceMs })
  const [connection, subscriber] = await Promise.all([connect(options), connect(options)])
  const workers = new Workers({ engine, connection, subscriber })
  await workers.open({ ...options, slots, crashRetries })
  return workers
}

interface WorkersParts {
  readonly engine: ProcessEngine
  readonly connection: Redis
  readonly subscriber: Redis
}

/** The slots of one machine; {@link startWorkers} makes them. */
export class Workers implements AsyncDisposable {
  readonly #running = new Map<string, AbortController>()
  #worker: Worker | undefined
  /** @internal What becomes of a job when no task can be done here: it fails, unless somebody knows better. */
  onUnfit: (error: Error) => Promise<Ended> = (error) => Promise.reject(error)

  /** @internal */
  constructor(private readonly parts: WorkersParts) {}

  /** @internal */
  async open({ queue, slots, crashRetries, lockMs = 10_000 }: WorkersOptions & { crashRetries: number }) {
    const { Worker } = await loadPackages()
    const { connection, subscriber } = this.parts
    subscriber.on('message', (_channel, id) => this.#running.get(id)?.abort())
    await subscriber.subscribe(cancelChannel(queue))
    this.#worker = new Worker<TaskMessage, Ended>(queue, (job) => this.#work(job), {
      connection,
      prefix,
      concurrency: slots ?? 1,
      lockDuration: lockMs,
      // A lock that has run out is found within a second.
      stalledInterval: Math.min(1000, lockMs / 2),
      // How often a host may die with the task; children that die are counted here.
      maxStalledCount: crashRetries,
    })
    this.#worker.on('error', () => {})
    await this.#worker.waitUntilReady()
  }

  /** Cancels what runs, and ends the processes. */
  async close(): Promise<void> {
    for (const controller of this.#running.values()) controller.abort()
    await this.#worker?.close()
    const { engine, connection, subscriber } = this.parts
    await engine.close()
    connection.disconnect()
    subscriber.disconnect()
  }

  /** `await using workers = await startWorkers(...)`: the same as {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #work(job: Job<TaskMessage>): Promise<Ended> {
    if (!isTaskMessage(job.data))
      return failedResult('failed', packError(new Error(`Job "${job.id}" is no task`)))
    const id = job.id ?? ''
    const controller = new AbortController()
    this.#running.set(id, controller)
    try {
      return await this.parts.engine.run(job.data, {
        signal: controller.signal,
        // The queue tells itself that a job has started.
        onNews: (news) => void (news.type !== 'started' && job.updateProgress(news).catch(() => {})),
      })
    } catch (unfit) {
      return await this.onUnfit(unfit as Error)
    } finally {
      this.#running.delete(id)
      this.#worker!.concurrency = this.parts.engine.concurrency
    }
  }
}

import type { Job, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Needs } from '../../../runnable/needs.js'
import type { SecretsConfig } from '../../../runnable/secrets/secrets.js'
import { Cancellation } from '../../cancellation.js'
import type { Ended, TaskMessage } from '../../engine.js'
import { fitSetup } from '../../fit-setup.js'
import { completeSetup } from '../../options.js'
import { isTaskMessage, packError } from '../../serialize.js'
import { failedAttempt } from '../attempt.js'
import { standardError, type TaskOutputSink } from '../output-sink.js'
import { ProcessEngine } from '../processes/engine.js'
import { loadPackages } from './packages.js'
import { cancelChannel, hostQueue, prefix } from './queue.js'
import { connect, type RedisAddress } from './redis.js'

/** Options of {@link startWorkers}. */
export interface WorkersOptions extends RedisAddress {
  /** The name of the queue: `engine.queue`. */
  queue: string
  /** Modules that register the classes of the tasks. A worker imports these, and never a module that a task names. */
  imports?: readonly (string | URL)[]
  /** The sources of the extensions that tasks may declare, by name: imported at the start, and from nowhere else. */
  extensions?: Readonly<Record<string, string>>
  /** The most processes, each of which runs one task at a time; default one for each processor. */
  slots?: number | undefined
  /** What each process has of this machine, as `needs` of `openPool`: no more processes run than fit. */
  needs?: Needs | undefined
  /** Environment variables of the processes, as `variables` of `openPool`. */
  variables?: Readonly<Record<string, string | number>> | undefined
  /** The folder of results above 64 KB; default the current folder. */
  folder?: string
  /** The secrets of the tasks: `this.config` of a runnable. */
  secrets?: SecretsConfig
  /** How often a task is run again after its worker died; default 2. */
  crashRetries?: number
  /** Milliseconds that a cancelled task has to clean up; default 5000. */
  graceMs?: number
  /**
   * Milliseconds after which the tasks of a silent host are run on others; default 10 000. With a shorter time, a dead
   * host is noticed sooner, but a shorter interruption of the network makes tasks run twice.
   */
  lockMs?: number
}

/**
 * Runs tasks of a queue on this machine, in child processes, until it is closed.
 *
 * ```ts
 * const workers = await startWorkers({ redis, queue: engine.queue, imports: ['./tasks.js'], slots: 4 })
 * await workers.close()
 * ```
 *
 * @throws `FlambeauError` when a package is not installed, or Redis cannot be used.
 */
export function startWorkers(options: WorkersOptions): Promise<Workers> {
  return startWorkersWith(standardError, options)
}

/** How often workers without a process look for jobs. */
const jobLookMs = 500

/** The default of `lockMs`. */
export const defaultLockMs = 10_000

/** What the workers of a cluster have besides. */
export interface HostWorkersOptions {
  /** The name of their host in the cluster: they take jobs from its own queue, too. */
  readonly worker?: string
}

/** The same with another sink for the output of the tasks. */
export async function startWorkersWith(
  output: TaskOutputSink,
  options: WorkersOptions & HostWorkersOptions,
): Promise<Workers> {
  const { queue, worker, slots, lockMs = defaultLockMs } = options
  const setup = completeSetup({ ...options, workers: slots })
  const engine = new ProcessEngine(await fitSetup(setup, (message) => console.error(message)), output)
  const [connection, subscriber] = await connectTwice(options)
  const workers = new Workers({ engine, connection, subscriber, worker })
  try {
    await engine.leaseAhead()
    await workers.open(queue, lockMs)
    return workers
  } catch (error) {
    await workers.close()
    throw error
  }
}

// An open connection would keep the program running.
async function connectTwice(address: RedisAddress): Promise<[Redis, Redis]> {
  const first = await connect(address)
  try {
    return [first, await connect(address)]
  } catch (error) {
    first.disconnect()
    throw error
  }
}

interface WorkersParts {
  readonly engine: ProcessEngine
  readonly connection: Redis
  readonly subscriber: Redis
  readonly worker: string | undefined
}

interface RunningJob {
  readonly cancellation: Cancellation
  /** Whether the pool has cancelled it. */
  isCancelled: boolean
  /** Whether it is of the queue of this host. */
  readonly isOfHost: boolean
}

/** The workers of one machine; {@link startWorkers} starts them. */
export class Workers implements AsyncDisposable {
  readonly #running = new Map<string, RunningJob>()
  /** Those below, also while they are not ready. */
  readonly #opened: Worker[] = []
  /** Takes jobs that may run anywhere. */
  #worker: Worker | undefined
  /** Takes the jobs of this host before others. */
  #hostWorker: Worker | undefined
  #isClosing = false
  #jobTimer: NodeJS.Timeout | undefined
  /** @internal Decides what happens to a job when no task can run here; by default the job fails. */
  onUnfit: (error: Error) => Promise<Ended> = (error) => Promise.reject(error)

  /** @internal */
  constructor(private readonly parts: WorkersParts) {}

  /** @internal */
  async open(queue: string, lockMs: number): Promise<void> {
    const { subscriber, worker } = this.parts
    subscriber.on('message', (_channel, id) => this.#cancel(id))
    if (worker !== undefined) this.#hostWorker = await this.#listen(hostQueue(queue, worker), lockMs)
    this.#worker = await this.#listen(queue, lockMs)
    const { engine } = this.parts
    if (engine.setup.needs.gpus > 0) this.#jobTimer = setInterval(() => void this.#leaseForJobs(), jobLookMs)
    engine.onWorkersChange = () => this.#adjust()
    this.#adjust()
  }

  // Idle processes have given their GPUs back: a job is taken only when there is a process for it, as another host may have one.
  async #leaseForJobs(): Promise<void> {
    const { engine, connection } = this.parts
    if (!engine.canLeaseAhead) return
    const waiting = await Promise.all(
      this.#opened.map(({ name }) => connection.llen(`${prefix}:${name}:wait`)),
    ).catch(() => [])
    const jobs = waiting.reduce((sum, count) => sum + count, 0)
    // The queue fails every job with the same error.
    if (jobs > 0 && !this.#isClosing) engine.leaseAhead(jobs).catch(() => {})
  }

  async #listen(queue: string, lockMs: number): Promise<Worker> {
    const { Worker } = await loadPackages()
    const { connection, subscriber, engine } = this.parts
    await subscriber.subscribe(cancelChannel(queue))
    const worker: Worker = new Worker<TaskMessage, Ended>(queue, (job) => this.#work(job, worker), {
      connection,
      prefix,
      concurrency: Math.max(1, engine.concurrency),
      lockDuration: lockMs,
      // An expired lock is found within a second.
      stalledInterval: Math.min(1000, lockMs / 2),
      // How many hosts may die with the task; deaths of child processes are counted by the engine.
      maxStalledCount: engine.setup.crashRetries,
    })
    this.#opened.push(worker)
    worker.on('error', () => {})
    await worker.waitUntilReady()
    return worker
  }

  /** Ends what runs, for other workers to run it again, and ends the processes. */
  async close(): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#jobTimer)
    // Before its jobs are returned to the queue: it must not take them again.
    const closed = Promise.all(this.#opened.map((worker) => worker.close()))
    for (const { cancellation } of this.#running.values()) cancellation.cancel()
    await closed
    const { engine, connection, subscriber } = this.parts
    await engine.close()
    connection.disconnect()
    subscriber.disconnect()
  }

  /** `await using workers = await startWorkers(...)`: the same as {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #cancel(id: string): void {
    const running = this.#running.get(id)
    if (!running) return
    running.isCancelled = true
    running.cancellation.cancel()
  }

  async #work(job: Job<TaskMessage>, worker: Worker): Promise<Ended> {
    if (!isTaskMessage(job.data))
      return failedAttempt('failed', packError(new Error(`Job "${job.id}" is not a task`)))
    const id = job.id ?? ''
    const isOfHost = worker === this.#hostWorker
    // It was being fetched when the jobs of this host took the last processes, or they ended: another host may have one that is free.
    if (this.#hasNoProcess || (!isOfHost && this.#isFullOfOwn)) return returnToQueue(job)
    const running = { cancellation: new Cancellation(), isCancelled: false, isOfHost }
    this.#running.set(id, running)
    this.#adjust()
    // BullMQ may have fetched it before it was closed.
    if (this.#isClosing) running.cancellation.cancel()
    try {
      const ended = await this.#run(job, running.cancellation)
      const isInterrupted = !ended.ok && ended.reason === 'cancelled' && !running.isCancelled
      if (isInterrupted) return await returnToQueue(job)
      return this.parts.worker === undefined ? ended : { ...ended, worker: this.parts.worker }
    } finally {
      this.#running.delete(id)
      this.#adjust()
    }
  }

  get #hasNoProcess(): boolean {
    return this.parts.engine.concurrency === 0
  }

  get #isFullOfOwn(): boolean {
    const { engine } = this.parts
    const hasOwn = [...this.#running.values()].some(({ isOfHost }) => isOfHost)
    return hasOwn && this.#running.size >= engine.concurrency
  }

  // No more jobs are taken from the others than there are processes for.
  #adjust(): void {
    if (this.#isClosing) return
    const concurrency = Math.max(1, this.parts.engine.concurrency)
    if (this.#hostWorker) takeJobs(this.#hostWorker, { concurrency, isPaused: this.#hasNoProcess })
    const isPaused = this.#hasNoProcess || this.#isFullOfOwn
    if (this.#worker) takeJobs(this.#worker, { concurrency, isPaused })
  }

  async #run(job: Job<TaskMessage>, cancellation: Cancellation): Promise<Ended> {
    try {
      return await this.parts.engine.run(job.data, {
        cancellation,
        get signal() {
          return cancellation.signal
        },
        // BullMQ itself reports that a job has started.
        onNews: (news) => void (news.type !== 'started' && job.updateProgress(news).catch(() => {})),
      })
    } catch (error) {
      return await this.onUnfit(error as Error)
    }
  }
}

function takeJobs(
  worker: Worker,
  { concurrency, isPaused }: { readonly concurrency: number; readonly isPaused: boolean },
): void {
  const isMore = concurrency > worker.concurrency
  worker.concurrency = concurrency
  // BullMQ reads the concurrency when a job ends, or when it is resumed.
  if (isPaused || isMore) void worker.pause(true).catch(() => {})
  if (!isPaused && worker.isPaused()) void worker.resume()
}

/** Makes a job the next one that another worker takes. */
async function returnToQueue(job: Job): Promise<never> {
  const { WaitingError } = await loadPackages()
  // When it fails, another worker takes the job after its lock has expired.
  await job.moveToWait(job.token).catch(() => {})
  throw new WaitingError()
}

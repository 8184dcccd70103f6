import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { FlambeauError } from '../../../errors.js'
import { serializeAllSecrets } from '../../../runnable/secrets/serialize-secrets.js'
import { deferred } from '../../../util/concurrency.js'
import type { GpuLease } from '../../../util/gpu-leases.js'
import { waitForExit } from '../../../util/process.js'
import { type CancelListener, type Cancellation, cancellationOf } from '../../cancellation.js'
import type { Ended, Engine, FittedSetup, PackedError, TaskMessage, TaskNews, Watch } from '../../engine.js'
import { unpackError } from '../../serialize.js'
import { cancelledAttempt } from '../attempt.js'
import type { TaskOutputSink } from '../output-sink.js'
import type { WorkerSettings } from './messages.js'
import { type AssignedTask, type WorkerListener, WorkerProcess } from './worker.js'

/** Runs tasks in child processes of this one, which start as they are needed. */
export class ProcessEngine implements Engine, WorkerListener, QueueListener {
  readonly capacity: number
  readonly #settings: Omit<WorkerSettings, 'mark'>
  /** Ends the wait for GPUs. */
  #waiting = new AbortController()
  /** How many workers wait for their GPUs. */
  #leasing = 0
  #hasWaited = false
  /** Whether tasks come only when there are workers for them. */
  #isAhead = false
  /** How many workers there should be, whether or not there are tasks here. */
  #wanted = 0
  #idleTimer: NodeJS.Timeout | undefined
  readonly #firstLease = deferred()
  readonly #workers = new Set<WorkerProcess>()
  readonly #reaper = new OrphanReaper()
  #queue = new Set<QueuedTask>()
  #lastAssigned: WorkerProcess | undefined
  #error: Error | undefined

  constructor(
    readonly setup: FittedSetup,
    readonly sink: TaskOutputSink,
  ) {
    const { imports, folder, extensions, secrets, workers, needs } = setup
    this.capacity = 64 * workers
    // Only those who wait for it hear of it.
    this.#firstLease.promise.catch(() => {})
    const shared = secrets && serializeAllSecrets(secrets)
    this.#settings = { imports, folder, extensions, secrets: shared, memory: needs.memory }
  }

  get slots(): number {
    return this.setup.workers
  }

  /** Called when there is another worker, or one less. */
  onWorkersChange: () => void = () => {}

  /** How many tasks keep all workers busy: one for each worker, and more for those whose tasks are very short. */
  get concurrency(): number {
    const working = [...this.#workers].filter(({ isEnding }) => !isEnding)
    const started = working.reduce((sum, { prefetch }) => sum + prefetch, 0)
    if (this.#isAhead) return started
    return started + this.setup.workers - this.#workers.size
  }

  /** Whether it waits for {@link leaseAhead}, to have all the workers that it may have. */
  get canLeaseAhead(): boolean {
    return this.#isAhead && this.#count < this.setup.workers && !this.#error
  }

  /**
   * Leases the GPUs for so many tasks that are free now, and others as they become free, before the tasks are here: for a queue whose
   * tasks other machines may run, which must not wait here. Settles when the first worker has its GPUs.
   */
  async leaseAhead(tasks = Number.POSITIVE_INFINITY): Promise<void> {
    const { needs, workers } = this.setup
    if (needs.gpus === 0) return
    this.#isAhead = true
    const busy = [...this.#workers].filter(({ load, isEnding }) => load > 0 || isEnding).length
    this.#wanted = Math.min(workers, Math.max(this.#wanted, busy + tasks))
    this.#addWorkers()
    await this.#firstLease.promise
  }

  run(task: TaskMessage, watch: Watch): Promise<Ended> {
    const cancellation = cancellationOf(watch)
    if (cancellation.isCancelled) return Promise.resolve(cancelledAttempt())
    return new Promise((resolve, reject) => {
      const queued = new QueuedTask(task, { cancellation, onNews: watch.onNews, resolve, reject }, this)
      this.#queue.add(queued)
      this.#assign()
    })
  }

  async close(): Promise<void> {
    this.#fail(new Error('The pool is closed'))
    this.#waiting.abort()
    clearInterval(this.#idleTimer)
    await Promise.all([...this.#workers].map((worker) => worker.close()))
    await this.#reaper.close()
  }

  onIdle(): void {
    this.#assign()
  }

  onSetupFailed(packed: PackedError): void {
    const { message, code = 'FLAMBEAU', exitCode } = packed
    const cause = unpackError(packed)
    // Only errors of this package have an exit code.
    this.#fail(exitCode === undefined ? cause : new FlambeauError(message, { code, exitCode, cause }))
  }

  onExit(worker: WorkerProcess): void {
    this.#workers.delete(worker)
    if (this.#lastAssigned === worker) this.#lastAssigned = undefined
    this.#updateReaper()
    if (this.#wanted > 0 && !this.#error) this.#addWorkers()
    this.onWorkersChange()
    this.#assign()
  }

  #assign(): void {
    if (this.#queue.size === 0) return
    if (this.#error) this.#fail(this.#error)
    while (this.#queue.size > 0 && this.#assignNext());
    if (this.#count < this.setup.workers) this.#addWorkers()
  }

  // Very short tasks go to one worker as long as it is about to end them: a worker costs more to wake than such a task. Any other task
  // goes to the worker that has the fewest.
  #assignNext(): boolean {
    const last = this.#lastAssigned
    const next = last?.isAlmostIdle && last.freeSlots > 0 ? last : this.#leastBusy()
    this.#lastAssigned = next
    if (next) this.#startNext(next)
    return next !== undefined
  }

  #leastBusy(): WorkerProcess | undefined {
    let least: WorkerProcess | undefined
    for (const worker of this.#workers)
      if (worker.freeSlots > 0 && (!least || worker.load < least.load)) least = worker
    return least
  }

  /** The workers, and those that wait for their GPUs. */
  get #count(): number {
    return this.#workers.size + this.#leasing
  }

  #addWorkers(): void {
    const count = this.#count
    const starting = [...this.#workers].filter((worker) => worker.isStarting).length + this.#leasing
    const { workers } = this.setup
    const forQueue = Math.min(count + this.#queue.size - starting, workers)
    for (let added = count; added < Math.max(this.#wanted, forQueue); added++) this.#addWorker()
  }

  #addWorker(): void {
    if (this.setup.needs.gpus === 0) this.#startWorker(undefined)
    else void this.#addWorkerWithGpus().catch((error) => this.#leaseFailed(error))
  }

  async #addWorkerWithGpus(): Promise<void> {
    this.#leasing++
    const lease = await this.#leaseGpus().finally(() => this.#leasing--)
    const isNeeded = (this.#wanted > this.#workers.size || this.#queue.size > 0) && !this.#error
    if (lease && isNeeded) this.#startWorker(lease)
    else await lease?.release()
    this.#firstLease.resolve()
    // Tasks may have come while a lease was given up.
    this.#assign()
  }

  async #leaseGpus(): Promise<GpuLease | undefined> {
    const { gpus, needs } = this.setup
    const { signal } = this.#waiting
    const { leaseGpus } = await import('../../../util/gpu-leases.js')
    const onWait = (message: string): void => this.#reportWait(message)
    // A lease is held by this process until it is passed to the worker.
    const own = (): number[] => [process.pid, ...this.#pids()]
    return leaseGpus({ gpus, count: needs.gpus, signal, own, onWait }).catch((error) => {
      if (!signal.aborted) throw error
      return undefined
    })
  }

  #leaseFailed(error: Error): void {
    this.#fail(error)
    this.#firstLease.reject(error)
  }

  // Once, however many workers wait.
  #reportWait(message: string): void {
    if (!this.#hasWaited) this.setup.onWait(message)
    this.#hasWaited = true
  }

  // A pool may stay open for long, and others may wait for its GPUs.
  #endIdleWorkers(): void {
    const idle = [...this.#workers].filter((worker) => worker.idleMs >= minIdleMs && !worker.isEnding)
    if (idle.length === 0) return
    this.#wanted = 0
    if (this.#queue.size === 0 && this.#leasing > 0) this.#stopWaiting()
    for (const worker of idle) void worker.close()
    this.onWorkersChange()
  }

  #startWorker(lease: GpuLease | undefined): void {
    if (lease) this.#idleTimer ??= setInterval(() => this.#endIdleWorkers(), minIdleMs / 2).unref()
    const { variables, graceMs } = this.setup
    this.#workers.add(
      new WorkerProcess({ settings: this.#settings, variables, lease }, graceMs, this.sink, this),
    )
    this.#updateReaper()
    this.onWorkersChange()
  }

  #updateReaper(): void {
    this.#reaper.watch(this.#pids())
  }

  #pids(): number[] {
    return [...this.#workers].flatMap(({ pid }) => pid ?? [])
  }

  #startNext(worker: WorkerProcess): void {
    const [queued] = this.#queue
    if (!queued) return
    this.#queue.delete(queued)
    worker.run(queued)
  }

  onEnded(queued: QueuedTask, attempt: Ended | undefined, isDoubtful = false): void {
    const reason = attempt?.ok === false ? attempt.reason : undefined
    const again =
      !attempt ||
      (reason === 'crashed' && queued.crashes++ < this.setup.crashRetries) ||
      (reason === 'memory' && isDoubtful && queued.doubts++ < maxDoubts)
    if (!again) queued.settle(attempt)
    else if (queued.cancellation.isCancelled) queued.settle(cancelledAttempt())
    else this.#queue = new Set([queued, ...this.#queue])
    this.#assign()
  }

  // The worker itself cancels a task that it has.
  onCancelled(queued: QueuedTask): void {
    if (this.#queue.delete(queued)) queued.settle(cancelledAttempt())
    if (this.#queue.size === 0 && this.#leasing > 0 && this.#wanted === 0) this.#stopWaiting()
  }

  // No task needs them any more, and the wait would keep the program running.
  #stopWaiting(): void {
    this.#waiting.abort()
    this.#waiting = new AbortController()
  }

  // From now on no task can be run here.
  #fail(error: Error): void {
    this.#error = error
    for (const queued of this.#queue) queued.fail(error)
    this.#queue.clear()
  }
}

/** A worker with GPUs ends when it was idle for this long, or half as long again at most. */
const minIdleMs = 1000

/** How often a task is run again that may not be why its worker ran out of memory: it need not be the first of the next one. */
const maxDoubts = 3

/** Follows a {@link QueuedTask}. */
interface QueueListener {
  onEnded(queued: QueuedTask, attempt: Ended | undefined, isDoubtful?: boolean): void
  onCancelled(queued: QueuedTask): void
}

/** Who waits for an attempt. */
interface Caller extends Pick<Watch, 'onNews'> {
  readonly cancellation: Cancellation
  resolve(attempt: Ended): void
  reject(error: Error): void
}

/** A task that waits for a worker, or has one. Between its caller and its worker are no promises: they would cost more than it. */
class QueuedTask implements AssignedTask, CancelListener {
  /** How many workers it has killed. */
  crashes = 0
  /** How many workers ran out of memory that had run other tasks before. */
  doubts = 0

  constructor(
    readonly task: TaskMessage,
    readonly caller: Caller,
    readonly queue: QueueListener,
  ) {
    caller.cancellation.add(this)
  }

  get cancellation(): Cancellation {
    return this.caller.cancellation
  }

  onNews(news: TaskNews): void {
    this.caller.onNews(news)
  }

  onEnded(attempt: Ended | undefined, isDoubtful?: boolean): void {
    this.queue.onEnded(this, attempt, isDoubtful)
  }

  onCancelled(): void {
    this.queue.onCancelled(this)
  }

  settle(attempt: Ended): void {
    this.cancellation.delete(this)
    this.caller.resolve(attempt)
  }

  fail(error: Error): void {
    this.cancellation.delete(this)
    this.caller.reject(error)
  }
}

// Each line of the input lists all groups. The input ends with the process of the pool; workers that run have a second
// to end by themselves.
const reaperScript =
  'while read -r line; do groups=$line; done; [ -z "$groups" ] || sleep 1; for group in $groups; do kill -s KILL -- "-$group"; done'

/**
 * Kills the process groups of the workers when this process was killed. Workers notice that themselves, unless they are
 * stopped (`SIGSTOP`, a debugger): so a small process watches, too.
 */
class OrphanReaper {
  #shell: ChildProcess | undefined

  /** Sets the process groups to kill. */
  watch(groups: readonly number[]): void {
    // Windows has neither this shell nor SIGSTOP.
    if (process.platform === 'win32') return
    this.#shell ??= spawnReaper()
    this.#shell.stdin?.write(`${groups.join(' ')}\n`)
  }

  /** Ends the watching process, which kills nothing then. */
  async close(): Promise<void> {
    if (!this.#shell) return
    this.#shell.ref()
    this.#shell.kill('SIGKILL')
    await waitForExit(this.#shell).catch(() => undefined)
  }
}

function spawnReaper(): ChildProcess {
  const shell = spawn('sh', ['-c', reaperScript], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without a shell, the workers still watch.
  shell.on('error', () => {})
  shell.stdin?.on('error', () => {})
  shell.unref()
  // The streams of Bun have no such method.
  ;(shell.stdin as Socket | null)?.unref?.()
  return shell
}

import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { FlambeauError } from '../../../errors.js'
import { serializeAllSecrets } from '../../../runnable/secrets/serialize-secrets.js'
import { waitForExit } from '../../../util/process.js'
import { type CancelListener, type Cancellation, cancellationOf } from '../../cancellation.js'
import type {
  Ended,
  Engine,
  PackedError,
  TaskMessage,
  TaskNews,
  Watch,
  WorkerProcessSetup,
} from '../../engine.js'
import { unpackError } from '../../serialize.js'
import { cancelledAttempt } from '../attempt.js'
import type { WorkerSettings } from './messages.js'
import { type AssignedTask, type WorkerListener, WorkerProcess } from './worker.js'

/** Runs tasks in child processes of this one, which start as they are needed. */
export class ProcessEngine implements Engine, WorkerListener, QueueListener {
  readonly capacity: number
  readonly #settings: Omit<WorkerSettings, 'mark'>
  readonly #workers = new Set<WorkerProcess>()
  readonly #reaper = new OrphanReaper()
  #queue = new Set<QueuedTask>()
  #lastAssigned: WorkerProcess | undefined
  #error: Error | undefined

  constructor(readonly setup: WorkerProcessSetup) {
    const { imports, folder, extensions, secrets, workers } = setup
    this.capacity = 64 * workers
    this.#settings = { imports, folder, extensions, secrets: secrets && serializeAllSecrets(secrets) }
  }

  get slots(): number {
    return this.setup.workers
  }

  /** How many tasks keep all workers busy: one for each worker, and more for those whose tasks are very short. */
  get concurrency(): number {
    const started = [...this.#workers].reduce((sum, { prefetch }) => sum + prefetch, 0)
    return started + this.setup.workers - this.#workers.size
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
    this.#assign()
  }

  #assign(): void {
    if (this.#queue.size === 0) return
    if (this.#error) this.#fail(this.#error)
    while (this.#queue.size > 0 && this.#assignNext());
    if (this.#workers.size < this.setup.workers) this.#addWorkers()
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

  #addWorkers(): void {
    const count = this.#workers.size
    const starting = [...this.#workers].filter((worker) => worker.isStarting).length
    const wanted = Math.min(count + this.#queue.size - starting, this.setup.workers)
    for (let added = count; added < wanted; added++) this.#addWorker()
  }

  #addWorker(): void {
    this.#workers.add(new WorkerProcess(this.#settings, this.setup.graceMs, this))
    this.#updateReaper()
  }

  #updateReaper(): void {
    this.#reaper.watch([...this.#workers].flatMap(({ pid }) => pid ?? []))
  }

  #startNext(worker: WorkerProcess): void {
    const [queued] = this.#queue
    if (!queued) return
    this.#queue.delete(queued)
    worker.run(queued)
  }

  onEnded(queued: QueuedTask, attempt: Ended | undefined): void {
    const crashed = attempt?.ok === false && attempt.reason === 'crashed'
    const again = !attempt || (crashed && queued.crashes++ < this.setup.crashRetries)
    if (!again) queued.settle(attempt)
    else if (queued.cancellation.isCancelled) queued.settle(cancelledAttempt())
    else this.#queue = new Set([queued, ...this.#queue])
    this.#assign()
  }

  // The worker itself cancels a task that it has.
  onCancelled(queued: QueuedTask): void {
    if (this.#queue.delete(queued)) queued.settle(cancelledAttempt())
  }

  // From now on no task can be run here.
  #fail(error: Error): void {
    this.#error = error
    for (const queued of this.#queue) queued.fail(error)
    this.#queue.clear()
  }
}

/** Follows a {@link QueuedTask}. */
interface QueueListener {
  onEnded(queued: QueuedTask, attempt: Ended | undefined): void
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

  onEnded(attempt: Ended | undefined): void {
    this.queue.onEnded(this, attempt)
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

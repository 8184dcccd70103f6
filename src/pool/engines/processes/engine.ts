import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { FlambeauError } from '../../../errors.js'
import { serializeAllSecrets } from '../../../runnable/secrets/serialize-secrets.js'
import { type Deferred, deferred } from '../../../util/concurrency.js'
import { waitForExit } from '../../../util/process.js'
import type { Ended, Engine, PackedError, TaskMessage, Watch, WorkerProcessSetup } from '../../engine.js'
import { unpackError } from '../../serialize.js'
import { cancelledAttempt } from '../attempt.js'
import type { WorkerSettings } from './messages.js'
import { type WorkerListener, WorkerProcess } from './worker.js'

/** Runs tasks in child processes of this one, which start as they are needed. */
export class ProcessEngine implements Engine, WorkerListener {
  readonly capacity: number
  readonly #settings: Omit<WorkerSettings, 'mark'>
  readonly #workers = new Set<WorkerProcess>()
  readonly #reaper = new OrphanReaper()
  #queue = new Set<QueuedTask>()
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
    if (watch.signal.aborted) return Promise.resolve(cancelledAttempt())
    const queued = new QueuedTask(task, watch)
    const cancel = (): void => this.#cancel(queued)
    watch.signal.addEventListener('abort', cancel, { once: true })
    this.#queue.add(queued)
    this.#assign()
    return queued.attempt.promise.finally(() => watch.signal.removeEventListener('abort', cancel))
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
    this.#updateReaper()
    this.#assign()
  }

  #assign(): void {
    if (this.#error) this.#fail(this.#error)
    const workers = [...this.#workers]
    // Idle workers, which have one free slot, come before those that only prefetch.
    const free = workers.filter(({ freeSlots }) => freeSlots > 0).sort((a, b) => a.freeSlots - b.freeSlots)
    for (const worker of free) for (let slots = worker.freeSlots; slots > 0; slots--) this.#startNext(worker)
    const starting = workers.filter((worker) => worker.isStarting).length
    const wanted = Math.min(workers.length + this.#queue.size - starting, this.setup.workers)
    for (let count = workers.length; count < wanted; count++) this.#addWorker()
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
    void worker.run(queued.task, queued.watch).then((attempt) => this.#onEnded(queued, attempt))
  }

  #onEnded(queued: QueuedTask, attempt: Ended | undefined): void {
    const crashed = attempt?.ok === false && attempt.reason === 'crashed'
    const again = !attempt || (crashed && queued.crashes++ < this.setup.crashRetries)
    if (!again) queued.attempt.resolve(attempt)
    else if (queued.watch.signal.aborted) queued.attempt.resolve(cancelledAttempt())
    else this.#queue = new Set([queued, ...this.#queue])
    this.#assign()
  }

  // The worker itself cancels a task that it has.
  #cancel(queued: QueuedTask): void {
    if (this.#queue.delete(queued)) queued.attempt.resolve(cancelledAttempt())
  }

  // From now on no task can be run here.
  #fail(error: Error): void {
    this.#error = error
    for (const { attempt } of this.#queue) attempt.reject(error)
    this.#queue.clear()
  }
}

/** A task that waits for a worker, or has one. */
class QueuedTask {
  readonly attempt: Deferred<Ended> = deferred()
  /** How many workers it has killed. */
  crashes = 0

  constructor(
    readonly task: TaskMessage,
    readonly watch: Watch,
  ) {}
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

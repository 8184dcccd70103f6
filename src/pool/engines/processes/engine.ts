import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { serializeAllSecrets } from '../../../runnable/secrets/serialize-secrets.js'
import { waitForExit } from '../../../util/process.js'
import {
  type Ended,
  type Engine,
  type PackedError,
  type TaskMessage,
  unpackError,
  type Watch,
  type WorkerSetup,
} from '../../engine.js'
import { interruptedResult } from '../attempt.js'
import type { WorkerSettings } from './messages.js'
import { type WorkerListener, WorkerProcess } from './worker.js'

/** Options of {@link ProcessEngine}. */
interface ProcessEngineOptions extends WorkerSetup {
  /** How many processes at most. */
  readonly workers: number
  /** How often a task is run again whose worker died. */
  readonly crashRetries: number
  /** Milliseconds that a task has to clean up when it is cancelled. */
  readonly graceMs: number
}

/** Runs tasks in child processes of this one, which start as they are needed. */
export class ProcessEngine implements Engine, WorkerListener {
  readonly capacity: number
  readonly #settings: Omit<WorkerSettings, 'mark'>
  readonly #workers = new Set<WorkerProcess>()
  readonly #reaper = new OrphanReaper()
  #queue = new Set<QueuedTask>()
  #error: Error | undefined

  constructor(readonly options: ProcessEngineOptions) {
    const { imports, folder, extensions = {}, secrets, workers } = options
    this.capacity = 64 * workers
    this.#settings = {
      imports,
      folder,
      extensions,
      ...(secrets && { secrets: serializeAllSecrets(secrets) }),
    }
  }

  /** How many tasks at once keep its workers busy: one each, and more of those that are over in no time. */
  get concurrency(): number {
    const started = [...this.#workers].reduce((sum, { prefetch }) => sum + prefetch, 0)
    return started + this.options.workers - this.#workers.size
  }

  run(task: TaskMessage, watch: Watch): Promise<Ended> {
    if (watch.signal.aborted) return Promise.resolve(cancelledResult())
    const waiting = new QueuedTask(task, watch, (each) => this.#cancel(each))
    this.#queue.add(waiting)
    this.#assign()
    return waiting.result
  }

  async close(): Promise<void> {
    this.#fail(new Error('The pool is closed'))
    await Promise.all([...this.#workers].map((worker) => worker.close()))
    await this.#reaper.close()
  }

  onIdle(): void {
    this.#assign()
  }

  onSetupFailed(error: PackedError): void {
    this.#fail(unpackError(error))
  }

  onExit(worker: WorkerProcess): void {
    this.#workers.delete(worker)
    this.#updateReaper()
    this.#assign()
  }

  #assign(): void {
    if (this.#error) this.#fail(this.#error)
    const workers = [...this.#workers]
    // An idle worker goes before one that is merely quick.
    const byRoom = workers.filter(({ freeSlots }) => freeSlots > 0).sort((a, b) => a.freeSlots - b.freeSlots)
    for (const worker of byRoom) for (let room = worker.freeSlots; room > 0; room--) this.#startNext(worker)
    const starting = workers.filter((worker) => worker.starting).length
    const wanted = Math.min(workers.length + this.#queue.size - starting, this.options.workers)
    for (let count = workers.length; count < wanted; count++) this.#addWorker()
  }

  #addWorker(): void {
    this.#workers.add(new WorkerProcess(this.#settings, this.options.graceMs, this))
    this.#updateReaper()
  }

  #updateReaper(): void {
    this.#reaper.watch([...this.#workers].flatMap(({ pid }) => pid ?? []))
  }

  #startNext(worker: WorkerProcess): void {
    const [waiting] = this.#queue
    if (!waiting) return
    this.#queue.delete(waiting)
    void worker.run(waiting.task, waiting.watch).then((ended) => this.#onEnded(waiting, ended))
  }

  #onEnded(waiting: QueuedTask, ended: Ended | undefined): void {
    const crashed = ended?.ok === false && ended.reason === 'crashed'
    const again = !ended || (crashed && waiting.crashes++ < this.options.crashRetries)
    if (!again) waiting.resolve(ended)
    else if (waiting.watch.signal.aborted) waiting.resolve(cancelledResult())
    else this.#queue = new Set([waiting, ...this.#queue])
    this.#assign()
  }

  // One that has a worker is called to its end there.
  #cancel(waiting: QueuedTask): void {
    if (this.#queue.delete(waiting)) waiting.resolve(cancelledResult())
  }

  // From now on no task can be run here.
  #fail(error: Error): void {
    this.#error = error
    for (const { reject } of this.#queue) reject(error)
    this.#queue.clear()
  }
}

function cancelledResult(): Ended {
  return interruptedResult('cancelled', 'was cancelled')
}

/** A task that waits for a worker, or has one; `onCancel` hears when nobody wants it any more. */
class QueuedTask {
  readonly result: Promise<Ended>
  resolve!: (ended: Ended) => void
  reject!: (error: Error) => void
  /** How many workers it has killed. */
  crashes = 0

  constructor(
    readonly task: TaskMessage,
    readonly watch: Watch,
    onCancel: (waiting: QueuedTask) => void,
  ) {
    const cancel = (): void => onCancel(this)
    const ended = new Promise<Ended>((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    watch.signal.addEventListener('abort', cancel, { once: true })
    this.result = ended.finally(() => watch.signal.removeEventListener('abort', cancel))
  }
}

// Each line has all groups that there are then; the end of the input is that of the pool's process. Workers that run end by
// themselves, and have a second for it.
const reaperScript =
  'while read -r line; do groups=$line; done; [ -z "$groups" ] || sleep 1; for group in $groups; do kill -s KILL -- "-$group"; done'

/**
 * Kills the process groups of workers when this process was killed. Workers watch for that themselves, but one that is
 * stopped (`SIGSTOP`, a debugger) cannot: so a small process outside of them watches, too.
 */
class OrphanReaper {
  #shell: ChildProcess | undefined

  /** Says which process groups there are now. */
  watch(groups: readonly number[]): void {
    // There is neither a shell nor SIGSTOP.
    if (process.platform === 'win32') return
    this.#shell ??= spawnReaper()
    this.#shell.stdin?.write(`${groups.join(' ')}\n`)
  }

  /** Ends it without killing anything. */
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
  // Without a shell, workers still watch for themselves.
  shell.on('error', () => {})
  shell.stdin?.on('error', () => {})
  shell.unref()
  ;(shell.stdin as Socket | null)?.unref()
  return shell
}

import { shareAllSecrets } from '../../runnable/secrets/shared-secrets.js'
import { endedBy } from '../attempt.js'
import type { Ended, Engine, TaskMessage, Watch, WorkerSetup } from '../engine.js'
import { type PackedError, unpackError } from '../packed-error.js'
import type { WorkerSettings } from './messages.js'
import { OrphanReaper } from './orphan-reaper.js'
import { WaitingTask } from './waiting-task.js'
import { type WorkerListener, WorkerProcess } from './worker-process.js'

/** Options of {@link ProcessEngine}. */
export interface ProcessEngineOptions extends WorkerSetup {
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
  #queue = new Set<WaitingTask>()
  #error: Error | undefined

  constructor(readonly options: ProcessEngineOptions) {
    const { imports, folder, extensions = {}, secrets, workers } = options
    this.capacity = 64 * workers
    this.#settings = { imports, folder, extensions, ...(secrets && { secrets: shareAllSecrets(secrets) }) }
  }

  /** How many tasks at once keep its workers busy: one each, and more of those that are over in no time. */
  get wants(): number {
    const started = [...this.#workers].reduce((sum, { wants }) => sum + wants, 0)
    return started + this.options.workers - this.#workers.size
  }

  run(task: TaskMessage, watch: Watch): Promise<Ended> {
    if (watch.signal.aborted) return Promise.resolve(cancelled())
    const waiting = new WaitingTask(task, watch, (each) => this.#drop(each))
    this.#queue.add(waiting)
    this.#assign()
    return waiting.ended
  }

  async close(): Promise<void> {
    this.#fail(new Error('The pool is closed'))
    await Promise.all([...this.#workers].map((worker) => worker.close()))
    await this.#reaper.close()
  }

  free(): void {
    this.#assign()
  }

  unfit(error: PackedError): void {
    this.#fail(unpackError(error))
  }

  gone(worker: WorkerProcess): void {
    this.#workers.delete(worker)
    this.#watch()
    this.#assign()
  }

  #assign(): void {
    if (this.#error) this.#fail(this.#error)
    const workers = [...this.#workers]
    // An idle worker goes before one that is merely quick.
    const byRoom = workers.filter(({ room }) => room > 0).sort((a, b) => a.room - b.room)
    for (const worker of byRoom) for (let room = worker.room; room > 0; room--) this.#start(worker)
    const starting = workers.filter((worker) => worker.starting).length
    const wanted = Math.min(workers.length + this.#queue.size - starting, this.options.workers)
    for (let count = workers.length; count < wanted; count++) this.#add()
  }

  #add(): void {
    this.#workers.add(new WorkerProcess(this.#settings, this.options.graceMs, this))
    this.#watch()
  }

  #watch(): void {
    this.#reaper.watch([...this.#workers].flatMap(({ pid }) => pid ?? []))
  }

  #start(worker: WorkerProcess): void {
    const [waiting] = this.#queue
    if (!waiting) return
    this.#queue.delete(waiting)
    void worker.run(waiting.task, waiting.watch).then((ended) => this.#ended(waiting, ended))
  }

  #ended(waiting: WaitingTask, ended: Ended | undefined): void {
    const crashed = ended?.ok === false && ended.reason === 'crashed'
    const again = !ended || (crashed && waiting.crashes++ < this.options.crashRetries)
    if (!again) waiting.resolve(ended)
    else if (waiting.watch.signal.aborted) waiting.resolve(cancelled())
    else this.#queue = new Set([waiting, ...this.#queue])
    this.#assign()
  }

  // One that has a worker is called to its end there.
  #drop(waiting: WaitingTask): void {
    if (this.#queue.delete(waiting)) waiting.resolve(cancelled())
  }

  // From now on no task can be run here.
  #fail(error: Error): void {
    this.#error = error
    for (const { reject } of this.#queue) reject(error)
    this.#queue.clear()
  }
}

function cancelled(): Ended {
  return endedBy('cancelled', 'was cancelled')
}

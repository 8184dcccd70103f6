import type { Ended, PackedError, TaskMessage, Watch } from '../../engine.js'
import { Deadline, interruptedResult, thisHost } from '../attempt.js'
import { WorkerChild } from './child.js'
import type { FromWorker, WorkerSettings } from './messages.js'

/** What a {@link WorkerProcess} tells whoever started it. */
export interface WorkerListener {
  /** It can take a task: it has just started, or has ended one. */
  onIdle(): void
  /** It cannot import what it should, so no worker can. */
  onSetupFailed(error: PackedError): void
  /** The process is gone. */
  onExit(worker: WorkerProcess): void
}

/** One child process, which runs one task at a time: its tasks, and whose turn it is. */
export class WorkerProcess {
  readonly exited: Promise<void>
  readonly #child: WorkerChild
  /** Whether it still imports its modules. */
  starting = true
  #closing = false
  /** The task that runs, and those that wait behind it. */
  readonly #inFlight: InFlightTask[] = []
  readonly #prefetch = new Prefetch()

  constructor(
    settings: Omit<WorkerSettings, 'mark'>,
    readonly graceMs: number,
    readonly listener: WorkerListener,
  ) {
    this.#child = new WorkerChild(settings, (message) => this.#onMessage(message))
    this.exited = this.#child.exited.then(() => this.#onExit())
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** How many more tasks it should be given. */
  get freeSlots(): number {
    return this.starting || this.#child.isEnding ? 0 : this.#prefetch.freeSlots(this.#inFlight.length)
  }

  /** How many tasks it should have at hand. */
  get prefetch(): number {
    return this.#prefetch.target
  }

  /** Settles as `undefined` when the process was gone before the task began. */
  run(task: TaskMessage, watch: Watch): Promise<Ended | undefined> {
    const held = new InFlightTask(task, watch)
    this.#child.post({ type: 'run', task })
    this.#child.output.add(task.id)
    if (this.#inFlight.push(held) === 1) this.#startNext()
    return held.result
  }

  /** Lets it end by itself, and ends it when it does not within the grace. */
  async close(): Promise<void> {
    this.#closing = true
    this.#child.disconnect()
    await this.#child.end(this.graceMs)
    await this.exited
  }

  #startNext(): void {
    const [next] = this.#inFlight
    this.#child.stayAlive(next !== undefined)
    // In a process that is ending it would be taken for what killed it.
    if (next && !this.#child.isEnding) next.start(() => this.#interrupt(next))
  }

  // First the task is asked, by its signal, then its process group.
  #interrupt(held: InFlightTask): void {
    this.#child.post({ type: 'cancel', task: held.task.id })
    const half = this.graceMs / 2
    const timer = setTimeout(() => {
      if (this.#inFlight[0] === held) void this.#child.end(half)
    }, half)
    timer.unref()
  }

  #onMessage(message: FromWorker): void {
    if (message.type === 'news') this.#inFlight[0]?.watch.onNews(message.news)
    else if (message.type === 'unfit') this.#onSetupFailed(message.error)
    else if (message.type === 'ended') void this.#onEnded(message)
    else this.#ready()
  }

  #ready(): void {
    this.starting = false
    this.#startNext()
    this.listener.onIdle()
  }

  #onSetupFailed(error: PackedError): void {
    this.#child.stayAlive(false)
    this.listener.onSetupFailed(error)
  }

  async #onEnded({ ended, ms, marked }: Extract<FromWorker, { type: 'ended' }>): Promise<void> {
    const held = this.#inFlight.shift()
    if (!held) return
    this.#prefetch.recordDuration(ms)
    const printed = this.#child.output.taskEnded(marked)
    this.#startNext()
    this.listener.onIdle()
    held.settle(withOutput(ended, await printed))
  }

  #onExit(): void {
    const { exitReason } = this.#child
    // It would be started again, and end again, for ever.
    if (this.starting && !this.#closing) this.listener.onSetupFailed(setupCrash(exitReason))
    const crashed = withOutput(
      interruptedResult('crashed', `killed its worker (${exitReason})`),
      this.#child.output.close(),
    )
    for (const held of this.#inFlight.splice(0)) held.settle(held.hasStarted ? crashed : undefined)
    this.listener.onExit(this)
  }
}

function withOutput(ended: Ended, output: string): Ended {
  return ended.ok || output === '' ? ended : { ...ended, output }
}

function setupCrash(how: string): PackedError {
  const message = `A worker of the pool ended while it was importing its modules (${how})`
  return { name: 'Error', message, stack: message }
}

/** A task that a worker has at hand: it waits behind others until it begins. */
class InFlightTask {
  /** Settles as `undefined` when the process was gone before the task began. */
  readonly result: Promise<Ended | undefined>
  #settle!: (ended: Ended | undefined) => void
  #deadline: Deadline | undefined

  constructor(
    readonly task: TaskMessage,
    readonly watch: Watch,
  ) {
    this.result = new Promise((settle) => {
      this.#settle = settle
    })
  }

  get hasStarted(): boolean {
    return this.#deadline !== undefined
  }

  /** Its time begins; `onCall` hears when it is cancelled or takes too long. */
  start(onCall: () => void): void {
    this.watch.onNews({ type: 'started', host: thisHost })
    this.#deadline = new Deadline(this.task.timeoutMs, this.watch.signal, onCall)
  }

  settle(ended: Ended | undefined): void {
    this.#deadline?.clear()
    this.#settle(ended && this.#deadline ? this.#deadline.explain(ended) : ended)
  }
}

/** So many tasks in a row that took less than so many milliseconds make a worker quick: sending takes as long. */
const minQuickTasks = 100
const maxQuickMs = 5
/** How many tasks a quick worker has at hand, the one that runs included. */
const maxPrefetch = 32

/** How fast a worker is through with its tasks, and how many it should therefore be given. */
class Prefetch {
  #quickInARow = 0

  recordDuration(milliseconds: number): void {
    this.#quickInARow = milliseconds < maxQuickMs ? this.#quickInARow + 1 : 0
  }

  /** How many tasks a worker should have at hand. */
  get target(): number {
    return this.#quickInARow < minQuickTasks ? 1 : maxPrefetch
  }

  /** How many more tasks a worker should be given that has so many: a quick one is filled up when it is half empty. */
  freeSlots(held: number): number {
    if (held === 0) return 1
    return held > this.target / 2 ? 0 : this.target - held
  }
}

import { sizeText } from '../../../util/byte-size.js'
import type { Cancellation } from '../../cancellation.js'
import type { Ended, PackedError, TaskMessage, TaskNews, Watch } from '../../engine.js'
import { Deadline, interruptedAttempt, thisHost } from '../attempt.js'
import { AttemptLog } from '../attempt-log.js'
import type { TaskOutputSink } from '../output-sink.js'
import { WorkerChild, type WorkerStart } from './child.js'
import { isHeapFull } from './memory-watch.js'
import type { FromWorker } from './messages.js'

/** Receives the events of a {@link WorkerProcess}. */
export interface WorkerListener {
  /** The worker can take a task: it has just started, or a task has ended. */
  onIdle(): void
  /** The worker cannot import its modules, so no worker can. */
  onSetupFailed(error: PackedError): void
  onExit(worker: WorkerProcess): void
}

/** The tasks of one child process, which runs one at a time. */
export class WorkerProcess {
  readonly exited: Promise<void>
  readonly #child: WorkerChild
  /** Whether it still imports its modules. */
  isStarting = true
  #isClosing = false
  /** The task that runs, and the prefetched ones. */
  readonly #inFlight: InFlightTask[] = []
  readonly #prefetch = new Prefetch()
  #idleSince = 0
  /** How many tasks have begun. */
  #begun = 0

  constructor(
    readonly start: WorkerStart,
    readonly graceMs: number,
    readonly sink: TaskOutputSink,
    readonly listener: WorkerListener,
  ) {
    this.#child = new WorkerChild(start, sink, (message) => this.#onMessage(message))
    this.exited = this.#child.exited.then(() => this.#onExit())
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** How many more tasks it can be given. */
  get freeSlots(): number {
    return this.isStarting || this.#child.isEnding ? 0 : this.#prefetch.freeSlots(this.#inFlight.length)
  }

  /** Whether it is expected to complete all of its tasks within a millisecond. */
  get isAlmostIdle(): boolean {
    const [running] = this.#inFlight
    const elapsedMs = running ? performance.now() - running.startedAt : 0
    return elapsedMs + this.#inFlight.length * this.#prefetch.averageMs < almostIdleMs
  }

  /** Whether it takes no more tasks. */
  get isEnding(): boolean {
    return this.#child.isEnding
  }

  /** Milliseconds since it has had a task, or has started; 0 while it has one. */
  get idleMs(): number {
    return this.load > 0 || this.isStarting ? 0 : performance.now() - this.#idleSince
  }

  /** How many tasks it has. */
  get load(): number {
    return this.#inFlight.length
  }

  /** How many tasks it should have, the one that runs included. */
  get prefetch(): number {
    return this.#prefetch.target
  }

  run(assigned: AssignedTask): void {
    const { task } = assigned
    this.#child.post({ type: 'run', task })
    const log = this.sink.note && new AttemptLog(task, this.sink)
    this.#child.output.add(task.id, log)
    if (this.#inFlight.push(new InFlightTask(assigned, log)) === 1) this.#startNext()
  }

  /** Ends the process at once, whatever it does: its group is sent SIGTERM, and SIGKILL after the grace period. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#child.disconnect()
    await this.#child.end(this.graceMs)
    await this.exited
  }

  #startNext(): void {
    const [next] = this.#inFlight
    if (!next) this.#idleSince = performance.now()
    this.#child.stayAlive(next !== undefined)
    // A process that is ending must not be blamed on its next task.
    if (!next || this.#child.isEnding) return
    this.#begun++
    next.start(() => this.#interrupt(next))
  }

  // First the signal of the task, then the signals of its process group.
  #interrupt(inFlight: InFlightTask): void {
    this.#child.post({ type: 'cancel', task: inFlight.assigned.task.id })
    const half = this.graceMs / 2
    const timer = setTimeout(() => {
      if (this.#inFlight[0] === inFlight) void this.#child.end(half)
    }, half)
    timer.unref()
  }

  #onMessage(message: FromWorker): void {
    if (message.type === 'ended') this.#onEnded(message)
    else if (message.type === 'news') this.#inFlight[0]?.onNews(message.news)
    else if (message.type === 'unfit') this.#onSetupFailed(message.error)
    else this.#ready()
  }

  #ready(): void {
    this.isStarting = false
    this.#startNext()
    this.listener.onIdle()
  }

  #onSetupFailed(error: PackedError): void {
    this.#child.stayAlive(false)
    this.listener.onSetupFailed(error)
  }

  #onEnded({ ended: attempt, ms, marked }: Extract<FromWorker, { type: 'ended' }>): void {
    const inFlight = this.#inFlight.shift()
    if (!inFlight) return
    this.#prefetch.recordDuration(ms)
    const settle = (output: string): void => inFlight.settle(withOutput(attempt, output))
    const output = this.#child.output.taskEnded(marked)
    this.#startNext()
    this.listener.onIdle()
    if (typeof output === 'string') settle(output)
    else void output.then(settle)
  }

  #onExit(): void {
    const output = this.#child.output.close()
    const { exitReason, hasExceededMemory } = this.#child
    const isFull = hasExceededMemory || isHeapFull(output)
    const { memory } = this.start.settings
    // A new worker would end in the same way.
    if (this.isStarting && !this.#isClosing)
      this.listener.onSetupFailed(setupCrash(hasExceededMemory ? memoryText(memory) : exitReason))
    const crashed = isFull
      ? interruptedAttempt('memory', memoryText(memory))
      : interruptedAttempt('crashed', `killed its worker (${exitReason})`)
    const attempt = withOutput(crashed, output)
    // What earlier tasks have left, such as processes, may have used the memory.
    const isDoubtful = isFull && this.#begun > 1
    const left = this.#inFlight.splice(0)
    // First: this worker must not be given the tasks that it has left.
    this.listener.onExit(this)
    for (const inFlight of left) inFlight.settle(inFlight.hasStarted ? attempt : undefined, isDoubtful)
  }
}

function withOutput(attempt: Ended, output: string): Ended {
  return attempt.ok || output === '' ? attempt : { ...attempt, output }
}

function memoryText(limit: number): string {
  return limit === 0
    ? `used more memory than the heap of Node has: write "needs: { memory: '8 GB' }" for a larger one`
    : `used more memory than "memory: ${sizeText(limit)}" of its needs allows`
}

function setupCrash(exitReason: string): PackedError {
  const message = `A worker of the pool ended while it was importing its modules (${exitReason})`
  return { name: 'Error', message, stack: message }
}

/** A task for a worker, which follows it. */
export interface AssignedTask extends Pick<Watch, 'onNews'> {
  readonly task: TaskMessage
  readonly cancellation: Cancellation
  /**
   * Is called once; with `undefined` when the process exited before the task started. An attempt is doubtful when it failed by what
   * may be the fault of an earlier task of its worker.
   */
  onEnded(attempt: Ended | undefined, isDoubtful?: boolean): void
}

/** A task that was sent to a worker. */
class InFlightTask {
  #deadline: Deadline | undefined

  constructor(
    readonly assigned: AssignedTask,
    /** Absent where tasks have no logs. */
    readonly log: AttemptLog | undefined,
  ) {}

  get hasStarted(): boolean {
    return this.#deadline !== undefined
  }

  startedAt = performance.now()

  start(onInterrupt: () => void): void {
    const { task, cancellation } = this.assigned
    this.startedAt = performance.now()
    this.onNews({ type: 'started', host: thisHost })
    this.#deadline = new Deadline(task.timeoutMs, cancellation, onInterrupt)
  }

  onNews(news: TaskNews): void {
    this.log?.onNews(news)
    this.assigned.onNews(news)
  }

  settle(attempt: Ended | undefined, isDoubtful = false): void {
    this.#deadline?.clear()
    const explained = attempt && this.#deadline ? this.#deadline.explain(attempt) : attempt
    if (explained) this.log?.end(explained)
    this.assigned.onEnded(explained, isDoubtful)
  }
}

/** How long a worker may have to do without another one being woken. */
const almostIdleMs = 1
/** A worker is quick after this many tasks in a row ... */
const minQuickTasks = 100
/** ... that took less than this, which is about what sending takes. */
const maxQuickMs = 5
/** How many tasks a quick worker has, the one that runs included. */
const maxPrefetch = 32

/** Decides from the durations of a worker's tasks how many tasks are sent ahead. */
class Prefetch {
  #quickInARow = 0
  /** The average of the last tasks. */
  averageMs = Number.POSITIVE_INFINITY

  recordDuration(milliseconds: number): void {
    this.#quickInARow = milliseconds < maxQuickMs ? this.#quickInARow + 1 : 0
    const before = Number.isFinite(this.averageMs) ? this.averageMs : milliseconds
    this.averageMs = before + (milliseconds - before) / 16
  }

  /** How many tasks the worker should have. */
  get target(): number {
    return this.#quickInARow < minQuickTasks ? 1 : maxPrefetch
  }

  /**
   * How many more tasks to send to a worker that has `inFlight` of them: a quick one is filled up when it is half
   * empty.
   */
  freeSlots(inFlight: number): number {
    if (inFlight === 0) return 1
    return inFlight > this.target / 2 ? 0 : this.target - inFlight
  }
}

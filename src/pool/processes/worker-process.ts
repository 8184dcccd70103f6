import { endedBy } from '../attempt.js'
import type { Ended, TaskMessage, Watch } from '../engine.js'
import type { PackedError } from '../packed-error.js'
import { HeldTask } from './held-task.js'
import type { FromWorker, WorkerSettings } from './messages.js'
import { Pace } from './pace.js'
import { WorkerChild } from './worker-child.js'

/** What a {@link WorkerProcess} tells whoever started it. */
export interface WorkerListener {
  /** It can take a task: it has just started, or has ended one. */
  free(): void
  /** It cannot import what it should, so no worker can. */
  unfit(error: PackedError): void
  /** The process is gone. */
  gone(worker: WorkerProcess): void
}

/** One child process, which runs one task at a time: its tasks, and whose turn it is. */
export class WorkerProcess {
  readonly gone: Promise<void>
  readonly #child: WorkerChild
  /** Whether it still imports its modules. */
  starting = true
  #closing = false
  /** The task that runs, and those that wait behind it. */
  readonly #held: HeldTask[] = []
  readonly #pace = new Pace()

  constructor(
    settings: Omit<WorkerSettings, 'mark'>,
    readonly graceMs: number,
    readonly listener: WorkerListener,
  ) {
    this.#child = new WorkerChild(settings, (message) => this.#hear(message))
    this.gone = this.#child.gone.then(() => this.#lost())
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** How many more tasks it should be given. */
  get room(): number {
    return this.starting || this.#child.isEnding ? 0 : this.#pace.room(this.#held.length)
  }

  /** How many tasks it should have at hand. */
  get wants(): number {
    return this.#pace.wants
  }

  /** Settles as `undefined` when the process was gone before the task began. */
  run(task: TaskMessage, watch: Watch): Promise<Ended | undefined> {
    const held = new HeldTask(task, watch)
    this.#child.post({ type: 'run', task })
    this.#child.output.add(task.id)
    if (this.#held.push(held) === 1) this.#begin()
    return held.ended
  }

  /** Lets it end by itself, and ends it when it does not within the grace. */
  async close(): Promise<void> {
    this.#closing = true
    this.#child.disconnect()
    await this.#child.end(this.graceMs)
    await this.gone
  }

  #begin(): void {
    const [next] = this.#held
    this.#child.stayAlive(next !== undefined)
    // In a process that is ending it would be taken for what killed it.
    if (next && !this.#child.isEnding) next.begin(() => this.#call(next))
  }

  // First the task is asked, by its signal, then its process group.
  #call(held: HeldTask): void {
    this.#child.post({ type: 'cancel', task: held.task.id })
    const half = this.graceMs / 2
    const timer = setTimeout(() => {
      if (this.#held[0] === held) void this.#child.end(half)
    }, half)
    timer.unref()
  }

  #hear(message: FromWorker): void {
    if (message.type === 'news') this.#held[0]?.watch.onNews(message.news)
    else if (message.type === 'unfit') this.#unfit(message.error)
    else if (message.type === 'ended') void this.#ended(message)
    else this.#ready()
  }

  #ready(): void {
    this.starting = false
    this.#begin()
    this.listener.free()
  }

  #unfit(error: PackedError): void {
    this.#child.stayAlive(false)
    this.listener.unfit(error)
  }

  async #ended({ ended, ms, marked }: Extract<FromWorker, { type: 'ended' }>): Promise<void> {
    const held = this.#held.shift()
    if (!held) return
    this.#pace.ended(ms)
    const printed = this.#child.output.ended(marked)
    this.#begin()
    this.listener.free()
    held.settle(withOutput(ended, await printed))
  }

  #lost(): void {
    const { howItEnded } = this.#child
    // It would be started again, and end again, for ever.
    if (this.starting && !this.#closing) this.listener.unfit(endedEarly(howItEnded))
    const crashed = withOutput(
      endedBy('crashed', `killed its worker (${howItEnded})`),
      this.#child.output.close(),
    )
    for (const held of this.#held.splice(0)) held.settle(held.hasBegun ? crashed : undefined)
    this.listener.gone(this)
  }
}

function withOutput(ended: Ended, output: string): Ended {
  return ended.ok || output === '' ? ended : { ...ended, output }
}

function endedEarly(how: string): PackedError {
  const message = `A worker of the pool ended while it was importing its modules (${how})`
  return { name: 'Error', message, stack: message }
}

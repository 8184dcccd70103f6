import type { ChildProcess } from 'node:child_process'
import { endedBy, thisHost } from '../attempt.js'
import { Deadline } from '../deadline.js'
import type { Ended, TaskMessage, Watch } from '../engine.js'
import type { PackedError } from '../packed-error.js'
import { endGroup, signalGroup } from './end-group.js'
import type { FromWorker, ToWorker, WorkerSettings } from './messages.js'
import { Outbox } from './outbox.js'
import { Pace } from './pace.js'
import { ended, howItEnded, startWorker } from './start-worker.js'

/** What a {@link WorkerProcess} tells whoever started it. */
export interface WorkerListener {
  /** It can take a task: it has just started, or has ended one. */
  free(): void
  /** It cannot import what it should, so no worker can. */
  unfit(error: PackedError): void
  /** The process is gone. */
  gone(worker: WorkerProcess): void
}

interface Held {
  readonly task: TaskMessage
  readonly watch: Watch
  readonly settle: (ended: Ended | undefined) => void
  deadline?: Deadline
}

/** One child process, which leads a process group of its own and runs one task at a time. */
export class WorkerProcess {
  readonly gone: Promise<void>
  readonly #child: ChildProcess
  /** Whether it still imports its modules. */
  starting = true
  #closing = false
  readonly #outbox = new Outbox<ToWorker>((messages) => this.#send(messages))
  /** The task that runs, and those that wait behind it. */
  readonly #held: Held[] = []
  readonly #pace = new Pace()
  #kill: Promise<void> | undefined

  constructor(
    settings: WorkerSettings,
    readonly graceMs: number,
    readonly listener: WorkerListener,
  ) {
    this.#child = startWorker()
    this.#child.on('message', (messages: FromWorker[]) => {
      for (const message of messages) this.#hear(message)
    })
    this.gone = ended(this.#child).then(() => this.#lost())
    this.#outbox.post({ type: 'setup', setup: settings })
  }

  /** How many more tasks it should be given. */
  get room(): number {
    return this.starting ? 0 : this.#pace.room(this.#held.length)
  }

  /** How many tasks it should have at hand. */
  get wants(): number {
    return this.#pace.wants
  }

  /** Settles as `undefined` when the process was gone before the task began. */
  run(task: TaskMessage, watch: Watch): Promise<Ended | undefined> {
    return new Promise((settle) => {
      this.#outbox.post({ type: 'run', task })
      this.#held.push({ task, watch, settle })
      if (this.#held.length === 1) this.#begin()
    })
  }

  /** Lets it end by itself, and ends it when it does not within the grace. */
  async close(): Promise<void> {
    this.#closing = true
    if (this.#child.connected) this.#child.disconnect()
    await this.#end(this.graceMs)
  }

  #end(graceMs: number): Promise<void> {
    this.#kill ??= endGroup(this.#child.pid, this.gone, graceMs)
    return this.#kill
  }

  #begin(): void {
    const held = this.#held[0]
    this.#stayAlive(held !== undefined)
    if (!held) return
    held.watch.onNews({ type: 'started', host: thisHost })
    held.deadline = new Deadline(held.task.timeoutMs, held.watch.signal, () => this.#call(held))
  }

  // First the task is asked, by its signal, then its process group.
  #call(held: Held): void {
    this.#outbox.post({ type: 'cancel', task: held.task.id })
    const half = this.graceMs / 2
    const timer = setTimeout(() => {
      if (this.#held[0] === held) void this.#end(half)
    }, half)
    timer.unref()
  }

  #hear(message: FromWorker): void {
    if (message.type === 'news') this.#held[0]?.watch.onNews(message.news)
    else if (message.type === 'unfit') this.listener.unfit(message.error)
    else if (message.type === 'ended') this.#ended(message.ended, message.ms)
    else {
      this.starting = false
      this.#begin()
      this.listener.free()
    }
  }

  #ended(ended: Ended, ms: number): void {
    const held = this.#held.shift()
    if (!held) return
    this.#pace.ended(ms)
    settle(held, ended)
    this.#begin()
    this.listener.free()
  }

  #lost(): void {
    const [running, ...waiting] = this.#held.splice(0)
    if (running) settle(running, endedBy('crashed', `killed its worker (${howItEnded(this.#child)})`))
    // What its tasks have started and left behind.
    signalGroup(this.#child.pid)
    // It would be started again, and end again, for ever.
    if (this.starting && !this.#closing) this.listener.unfit(endedEarly(this.#child))
    this.listener.gone(this)
    for (const { settle } of waiting) settle(undefined)
  }

  // A pool that is not closed keeps its program alive only while a task runs.
  #stayAlive(busy: boolean): void {
    const handles = [this.#child, this.#child.channel]
    for (const handle of handles)
      if (busy) handle?.ref()
      else handle?.unref()
  }

  #send(messages: ToWorker[]): void {
    if (this.#child.connected) this.#child.send(messages, () => {})
  }
}

function settle({ deadline, settle }: Held, ended: Ended): void {
  deadline?.clear()
  settle(deadline ? deadline.judge(ended) : ended)
}

function endedEarly(child: ChildProcess): PackedError {
  const message = `A worker of the pool ended while it was importing its modules (${howItEnded(child)})`
  return { name: 'Error', message, stack: message }
}

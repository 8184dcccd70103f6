import { FlambeauError } from '../errors.js'
import type { Class } from '../registry/registration.js'
import {
  type CompleteNeeds,
  completeNeeds,
  describeNeeds,
  exceeds,
  maxNeeds,
  needsOf,
  noNeeds,
} from '../runnable/needs.js'
import { mistakeCode } from '../util/exit-codes.js'
import type { AnyTask, TaskOutcome } from './options.js'
import { type MapContext, TaskRun } from './task-run.js'

/** Tasks for `pool.map`: an array, a generator, or an asynchronous generator. */
export type Tasks<Task> = Iterable<Task> | AsyncIterable<Task>

/**
 * One call of `pool.map`. It takes tasks only as their outcomes are taken, so that no more tasks than the engine's
 * capacity are in memory.
 */
export class MapRun<Task extends AnyTask> {
  readonly #outcomes = new OutcomeQueue<TaskOutcome<Task>>()
  readonly #running = new Map<TaskRun<Task>, Promise<void>>()
  readonly #seen = new Set<string>()
  /** The classes of tasks whose needs the workers meet. */
  readonly #classes = new Set<Class>()
  /** How many tasks were taken whose outcomes were not. */
  #inFlight = 0
  #taken = 0
  #isExhausted = false
  #isEnded = false
  #resumeTaking: (() => void) | undefined

  constructor(readonly context: MapContext<Task>) {}

  /** Starts to take tasks. */
  start(tasks: Tasks<Task>): void {
    void this.#takeTasks(tasks)
  }

  /**
   * The outcome that is there; `undefined` when there is none. An outcome that can be returned at once costs no promise.
   *
   * @throws {@link TaskError} for the first task that fails for good, unless errors are collected.
   */
  take(): TaskOutcome<Task> | undefined {
    const outcome = this.#outcomes.take()
    if (outcome && !outcome.ok && !this.context.options.collectsErrors) throw outcome.error
    return outcome
  }

  /** Waits for the next outcome; `undefined` when none will come. */
  async next(): Promise<TaskOutcome<Task> | undefined> {
    for (;;) {
      const outcome = this.take()
      if (outcome || (this.#isExhausted && this.#running.size === 0)) return outcome
      await this.#outcomes.changed()
    }
  }

  /** Counts an outcome as used. Tasks are taken again when half of the capacity is free: to send them together costs less. */
  release(): void {
    this.#inFlight--
    if (this.#inFlight <= this.context.engine.capacity / 2) this.#resumeTaking?.()
  }

  /** Cancels what runs; settles when it has ended. */
  async end(): Promise<void> {
    this.#isEnded = true
    this.#resumeTaking?.()
    const running = [...this.#running]
    for (const [run] of running) run.cancel()
    await Promise.all(running.map(([, settled]) => settled))
  }

  /** Ends the map with an error, whether or not anybody takes outcomes; settles when the tasks that ran have ended. */
  async abort(reason: unknown): Promise<void> {
    this.#outcomes.fail(reason)
    await this.end()
  }

  async #takeTasks(tasks: Tasks<Task>): Promise<void> {
    try {
      if (isAsyncIterable(tasks)) await this.#takeAsync(tasks)
      else await this.#takeSync(tasks)
    } catch (thrown) {
      this.#outcomes.fail(thrown)
    }
    this.#isExhausted = true
    this.#outcomes.wake()
  }

  async #takeAsync(tasks: AsyncIterable<Task>): Promise<void> {
    for await (const task of tasks) {
      if (this.#isEnded) return
      await this.#startNext(task)
    }
  }

  // `for await` would take several promises for each of these tasks.
  async #takeSync(tasks: Iterable<Task | PromiseLike<Task>>): Promise<void> {
    for (const each of tasks) {
      const task = isThenable(each) ? await each : each
      if (this.#isEnded) return
      const room = this.#startNext(task)
      if (room) await room
    }
  }

  /** Starts a task; returns a promise when there is no room for another one. */
  #startNext(task: Task): Promise<void> | undefined {
    this.#start(task, this.#taken++)
    return this.#inFlight >= this.context.engine.capacity ? this.#waitForRoom() : undefined
  }

  #start(task: Task, index: number): void {
    this.#expectNeeds(task)
    const id = this.#idOf(task, index)
    if (id === undefined || this.#isEnded) return
    const run = new TaskRun(task, { id, index }, this.context)
    this.#inFlight++
    this.#running.set(run, this.#settle(run))
  }

  /** @throws {@link FlambeauError} for a task that needs more than a worker has. */
  #expectNeeds(task: Task): void {
    const { needs } = this.context
    const Class = task.constructor as Class
    if (!needs || this.#classes.has(Class)) return
    const own = completeNeeds(needsOf(Class) ?? noNeeds)
    if (exceeds(own, needs)) throw needsMore(Class, own, needs)
    this.#classes.add(Class)
  }

  async #settle(run: TaskRun<Task>): Promise<void> {
    try {
      const outcome = await run.outcome()
      this.#running.delete(run)
      if (this.context.options.isRepeatable) this.#seen.delete(run.identity.id)
      this.#outcomes.push(outcome)
    } catch (thrown) {
      this.#running.delete(run)
      this.#outcomes.fail(thrown)
    }
  }

  /** The id of a task; `undefined` when an earlier task has the same. */
  #idOf(task: Task, index: number): string | undefined {
    const { taskId } = this.context.options
    if (!taskId) return String(this.context.numbers.next()).padStart(2, '0')
    const id = taskId(task, index)
    if (this.#seen.has(id)) return undefined
    this.#seen.add(id)
    return id
  }

  #waitForRoom(): Promise<void> {
    return new Promise((resolve) => {
      this.#resumeTaking = resolve
    })
  }
}

function needsMore({ name }: Class, own: CompleteNeeds, ofPool: CompleteNeeds): FlambeauError {
  // With what the pool has, which tasks of other classes may need.
  const written = describeNeeds(maxNeeds(own, ofPool))
  const message = `Class "${name}" needs ${describeNeeds(own)}, more than a worker of the pool has: write "needs: ${written}" into the options of "openPool", or of the sweep`
  return new FlambeauError(message, { code: 'TASK_NEEDS_MORE', exitCode: mistakeCode })
}

function isAsyncIterable<Task>(tasks: Tasks<Task>): tasks is AsyncIterable<Task> {
  return Symbol.asyncIterator in Object(tasks)
}

function isThenable<Task>(task: Task | PromiseLike<Task>): task is PromiseLike<Task> {
  return typeof (task as Partial<PromiseLike<Task>> | undefined)?.then === 'function'
}

/** Outcomes that nobody has taken yet. */
class OutcomeQueue<T> {
  readonly #outcomes: T[] = []
  #error: { readonly thrown: unknown } | undefined
  #wake: (() => void) | undefined

  push(outcome: T): void {
    this.#outcomes.push(outcome)
    this.#wake?.()
  }

  fail(thrown: unknown): void {
    this.#error ??= { thrown }
    this.#wake?.()
  }

  /** Lets whoever waits check again whether any outcome will come. */
  wake(): void {
    this.#wake?.()
  }

  /** The next outcome, if there is one. */
  take(): T | undefined {
    if (this.#error) throw this.#error.thrown
    return this.#outcomes.shift()
  }

  /** Settles when there may be an outcome, or none will come. */
  changed(): Promise<void> {
    return new Promise((wake) => {
      this.#wake = wake
    })
  }
}

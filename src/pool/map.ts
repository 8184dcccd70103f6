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
  /** How many tasks were taken whose outcomes were not. */
  #inFlight = 0
  #isExhausted = false
  #isEnded = false
  #resumeTaking: (() => void) | undefined

  constructor(readonly context: MapContext<Task>) {}

  async *outcomes(tasks: Tasks<Task>): AsyncGenerator<TaskOutcome<Task>, void, undefined> {
    void this.#takeTasks(tasks)
    try {
      for (;;) {
        const outcome = await this.#outcomes.next(() => this.#isExhausted && this.#running.size === 0)
        if (!outcome) return
        if (!outcome.ok && !this.context.options.collectsErrors) throw outcome.error
        yield outcome
        this.#release()
      }
    } finally {
      await this.#end()
    }
  }

  /** Ends the map with an error, whether or not anybody takes outcomes; settles when the tasks that ran have ended. */
  async abort(reason: unknown): Promise<void> {
    this.#outcomes.fail(reason)
    await this.#end()
  }

  async #takeTasks(tasks: Tasks<Task>): Promise<void> {
    let index = 0
    try {
      for await (const task of tasks) {
        if (this.#isEnded) break
        this.#start(task, index++)
        if (this.#inFlight >= this.context.engine.capacity) await this.#waitForRoom()
      }
    } catch (thrown) {
      this.#outcomes.fail(thrown)
    }
    this.#isExhausted = true
    this.#outcomes.wake()
  }

  #start(task: Task, index: number): void {
    const id = this.#idOf(task, index)
    if (id === undefined || this.#isEnded) return
    const run = new TaskRun(task, { id, index }, this.context)
    this.#inFlight++
    this.#running.set(run, this.#settle(run))
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

  // Tasks are taken again when half of the capacity is free: tasks that are sent together cost less.
  #release(): void {
    this.#inFlight--
    if (this.#inFlight <= this.context.engine.capacity / 2) this.#resumeTaking?.()
  }

  async #end(): Promise<void> {
    this.#isEnded = true
    this.#resumeTaking?.()
    const running = [...this.#running]
    for (const [run] of running) run.cancel()
    await Promise.all(running.map(([, settled]) => settled))
  }
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

  /** Lets {@link next} check again whether any outcome will come. */
  wake(): void {
    this.#wake?.()
  }

  /** The next outcome; `undefined` when there is none, and `isOver` says that none will come. */
  async next(isOver: () => boolean): Promise<T | undefined> {
    for (;;) {
      if (this.#error) throw this.#error.thrown
      const outcome = this.#outcomes.shift()
      if (outcome !== undefined || isOver()) return outcome
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }
}

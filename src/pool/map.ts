import type { AnyTask, TaskOutcome } from './options.js'
import { type MapContext, TaskRun } from './task-run.js'

/** Tasks for `pool.map`: an array, a generator, an asynchronous one. */
export type Tasks<Task> = Iterable<Task> | AsyncIterable<Task>

/**
 * One call of `map`: takes tasks only as outcomes are taken, so that no more than the engine's capacity are in
 * memory, however many there are.
 */
export class MapRun<Task extends AnyTask> {
  readonly #outcomes = new OutcomeQueue<TaskOutcome<Task>>()
  readonly #running = new Map<TaskRun<Task>, Promise<void>>()
  readonly #seen = new Set<string>()
  #inFlight = 0
  #isExhausted = false
  #ended = false
  #makeRoom: (() => void) | undefined

  constructor(readonly context: MapContext<Task>) {}

  async *outcomes(tasks: Tasks<Task>): AsyncGenerator<TaskOutcome<Task>, void, undefined> {
    void this.#feed(tasks)
    try {
      for (;;) {
        const outcome = await this.#outcomes.next(() => this.#isExhausted && this.#running.size === 0)
        if (!outcome) return
        if (!outcome.ok && this.context.options.onError !== 'collect') throw outcome.error
        yield outcome
        this.#release()
      }
    } finally {
      await this.#end()
    }
  }

  /** Ends the map with an error, whether or not anybody takes outcomes; settles when what ran has ended. */
  async abort(reason: unknown): Promise<void> {
    this.#outcomes.fail(reason)
    await this.#end()
  }

  async #feed(tasks: Tasks<Task>): Promise<void> {
    let index = 0
    try {
      for await (const task of tasks) {
        if (this.#ended) break
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
    if (id === undefined || this.#ended) return
    const settling = new TaskRun(task, { id, index }, this.context)
    this.#inFlight++
    this.#running.set(settling, this.#run(settling))
  }

  async #run(settling: TaskRun<Task>): Promise<void> {
    try {
      const outcome = await settling.outcome()
      this.#running.delete(settling)
      this.#outcomes.push(outcome)
    } catch (thrown) {
      this.#running.delete(settling)
      this.#outcomes.fail(thrown)
    }
  }

  /** The id of a task; `undefined` when one with this id was there before. */
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
      this.#makeRoom = resolve
    })
  }

  // Tasks are taken by the half of what there is room for: many that are sent together cost less.
  #release(): void {
    this.#inFlight--
    if (this.#inFlight <= this.context.engine.capacity / 2) this.#makeRoom?.()
  }

  async #end(): Promise<void> {
    this.#ended = true
    this.#makeRoom?.()
    const running = [...this.#running]
    for (const [settling] of running) settling.cancel()
    await Promise.all(running.map(([, settled]) => settled))
  }
}

/** Outcomes that wait for whoever takes them, and whoever waits for outcomes. */
class OutcomeQueue<T> {
  readonly #waiting: T[] = []
  #error: { readonly thrown: unknown } | undefined
  #wake: (() => void) | undefined

  push(outcome: T): void {
    this.#waiting.push(outcome)
    this.#wake?.()
  }

  fail(thrown: unknown): void {
    this.#error ??= { thrown }
    this.#wake?.()
  }

  /** Wakes whoever waits, to look whether anything will come at all. */
  wake(): void {
    this.#wake?.()
  }

  /** The next outcome; `undefined` when there is none, and `isOver` says that none will come. */
  async next(isOver: () => boolean): Promise<T | undefined> {
    for (;;) {
      if (this.#error) throw this.#error.thrown
      const outcome = this.#waiting.shift()
      if (outcome !== undefined || isOver()) return outcome
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }
}

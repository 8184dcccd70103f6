import type { AnyTask, TaskOutcome } from './map-options.js'
import { OutcomeQueue } from './outcome-queue.js'
import { type MapSetting, Settling } from './settling.js'

/** Tasks for `pool.map`: an array, a generator, an asynchronous one. */
export type Tasks<Task> = Iterable<Task> | AsyncIterable<Task>

/**
 * One call of `map`: takes tasks only as outcomes are taken, so that no more than the engine's capacity are in
 * memory, however many there are.
 */
export class Mapping<Task extends AnyTask> {
  readonly #outcomes = new OutcomeQueue<TaskOutcome<Task>>()
  readonly #running = new Map<Settling<Task>, Promise<void>>()
  readonly #seen = new Set<string>()
  #held = 0
  #fed = false
  #ended = false
  #makeRoom: (() => void) | undefined

  constructor(readonly by: MapSetting<Task>) {}

  async *outcomes(tasks: Tasks<Task>): AsyncGenerator<TaskOutcome<Task>, void, undefined> {
    void this.#feed(tasks)
    try {
      for (;;) {
        const outcome = await this.#outcomes.next(() => this.#fed && this.#running.size === 0)
        if (!outcome) return
        if (!outcome.ok && this.by.options.onError !== 'collect') throw outcome.error
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
        if (this.#held >= this.by.engine.capacity) await this.#room()
      }
    } catch (thrown) {
      this.#outcomes.fail(thrown)
    }
    this.#fed = true
    this.#outcomes.wake()
  }

  #start(task: Task, index: number): void {
    const id = this.#idOf(task, index)
    if (id === undefined || this.#ended) return
    const settling = new Settling(task, { id, index }, this.by)
    this.#held++
    this.#running.set(settling, this.#settle(settling))
  }

  async #settle(settling: Settling<Task>): Promise<void> {
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
    const { taskId } = this.by.options
    if (!taskId) return String(this.by.numbers.next()).padStart(2, '0')
    const id = taskId(task, index)
    if (this.#seen.has(id)) return undefined
    this.#seen.add(id)
    return id
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#makeRoom = resolve
    })
  }

  // Tasks are taken by the half of what there is room for: many that are sent together cost less.
  #release(): void {
    this.#held--
    if (this.#held <= this.by.engine.capacity / 2) this.#makeRoom?.()
  }

  async #end(): Promise<void> {
    this.#ended = true
    this.#makeRoom?.()
    const running = [...this.#running]
    for (const [settling] of running) settling.cancel()
    await Promise.all(running.map(([, settled]) => settled))
  }
}

import { MapRun, type Tasks } from './map.js'
import {
  type AnyTask,
  completeMapOptions,
  type MapOptions,
  type PoolParts,
  type TaskDone,
  type TaskOutcome,
} from './options.js'
import { ResultsStore } from './results-store.js'
import type { FailedFileOptions, TaskTextOptions } from './task-file.js'

/** Runs tasks on workers; {@link openPool} makes one. */
export class Pool implements AsyncDisposable {
  readonly #mapRuns = new Set<MapRun<any>>()
  readonly #numbers = { last: 0, next: () => ++this.#numbers.last }
  readonly #abort = (): void => void this.#abortAll(this.parts.signal?.reason)
  #closed: Promise<void> | undefined

  /** @internal */
  constructor(private readonly parts: PoolParts) {
    parts.signal?.addEventListener('abort', this.#abort, { once: true })
  }

  /**
   * Runs tasks, and yields the outcome of each as it settles.
   *
   * ```ts
   * for await (const { id, result } of pool.map(trials, { retries: 3, timeoutMs: 60_000 })) console.log(id, result)
   * ```
   *
   * Tasks are taken only as fast as their outcomes: a generator of a million tasks needs no more memory than one of a
   * hundred. Leaving the loop cancels what runs.
   *
   * @throws {@link TaskError} for the first task that fails for good, unless errors are collected.
   */
  map<Task extends AnyTask>(
    tasks: Tasks<Task>,
    options: MapOptions<Task> & { onError: 'collect' },
  ): AsyncGenerator<TaskOutcome<Task>, void, undefined>
  map<Task extends AnyTask>(
    tasks: Tasks<Task>,
    options?: MapOptions<Task>,
  ): AsyncGenerator<TaskDone<Task>, void, undefined>
  async *map<Task extends AnyTask>(
    tasks: Tasks<Task>,
    options: MapOptions<Task> = {},
  ): AsyncGenerator<TaskOutcome<Task>, void, undefined> {
    const { signal } = options
    // Before the store is opened, which may archive earlier results.
    this.#throwIfEnded(signal)
    const store = await this.#openStore(options)
    const own = { options: completeMapOptions(options), numbers: this.#numbers, store }
    const run = new MapRun<Task>({ ...this.parts, ...own })
    const abort = (): void => void run.abort(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    this.#mapRuns.add(run)
    try {
      this.#throwIfEnded(signal)
      run.start(tasks)
      for (let outcome = await run.next(); outcome; outcome = run.take() ?? (await run.next())) {
        yield outcome
        run.release()
      }
    } finally {
      await run.end()
      this.#mapRuns.delete(run)
      signal?.removeEventListener('abort', abort)
      await store?.close()
    }
  }

  /** @internal What the runnable files of its tasks depend on. */
  get textOptions(): TaskTextOptions {
    return this.parts
  }

  /** @internal Where the files of its failed tasks are written, and what they depend on. */
  get failedFileOptions(): FailedFileOptions {
    return this.parts
  }

  /** @internal How many tasks run at once; `undefined` when that is not known. */
  get slots(): number | undefined {
    return this.parts.engine.slots
  }

  /** Cancels what runs, and ends the workers; they are gone within the grace period. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** `await using pool = await openPool(...)`: the same as {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.parts.signal?.removeEventListener('abort', this.#abort)
    // Before the workers end: their tasks have the first half of the grace period.
    await this.#abortAll(closedError())
    await this.parts.engine.close()
    this.parts.logs?.close()
  }

  async #openStore<Task extends AnyTask>({ output, resume = false, force = false }: MapOptions<Task>) {
    if (output === undefined) return undefined
    await this.parts.keepOutput(output)
    return ResultsStore.open({ output, resume, force })
  }

  #throwIfEnded(signal: AbortSignal | undefined): void {
    if (this.#closed) throw closedError()
    this.parts.signal?.throwIfAborted()
    signal?.throwIfAborted()
  }

  async #abortAll(reason: unknown): Promise<void> {
    await Promise.all([...this.#mapRuns].map((run) => run.abort(reason)))
  }
}

function closedError(): Error {
  return new Error('The pool is closed')
}

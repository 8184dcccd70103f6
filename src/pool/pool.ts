import type { Registry } from '../registry/registry.js'
import type { Logger } from '../runnable/logger.js'
import type { SecretsConfig } from '../runnable/secrets/secrets.js'
import type { Engine } from './engine.js'
import { MapRun, type Tasks } from './map.js'
import type { AnyTask, MapOptions, TaskDone, TaskOutcome } from './options.js'
import { ResultsStore } from './results-store.js'

/** What a {@link Pool} is made of. */
export interface PoolParts {
  readonly engine: Engine
  readonly logger: Logger
  readonly folder: string
  readonly imports: readonly string[]
  readonly extensions: Readonly<Record<string, string>>
  readonly registry?: Registry
  readonly secrets?: SecretsConfig
  readonly signal?: AbortSignal
  /** Makes a folder outlive the run that it is made in. */
  readonly keepOutput?: (output: string) => Promise<void>
}

/** Workers that do tasks; {@link openPool} makes one. */
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
   * Runs tasks, and gives what becomes of each as it settles.
   *
   * ```ts
   * for await (const { id, result } of pool.map(trials, { retries: 3, timeoutMs: 60_000 })) console.log(id, result)
   * ```
   *
   * Tasks are taken only as outcomes are: a generator of a million costs no more memory than one of a hundred.
   * Leaving the loop cancels what runs.
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
    const kept = await this.#openStore(options)
    const more = { options, numbers: this.#numbers, ...(kept && { kept }) }
    const mapping = new MapRun<Task>({ ...this.parts, ...more })
    const abort = (): void => void mapping.abort(options.signal?.reason)
    options.signal?.addEventListener('abort', abort, { once: true })
    this.#mapRuns.add(mapping)
    try {
      if (this.#closed) throw closed()
      this.parts.signal?.throwIfAborted()
      options.signal?.throwIfAborted()
      yield* mapping.outcomes(tasks)
    } finally {
      this.#mapRuns.delete(mapping)
      options.signal?.removeEventListener('abort', abort)
      await kept?.close()
    }
  }

  /** Cancels what runs, and ends the workers; within the grace nothing of them is left. */
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
    // Before the workers end: their tasks have the first half of the grace.
    await this.#abortAll(closed())
    await this.parts.engine.close()
  }

  async #openStore<Task extends AnyTask>({ output, resume, force }: MapOptions<Task>) {
    if (output === undefined) return undefined
    await this.parts.keepOutput?.(output)
    return ResultsStore.open({ output, resume, force })
  }

  async #abortAll(reason: unknown): Promise<void> {
    await Promise.all([...this.#mapRuns].map((mapping) => mapping.abort(reason)))
  }
}

function closed(): Error {
  return new Error('The pool is closed')
}

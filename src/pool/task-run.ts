import { setTimeout as delay } from 'node:timers/promises'
import { dump } from '../document/write/dump.js'
import type { Registry } from '../registry/registry.js'
import type { Logger } from '../runnable/logger.js'
import { redactorFor } from '../runnable/secrets/mask.js'
import type { SecretsConfig } from '../runnable/secrets/secrets.js'
import { mistakeCode } from '../util/exit-codes.js'
import {
  type Ended,
  type Engine,
  redactError,
  type TaskMessage,
  type TaskNews,
  unpackError,
} from './engine.js'
import type { AnyTask, MapOptions, TaskEvent, TaskOutcome } from './options.js'
import type { ResultsStore, StoredResult } from './results-store.js'
import { unpackResult } from './serialize.js'
import { TaskError } from './task-error.js'
import { removeFailedFile, taskKey, taskText, writeFailedFile } from './task-file.js'

/** What the tasks of one map have in common. */
export interface MapContext<Task extends AnyTask> {
  readonly engine: Engine
  readonly options: MapOptions<Task>
  readonly logger: Logger
  readonly folder: string
  readonly imports: readonly string[]
  readonly extensions: Readonly<Record<string, string>>
  readonly registry?: Registry
  readonly secrets?: SecretsConfig
  /** Numbers for tasks without an id, from 1. */
  readonly numbers: { next(): number }
  /** Absent when results are not kept. */
  readonly kept?: ResultsStore
}

type AttemptFacts = Pick<StoredResult, 'attempts' | 'durationMs' | 'host'>

const maxBackoffMs = 60_000

/** One task on its way to its outcome: attempts, retries, and what is left of it when it failed. */
export class TaskRun<Task extends AnyTask> {
  readonly #controller = new AbortController()
  #attempts = 0
  #startedAt = performance.now()
  /** What a callback threw. */
  #callbackError: { readonly thrown: unknown } | undefined

  constructor(
    readonly task: Task,
    readonly identity: { readonly id: string; readonly index: number },
    readonly context: MapContext<Task>,
  ) {}

  readonly cancel = (): void => this.#controller.abort()

  async outcome(): Promise<TaskOutcome<Task>> {
    const { kept } = this.context
    const key = kept
      ? taskKey(dump(this.task, this.context.registry ? { registry: this.context.registry } : {}))
      : ''
    const before = await kept?.find(this.identity.id, key)
    if (before) return this.#done(before)
    const text = taskText(this.task, this.context)
    const ended = await this.#lastAttempt(text)
    if (this.#callbackError) throw this.#callbackError.thrown
    const { host } = ended
    const durationMs = Math.round(performance.now() - this.#startedAt)
    const facts = { attempts: this.#attempts, durationMs, host }
    if (!ended.ok) return { ...this.#describe(facts), ok: false, error: await this.#failure(ended, text) }
    await removeFailedFile({ id: this.identity.id, text }, this.context.folder)
    const done = { id: this.identity.id, key, result: ended.result, ...facts }
    await kept?.add(done)
    return this.#done(done)
  }

  #done({ result, ...facts }: StoredResult): TaskOutcome<Task> {
    return { ...this.#describe(facts), ok: true, result: unpackResult(result) as never }
  }

  #describe({ attempts, durationMs, host }: AttemptFacts) {
    return { ...this.identity, task: this.task, attempts, durationMs, host }
  }

  async #lastAttempt(text: string): Promise<Ended> {
    const { retries = 0 } = this.context.options
    for (;;) {
      this.#attempts++
      const ended = await this.#attempt(text)
      if (ended.ok || this.#attempts > retries || !isWorthRetry(ended)) return ended
      await this.#backOff(unpackError(ended.error))
    }
  }

  // Workers mask what they know; those of another engine may know less than this process.
  async #attempt(text: string): Promise<Ended> {
    const { timeoutMs } = this.context.options
    const message: TaskMessage = { id: this.identity.id, attempt: this.#attempts, text }
    // JSON has no text for a time without end.
    const isLimited = timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY
    const ended = await this.context.engine.run(isLimited ? { ...message, timeoutMs } : message, {
      signal: this.#controller.signal,
      onNews: (news) => this.#onEvent(news),
    })
    if (ended.ok) return ended
    const redact = redactorFor(this.context.secrets)
    const output = ended.output === undefined ? {} : { output: redact(ended.output) }
    return { ...ended, error: redactError(ended.error, redact), ...output }
  }

  // A callback that throws ends the map; whoever brings the news, a connection perhaps, is not to blame.
  #onEvent(news: TaskNews): void {
    if (this.#callbackError) return
    try {
      this.#forward(news)
    } catch (thrown) {
      this.#callbackError = { thrown }
      this.cancel()
    }
  }

  #forward(news: TaskNews): void {
    if (news.type === 'log') this.context.logger[news.level](`[${this.identity.id}] ${news.text}`)
    else this.#emit(news)
  }

  async #backOff(error: Error): Promise<void> {
    const { backoff = 100 } = this.context.options
    const delayMs =
      typeof backoff === 'function'
        ? backoff(this.#attempts)
        : Math.min(backoff * 2 ** (this.#attempts - 1), maxBackoffMs)
    this.#emit({ type: 'retry', error, delayMs })
    // The next attempt tells that it was cancelled.
    await delay(delayMs, undefined, { signal: this.#controller.signal }).catch(() => {})
  }

  #emit(event: Exclude<TaskNews, { type: 'log' }> | { type: 'retry'; error: Error; delayMs: number }): void {
    const { task, cancel } = this
    if (event.type === 'started' && this.#attempts === 1) this.#startedAt = performance.now()
    this.context.options.onEvent?.({ id: this.identity.id, task, cancel, ...event } as TaskEvent<Task>)
  }

  async #failure(ended: Extract<Ended, { ok: false }>, text: string): Promise<TaskError> {
    const failed = { id: this.identity.id, attempts: this.#attempts }
    const file =
      ended.reason === 'cancelled'
        ? undefined
        : await writeFailedFile({ ...failed, text, ended }, this.context)
    return new TaskError({ ...failed, file }, ended)
  }
}

function isWorthRetry({ reason, error }: Extract<Ended, { ok: false }>): boolean {
  return reason === 'timeout' || (reason === 'failed' && error.exitCode !== mistakeCode)
}

import { setTimeout as delay } from 'node:timers/promises'
import { dump } from '../document/write/dump.js'
import type { Registry } from '../registry/registry.js'
import type { Logger } from '../runnable/logger.js'
import { redactOf } from '../runnable/secrets/mask.js'
import type { SecretsConfig } from '../runnable/secrets/secrets.js'
import { mistakeCode } from '../util/exit-codes.js'
import type { Ended, Engine, TaskMessage, TaskNews } from './engine.js'
import { removeFailed, writeFailed } from './failed-file.js'
import type { KeptResult, KeptResults } from './kept-results.js'
import type { AnyTask, MapOptions, TaskEvent, TaskOutcome } from './map-options.js'
import { maskedPacked, unpackError } from './packed-error.js'
import { unpackResult } from './packed-result.js'
import { TaskError } from './task-error.js'
import { keyOf, taskText } from './task-text.js'

/** What the tasks of one map have in common. */
export interface MapSetting<Task extends AnyTask> {
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
  readonly kept?: KeptResults
}

type Facts = Pick<KeptResult, 'attempts' | 'durationMs' | 'host'>

const longestBackoff = 60_000

/** One task on its way to its outcome: attempts, retries, and what is left of it when it failed. */
export class Settling<Task extends AnyTask> {
  readonly #controller = new AbortController()
  #attempts = 0
  #began = performance.now()
  /** What a callback threw. */
  #broken: { readonly thrown: unknown } | undefined

  constructor(
    readonly task: Task,
    readonly place: { readonly id: string; readonly index: number },
    readonly by: MapSetting<Task>,
  ) {}

  readonly cancel = (): void => this.#controller.abort()

  async outcome(): Promise<TaskOutcome<Task>> {
    const { kept } = this.by
    const key = kept ? keyOf(dump(this.task, this.by.registry ? { registry: this.by.registry } : {})) : ''
    const before = await kept?.find(this.place.id, key)
    if (before) return this.#done(before)
    const text = taskText(this.task, this.by)
    const ended = await this.#lastAttempt(text)
    if (this.#broken) throw this.#broken.thrown
    const { host } = ended
    const durationMs = Math.round(performance.now() - this.#began)
    const facts = { attempts: this.#attempts, durationMs, host }
    if (!ended.ok) return { ...this.#settled(facts), ok: false, error: await this.#failure(ended, text) }
    await removeFailed({ id: this.place.id, text }, this.by.folder)
    const done = { id: this.place.id, key, result: ended.result, ...facts }
    await kept?.add(done)
    return this.#done(done)
  }

  #done({ result, ...facts }: KeptResult): TaskOutcome<Task> {
    return { ...this.#settled(facts), ok: true, result: unpackResult(result) as never }
  }

  #settled({ attempts, durationMs, host }: Facts) {
    return { ...this.place, task: this.task, attempts, durationMs, host }
  }

  async #lastAttempt(text: string): Promise<Ended> {
    const { retries = 0 } = this.by.options
    for (;;) {
      this.#attempts++
      const ended = await this.#attempt(text)
      if (ended.ok || this.#attempts > retries || !isWorthRetry(ended)) return ended
      await this.#backOff(unpackError(ended.error))
    }
  }

  // Workers mask what they know; those of another engine may know less than this process.
  async #attempt(text: string): Promise<Ended> {
    const { timeoutMs } = this.by.options
    const message: TaskMessage = { id: this.place.id, attempt: this.#attempts, text }
    // JSON has no text for a time without end.
    const isLimited = timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY
    const ended = await this.by.engine.run(isLimited ? { ...message, timeoutMs } : message, {
      signal: this.#controller.signal,
      onNews: (news) => this.#hear(news),
    })
    if (ended.ok) return ended
    const redact = redactOf(this.by.secrets)
    const output = ended.output === undefined ? {} : { output: redact(ended.output) }
    return { ...ended, error: maskedPacked(ended.error, redact), ...output }
  }

  // A callback that throws ends the map; whoever brings the news, a connection perhaps, is not to blame.
  #hear(news: TaskNews): void {
    if (this.#broken) return
    try {
      this.#pass(news)
    } catch (thrown) {
      this.#broken = { thrown }
      this.cancel()
    }
  }

  #pass(news: TaskNews): void {
    if (news.type === 'log') this.by.logger[news.level](`[${this.place.id}] ${news.text}`)
    else this.#emit(news)
  }

  async #backOff(error: Error): Promise<void> {
    const { backoff = 100 } = this.by.options
    const delayMs =
      typeof backoff === 'function'
        ? backoff(this.#attempts)
        : Math.min(backoff * 2 ** (this.#attempts - 1), longestBackoff)
    this.#emit({ type: 'retry', error, delayMs })
    // The next attempt tells that it was cancelled.
    await delay(delayMs, undefined, { signal: this.#controller.signal }).catch(() => {})
  }

  #emit(event: Exclude<TaskNews, { type: 'log' }> | { type: 'retry'; error: Error; delayMs: number }): void {
    const { task, cancel } = this
    if (event.type === 'started' && this.#attempts === 1) this.#began = performance.now()
    this.by.options.onEvent?.({ id: this.place.id, task, cancel, ...event } as TaskEvent<Task>)
  }

  async #failure(ended: Extract<Ended, { ok: false }>, text: string): Promise<TaskError> {
    const failed = { id: this.place.id, attempts: this.#attempts }
    const file =
      ended.reason === 'cancelled' ? undefined : await writeFailed({ ...failed, text, ended }, this.by)
    return new TaskError({ ...failed, file }, ended)
  }
}

function isWorthRetry({ reason, error }: Extract<Ended, { ok: false }>): boolean {
  return reason === 'timeout' || (reason === 'failed' && error.exitCode !== mistakeCode)
}

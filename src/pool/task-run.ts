import { setTimeout as delay } from 'node:timers/promises'
import { redactorFor } from '../runnable/secrets/mask.js'
import { isTraced, type TraceCarrier, traceCarrier, withSpan } from '../tracing/tracing.js'
import { mistakeCode } from '../util/exit-codes.js'
import { Cancellation } from './cancellation.js'
import type { Ended, FailedAttempt, TaskMessage, TaskNews, Watch } from './engine.js'
import type { AnyTask, CompleteMapOptions, PoolParts, TaskEvent, TaskOutcome } from './options.js'
import { ownName } from './own-paths.js'
import type { ResultsStore, StoredResult } from './results-store.js'
import { redactError, unpackError, unpackResult } from './serialize.js'
import { TaskError } from './task-error.js'
import {
  dumpTask,
  failedFolderExists,
  removeFailedFile,
  taskFileName,
  taskKey,
  taskText,
  writeFailedFile,
} from './task-file.js'

/** What the tasks of one map have in common. */
export interface MapContext<Task extends AnyTask> extends PoolParts {
  readonly options: CompleteMapOptions<Task>
  /** Numbers for tasks without an id, from 1. */
  readonly numbers: { next(): number }
  /** Absent when results are not kept. */
  readonly store: ResultsStore | undefined
}

type AttemptFacts = Pick<StoredResult, 'attempts' | 'durationMs' | 'host'>

/** One task from its first attempt to its outcome: retries, its stored result, and its file when it failed. */
export class TaskRun<Task extends AnyTask> implements Watch {
  readonly cancellation = new Cancellation()
  #attempts = 0
  /** The worker host that has its folder. */
  #worker: string | undefined
  #trace: TraceCarrier | undefined
  #startedAt = performance.now()
  /** What a callback threw. */
  #callbackError: { readonly thrown: unknown } | undefined

  constructor(
    readonly task: Task,
    readonly identity: { readonly id: string; readonly index: number },
    readonly context: MapContext<Task>,
  ) {}

  get signal(): AbortSignal {
    return this.cancellation.signal
  }

  cancel(): void {
    this.cancellation.cancel()
  }

  /** Runs the task within a span. */
  outcome(): Promise<TaskOutcome<Task>> {
    const attributes = { 'flambeau.task.id': this.identity.id }
    return withSpan(this.context.options.spanName, { attributes }, async (span) => {
      if (isTraced()) this.#trace = await traceCarrier()
      const outcome = await this.#outcome()
      span.set({ 'flambeau.attempts': outcome.attempts, 'flambeau.host': outcome.host })
      if (!outcome.ok) span.fail(outcome.error)
      return outcome
    })
  }

  async #outcome(): Promise<TaskOutcome<Task>> {
    const { store, registry, folder } = this.context
    const { id } = this.identity
    const key = store ? taskKey(dumpTask(this.task, registry)) : ''
    const stored = store && (await store.find(id, key))
    if (stored) return this.#done(stored)
    const text = taskText(this.task, this.context)
    const attempt = await this.#lastAttempt(text)
    if (this.#callbackError) throw this.#callbackError.thrown
    const durationMs = Math.round(performance.now() - this.#startedAt)
    const facts = { attempts: this.#attempts, durationMs, host: attempt.host }
    if (!attempt.ok) return this.#failed(facts, await this.#failure(attempt, text))
    if (failedFolderExists(folder)) await removeFailedFile({ name: this.#failedName(text), text }, folder)
    const done = { id, key, result: attempt.result, ...facts }
    if (store) await store.add(done)
    return this.#done(done)
  }

  #done({ result, attempts, durationMs, host }: StoredResult): TaskOutcome<Task> {
    const { id, index } = this.identity
    const value = unpackResult(result) as never
    const { task } = this
    return this.#withWorker({ id, index, task, attempts, durationMs, host, ok: true, result: value })
  }

  #failed({ attempts, durationMs, host }: AttemptFacts, error: TaskError): TaskOutcome<Task> {
    const { id, index } = this.identity
    return this.#withWorker({ id, index, task: this.task, attempts, durationMs, host, ok: false, error })
  }

  #withWorker(outcome: TaskOutcome<Task>): TaskOutcome<Task> {
    return this.#worker === undefined ? outcome : { ...outcome, worker: this.#worker }
  }

  async #lastAttempt(text: string): Promise<Ended> {
    this.#worker = this.context.options.workerOf(this.task)
    for (;;) {
      this.#attempts++
      const message = this.#message(text)
      this.context.logs?.begin(message)
      const attempt = await this.context.engine.run(message, this)
      this.#worker = attempt.worker ?? this.#worker
      if (attempt.ok) return attempt
      const masked = this.#masked(attempt)
      if (this.#attempts > this.context.options.retries || !isWorthRetry(masked)) return masked
      await this.#backOff(unpackError(masked.error))
    }
  }

  // Workers mask the secrets that they have; those of another engine may have fewer than this process.
  #masked(attempt: FailedAttempt): FailedAttempt {
    const redact = redactorFor(this.context.secrets)
    const masked = { ...attempt, error: redactError(attempt.error, redact) }
    return attempt.output === undefined ? masked : { ...masked, output: redact(attempt.output) }
  }

  #message(text: string): TaskMessage {
    const { timeoutMs, isResumed, keyOf, seedOf } = this.context.options
    const message: { -readonly [Key in keyof TaskMessage]: TaskMessage[Key] } = {
      id: this.identity.id,
      attempt: this.#attempts,
      text,
      seed: seedOf(this.identity.id),
    }
    if (this.#trace) message.trace = this.#trace
    const key = keyOf(this.task)
    if (key !== undefined) message.key = key
    if (isResumed(this.task)) message.resume = true
    if (this.#worker !== undefined) message.worker = this.#worker
    // JSON turns Infinity into null.
    if (timeoutMs !== Number.POSITIVE_INFINITY) message.timeoutMs = timeoutMs
    return message
  }

  // An error of a callback ends the map, and not the connection or process that the event came from.
  readonly onNews = (news: TaskNews): void => {
    if (this.#callbackError) return
    try {
      if (news.type === 'log') this.context.logger[news.level](`[${this.identity.id}] ${news.text}`)
      this.#emit(news)
    } catch (thrown) {
      this.#callbackError = { thrown }
      this.cancel()
    }
  }

  async #backOff(error: Error): Promise<void> {
    const delayMs = this.context.options.backoff(this.#attempts)
    this.#emit({ type: 'retry', error, delayMs })
    // When the signal aborts, the next attempt ends as cancelled.
    await delay(delayMs, undefined, { signal: this.signal }).catch(() => {})
  }

  #emit(event: TaskNews | { type: 'retry'; error: Error; delayMs: number }): void {
    if (event.type === 'started' && this.#attempts === 1) this.#startedAt = performance.now()
    const { onEvent } = this.context.options
    if (!onEvent) return
    const { task, identity } = this
    onEvent({ id: identity.id, task, cancel: () => this.cancel(), ...event } as TaskEvent<Task>)
  }

  async #failure(attempt: FailedAttempt, text: string): Promise<TaskError> {
    const failed = { id: this.identity.id, attempts: this.#attempts }
    if (attempt.reason === 'cancelled') return new TaskError({ ...failed, file: undefined }, attempt)
    const seed = this.context.options.seedOf(failed.id)
    const facts = { ...failed, name: this.#failedName(text), task: this.task, text, seed }
    const file = await writeFailedFile({ ...facts, attempt }, this.context)
    return new TaskError({ ...failed, file }, attempt)
  }

  // Each pool has a task number 1, while ids are chosen so that they tell tasks apart.
  #failedName(text: string): string {
    const { id } = this.identity
    return this.context.options.taskId ? taskFileName(id) : ownName({ id, text })
  }
}

function isWorthRetry({ reason, error }: FailedAttempt): boolean {
  return reason === 'timeout' || (reason === 'failed' && error.exitCode !== mistakeCode)
}

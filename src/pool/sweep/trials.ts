import { join } from 'node:path'
import { UnsuccessfulRunnableError } from '../../errors.js'
import type { Logger } from '../../logger.js'
import { moduleUrls } from '../../modules/resolve.js'
import { metricsLine } from '../../records/metrics-line.js'
import { maskData, type Redact } from '../../runnable/secrets/mask.js'
import { JsonLines } from '../json-lines.js'
import type { AnyTask, TaskDone, TaskEvent, TaskOutcome } from '../options.js'
import type { Pool } from '../pool.js'
import { packError } from '../serialize.js'
import { taskText, writeFailedFile } from '../task-file.js'
import { TrialMonitor } from './early-stopping.js'
import type { SweepEvents } from './events.js'
import { type Measurement, measure } from './metric.js'
import {
  type EarlierTrials,
  metricsName,
  openRecords,
  othersName,
  type TrialRecord,
  writeDescription,
} from './records.js'
import type { SearchPlan, Trial } from './search.js'

/** What a {@link SweepRun} needs. */
export interface SweepContext {
  readonly plan: SearchPlan
  readonly pool: Pool
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly earlier: EarlierTrials
  /** Modules for the commands that repeat failed trials. */
  readonly imports: readonly (string | URL)[]
  /** Masks secrets: the message about a missing metric shows what the trial returned. */
  readonly redact: Redact
  readonly events: SweepEvents
}

/** Runs the trials of a sweep that have no result yet, and writes a record of each. */
export class SweepRun {
  readonly records: TrialRecord[]
  readonly #trials = new Map<AnyTask, Trial>()
  readonly #monitor: TrialMonitor
  #failures = 0
  readonly #startedAt = new Map<string, string>()
  #metrics: JsonLines<object> | undefined

  constructor(readonly context: SweepContext) {
    this.records = [...context.earlier.kept]
    this.#monitor = new TrialMonitor(context.plan.options)
  }

  async run(): Promise<TrialRecord[]> {
    const { plan, earlier, signal } = this.context
    const { output } = plan.options
    // Before earlier results are archived.
    signal.throwIfAborted()
    const file = await openRecords(output, earlier)
    this.#metrics = await JsonLines.open(join(output, metricsName))
    this.#warnOfOthers()
    this.#emitStart()
    try {
      await writeDescription(plan)
      await this.#runTrials(file)
    } finally {
      await file.close()
      await this.#metrics.close()
    }
    return this.records
  }

  #emitStart(): void {
    const { events, imports, earlier } = this.context
    events.started(moduleUrls(imports))
    for (const record of earlier.kept) events.ended(record, { isKept: true })
  }

  #warnOfOthers(): void {
    const { plan, logger, earlier } = this.context
    const { length } = earlier.others
    if (length === 0) return
    const results = length === 1 ? 'One earlier result belongs' : `${length} earlier results belong`
    logger.warn(`${results} to no trial of this sweep: see ${join(plan.options.output, othersName)}`)
  }

  async #runTrials(file: JsonLines<TrialRecord>): Promise<void> {
    for await (const outcome of this.#outcomes()) {
      const record = await this.#record(outcome)
      this.records.push(record)
      await file.append(record)
      this.context.events.ended(record)
      this.#checkFailures(record)
    }
  }

  #outcomes(): AsyncIterable<TaskOutcome> {
    const { plan, pool, signal } = this.context
    const { retries, timeoutMs = Infinity } = plan.options
    return pool.map<AnyTask>(this.#pendingTasks(), {
      taskId: (task) => this.#trials.get(task)!.id,
      retries,
      timeoutMs,
      onError: 'collect',
      spanName: 'flambeau.trial',
      signal,
      onEvent: (event) => this.#onEvent(event),
    })
  }

  #onEvent(event: TaskEvent): void {
    this.#monitor.onEvent(event)
    if (event.type === 'started') this.#startedAt.set(event.id, new Date().toISOString())
    if (event.type === 'progress') this.#addMetrics(event.id, event.value)
    const { events, pool } = this.context
    events.onTask(event, this.#trials.get(event.task)!, () => taskText(event.task, pool.textOptions))
  }

  // For the curves of a report. A sweep whose results can be written goes on without them.
  #addMetrics(trial: string, value: unknown): void {
    const line = metricsLine(maskData(value, this.context.redact), {
      _time: new Date().toISOString(),
      _trial: trial,
      _started: this.#startedAt.get(trial) ?? '',
    })
    this.#metrics?.append(line).catch(() => {})
  }

  async *#pendingTasks(): AsyncGenerator<AnyTask> {
    const done = new Set(this.context.earlier.kept.map(({ trial }) => trial))
    for (const combination of this.context.plan.combinations()) {
      if (done.has(combination.id)) continue
      const trial = await this.context.plan.trial(combination)
      this.#trials.set(trial.task, trial)
      yield trial.task
    }
  }

  async #record(outcome: TaskOutcome): Promise<TrialRecord> {
    const { id, key, options } = this.#trials.get(outcome.task)!
    this.#trials.delete(outcome.task)
    const { durationMs, host, attempts } = outcome
    const measurement = this.#mask(await this.#measure(id, outcome))
    if (outcome.ok && measurement.error) await this.#writeFailed(outcome, measurement.error)
    return { trial: id, key, options, durationMs, host, attempts, ...measurement }
  }

  #mask({ error, ...rest }: Measurement): Measurement {
    return error ? { ...rest, error: { ...error, message: this.context.redact(error.message) } } : rest
  }

  // For the pool, a task without the metric has succeeded, so its file is written here.
  async #writeFailed(done: TaskDone, { message, code }: NonNullable<Measurement['error']>): Promise<void> {
    const { plan, pool, imports } = this.context
    const { id, task, attempts, host } = done
    const error = packError(new UnsuccessfulRunnableError(message, { code }))
    const failed = { id, attempts, text: taskText(task, pool.textOptions) }
    const attempt = { ok: false, reason: 'failed', error, host } as const
    await writeFailedFile(
      { ...failed, attempt },
      { folder: plan.options.output, imports: moduleUrls(imports) },
    )
  }

  async #measure(id: string, outcome: TaskOutcome): Promise<Measurement> {
    const { lastMetric, stopped } = this.#monitor.take(id)
    if (outcome.ok) return measure(outcome, { metric: this.context.plan.options.metric, lastMetric })
    if (stopped !== undefined) return { metric: stopped, stopped: true }
    const { code, message } = outcome.error
    return { error: { code, message } }
  }

  #checkFailures({ error }: TrialRecord): void {
    const { maxFailures = Infinity } = this.context.plan.options
    if (error) this.#failures++
    if (this.#failures <= maxFailures) return
    const message = `${this.#failures} trials failed, more than "maxFailures: ${maxFailures}" allows`
    throw new UnsuccessfulRunnableError(message, { code: 'TOO_MANY_FAILURES' })
  }
}

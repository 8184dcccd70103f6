import { join } from 'node:path'
import { UnsuccessfulRunnableError } from '../../errors.js'
import type { Logger } from '../../runnable/logger.js'
import type { Redact } from '../../runnable/secrets/mask.js'
import { writeFailed } from '../failed-file.js'
import { moduleUrls } from '../import-modules.js'
import type { JsonLines } from '../json-lines.js'
import type { AnyTask, TaskDone, TaskOutcome } from '../map-options.js'
import { notWritten } from '../not-written.js'
import { packError } from '../packed-error.js'
import type { Pool } from '../pool.js'
import { taskText } from '../task-text.js'
import { writeDescription } from './description.js'
import { type Measured, measure } from './measure.js'
import type { Plan, Trial } from './plan.js'
import { type Progress, progressOn } from './progress.js'
import { type Earlier, openRecords, othersName } from './record-file.js'
import { recordsName, type TrialRecord } from './records.js'
import { TrialNews } from './trial-news.js'

/** What a {@link SweepRun} works with. */
export interface SweepSetting {
  readonly plan: Plan
  readonly pool: Pool
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly earlier: Earlier
  /** Modules that the files of failed trials name, so that they run again. */
  readonly imports: readonly (string | URL)[]
  /** Masks secrets: the message about a metric shows what a trial returned. */
  readonly redact: Redact
}

/** Runs the trials of a sweep that are not done yet, and keeps a record of each. */
export class SweepRun {
  readonly records: TrialRecord[]
  readonly #trials = new Map<AnyTask, Trial>()
  readonly #news: TrialNews
  #failures = 0

  constructor(readonly by: SweepSetting) {
    this.records = [...by.earlier.kept]
    this.#news = new TrialNews(by.plan.options)
  }

  async run(): Promise<TrialRecord[]> {
    const { plan, logger, earlier } = this.by
    const { metric, output } = plan.options
    const file = await openRecords(output, earlier)
    this.#tellOfOthers()
    const progress = progressOn(logger, { metric, total: plan.size, done: earlier.kept.length })
    try {
      await writeDescription(plan)
      await this.#runTrials(progress, file)
    } finally {
      progress.end()
      await file.close()
    }
    return this.records
  }

  #tellOfOthers(): void {
    const { plan, logger, earlier } = this.by
    const { length } = earlier.others
    const were = length === 1 ? 'One earlier result is' : `${length} earlier results are`
    if (length > 0)
      logger.warn(`${were} of no trial of this sweep: see ${join(plan.options.output, othersName)}`)
  }

  async #runTrials(progress: Progress, file: JsonLines<TrialRecord>): Promise<void> {
    for await (const outcome of this.#outcomes()) {
      const record = await this.#record(outcome)
      this.records.push(record)
      await file.append(record).catch((cause) => {
        throw notWritten(join(this.by.plan.options.output, recordsName), cause)
      })
      progress.settled(record)
      this.#refuseMoreFailures(record)
    }
  }

  #outcomes(): AsyncIterable<TaskOutcome> {
    const { plan, pool, signal } = this.by
    const { retries, timeoutMs } = plan.options
    return pool.map<AnyTask>(this.#open(), {
      taskId: (task) => this.#trials.get(task)!.id,
      retries,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      onError: 'collect',
      signal,
      onEvent: (event) => this.#news.hear(event),
    })
  }

  *#open(): Generator<AnyTask> {
    const done = new Set(this.by.earlier.kept.map(({ trial }) => trial))
    for (const combination of this.by.plan.combinations()) {
      if (done.has(combination.id)) continue
      const trial = this.by.plan.trial(combination)
      this.#trials.set(trial.task, trial)
      yield trial.task
    }
  }

  async #record(outcome: TaskOutcome): Promise<TrialRecord> {
    const { id, key, options } = this.#trials.get(outcome.task)!
    this.#trials.delete(outcome.task)
    const { durationMs, host, attempts } = outcome
    const known = { trial: id, key, options, durationMs, host, attempts }
    const measured = this.#masked(await this.#measured(id, outcome))
    if (outcome.ok && measured.error) await this.#writeFailed(outcome, measured.error)
    return { ...known, ...measured }
  }

  #masked({ error, ...rest }: Measured): Measured {
    return error ? { ...rest, error: { ...error, message: this.by.redact(error.message) } } : rest
  }

  // The pool writes the file of a task that throws; that one without a metric has failed, only a sweep knows.
  async #writeFailed(done: TaskDone, { message, code }: NonNullable<Measured['error']>): Promise<void> {
    const { plan, imports } = this.by
    const { id, task, attempts, host } = done
    const error = packError(new UnsuccessfulRunnableError(message, { code }))
    const failed = { id, attempts, text: taskText(task, plan.by) }
    const to = { folder: plan.options.output, imports: moduleUrls(imports) }
    await writeFailed({ ...failed, ended: { ok: false, reason: 'failed', error, host } }, to)
  }

  async #measured(id: string, outcome: TaskOutcome): Promise<Measured> {
    const { told, stopped } = this.#news.take(id)
    if (outcome.ok) return measure(outcome, { metric: this.by.plan.options.metric, told })
    if (stopped !== undefined) return { metric: stopped, stopped: true }
    const { code, message } = outcome.error
    return { error: { code, message } }
  }

  #refuseMoreFailures({ error }: TrialRecord): void {
    const { maxFailures = Infinity } = this.by.plan.options
    if (error) this.#failures++
    if (this.#failures <= maxFailures) return
    const message = `${this.#failures} trials failed, more than "maxFailures: ${maxFailures}" allows`
    throw new UnsuccessfulRunnableError(message, { code: 'TOO_MANY_FAILURES' })
  }
}

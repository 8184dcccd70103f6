import { join } from 'node:path'
import { UnsuccessfulRunnableError } from '../../errors.js'
import type { Logger } from '../../logger.js'
import { moduleUrls } from '../../modules/resolve.js'
import type { Objective } from '../../records/events.js'
import { metricsLine } from '../../records/metrics-line.js'
import { maskData, type Redact } from '../../runnable/secrets/mask.js'
import { JsonLines } from '../json-lines.js'
import type { AnyTask, TaskDone, TaskEvent, TaskOutcome } from '../options.js'
import type { Pool } from '../pool.js'
import { packError } from '../serialize.js'
import { taskFileName, taskKey, taskText, writeFailedFile } from '../task-file.js'
import { durationMs } from './duration.js'
import type { SweepEvents } from './events.js'
import { MedianRule } from './median-rule.js'
import { type Measurement, measure } from './metric.js'
import {
  type EarlierTrials,
  metricsName,
  openRecords,
  othersName,
  replaceRecords,
  stateOf,
  type TrialRecord,
  valuesOf,
  writeDescription,
} from './records.js'
import type { Combination, SearchPlan, Trial } from './search.js'
import type { SearchTrial } from './strategy.js'
import { type MonitoredTrial, TrialMonitor } from './trial-monitor.js'

/** What a {@link SweepRun} needs. */
export interface SweepContext {
  readonly plan: SearchPlan
  readonly pool: Pool
  /** The id of the sweep. */
  readonly id: string
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
  /** The last record of each trial, in the order in which the trials finished. */
  readonly #records = new Map<string, TrialRecord>()
  /** The same for a strategy. */
  readonly #finished = new Map<string, SearchTrial>()
  readonly #trials = new Map<AnyTask, Trial>()
  /** The trials that a rule has resumed. */
  readonly #resumed = new Set<AnyTask>()
  /** Of trials with the same options, the one whose folder and log are named by their key alone: that with the lowest number. */
  readonly #keyOwners = new Map<string, string>()
  readonly #monitor: TrialMonitor
  readonly #gate: Gate
  /** When no more trials begin, as `performance.now()` counts. */
  readonly #deadline: number
  /** Whether a trial has an earlier record in the file. */
  #hasReplaced = false
  #failures = 0
  readonly #startedAt = new Map<string, string>()
  #metrics: JsonLines<object> | undefined

  constructor(readonly context: SweepContext) {
    const { plan, pool, earlier } = context
    const { earlyStop, maxDuration } = plan.options
    for (const record of [...earlier.kept, ...earlier.failed]) {
      this.#records.set(record.trial, record)
      if (plan.strategy) this.#addFinished(record)
    }
    const byNumber = [...this.#records.values()].sort((a, b) => Number(a.trial) - Number(b.trial))
    for (const { trial, key } of byNumber) this.#claimKey(trial, key)
    this.#monitor = new TrialMonitor(
      plan.objectives[0]!,
      earlyStop === 'median' ? new MedianRule() : earlyStop,
    )
    this.#monitor.replay(earlier.kept)
    this.#gate = new Gate(pool.slots)
    this.#deadline =
      performance.now() + (maxDuration === undefined ? Number.POSITIVE_INFINITY : durationMs(maxDuration)!)
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
      await writeDescription(plan, this.context.id)
      await this.#runTrials(file)
    } finally {
      await file.close()
      await this.#metrics.close()
    }
    const records = [...this.#records.values()]
    if (this.#hasReplaced) await replaceRecords(output, records)
    return records
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
      if (this.#records.delete(record.trial)) this.#hasReplaced = true
      this.#records.set(record.trial, record)
      if (this.context.plan.strategy) this.#addFinished(record)
      await file.append(record)
      this.#monitor.onTrialEnd(record)
      this.context.events.ended(record)
      this.#gate.leave(record.trial)
      this.#checkFailures(record)
    }
  }

  #outcomes(): AsyncIterable<TaskOutcome> {
    const { plan, pool, signal } = this.context
    const { retries, timeoutMs = Infinity, seed } = plan.options
    return pool.map<AnyTask>(this.#pendingTasks(), {
      taskId: (task) => this.#trials.get(task)!.id,
      retries,
      timeoutMs,
      seed,
      onError: 'collect',
      spanName: 'flambeau.trial',
      isRepeatable: true,
      // Its number changes with the space and the number of trials.
      keyOf: (task) => this.#folderKey(this.#trials.get(task)!),
      isResumed: (task) => this.#resumed.has(task),
      workerOf: (task) => this.#records.get(this.#trials.get(task)!.id)?.worker,
      signal,
      onEvent: (event) => this.#onEvent(event),
    })
  }

  #onEvent(event: TaskEvent): void {
    this.#monitor.onEvent(event)
    if (event.type === 'started') {
      this.#startedAt.set(event.id, new Date().toISOString())
      this.#gate.start(event.id)
    }
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

  // Two points may be the same options: a choice in a choice can have one value twice.
  #claimKey(id: string, key: string): void {
    if (!this.#keyOwners.has(key)) this.#keyOwners.set(key, id)
  }

  #folderKey({ id, key }: Trial): string {
    return this.#keyOwners.get(key) === id ? key : taskKey(`${key} ${id}`)
  }

  async *#pendingTasks(): AsyncGenerator<AnyTask> {
    for await (const combination of this.#pending()) {
      const trial = await this.context.plan.trial(combination)
      this.#trials.set(trial.task, trial)
      this.#claimKey(trial.id, trial.key)
      if (combination.isResumed) this.#resumed.add(trial.task)
      yield trial.task
    }
  }

  /** The trials that are run, each when a worker is free, as far as it matters when they begin. */
  async *#pending(): AsyncGenerator<Combination & { isResumed?: true }> {
    const { plan } = this.context
    const { maxDuration } = plan.options
    const canResume = this.#monitor.canResume
    const waits = plan.strategy !== undefined || canResume || maxDuration !== undefined
    const fresh = this.#fresh()
    let isIdle = false
    for (;;) {
      if (waits) await this.#gate.enter()
      if (performance.now() > this.#deadline) return this.#warnOfDeadline()
      const paused = canResume ? this.#monitor.next(isIdle) : undefined
      const next = paused === undefined ? (await fresh.next()).value : this.#again(this.#records.get(paused)!)
      if (next) yield paused === undefined ? next : { ...next, isResumed: true }
      else if (!canResume || isIdle) return
      // What runs may let a paused trial go on.
      else isIdle = await this.#gate.leaveIdle()
    }
  }

  /** The trials that have not run: those that failed in an earlier sweep, and new ones. */
  async *#fresh(): AsyncGenerator<Combination> {
    const { plan, earlier } = this.context
    const kept = new Set(earlier.kept.map(({ trial }) => trial))
    if (!plan.strategy) {
      for (const combination of plan.combinations()) if (!kept.has(combination.id)) yield combination
      return
    }
    for (const record of earlier.failed) yield this.#again(record)
    const known = new Set([...earlier.kept, ...earlier.failed].map(({ trial }) => Number(trial)))
    for (let number = 1; number <= plan.size; number++) {
      if (known.has(number)) continue
      const combination = await plan.suggest(number, this.#history())
      if (!combination) return
      yield combination
    }
  }

  #again({ trial, options }: TrialRecord): Combination {
    return this.context.plan.combinationOf(Number(trial), options)!
  }

  /** The trials so far, in the order of their numbers. */
  #history(): SearchTrial[] {
    const running = [...this.#trials.values()].map(
      ({ number, point }): SearchTrial => ({ number, point, state: 'running' }),
    )
    const isRunning = new Set(running.map(({ number }) => number))
    const finished = [...this.#finished.values()].filter(({ number }) => !isRunning.has(number))
    return [...finished, ...running].sort((a, b) => a.number - b.number)
  }

  #addFinished(record: TrialRecord): void {
    const { plan } = this.context
    const { trial, options, stopped, curve } = record
    const point = plan.templateSpace.pointOf(options)!
    const values = valuesOf(record, plan.objectives)
    const step = stopped && curve?.at(-1)?.[0]
    const known = { ...(values && { values }), ...(step !== undefined && { step }) }
    this.#finished.set(trial, { number: Number(trial), point, state: stateOf(record), ...known })
  }

  #warnOfDeadline(): void {
    const { plan, logger } = this.context
    logger.warn(
      `No more trials begin after ${plan.options.maxDuration} ("maxDuration"): continue with "--resume"`,
    )
  }

  async #record(outcome: TaskOutcome): Promise<TrialRecord> {
    const { id, key, seed, options } = this.#trials.get(outcome.task)!
    this.#trials.delete(outcome.task)
    this.#resumed.delete(outcome.task)
    const { durationMs, host, worker, attempts } = outcome
    const { curve, ...monitored } = this.#monitor.take(id)
    const measurement = this.#mask(await this.#measure(outcome, monitored))
    if (measurement.error && outcome.ok) await this.#writeFailed(outcome, seed, measurement.error)
    const measured = { ...measurement, ...(curve && { curve }) }
    return {
      trial: id,
      key,
      options,
      durationMs,
      host,
      ...(worker && { worker }),
      attempts,
      seed,
      ...measured,
    }
  }

  #mask({ error, ...rest }: Measurement): Measurement {
    if (!error) return rest
    const { redact } = this.context
    const output = error.output === undefined ? {} : { output: redact(error.output) }
    return { ...rest, error: { ...error, message: redact(error.message), ...output } }
  }

  // For the pool, a task without the metric has succeeded, so its file is written here.
  async #writeFailed(
    done: TaskDone,
    seed: number,
    { message, code }: NonNullable<Measurement['error']>,
  ): Promise<void> {
    const { pool } = this.context
    const { id, task, attempts, host } = done
    const error = packError(new UnsuccessfulRunnableError(message, { code }))
    const text = taskText(task, pool.textOptions)
    const failed = { id, name: taskFileName(id), task, attempts, text, seed }
    const attempt = { ok: false, reason: 'failed', error, host } as const
    await writeFailedFile({ ...failed, attempt }, pool.failedFileOptions)
  }

  async #measure(
    outcome: TaskOutcome,
    { lastMetric, isStopped }: Omit<MonitoredTrial, 'curve'>,
  ): Promise<Measurement> {
    const { objectives } = this.context.plan
    if (outcome.ok) return measure(outcome, { objectives, lastMetric })
    if (isStopped)
      return lastMetric === undefined
        ? { error: neverANumber(objectives[0]!) }
        : { metric: lastMetric, stopped: true }
    const { code, message, output } = outcome.error
    return { error: { code, message, ...(output !== undefined && { output: endOf(output) }) } }
  }

  #checkFailures({ error }: TrialRecord): void {
    const { maxFailures = Infinity } = this.context.plan.options
    if (error) this.#failures++
    if (this.#failures <= maxFailures) return
    const trials = this.#failures === 1 ? '1 trial' : `${this.#failures} trials`
    const message = `${trials} failed, more than "maxFailures: ${maxFailures}" allows`
    throw new UnsuccessfulRunnableError(message, { code: 'TOO_MANY_FAILURES' })
  }
}

/** How many of the last characters that a failed trial printed are in its record; the file in `failed/` has more. */
const maxOutput = 4096

// Whole lines, unless the last one is longer.
function endOf(output: string): string {
  if (output.length <= maxOutput) return output
  const end = output.slice(-maxOutput)
  const start = end.indexOf('\n') + 1
  return start === 0 || start === end.length ? end : end.slice(start)
}

function neverANumber({ name }: Objective) {
  const message = `It was stopped early: "${name}" was NaN or infinite in all that it reported`
  return { code: 'NO_METRIC', message }
}

/** Lets a trial begin when a worker is free, so that what it is depends on all that is known by then. */
class Gate {
  /** The trials that were let in and have not finished. */
  #inside = 0
  /** How many of them run. */
  readonly #started = new Set<string>()
  #wake: (() => void) | undefined

  constructor(
    /** How many run at once; when that is not known, one waits for a worker. */
    readonly slots: number | undefined,
  ) {}

  async enter(): Promise<void> {
    while (!this.#hasRoom) await this.#change()
    this.#inside++
  }

  start(id: string): void {
    this.#started.add(id)
    this.#wake?.()
  }

  /** Lets another trial in, as this one has finished. */
  leave(id: string): void {
    this.#started.delete(id)
    this.#inside--
    this.#wake?.()
  }

  /** Leaves without a trial; waits until a trial finishes, and returns whether none is running. */
  async leaveIdle(): Promise<boolean> {
    const others = --this.#inside
    while (this.#inside > 0 && this.#inside === others) await this.#change()
    return others === 0
  }

  get #hasRoom(): boolean {
    return this.slots === undefined ? this.#inside === this.#started.size : this.#inside < this.slots
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

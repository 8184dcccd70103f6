import type { Objective } from '../../records/events.js'
import type { TaskEvent } from '../options.js'
import { progressNumber } from './metric.js'
import { stateOf, type TrialRecord } from './records.js'
import type { StoppingRule } from './stopping-rule.js'

type Curve = NonNullable<TrialRecord['curve']>

/** What a {@link TrialMonitor} knows of a finished trial. */
export interface MonitoredTrial {
  /** The last metric that it reported. */
  readonly lastMetric: number | undefined
  /** Whether the rule has ended it. */
  readonly isStopped: boolean
  /** Its reports; absent without a rule, and when there are none. */
  readonly curve: Curve | undefined
}

interface Running {
  lastMetric: number | undefined
  isStopped: boolean
  curve: (readonly [step: number, value: number | null])[]
  isResumed: boolean
}

/** Follows the metric of running trials, and ends those that the rule of the sweep stops or pauses. */
export class TrialMonitor {
  readonly #running = new Map<string, Running>()
  /** The reports of paused trials, which may go on. */
  readonly #curves = new Map<string, Curve>()

  constructor(
    readonly objective: Objective,
    readonly rule: StoppingRule | undefined,
  ) {
    rule?.start(objective)
  }

  /** Whether the rule pauses trials, which may go on. */
  get canResume(): boolean {
    return this.rule?.next !== undefined
  }

  /** Passes the reports of an earlier sweep to the rule. */
  replay(records: readonly TrialRecord[]): void {
    if (!this.rule) return
    for (const record of records) {
      const { trial, curve = [] } = record
      for (const [step, value] of curve) this.rule.report({ trial, step, value: value ?? Number.NaN })
      this.onTrialEnd(record)
    }
  }

  /** The number of a paused trial that goes on now. */
  next(isLast = false): string | undefined {
    const trial = this.rule?.next?.(isLast)
    if (trial === undefined) return undefined
    const curve = [...(this.#curves.get(trial) ?? [])]
    const lastMetric = curve.at(-1)?.[1] ?? undefined
    this.#running.set(trial, { lastMetric, isStopped: false, curve, isResumed: true })
    return trial
  }

  onEvent(event: TaskEvent): void {
    if (event.type === 'started') this.#start(event.id)
    if (event.type === 'progress') this.#onProgress(event)
  }

  /** What is known of a finished trial. Forgets it. */
  take(id: string): MonitoredTrial {
    const { lastMetric, isStopped = false, curve } = this.#running.get(id) ?? {}
    this.#running.delete(id)
    return { lastMetric, isStopped, curve: this.rule && curve && curve.length > 0 ? curve : undefined }
  }

  /** Passes the end of a trial to the rule. */
  onTrialEnd(record: TrialRecord): void {
    const { trial, curve = [] } = record
    const state = stateOf(record)
    if (state === 'stopped' && this.canResume) this.#curves.set(trial, curve)
    else this.#curves.delete(trial)
    this.rule?.onTrialEnd?.(trial, state)
  }

  // Another attempt of a failed trial begins at the first step.
  #start(id: string): void {
    const running = this.#running.get(id)
    if (running?.isResumed) return
    if (running) this.rule?.reset?.(id)
    this.#running.set(id, { lastMetric: undefined, isStopped: false, curve: [], isResumed: false })
  }

  #onProgress({ id, value: progress, cancel }: TaskEvent & { type: 'progress' }): void {
    const running = this.#running.get(id)
    const value = progressNumber(progress, this.objective.name)
    if (!running || running.isStopped || value === undefined) return
    if (!Number.isNaN(value)) running.lastMetric = value
    if (!this.rule) return
    const last = running.curve.at(-1)?.[0] ?? 0
    const step = this.rule.stepName === undefined ? last + 1 : progressNumber(progress, this.rule.stepName)
    // A trial that goes on may repeat what it has reported before.
    if (step === undefined || !(step > last)) return
    running.curve.push([step, Number.isNaN(value) ? null : value])
    if (this.rule.report({ trial: id, step, value }) === 'continue') return
    running.isStopped = true
    cancel()
  }
}

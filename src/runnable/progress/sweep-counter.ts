import type { Objective, RunEvent, TrialEnded } from '../../records/events.js'
import { formatDuration, formatNumber, formatOptions } from '../../records/format.js'
import { printable } from '../../util/printable.js'

/** Counts the trials of a sweep. */
export class SweepCounter {
  readonly total: number
  readonly #objective: Objective | undefined
  /** When the sweep started, in milliseconds. */
  readonly #startedAt: number
  readonly #settled = new Set<string>()
  /** How many of them an earlier sweep has done. */
  #kept = 0
  #best: TrialEnded | undefined

  constructor({ trials, metrics, time }: RunEvent & { type: 'sweep.started' }) {
    this.total = trials
    this.#objective = metrics[0]
    this.#startedAt = Date.parse(time)
  }

  /** Counts a trial that has ended; returns whether it ran in this sweep. */
  add(event: RunEvent & { type: 'trial.ended' }): boolean {
    // A trial that goes on ends again.
    this.#settled.add(event.trial)
    if (event.isKept) this.#kept++
    if (event.state === 'done' && event.metric !== undefined && this.#isBetter(event.metric))
      this.#best = event
    return !event.isKept
  }

  get settled(): number {
    return this.#settled.size
  }

  /** Milliseconds since the sweep started. */
  get tookMs(): number {
    return Date.now() - this.#startedAt
  }

  /** The part of the trials of this sweep that have ended. */
  get part(): number {
    return (this.settled - this.#kept) / Math.max(1, this.total - this.#kept)
  }

  /** The best value so far with its trial; empty as long as there is none. */
  describeBest(): string {
    if (!this.#best) return ''
    return printable(
      `best ${this.#objective?.name ?? ''} ${formatNumber(this.#best.metric)} (trial ${this.#best.trial})`,
    )
  }

  /** `03  accuracy 0.9  rate=0.1  40 ms`. */
  describe({ trial, options, state, metric, error, durationMs }: TrialEnded): string {
    const name = this.#objective?.name ?? ''
    const what = error
      ? error.message.split('\n', 1)[0]
      : `${name} ${formatNumber(metric)}${state === 'stopped' ? ', stopped early' : ''}`
    const parts = [`${trial}  ${what}`, formatOptions(options), formatDuration(durationMs)]
    return printable(parts.filter(Boolean).join('  '))
  }

  #isBetter(metric: number): boolean {
    const best = this.#best?.metric
    if (best === undefined) return true
    return this.#objective?.goal === 'min' ? metric < best : metric > best
  }
}

import type { TaskEvent } from '../options.js'
import { progressMetric } from './metric.js'
import type { SweepOptions } from './options.js'
import type { Goal } from './records.js'

/** What trials tell of their metric while they run; ends those early that should be. */
export class TrialMonitor {
  readonly #lastMetric = new Map<string, number>()
  readonly #stopped = new Map<string, number>()
  readonly #rule: MedianStoppingRule | undefined

  constructor(readonly options: Pick<SweepOptions, 'metric' | 'goal' | 'earlyStop'>) {
    if (options.earlyStop) this.#rule = new MedianStoppingRule(options.goal)
  }

  onEvent(event: TaskEvent): void {
    if (event.type === 'started') this.#reset(event.id)
    if (event.type !== 'progress') return
    const value = progressMetric(event.value, this.options.metric)
    if (value === undefined) return
    this.#lastMetric.set(event.id, value)
    if (!this.#rule?.shouldStop(event.id, value)) return
    this.#stopped.set(event.id, value)
    event.cancel()
  }

  /** What a trial that has settled told last, and its metric when it was ended early. */
  take(id: string): { readonly told: number | undefined; readonly stopped: number | undefined } {
    const news = { told: this.#lastMetric.get(id), stopped: this.#stopped.get(id) }
    this.#lastMetric.delete(id)
    this.#stopped.delete(id)
    return news
  }

  // Another attempt, or one after a crash, begins at its first step.
  #reset(id: string): void {
    this.#lastMetric.delete(id)
    this.#rule?.reset(id)
  }
}

/** So many others must have come as far before a trial is compared with them. */
const minOthers = 3

/**
 * The median stopping rule (Golovin and others, "Google Vizier", 2017): a trial ends whose best value so far is worse
 * than the median of what the others had on average at the same step.
 */
class MedianStoppingRule {
  /** What each trial had on average up to each of its steps. */
  readonly #averages = new Map<string, number[]>()
  readonly #bests = new Map<string, number>()
  /** The averages of all trials at each step, sorted. */
  readonly #steps: number[][] = []

  constructor(readonly goal: Goal) {}

  /** Takes the next value of a trial; tells whether the trial should end. */
  shouldStop(trial: string, value: number): boolean {
    const averages = this.#averages.get(trial) ?? []
    const step = averages.length
    const average = ((averages.at(-1) ?? 0) * step + value) / (step + 1)
    const best = this.#better(value, this.#bests.get(trial) ?? value)
    this.#averages.set(trial, averages)
    this.#bests.set(trial, best)
    averages.push(average)
    this.#steps[step] ??= []
    const others = this.#steps[step]
    const isWorse = this.#isWorse(best, others)
    insertSorted(others, average)
    return isWorse
  }

  /** A trial begins anew: what it told before is not of this attempt. */
  reset(trial: string): void {
    for (const [step, average] of (this.#averages.get(trial) ?? []).entries())
      this.#steps[step]!.splice(sortedIndex(this.#steps[step]!, average), 1)
    this.#averages.delete(trial)
    this.#bests.delete(trial)
  }

  #isWorse(best: number, others: readonly number[]): boolean {
    if (others.length < minOthers) return false
    const median = others[others.length >> 1]!
    return best !== median && this.#better(best, median) === median
  }

  #better(a: number, b: number): number {
    return this.goal === 'max' ? Math.max(a, b) : Math.min(a, b)
  }
}

/** Where a number is in a sorted list, or would be. */
function sortedIndex(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** Puts a number into a sorted list. */
function insertSorted(sorted: number[], value: number): void {
  sorted.splice(sortedIndex(sorted, value), 0, value)
}

import type { TaskEvent } from '../options.js'
import { progressMetric } from './metric.js'
import type { SweepOptions } from './options.js'
import type { Goal } from './records.js'

/** Follows the metric of running trials, and stops those early that fall behind. */
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

  /** The last metric that a settled trial reported, and its metric when it was stopped early. Forgets the trial. */
  take(id: string): { readonly lastMetric: number | undefined; readonly stopped: number | undefined } {
    const metrics = { lastMetric: this.#lastMetric.get(id), stopped: this.#stopped.get(id) }
    this.#lastMetric.delete(id)
    this.#stopped.delete(id)
    return metrics
  }

  // A new attempt begins at the first step.
  #reset(id: string): void {
    this.#lastMetric.delete(id)
    this.#rule?.reset(id)
  }
}

/** How many other trials must have reached a step before a trial is compared with them. */
const minOthers = 3

/**
 * The median stopping rule (Golovin and others, "Google Vizier", 2017): stops a trial whose best value so far is worse
 * than the median of the averages of the other trials up to the same step.
 */
class MedianStoppingRule {
  /** The average of each trial up to each of its steps. */
  readonly #averages = new Map<string, number[]>()
  readonly #bests = new Map<string, number>()
  /** The averages of all trials at each step, sorted. */
  readonly #steps: number[][] = []

  constructor(readonly goal: Goal) {}

  /** Adds the next value of a trial; returns whether the trial should end. */
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

  /** Forgets the values of a trial, which starts over. */
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

/** The index of a number in a sorted list, or the index at which it would be inserted. */
function sortedIndex(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

function insertSorted(sorted: number[], value: number): void {
  sorted.splice(sortedIndex(sorted, value), 0, value)
}

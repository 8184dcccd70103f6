import type { Goal } from './ranking.js'
import { insertSorted, placeIn } from './sorted.js'

/** So many others must have come as far before a trial is compared with them. */
const leastOthers = 3

/**
 * The median stopping rule (Golovin and others, "Google Vizier", 2017): a trial ends whose best value so far is worse
 * than the median of what the others had on average at the same step.
 */
export class MedianStop {
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
  forget(trial: string): void {
    for (const [step, average] of (this.#averages.get(trial) ?? []).entries())
      this.#steps[step]!.splice(placeIn(this.#steps[step]!, average), 1)
    this.#averages.delete(trial)
    this.#bests.delete(trial)
  }

  #isWorse(best: number, others: readonly number[]): boolean {
    if (others.length < leastOthers) return false
    const median = others[others.length >> 1]!
    return best !== median && this.#better(best, median) === median
  }

  #better(a: number, b: number): number {
    return this.goal === 'max' ? Math.max(a, b) : Math.min(a, b)
  }
}

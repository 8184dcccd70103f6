import type { Objective } from '../../records/events.js'
import { firstIndexWhere } from '../../util/binary-search.js'
import type { StoppingRule, TrialDecision, TrialReport } from './stopping-rule.js'

/** How many other trials must have reached a step before a trial is compared with them. */
const minOthers = 3

/**
 * The median stopping rule (Golovin and others, "Google Vizier", 2017): stops a trial whose best value so far is worse
 * than the median of the averages of the other trials up to the same step.
 */
export class MedianRule implements StoppingRule {
  /** The average of each trial up to each of its steps. */
  readonly #averages = new Map<string, number[]>()
  readonly #bests = new Map<string, number>()
  /** The averages of all trials at each report, sorted. */
  readonly #steps: number[][] = []
  #goal: Objective['goal'] = 'max'

  start({ goal }: Objective): void {
    this.#goal = goal
    this.#averages.clear()
    this.#bests.clear()
    this.#steps.length = 0
  }

  // No number is worse than any number.
  report({ trial, value: reported }: TrialReport): TrialDecision {
    const worst = this.#goal === 'max' ? -Number.MAX_VALUE : Number.MAX_VALUE
    const value = Number.isNaN(reported) ? worst : reported
    const averages = this.#averages.get(trial) ?? []
    const step = averages.length
    const average = (averages.at(-1) ?? 0) * (step / (step + 1)) + value / (step + 1)
    const best = this.#better(value, this.#bests.get(trial) ?? value)
    this.#averages.set(trial, averages)
    this.#bests.set(trial, best)
    averages.push(average)
    this.#steps[step] ??= []
    const others = this.#steps[step]
    const isWorse = this.#isWorse(best, others)
    insertSorted(others, average)
    return isWorse ? 'stop' : 'continue'
  }

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
    return this.#goal === 'max' ? Math.max(a, b) : Math.min(a, b)
  }
}

/** The index of a number in a sorted list, or the index at which it would be inserted. */
function sortedIndex(sorted: readonly number[], value: number): number {
  return firstIndexWhere(sorted.length, (index) => sorted[index]! >= value)
}

function insertSorted(sorted: number[], value: number): void {
  sorted.splice(sortedIndex(sorted, value), 0, value)
}

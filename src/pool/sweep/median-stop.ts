import type { Goal } from './ranking.js'

/** So many others must have come as far before a trial is compared with them. */
const leastOthers = 3

/**
 * The median stopping rule (Golovin and others, "Google Vizier", 2017): a trial ends whose best value so far is worse
 * than the median of what the others had on average at the same step.
 */
export class MedianStop {
  readonly #averages = new Map<string, number[]>()
  readonly #bests = new Map<string, number>()

  constructor(readonly goal: Goal) {}

  /** Takes the next value of a trial; tells whether the trial should end. */
  shouldStop(trial: string, value: number): boolean {
    const averages = this.#averages.get(trial) ?? []
    const step = averages.length
    averages.push(((averages.at(-1) ?? 0) * step + value) / (step + 1))
    this.#averages.set(trial, averages)
    this.#bests.set(trial, this.#better(value, this.#bests.get(trial) ?? value))
    return this.#isWorse(trial, step)
  }

  #isWorse(trial: string, step: number): boolean {
    const others = [...this.#averages].flatMap(([other, averages]) =>
      other === trial || averages[step] === undefined ? [] : [averages[step]],
    )
    if (others.length < leastOthers) return false
    const median = others.toSorted((a, b) => a - b)[others.length >> 1]!
    const best = this.#bests.get(trial)!
    return best !== median && this.#better(best, median) === median
  }

  #better(a: number, b: number): number {
    return this.goal === 'max' ? Math.max(a, b) : Math.min(a, b)
  }
}

import type { Trial } from '../model.js'

/** How much an option matters. */
export interface Importance {
  readonly option: string
  /** Its share, from 0 to 1; the shares of all options sum up to 1, unless all are 0. */
  readonly share: number
}

/** With fewer trials, chance alone explains most. */
export const leastTrials = 8
/** The most groups into which the values of a number are sorted. */
const mostGroups = 8

/**
 * Estimates how much of the variance of a metric each option explains by itself: the correlation ratio, corrected for chance
 * (epsilon squared; T. L. Kelley, "An unbiased correlation ratio measure", 1935). Numbers are sorted into groups of equal size.
 * What only several options explain together is not seen. Returns nothing when there are too few trials.
 */
export function importances(trials: readonly Trial[]): Importance[] {
  const done = trials.filter(({ metric, state }) => state === 'done' && metric !== undefined)
  if (done.length < leastTrials) return []
  const options = [...new Set(done.flatMap((trial) => Object.keys(trial.options)))]
  const found = options.map((option) => ({ option, value: epsilonSquared(done, option) }))
  const sum = found.reduce((total, { value }) => total + value, 0)
  return found
    .map(({ option, value }) => ({ option, share: sum === 0 ? 0 : value / sum }))
    .sort((a, b) => b.share - a.share)
}

function epsilonSquared(trials: readonly Trial[], option: string): number {
  // Trials without the option did not take the branch that has it.
  const own = trials.filter((trial) => Object.hasOwn(trial.options, option))
  const groups = groupsOf(own, option)
  const degrees = own.length - groups.length
  if (groups.length < 2 || degrees < 1) return 0
  const metrics = own.map(({ metric }) => metric!)
  const total = squares(metrics)
  const within = groups.reduce((sum, group) => sum + squares(group), 0)
  if (total === 0) return 0
  return Math.max(0, 1 - within / degrees / (total / (own.length - 1)))
}

function squares(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
}

/** The metrics of trials with like values of an option. */
function groupsOf(trials: readonly Trial[], option: string): number[][] {
  const values = trials.map((trial) => trial.options[option])
  const distinct = new Set(values.map((value) => JSON.stringify(value) ?? ''))
  const isNumber = values.every((value) => typeof value === 'number')
  if (!isNumber || distinct.size <= mostGroups) return categories(trials, option)
  const sorted = [...trials].sort((a, b) => Number(a.options[option]) - Number(b.options[option]))
  const count = Math.min(mostGroups, Math.max(2, Math.floor(Math.sqrt(sorted.length))))
  const groups: number[][] = Array.from({ length: count }, () => [])
  for (const [index, { metric }] of sorted.entries())
    groups[Math.floor((index * count) / sorted.length)]!.push(metric!)
  return groups
}

function categories(trials: readonly Trial[], option: string): number[][] {
  const groups = new Map<string, number[]>()
  for (const trial of trials) {
    const name = JSON.stringify(trial.options[option]) ?? ''
    const group = groups.get(name)
    if (group) group.push(trial.metric!)
    else groups.set(name, [trial.metric!])
  }
  return [...groups.values()]
}

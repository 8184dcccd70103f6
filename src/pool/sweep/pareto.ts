import type { Objective } from '../../records/events.js'
import { firstIndexWhere } from '../../util/binary-search.js'

/**
 * Ranks points by dominance: 0 for those that no other point dominates, the Pareto front; 1 for those that only these dominate, and so
 * on (efficient non-dominated sort, Zhang and others, 2015). One point dominates another one when it is at least as good in all
 * objectives, and better in one. Equal points have the same rank.
 */
export function frontRanks(
  points: readonly (readonly number[])[],
  objectives: readonly Objective[],
): number[] {
  const losses = points.map((values) =>
    values.map((value, index) => (objectives[index]!.goal === 'max' ? -value : value)),
  )
  const order = [...losses.keys()].sort((a, b) => compareInOrder(losses[a]!, losses[b]!))
  const fronts: (readonly number[])[][] = []
  const ranks = new Array<number>(points.length)
  for (const index of order) {
    const loss = losses[index]!
    const rank = firstIndexWhere(fronts.length, (front) => !isDominated(loss, fronts[front]!))
    fronts[rank] ??= []
    fronts[rank]!.push(loss)
    ranks[index] = rank
  }
  return ranks
}

function compareInOrder(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) if (value !== b[index]) return value - b[index]!
  return 0
}

// Of two objectives, the last one of a front has the least second loss: it alone decides.
function isDominated(loss: readonly number[], front: readonly (readonly number[])[]): boolean {
  const compared = loss.length <= 2 ? front.slice(-1) : front
  return compared.some((other) => dominates(other, loss))
}

function dominates(a: readonly number[], b: readonly number[]): boolean {
  return a.every((value, index) => value <= b[index]!) && a.some((value, index) => value < b[index]!)
}

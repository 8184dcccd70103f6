import { frontRanks } from '../../../pool/sweep/pareto.js'
import type { Objective } from '../../../records/events.js'

/** A trial with two values. */
export interface ParetoPoint {
  readonly id: string
  readonly x: number
  readonly y: number
}

/** The points that no other point beats in one value without losing in the other, by their x. */
export function paretoFront(
  points: readonly ParetoPoint[],
  x: Objective['goal'],
  y: Objective['goal'],
): ParetoPoint[] {
  const ranks = frontRanks(
    points.map((point) => [point.x, point.y]),
    [
      { name: 'x', goal: x },
      { name: 'y', goal: y },
    ],
  )
  return points.filter((_, index) => ranks[index] === 0).sort((a, b) => a.x - b.x)
}

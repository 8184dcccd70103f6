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
  const signX = x === 'min' ? 1 : -1
  const signY = y === 'min' ? 1 : -1
  const sorted = [...points].sort((a, b) => signX * (a.x - b.x) || signY * (a.y - b.y))
  const front: ParetoPoint[] = []
  let best = Number.POSITIVE_INFINITY
  for (const point of sorted) {
    const value = signY * point.y
    const last = front.at(-1)
    const isEqual = last !== undefined && last.x === point.x && last.y === point.y
    if (value < best || isEqual) front.push(point)
    best = Math.min(best, value)
  }
  return front.sort((a, b) => a.x - b.x)
}

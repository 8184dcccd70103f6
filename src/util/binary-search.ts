/**
 * Finds the first index below `length` for which a test holds; `length` when it holds for none. It must hold for all indices after
 * the first one.
 */
export function firstIndexWhere(length: number, holds: (index: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/** Where a number is in a sorted list, or would be. */
export function placeIn(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** Puts a number into a sorted list. */
export function insertSorted(sorted: number[], value: number): void {
  sorted.splice(placeIn(sorted, value), 0, value)
}

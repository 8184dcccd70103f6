/** The p-value that `a` tends to be greater than `b`: one-sided Mann-Whitney test, normal approximation with ties. */
export function mannWhitney(a, b) {
  const all = [...a.map((value) => ({ value, own: true })), ...b.map((value) => ({ value, own: false }))]
  all.sort((x, y) => x.value - y.value)
  const count = all.length
  let [rankSum, ties] = [0, 0]
  for (let start = 0; start < count; ) {
    let end = start
    while (end < count && all[end].value === all[start].value) end++
    const rank = (start + end + 1) / 2
    rankSum += rank * all.slice(start, end).filter(({ own }) => own).length
    ties += (end - start) ** 3 - (end - start)
    start = end
  }
  const u = rankSum - (a.length * (a.length + 1)) / 2
  const mean = (a.length * b.length) / 2
  const variance = ((a.length * b.length) / 12) * (count + 1 - ties / (count * (count - 1)))
  return variance === 0 ? 0.5 : upperTail((u - mean - 0.5) / Math.sqrt(variance))
}

/** P-values with Holm's correction for all of them. */
export function holm(values) {
  const order = [...values.keys()].sort((a, b) => values[a] - values[b])
  const corrected = []
  let least = 0
  for (const [place, at] of order.entries()) {
    least = Math.max(least, Math.min(1, (values.length - place) * values[at]))
    corrected[at] = least
  }
  return corrected
}

/** The mean rank of each list beside the others, value by value; the least value has rank 1. */
export function meanRanks(lists) {
  const sums = lists.map(() => 0)
  for (const [at] of lists[0].entries())
    for (const [list, values] of lists.entries()) {
      const below = lists.filter((other) => other[at] < values[at]).length
      const same = lists.filter((other) => other[at] === values[at]).length
      sums[list] += below + (same + 1) / 2
    }
  return sums.map((sum) => sum / lists[0].length)
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}

// Abramowitz and Stegun, 26.2.17: the error is below 7.5e-8.
function upperTail(z) {
  if (z < 0) return 1 - upperTail(-z)
  const t = 1 / (1 + 0.2316419 * z)
  const sum = ((((1.330274429 * t - 1.821255978) * t + 1.781477937) * t - 0.356563782) * t + 0.31938153) * t
  return (sum * Math.exp(-(z * z) / 2)) / Math.sqrt(2 * Math.PI)
}

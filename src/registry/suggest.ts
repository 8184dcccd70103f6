const longest = 64
const mostNames = 100
const mostCells = 20_000_000
/** What begins with the name is nearer than what has another letter in its place: "needs" and not "seed" for "need". */
const beginningBonus = 0.5

/** The name in `known` that is most similar to `name`, if it is similar enough. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  return new Suggester().nearest(name, known)
}

/**
 * Searches similar names for one text: for the first hundred different names, and for less than a second. A hostile file may
 * have millions.
 */
export class Suggester {
  readonly #found = new Map<string, string | undefined>()
  #names = mostNames
  #cells = mostCells

  /** Whether the limits are reached. */
  get isExhausted(): boolean {
    return this.#names <= 0 || this.#cells < 0
  }

  /** Like `nearest`, but cached: one mistake is often repeated. */
  suggest(known: readonly string[], name: string): string | undefined {
    const question = [name, ...known].join('\n')
    if (!this.#found.has(question) && !this.isExhausted) this.#found.set(question, this.nearest(name, known))
    return this.#found.get(question)
  }

  nearest(name: string, known: Iterable<string>): string | undefined {
    if (name.length > longest || this.isExhausted) return undefined
    this.#names--
    const wanted = name.toLowerCase()
    let best: string | undefined
    const limit = Math.floor(name.length * 0.4) + 1
    let bestDistance = limit
    for (const candidate of known) {
      const least = Math.abs(name.length - candidate.length)
      if (least >= limit || least - beginningBonus >= bestDistance || candidate.length > longest) continue
      this.#cells -= name.length * candidate.length
      if (this.#cells < 0) break
      const other = candidate.toLowerCase()
      const edits = editDistance(wanted, other)
      const distance = edits - (other.startsWith(wanted) ? beginningBonus : 0)
      if (edits >= limit || distance >= bestDistance) continue
      best = candidate
      bestDistance = distance
    }
    return best
  }
}

/** The end of a message about an unknown name: `: did you mean "X"?`, or an empty string. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const meant = nearest(name, known)
  return meant === undefined ? '' : `: did you mean "${meant}"?`
}

/** The Damerau-Levenshtein distance with adjacent swaps (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const here = [row]
    for (let column = 1; column <= b.length; column++) {
      const change = a[row - 1] === b[column - 1] ? 0 : 1
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      here[column] = Math.min(
        above[column]! + 1,
        here[column - 1]! + 1,
        above[column - 1]! + change,
        swapped ? before[column - 2]! + 1 : Infinity,
      )
    }
    before = above
    above = here
  }
  return above[b.length]!
}

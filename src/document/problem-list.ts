import type { Problem } from '../errors.js'
import { NearNames } from '../registry/suggest.js'
import { countOf } from '../report.js'

/** How many problems of one text are shown. */
export const mostProblems = 1_000

/**
 * What is wrong with one text: the first problems as a whole, of the others only their number. A small file may have half a
 * million, and each costs a message, a frame and a look for near names.
 */
export class ProblemList {
  readonly #first: Problem[] = []
  #rest = 0

  /** `near` is shared by all lists of one text. */
  constructor(readonly near = new NearNames()) {}

  add(make: () => Problem): void {
    if (this.#first.length < mostProblems) this.#first.push(make())
    else this.#rest++
  }

  get problems(): readonly Problem[] {
    return this.#rest === 0 ? this.#first : [...this.#first, notShown(this.#first.at(-1)!, this.#rest)]
  }
}

/** The first problems in the order of the file, and one that says how many more there are. */
export function inFileOrder(problems: readonly Problem[]): Problem[] {
  const shown = problems.filter(({ rest }) => rest === undefined)
  shown.sort((a, b) => a.line - b.line || a.column - b.column)
  const count = countOf(problems)
  if (count <= mostProblems) return shown
  const first = shown.slice(0, mostProblems - 1)
  const next = shown[first.length] ?? problems.find(({ rest }) => rest !== undefined)!
  return [...first, notShown(next, count - first.length)]
}

function notShown(at: Problem, rest: number): Problem {
  const { hint: _, ...place } = at
  const message = `${rest.toLocaleString('en')} more problems are not shown: correct those above first`
  return { ...place, code: 'MORE_PROBLEMS', message, rest }
}

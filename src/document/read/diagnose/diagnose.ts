import type { Span } from '../../../source.js'
import { Changes, type Diagnosis } from './changes.js'
import { characterRepairs } from './characters.js'
import { blockTextRepairs, indentationRepairs } from './indentation.js'
import { bracketRepairs, separatorRepairs } from './punctuation.js'
import { quoteRepairs } from './quotes.js'
import { applyEdits, ErrorLines, type Finding, originalOffset, type Repair } from './repair.js'
import { plainTextRepairs, propertyRepairs } from './values.js'

const proposers = [
  characterRepairs,
  propertyRepairs,
  quoteRepairs,
  plainTextRepairs,
  blockTextRepairs,
  bracketRepairs,
  separatorRepairs,
  indentationRepairs,
]

/** After so many causes, the rest of a text is not diagnosed. */
export const mostCauses = 20

/** The number of characters that trying repairs may read: in a large file fewer are tried. */
export class Budget {
  constructor(public left: number) {}
}

// Errors whose cause is where they are reported.
export const obviousCodes: ReadonlySet<string> = new Set([
  'DUPLICATE_KEY',
  'BAD_MERGE',
  'BAD_COLLECTION_TYPE',
  'CYCLE',
])

// Errors that are found in the nodes; they do not disturb the parser.
export const nodeCodes: ReadonlySet<string> = new Set([...obviousCodes, 'UNKNOWN_ALIAS', 'KEY_NOT_SCALAR'])

/** Parses a text and returns its errors. */
export type Inspect = (text: string) => readonly Finding[]

/**
 * Finds the cause of each error: a change near it that a person might make and after which the text can be parsed. Errors that
 * disappear with the change are not reported.
 */
export function diagnose(text: string, inspect: Inspect, budget: Budget): Diagnosis {
  const changes = new Changes(text)
  const search = new CauseSearch(inspect, budget)
  while (changes.findings.length < mostCauses && budget.left > 0) {
    const cause = search.next(changes.text)
    if (!cause) return changes.complete()
    if (!cause.repair) return changes.unexplained(cause.error)
    changes.apply(cause.error, cause.repair)
  }
  return changes.partial()
}

/** An error, and the change that fixes it; without one, the cause is not found. */
interface Cause {
  readonly error: Finding
  readonly repair: Repair | undefined
}

/** Searches the causes of errors; errors in nodes without a repair are settled, and not found again. */
export class CauseSearch {
  readonly #settled = new Set<string>()
  /** Set after many errors in nodes: repairs are not tried for the rest. */
  #nodesAreSettled = false
  #text = ''

  constructor(
    readonly inspect: Inspect,
    readonly budget: Budget,
  ) {}

  /** Returns the first cause in a text; `undefined` if no error is left. */
  next(text: string): Cause | undefined {
    this.#text = text
    let found = this.#inspect(text)
    for (;;) {
      const [error] = found
      if (!error) return undefined
      const repair = obviousCodes.has(error.code) ? undefined : this.#bestRepair(error, found)
      if (repair || !nodeCodes.has(error.code)) return { error, repair }
      this.#settle(error)
      found = found.filter((finding) => !this.#isSettled(finding))
    }
  }

  #settle(error: Finding): void {
    this.#settled.add(keyOf(error))
    this.#nodesAreSettled = this.#settled.size >= mostCauses
  }

  #isSettled(finding: Finding): boolean {
    return (this.#nodesAreSettled && nodeCodes.has(finding.code)) || this.#settled.has(keyOf(finding))
  }

  #inspect(text: string): readonly Finding[] {
    this.budget.left -= text.length
    return inTextOrder(this.inspect(text)).filter((finding) => !this.#isSettled(finding))
  }

  // Tries the lines around the error if the error shows there, else the whole text.
  #bestRepair(error: Finding, found: readonly Finding[]): Repair | undefined {
    const { start, end } = surroundings(this.#text, error)
    if (end - start === this.#text.length) return this.#bestIn({ text: this.#text, error, found })
    const text = this.#text.slice(start, end)
    const part = this.#inspect(text).filter(
      (other) => !nodeCodes.has(other.code) || keyOf(other) === keyOf(error),
    )
    const [first] = part
    if (first?.code !== error.code || first.span.start !== error.span.start - start)
      return this.#bestIn({ text: this.#text, error, found })
    const best = this.#bestIn({ text, error: first, found: part })
    return best && shifted(best, start)
  }

  // The first of the repairs that leave the fewest errors.
  #bestIn(view: View): Repair | undefined {
    let best: { repair: Repair; left: number } | undefined
    for (const repair of repairsFor(view)) {
      if (this.budget.left < 0) break
      const left = this.#errorsAfter(repair, view)
      if (left === 0) return repair
      if (left !== undefined && (!best || left < best.left)) best = { repair, left }
    }
    return best?.repair
  }

  // The number of errors that a repair leaves; `undefined` if it does not fix this one.
  #errorsAfter(repair: Repair, { text, error, found }: View): number | undefined {
    const left = this.#inspect(applyEdits(text, repair.edits))
    const [next] = left
    if (!next) return 0
    const offset = originalOffset(next.span.start, repair.edits)
    const lineEnd = text.indexOf('\n', repair.span.start)
    const isFurther = (left.length < found.length || repair.mayAddErrors) && offset > lineEnd && lineEnd >= 0
    return offset > error.span.start || isFurther ? left.length : undefined
  }
}

/** A part of the text and its errors. */
interface View {
  readonly text: string
  readonly error: Finding
  readonly found: readonly Finding[]
}

function* repairsFor({ text, error }: View): Generator<Repair> {
  const scene = new ErrorLines(text, error)
  const fitting = nodeCodes.has(error.code) ? [characterRepairs, plainTextRepairs] : proposers
  for (const propose of fitting) yield* propose(scene)
}

const small = 20_000
const linesAround = 80

// From a top-level line some lines above the error to one some lines below it.
function surroundings(text: string, { span, opened }: Finding): Span {
  if (text.length < small) return { start: 0, end: text.length }
  let start = opened ?? span.start
  for (let line = 0; line < linesAround && start > 0; line++) start = text.lastIndexOf('\n', start - 1)
  let end = span.start
  for (let line = 0; line < linesAround && end >= 0; line++) end = text.indexOf('\n', end + 1)
  return { start: topLevelBefore(text, start), end: topLevelAfter(text, end) }
}

function topLevelBefore(text: string, offset: number): number {
  let start = offset
  while (start > 0 && !/^[\w"'-]/.test(text[start + 1] ?? '')) start = text.lastIndexOf('\n', start - 1)
  return start <= 0 ? 0 : start + 1
}

function topLevelAfter(text: string, offset: number): number {
  let end = offset
  while (end >= 0 && !/^[\w"'-]/.test(text[end + 1] ?? '')) end = text.indexOf('\n', end + 1)
  return end < 0 ? text.length : end + 1
}

function shifted(repair: Repair, distance: number): Repair {
  const move = <S extends Span>(span: S): S => ({
    ...span,
    start: span.start + distance,
    end: span.end + distance,
  })
  return { ...repair, span: move(repair.span), edits: repair.edits.map(move) }
}

function keyOf({ code, message }: Finding): string {
  return `${code} ${message}`
}

function inTextOrder(found: readonly Finding[]): Finding[] {
  return [...found].sort((a, b) => a.span.start - b.span.start)
}

import type { Span } from '../../../source.js'
import { BAIL_OUT, unlessBailedOut } from '../../bail-out.js'
import { readQuickly } from '../quick-reader.js'
import { Changes, type Diagnosis } from './changes.js'
import { type Budget, CauseSearch, type Inspect, mostCauses, obviousCodes } from './diagnose.js'
import { Focus } from './focus.js'
import { ReducedText } from './reduced-text.js'
import type { Finding } from './repair.js'

/**
 * Diagnoses a large text like `diagnose`, but part by part: each with only the lines around it, so that the time does not grow
 * with the size of the text times the number of repairs that are tried. The caller reads the repaired text. If that has syntax
 * errors left, parts were not enough, and the whole must be diagnosed.
 */
export class PartsDiagnoser {
  readonly #changes: Changes
  readonly #anchors: ReadonlySet<string>
  readonly #accepted = new Map<string, boolean>()
  readonly #settled = new Set<string>()
  #unusual = 0
  #mostUnusual = 0

  constructor(
    text: string,
    readonly inspect: Inspect,
    readonly budget: Budget,
  ) {
    this.#changes = new Changes(text)
    this.#anchors = new Set(Array.from(text.matchAll(/&([^\s,[\]{}]+)/g), ([, name]) => name!))
  }

  /**
   * Returns `undefined` if the text cannot be divided, and `'unusual'` if more than `mostUnusual` entries before the first error
   * are valid only for the exact reader: then the text is probably valid. It goes on where it stopped.
   */
  run(mostUnusual: number): Diagnosis | 'unusual' | undefined {
    this.#mostUnusual = mostUnusual
    const diagnosis = unlessBailedOut(() => this.#diagnosis())
    return diagnosis ?? (this.#isTooUnusual() ? 'unusual' : undefined)
  }

  #diagnosis(): Diagnosis {
    const changes = this.#changes
    while (changes.findings.length < mostCauses && this.budget.left > 0) {
      const part = new Focus(changes.text, this.#accepts, this.#settled).find()
      if (!part) throw BAIL_OUT
      if (part.spans.length === 0) return changes.complete()
      if (part.isInFlow) this.#countUnusual(Number.POSITIVE_INFINITY)
      const reduced = new ReducedText(changes.text, part.spans)
      if (reduced.text.length > changes.text.length / 2) throw BAIL_OUT
      const cause = new CauseSearch(this.#inspectPart, this.budget).next(reduced.text)
      if (cause?.error.code === 'TOO_DEEP') throw BAIL_OUT
      if (!cause) this.#settle(part.entries)
      else if (cause.repair) changes.apply(cause.error, reduced.repair(cause.repair))
      else return changes.unexplained(reduced.finding(cause.error))
    }
    return changes.partial()
  }

  #isTooUnusual(): boolean {
    return this.#unusual > this.#mostUnusual && this.#changes.findings.length === 0
  }

  #settle(entries: readonly string[]): void {
    if (entries.every((entry) => this.#settled.has(entry))) throw BAIL_OUT
    for (const entry of entries) this.#settled.add(entry)
    this.#countUnusual()
  }

  #countUnusual(count = 1): void {
    this.#unusual += count
    if (this.#isTooUnusual()) throw BAIL_OUT
  }

  // Whether a duplicate key or an anchor is in another part shows in the whole text alone.
  readonly #accepts = (entry: string, thoroughly: boolean): boolean => {
    const known = this.#accepted.get(entry)
    if (known !== undefined) return known
    const isQuick = this.#isQuick(entry)
    const isValid = isQuick || (thoroughly && this.#isExact(entry))
    this.#accepted.set(entry, isValid)
    if (isValid && !isQuick) this.#countUnusual()
    return isValid
  }

  #isExact(entry: string): boolean {
    this.budget.left -= entry.length
    return this.#inspectPart(entry).every(({ code }) => obviousCodes.has(code))
  }

  #isQuick(entry: string): boolean {
    const report = (span: Span, code: string) => {
      if (code === 'UNKNOWN_ALIAS' && !this.#hasAnchor(entry, span)) throw BAIL_OUT
    }
    const root = readQuickly(entry.replaceAll('\r\n', '\n'), '', report)?.documents[0]?.root
    return root?.kind === 'mapping' || root?.kind === 'sequence'
  }

  readonly #inspectPart = (part: string): readonly Finding[] =>
    this.inspect(part).filter(({ code, span }) => code !== 'UNKNOWN_ALIAS' || !this.#hasAnchor(part, span))

  // After many parts without a repair, the whole text says what is wrong with the other aliases.
  #hasAnchor(part: string, { start, end }: Span): boolean {
    return this.#settled.size >= mostCauses || this.#anchors.has(part.slice(start + 1, end))
  }
}

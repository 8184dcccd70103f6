import type { Span } from '../../../source.js'
import { characterRepairs } from './characters.js'
import { blockTextRepairs, indentationRepairs } from './indentation.js'
import { bracketRepairs, separatorRepairs } from './punctuation.js'
import { quoteRepairs } from './quotes.js'
import { applyEdits, type Edit, ErrorLines, type Finding, originalOffset, type Repair } from './repair.js'
import { plainTextRepairs, propertyRepairs } from './values.js'

/** What is wrong with the YAML of a text: one finding for each cause. */
interface Diagnosis {
  readonly findings: readonly Finding[]
  /** The text as it was probably meant; `undefined` when that is not known. */
  readonly repaired: string | undefined
  /** Where an offset of what was meant stands in the text itself. */
  readonly origin: (offset: number) => number
  /** From here on nobody knows what was meant. */
  readonly reliableUntil: number
}

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

const mostCauses = 20
// In characters that are read to try repairs: of a large file fewer are tried.
const budget = 8_000_000

// Mistakes which are what they seem.
const obviousCodes = new Set(['DUPLICATE_KEY', 'BAD_MERGE', 'BAD_COLLECTION_TYPE', 'CYCLE'])

// What the walk through the nodes finds; with these the parser goes on undisturbed.
const nodeCodes = new Set([...obviousCodes, 'UNKNOWN_ALIAS', 'KEY_NOT_SCALAR'])

/** Reads a text for its errors only. */
type Inspect = (text: string) => readonly Finding[]

/**
 * Finds the cause of each error: a change near it that a person might make, and after which the parser is content.
 * What vanishes with the change was no mistake of its own.
 */
export function diagnose(text: string, inspect: Inspect): Diagnosis {
  return new Diagnoser(text, inspect).run()
}

class Diagnoser {
  readonly #findings: Finding[] = []
  readonly #changes: (readonly Edit[])[] = []
  readonly #settled = new Set<string>()
  /** Of so many mistakes of nodes nobody could say more than the walk that the others are not looked at. */
  #nodesAreSettled = false
  #left = budget
  #text: string

  constructor(
    text: string,
    readonly inspect: Inspect,
  ) {
    this.#text = text
  }

  run(): Diagnosis {
    while (this.#findings.length < mostCauses && this.#left > 0) {
      const found = this.#inspect(this.#text)
      const [error] = found
      if (!error) return this.#result(this.#text, Number.POSITIVE_INFINITY)
      const repair = obviousCodes.has(error.code) ? undefined : this.#bestRepair(error, found)
      if (repair) this.#apply(error, repair)
      else if (nodeCodes.has(error.code)) this.#settle(error)
      else return this.#reportUnexplained(error)
    }
    return this.#result(undefined, this.#findings.at(-1)?.span.start ?? 0)
  }

  #settle(error: Finding): void {
    this.#settled.add(keyOf(error))
    this.#nodesAreSettled = this.#settled.size >= mostCauses
  }

  #isSettled(finding: Finding): boolean {
    return (this.#nodesAreSettled && nodeCodes.has(finding.code)) || this.#settled.has(keyOf(finding))
  }

  #reportUnexplained(error: Finding): Diagnosis {
    const span = { start: this.#origin(error.span.start), end: this.#origin(error.span.end) }
    this.#findings.push({ ...error, span, message: syntaxMessage(error.code, error.message) })
    return this.#result(undefined, span.start)
  }

  #result(repaired: string | undefined, reliableUntil: number): Diagnosis {
    return {
      findings: this.#findings,
      repaired,
      origin: (offset) => this.#origin(offset),
      reliableUntil,
    }
  }

  #apply({ code }: Finding, { span, message, edits, once }: Repair): void {
    const original = { start: this.#origin(span.start), end: this.#origin(span.end) }
    if (!once || !this.#findings.some((finding) => finding.message === message))
      this.#findings.push({ code, message, span: original })
    this.#changes.unshift(edits)
    this.#text = applyEdits(this.#text, edits)
  }

  #origin(offset: number): number {
    return this.#changes.reduce((position, edits) => originalOffset(position, edits), offset)
  }

  #inspect(text: string): readonly Finding[] {
    this.#left -= text.length
    return inTextOrder(this.inspect(text)).filter((finding) => !this.#isSettled(finding))
  }

  // In the lines around the error where that is enough to see it, else in all of the text.
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

  // The one that leaves the fewest errors, the first of these.
  #bestIn(view: View): Repair | undefined {
    let best: { repair: Repair; left: number } | undefined
    for (const repair of repairsFor(view)) {
      if (this.#left < 0) break
      const left = this.#errorsAfter(repair, view)
      if (left === 0) return repair
      if (left !== undefined && (!best || left < best.left)) best = { repair, left }
    }
    return best?.repair
  }

  // How many errors a repair leaves; `undefined` when it does not mend this one.
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

/** A part of the text, and what is wrong with it. */
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

// From a line at the top level some way above the place to one some way below it.
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

/** What is said of a problem that `yaml` found: in its words, where they say what to do, else in ours. */
export function syntaxMessage(code: string, message: string): string {
  return messages[code] ?? openQuote(message) ?? wrongCollection(message) ?? withoutPosition(message)
}

const messages: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'A tab cannot indent YAML: use spaces',
  MULTIPLE_ANCHORS: 'A node can have one anchor only: remove one "&name"',
  MULTIPLE_TAGS: 'A node can have one tag only: remove one "!Tag"',
  BAD_INDENT: 'Wrong indentation: the entries of one mapping or sequence begin in the same column',
  BLOCK_AS_IMPLICIT_KEY:
    'A mapping or sequence begins in the middle of a line: begin it on a line of its own',
  MULTILINE_IMPLICIT_KEY: 'A key must stand on one line, with ":" behind it',
  KEY_OVER_1024_CHARS:
    'A key has at most 1,024 characters: use "? key" on a line of its own for a longer one',
  RESOURCE_EXHAUSTION: 'This is nested too deeply to be read',
}

function withoutPosition(message: string): string {
  return message.replace(/ at line \d+, column \d+:?[\s\S]*$/, '').replace(/\.$/, '')
}

// "Missing closing "quote", with the quote that is missing.
function openQuote(message: string): string | undefined {
  const quote = /^Missing closing (["'])quote/.exec(message)?.[1]
  return quote && `This text is not closed: write ${quote} at its end`
}

// Of a tag of YAML's own: "tag:yaml.org,2002:omap used for map collection, but expects seq".
function wrongCollection(message: string): string | undefined {
  const found = /^tag:yaml\.org,2002:(\w+) used for (map|seq) collection, but expects (\w+)/.exec(message)
  return found
    ? `"!!${found[1]}" takes a ${names[found[3]!] ?? found[3]}, but here stands a ${names[found[2]!]}`
    : undefined
}

const names: Readonly<Record<string, string>> = { map: 'mapping', seq: 'sequence', scalar: 'single value' }

import { DocumentError, documentErrorClass, type Problem, type RelatedPosition } from '../errors.js'
import { type Node, sourceOf } from '../node.js'
import { countProblems, reportProblems } from '../problem-report.js'
import { Suggester } from '../registry/suggest.js'
import type { Source, Span } from '../source.js'

/** Reports a problem at a position, and what was probably meant there. */
export type ReportProblem = (span: Span, code: string, message: string, hint?: string | undefined) => void

/** The span that a problem of a node points at: its tag if it has one, else its content. */
export function spanOf(node: Node): Span {
  return node.tagStart >= 0
    ? { start: node.tagStart, end: node.tagEnd }
    : { start: node.start, end: node.end }
}

/** Makes a problem that points at a node; `document` is the text of its document. */
export function nodeProblem(
  node: Node,
  document: Source,
  ...[code, message, hint]: [code: string, message: string, hint?: string | undefined]
): Problem {
  return sourceOf(node, document).problem(code, message, spanOf(node), hint)
}

/** The position of a node that explains a problem elsewhere. */
export function relatedPosition(message: string, node: Node, document: Source): RelatedPosition {
  const { file, line, column } = nodeProblem(node, document, '', '')
  return { message, file, line, column }
}

/** Describes a node for a message, with its text as it is written. */
export function describeNode(node: Node, document: Source): string {
  const { text } = sourceOf(node, document)
  if (node.kind === 'alias' && node.name !== '') return `alias "*${node.name}"`
  if (node.kind === 'alias' || node.kind === 'link' || node.kind === 'format')
    return quoted(text.slice(node.start, node.end))
  if (node.kind !== 'scalar') return `a ${node.kind}`
  if (node.origin?.variable !== undefined) return valueOfVariable(node.origin.variable)
  const written = text.slice(node.start, node.end)
  if (written === '') return 'nothing'
  if (node.value === null) return `"${written}", which is null`
  if (typeof node.value === 'object')
    return `the ${node.value instanceof Date ? 'date' : 'data'} ${quoted(written)}`
  return `the ${typeof node.value === 'string' ? 'string' : typeof node.value} ${quoted(String(node.value))}`
}

/** Describes the value of an environment variable, which no message shows. */
export function valueOfVariable(name: string): string {
  return `the value of variable ${quoted(name)}`
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text)
}

/** One error for all problems: of the class that they share, else a plain {@link DocumentError}. */
export function documentError(problems: readonly Problem[]): DocumentError {
  const known = problems.filter(({ rest }) => rest === undefined)
  const found = new Set(known.map(({ code }) => documentErrorClass(code)))
  const [Family] = found.size === 1 ? [...found] : [DocumentError]
  const shown = inFileOrder(problems)
  return new Family!(reportProblems(shown), { problems: shown })
}

/** How many problems of one text are shown. */
export const mostProblems = 1_000

/**
 * The problems of one text: it keeps the first ones and counts the rest. A small file may have half a million, and each costs
 * a message, a code frame and a search for similar names.
 */
export class ProblemList {
  readonly #first: Problem[] = []
  #rest = 0

  /** All lists of one text share one `suggester`. */
  constructor(readonly suggester = new Suggester()) {}

  add(make: () => Problem): void {
    if (this.#first.length < mostProblems) this.#first.push(make())
    else this.#rest++
  }

  /** The number of problems, including those that are not kept. */
  get count(): number {
    return this.#first.length + this.#rest
  }

  get problems(): readonly Problem[] {
    return this.#rest === 0 ? this.#first : [...this.#first, notShown(this.#first.at(-1)!, this.#rest)]
  }
}

/** What the related positions of a problem in an included file say. */
export const includedAt = 'included at'

/** The first problems in file order, and one that says how many more there are. */
export function inFileOrder(found: readonly Problem[]): Problem[] {
  const problems = withoutRepeats(found)
  const shown = problems.filter(({ rest }) => rest === undefined)
  const files = fileOrder(shown)
  shown.sort((a, b) => files.get(a.file)! - files.get(b.file)! || a.line - b.line || a.column - b.column)
  const count = countProblems(problems)
  if (count <= mostProblems) return shown
  const first = shown.slice(0, mostProblems - 1)
  const next = shown[first.length] ?? problems.find(({ rest }) => rest !== undefined)!
  return [...first, notShown(next, count - first.length)]
}

// The file itself before those that it includes.
function fileOrder(problems: readonly Problem[]): ReadonlyMap<string, number> {
  const isIncluded = ({ related = [] }: Problem) => related.some(({ message }) => message === includedAt)
  const all = [...problems.filter((each) => !isIncluded(each)), ...problems]
  return new Map([...new Set(all.map(({ file }) => file))].map((file, index) => [file, index]))
}

// A file that is included twice has each of its problems once.
function withoutRepeats(problems: readonly Problem[]): readonly Problem[] {
  if (!problems.some(({ related }) => related)) return problems
  const seen = new Set<string>()
  return problems.filter(({ file, line, column, code, message, related }) => {
    const name = [file, line, column, code, message].join('\n')
    return !related || (!seen.has(name) && seen.add(name))
  })
}

function notShown(problem: Problem, rest: number): Problem {
  const { hint: _, ...location } = problem
  const message = `${rest.toLocaleString('en')} more problems are not shown: fix those above first`
  return { ...location, code: 'MORE_PROBLEMS', message, rest }
}

const sources = new WeakMap<object, Source>()

/** Records the text that an error points into, and returns the error. */
export function attachSource<E extends Error>(source: Source, error: E): E {
  sources.set(error, source)
  return error
}

/** Whether an error points into this text, and not into another one that was loaded meanwhile. */
export function hasSource(source: Source, error: unknown): boolean {
  return typeof error === 'object' && error !== null && sources.get(error) === source
}

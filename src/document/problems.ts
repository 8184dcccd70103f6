import { DocumentError, documentErrorClass, type Problem } from '../errors.js'
import type { Node } from '../node.js'
import { reportProblems } from '../report.js'
import type { Source, Span } from '../source.js'
import { inFileOrder } from './problem-list.js'

/** Says that something is wrong at a place. */
export type Report = (span: Span, code: string, message: string) => void

/** Where to point for a node: at its tag when it has one, else at its content. */
export function spanOf(node: Node): Span {
  return node.tagStart >= 0
    ? { start: node.tagStart, end: node.tagEnd }
    : { start: node.start, end: node.end }
}

/** What a message calls a node: with its text as it is written. */
export function kindOf(node: Node, { text }: Source): string {
  if (node.kind === 'alias') return `alias "*${node.name}"`
  if (node.kind !== 'scalar') return `a ${node.kind}`
  const written = text.slice(node.start, node.end)
  if (written === '') return 'nothing'
  if (node.value === null) return `"${written}", which is nothing`
  if (typeof node.value === 'object')
    return `the ${node.value instanceof Date ? 'date' : 'data'} ${quoted(written)}`
  return `the ${typeof node.value === 'string' ? 'text' : typeof node.value} ${quoted(String(node.value))}`
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text)
}

/** One error for all problems: of the class that all of them have, else a plain {@link DocumentError}. */
export function documentError(problems: readonly Problem[]): DocumentError {
  const known = problems.filter(({ rest }) => rest === undefined)
  const found = new Set(known.map(({ code }) => documentErrorClass(code)))
  const [Family] = found.size === 1 ? [...found] : [DocumentError]
  const shown = inFileOrder(problems)
  return new Family!(reportProblems(shown), { problems: shown })
}

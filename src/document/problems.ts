import { DocumentError, type Problem, TagError, ValidationError } from '../errors.js'
import type { Node } from '../node.js'
import { reportProblems } from '../report.js'
import type { Span } from '../source.js'

/** Says that something is wrong at a place. */
export type Report = (span: Span, code: string, message: string) => void

/** Where to point for a node: at its tag when it has one, else at its content. */
export function spanOf(node: Node): Span {
  return node.tagStart >= 0
    ? { start: node.tagStart, end: node.tagEnd }
    : { start: node.start, end: node.end }
}

/** What a message calls a node. */
export function kindOf(node: Node): string {
  if (node.kind !== 'scalar') return node.kind === 'alias' ? `alias "*${node.name}"` : `a ${node.kind}`
  if (node.value === null || node.value === '') return 'nothing'
  return `the ${typeof node.value === 'string' ? 'text' : typeof node.value} ${quoted(String(node.value))}`
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text)
}

/** Problems in the order of the file. */
export function inFileOrder(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column)
}

/** One error for all problems: of the class that all of them have, else a plain {@link DocumentError}. */
export function documentError(problems: readonly Problem[]): DocumentError {
  const families = new Set(problems.map((problem) => familyOf(problem.code)))
  const [Family] = families.size === 1 ? [...families] : [DocumentError]
  return new Family!(reportProblems(problems), { problems })
}

const families: Readonly<Record<string, typeof DocumentError>> = {
  UNKNOWN_TAG: TagError,
  UNKNOWN_FACTORY: TagError,
  ABSTRACT_CLASS: TagError,
  EXPECTED_MAPPING: ValidationError,
  KEY_NOT_STRING: ValidationError,
  KEY_TWICE: ValidationError,
  BAD_OPTION: ValidationError,
  MISSING_OPTION: ValidationError,
  UNKNOWN_OPTION: ValidationError,
  UNEXPECTED_TYPE: ValidationError,
  REFUSED: ValidationError,
}

function familyOf(code: string): typeof DocumentError {
  return families[code] ?? DocumentError
}

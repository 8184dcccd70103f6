import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Diagnostic, Range } from 'vscode-languageserver/node'
import type { TextDocument } from 'vscode-languageserver-textdocument'
import type { Problem, RelatedPosition } from '../errors.js'
import { Source } from '../source.js'
import { packageRoot } from '../util/paths.js'
import { printable } from '../util/printable.js'
import { readSafely } from '../util/thrown.js'
import { rangeIn } from './positions.js'

// The numbers of the protocol: the enums themselves would load the library.
const severities = { error: 1, warning: 2, information: 3 } as const
const deprecatedTag = 2

/** A schema may write anything into a message. */
const longestMessage = 10_000

/** How much a problem matters. */
export type Severity = keyof typeof severities

/** A problem as an editor shows it, and the problem itself, for quick fixes. */
export interface ShownProblem {
  readonly problem: Problem
  readonly diagnostic: Diagnostic
}

/**
 * Shows problems in a document. One in an included file is shown at the position of this document that leads to it, with a link to
 * its own.
 */
export function shownProblems(
  problems: readonly Problem[],
  { document, file, severity }: { document: TextDocument; file: string; severity: Severity },
): ShownProblem[] {
  const source = new Source(document.getText(), file)
  return problems.map((problem) => {
    const related = problem.related ?? []
    const isHere = problem.file === file
    const site = isHere ? problem : related.find((each) => each.file === file)
    const range = site ? rangeOf(site, source, document) : startOf(document)
    const message = isHere
      ? problem.message
      : `${problem.message} (${problem.file}:${problem.line}:${problem.column})`
    const positions: RelatedPosition[] = isHere ? [...related] : [{ ...problem }, ...related]
    const diagnostic = diagnosticOf({ ...problem, message }, range, severity)
    if (positions.length > 0)
      diagnostic.relatedInformation = positions.map((each) => ({
        message: printable(each.message),
        location: { uri: pathToFileURL(each.file).href, range: pointOf(each) },
      }))
    return { problem, diagnostic }
  })
}

/** The diagnostic of a problem at a range. */
export function diagnosticOf(
  { code, message }: Pick<Problem, 'code' | 'message'>,
  range: Range,
  severity: Severity,
): Diagnostic {
  const diagnostic: Diagnostic = {
    range,
    severity: severities[severity],
    source: 'flambeau',
    code,
    message: printable(message.slice(0, longestMessage)),
  }
  const href = explanationOf(code)
  if (href !== undefined) diagnostic.codeDescription = { href }
  if (code === 'DEPRECATED_TAG') diagnostic.tags = [deprecatedTag]
  return diagnostic
}

/** The pages of the errors, as they are installed: the URL of the line that explains each code. */
let explanations: ReadonlyMap<string, string> | undefined

function explanationOf(code: string): string | undefined {
  explanations ??= readExplanations(join(packageRoot(), 'docs'))
  return explanations.get(code)
}

// Each code is a heading, or the first cell of a row.
function readExplanations(folder: string): ReadonlyMap<string, string> {
  const index = readSafely(() => readFileSync(join(folder, 'errors.md'), 'utf8'), '')
  const pages = new Set([...index.matchAll(/\]\((errors\/[\w-]+\.md)#/g)].map(([, page]) => page!))
  const found = [...pages].flatMap((page) => {
    const file = join(folder, page)
    const lines = readSafely(() => readFileSync(file, 'utf8'), '').split('\n')
    return lines.flatMap((line, position): [string, string][] => {
      const [, heading, cell] = /^(?:##+ ([A-Z][A-Z0-9_]+)$|\| `([A-Z][A-Z0-9_]+)`)/.exec(line) ?? []
      const code = heading ?? cell
      return code === undefined ? [] : [[code, `${pathToFileURL(file).href}#L${position + 1}`]]
    })
  })
  return new Map(found)
}

type Site = Pick<Problem, 'line' | 'column'> & Partial<Pick<Problem, 'endLine' | 'endColumn'>>

// Lines of the protocol may end otherwise than those of problems, so offsets are compared.
function rangeOf(site: Site, source: Source, document: TextDocument): Range {
  const { line, column, endLine = line, endColumn = column } = site
  const start = source.offsetOf(line, column)
  const end = Math.max(source.offsetOf(endLine, endColumn), start)
  return rangeIn(document, { start, end })
}

/** The range of problems of a file that is not open. */
export function pointOf({ line, column }: Pick<Problem, 'line' | 'column'>): Range {
  const point = { line: line - 1, character: column - 1 }
  return { start: point, end: point }
}

function startOf(document: TextDocument): Range {
  const end = document.getText().indexOf('\n')
  return {
    start: { line: 0, character: 0 },
    end: document.positionAt(end === -1 ? document.getText().length : end),
  }
}

import type { Problem } from './errors.js'
import { printable } from './util/printable.js'

/** How {@link reportProblems} styles parts of its text; the default is no style. */
export interface Paint {
  message(text: string): string
  location(text: string): string
  marker(text: string): string
}

const plain: Paint = { message: (text) => text, location: (text) => text, marker: (text) => text }

/** More than anyone reads: a file may have half a million problems. */
const mostShown = 100

/** Formats problems: each message with its position and code frame, separated by empty lines; of many, only the first. */
export function reportProblems(problems: readonly Problem[], paint: Paint = plain): string {
  const reports = problems.slice(0, mostShown).map((problem) => reportProblem(problem, paint))
  if (problems.length < 2) return reports.join('')
  const count = countProblems(problems)
  const rest = count - reports.length
  if (rest > 0) reports.push(paint.message(`... and ${rest.toLocaleString('en')} more`))
  return [paint.message(`${count} problems in ${filesOf(problems)}`), ...reports].join('\n\n')
}

function filesOf(problems: readonly Problem[]): string {
  const files = new Set(problems.map(({ file }) => file))
  return files.size === 1 ? printable(problems[0]!.file) : `${files.size} files`
}

/** The number of problems, including those that are not shown. */
export function countProblems(problems: readonly Problem[]): number {
  return problems.reduce((sum, { rest = 1 }) => sum + rest, 0)
}

function reportProblem(problem: Problem, paint: Paint): string {
  const message = paint.message(printable(problem.message))
  const location = paint.location(printable(`${problem.file}:${problem.line}:${problem.column}`))
  const rows = [message, '', `  ${location}`, ...frameRows(problem, paint), ...relatedRows(problem, paint)]
  return rows.join('\n')
}

function frameRows({ frame }: Problem, paint: Paint): string[] {
  if (frame === '') return []
  const rows = printable(frame).split('\n')
  const marker = paint.marker(rows.pop() ?? '')
  return [...rows, marker].map((row) => `  ${row}`)
}

const mostRelated = 20

function relatedRows({ related = [] }: Problem, paint: Paint): string[] {
  const shown =
    related.length > mostRelated ? [...related.slice(0, mostRelated - 1), related.at(-1)!] : related
  const rows = shown.map(
    ({ message, file, line, column }) =>
      `  ${printable(message)} ${paint.location(printable(`${file}:${line}:${column}`))}`,
  )
  if (shown.length < related.length)
    rows.splice(-1, 0, `  ... ${related.length - shown.length} more positions`)
  return rows
}

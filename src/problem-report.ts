import type { Problem } from './errors.js'
import { printable } from './util/printable.js'

/** How {@link reportProblems} marks parts of its text; the default leaves them plain. */
export interface Paint {
  message(text: string): string
  location(text: string): string
  marker(text: string): string
}

const plain: Paint = { message: (text) => text, location: (text) => text, marker: (text) => text }

/** More than anyone reads: a file with half a million problems has one message, too. */
const mostShown = 100

/** Problems as text: each message, its place and its frame, with an empty line between; of very many the first. */
export function reportProblems(problems: readonly Problem[], paint: Paint = plain): string {
  const reports = problems.slice(0, mostShown).map((problem) => reportProblem(problem, paint))
  if (problems.length < 2) return reports.join('')
  const count = countProblems(problems)
  const rest = count - reports.length
  if (rest > 0) reports.push(paint.message(`... and ${rest.toLocaleString('en')} more`))
  return [paint.message(`${count} problems in ${printable(problems[0]!.file)}`), ...reports].join('\n\n')
}

/** How many problems there are, those that are not shown included. */
export function countProblems(problems: readonly Problem[]): number {
  return problems.reduce((sum, { rest = 1 }) => sum + rest, 0)
}

function reportProblem(problem: Problem, paint: Paint): string {
  const message = paint.message(printable(problem.message))
  const location = paint.location(printable(`${problem.file}:${problem.line}:${problem.column}`))
  if (problem.frame === '') return [message, '', `  ${location}`].join('\n')
  const rows = printable(problem.frame).split('\n')
  const marker = paint.marker(rows.pop() ?? '')
  return [message, '', `  ${location}`, ...[...rows, marker].map((row) => `  ${row}`)].join('\n')
}

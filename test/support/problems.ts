import assert from 'node:assert/strict'
import { check, DocumentError, load, type Problem, type ReadOptions } from 'flambeau'

/** The only problem of a text; `load` must refuse the text with the same. */
export function onlyProblem(text: string, options: ReadOptions = {}): Problem {
  const problems = check(text, options)
  assert.equal(problems.length, 1, `problems: ${JSON.stringify(problems.map(summary))}`)
  assert.deepEqual(refused(text, options).problems, problems)
  return problems[0]!
}

/** What `load` throws for a text. */
export function refused(text: string, options: ReadOptions = {}): DocumentError {
  try {
    load(text, options)
  } catch (error) {
    assert.ok(error instanceof DocumentError, `no DocumentError: ${error}`)
    return error
  }
  return assert.fail('load accepts it')
}

/** A problem in short: `2:8-13 UNKNOWN_TAG`. */
export function summary({ line, column, endLine, endColumn, code }: Problem): string {
  return `${line}:${column}-${endLine === line ? '' : `${endLine}:`}${endColumn} ${code}`
}

/** What the marker of a frame stands under. */
export function underlined({ frame }: Problem): string {
  const rows = frame.split('\n')
  const marker = rows.at(-1)!
  return rows.at(-2)!.slice(marker.indexOf('^'), marker.lastIndexOf('^') + 1)
}

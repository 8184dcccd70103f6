import type { Problem } from '../errors.js'
import { printable } from '../util/printable.js'

/**
 * A problem as GitHub Actions shows it at its line in a pull request
 * (https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message).
 */
export function githubAnnotation({ file, line, column, endLine, endColumn, code, message }: Problem): string {
  const place = { file, line, col: column, endLine, endColumn, title: code }
  const properties = Object.entries(place).map(
    ([name, value]) => `${name}=${escaped(printable(String(value))).replace(/[:,]/g, percent)}`,
  )
  return `::error ${properties.join(',')}::${escaped(printable(message))}`
}

function escaped(text: string): string {
  return text.replace(/[%\r\n]/g, percent)
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

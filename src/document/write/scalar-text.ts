import { plainValue } from '../read/quick-scalars.js'

// First what begins with an indicator or ends in a space, then what any reader might take for something else.
const unsafe = /^[\s\-?:,[\]{}#&*!|>'"%@`]|[\s:]$|: | #|^(?:---|\.\.\.)|^<<$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const unprintable = /[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]/
const inFlow = /[,[\]{}]/

/** The text of a scalar on one line; strings without quotes where that is safe. */
export function scalarText(value: unknown, flow = false): string {
  if (typeof value === 'string')
    return isSafe(value) && !(flow && inFlow.test(value)) ? value : JSON.stringify(value)
  if (typeof value === 'number') return numberText(value)
  return String(value)
}

/** Whether a string can be written in quotes only. */
export function needsQuotes(text: string): boolean {
  return !isSafe(text) && literalBlock(text) === undefined
}

/** Whether a string reads as itself without quotes. */
function isSafe(text: string): boolean {
  return text !== '' && !unsafe.test(text) && !unprintable.test(text) && plainValue(text) === text
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return '.nan'
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf'
  return Object.is(value, -0) ? '-0' : String(value)
}

/** The header and lines of a string as a literal block, `|` or `|-`; `undefined` where a block could not hold it. */
export function literalBlock(text: string): { header: string; lines: string[] } | undefined {
  if (!text.includes('\n') || text.startsWith('\n') || text.startsWith(' ') || text.endsWith('\n\n'))
    return undefined
  if (text === '\n' || unprintable.test(text.replaceAll('\n', '')) || /[ \t]$/m.test(text)) return undefined
  const kept = text.endsWith('\n')
  return { header: kept ? '|' : '|-', lines: (kept ? text.slice(0, -1) : text).split('\n') }
}

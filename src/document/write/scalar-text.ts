import { resolvePlain } from '../read/core-schema.js'

// First what begins with an indicator or ends in a space, then what any reader might take for something else.
const unsafe = /^[\s\-?:,[\]{}#&*!|>'"%@`]|[\s:]$|: | #|^(?:---|\.\.\.)|^(?:<<|=)$/
const mayBeYaml11 = /^(?:[-+.0-9]|[yYnNoO].{0,2}$)/
/** What is a boolean, a number or a date in YAML 1.1: https://yaml.org/type/. */
const yaml11 = new RegExp(
  [
    'yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF',
    '[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?0x[0-9a-fA-F_]+',
    '[-+]?[0-9][0-9_]*(?:\\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|[-+]?\\.[0-9_]+(?:[eE][-+]?[0-9]+)?',
    '[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\\.[0-9_]*)?',
    '[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?(?:(?:[Tt]|[ \\t]+)[0-9].*)?',
    '[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN)',
  ]
    .map((form) => `^(?:${form})$`)
    .join('|'),
)
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const unprintable = /[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]/
const inFlow = /[,[\]{}]/

/** Where a scalar stands. */
export interface ScalarContext {
  /** In a flow collection, where commas and brackets end a text without quotes. */
  readonly flow?: boolean
  /** Under `%YAML 1.1`, where `y` is a boolean. */
  readonly isYaml11?: boolean
}

const anywhere: ScalarContext = {}

/** The text of a scalar on one line; strings without quotes where that is safe. */
export function scalarText(value: unknown, where = anywhere): string {
  if (value instanceof Date) return value.toISOString().replace(/(?:T00:00:00)?\.000Z$/, '')
  if (typeof value === 'string') return isSafe(value, where) ? value : quotedText(value)
  if (typeof value === 'number') return numberText(value)
  return String(value)
}

/** Whether a string reads as itself without quotes, to readers of YAML 1.1 as well: `yes`, `1_000` and `12:30` are none. */
function isSafe(text: string, { flow, isYaml11: ofOld }: ScalarContext): boolean {
  return (
    text !== '' &&
    !(flow && inFlow.test(text)) &&
    !(ofOld && /^[yYnN]$/.test(text)) &&
    !unsafe.test(text) &&
    !unprintable.test(text) &&
    resolvePlain(text) === text &&
    !(mayBeYaml11.test(text) && yaml11.test(text))
  )
}

/** A string in double quotes; what an editor would show as nothing, or as a line end, is escaped. */
export function quotedText(text: string): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(text).replace(/[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g, escaped)
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return '.nan'
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf'
  if (Object.is(value, -0)) return '-0'
  const text = String(value)
  // An integer that large would be read as a bigint.
  return Number.isInteger(value) && !Number.isSafeInteger(value) && !text.includes('e') ? `${text}.0` : text
}

/** The header and lines of a string as a literal block, `|` or `|-`; `undefined` where a block could not hold it. */
export function literalBlock(text: string): { header: string; lines: string[] } | undefined {
  // Nothing that only a header with an indentation or "+" could hold, and no line with blanks at its end.
  if (!text.includes('\n') || /^\s/.test(text) || /\n\n$|[^\S\n]$/m.test(text)) return undefined
  if (unprintable.test(text.replaceAll('\n', ''))) return undefined
  const kept = text.endsWith('\n')
  return { header: kept ? '|' : '|-', lines: (kept ? text.slice(0, -1) : text).split('\n') }
}

/** Whether a text without quotes would end early in a flow collection. */
export function endsInFlow(text: string): boolean {
  return inFlow.test(text)
}

/** Whether a string has nothing in it that only an escape can show. */
export function isPrintable(text: string): boolean {
  return !unprintable.test(text)
}

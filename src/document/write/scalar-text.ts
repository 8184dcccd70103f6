import { resolvePlain } from '../read/core-schema.js'

// Starts with an indicator, ends with a space, or might be read as something else.
const unsafe = /^[\s\-?:,[\]{}#&*!|>'"%@`]|[\s:]$|: | #|^(?:---|\.\.\.)|^(?:<<|=)$/
const mayBeYaml11 = /^(?:[-+.0-9]|[yYnNoO].{0,2}$)/
/** Booleans, numbers and dates of YAML 1.1: https://yaml.org/type/. */
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

/** The context of a scalar. */
export interface ScalarContext {
  /** In a flow collection, where commas and brackets end a plain scalar. */
  readonly flow: boolean
  /** Under `%YAML 1.1`, where `y` is a boolean. */
  readonly isYaml11: boolean
}

const anywhere: ScalarContext = { flow: false, isYaml11: false }

/** Writes a scalar on one line; a string without quotes if that is safe. */
export function scalarText(value: unknown, where = anywhere): string {
  if (value instanceof Date) return value.toISOString().replace(/(?:T00:00:00)?\.000Z$/, '')
  if (typeof value === 'string') return isSafe(value, where) ? value : quotedText(value)
  if (typeof value === 'number') return numberText(value)
  return String(value)
}

/** Whether a string without quotes is read as itself, also by readers of YAML 1.1; `yes`, `1_000` and `12:30` are not. */
function isSafe(text: string, { flow, isYaml11 }: ScalarContext): boolean {
  return isWords(text) || (text !== '' && isSafeAsWritten(text, { flow, isYaml11 }))
}

function isSafeAsWritten(text: string, { flow, isYaml11 }: ScalarContext): boolean {
  return (
    !(flow && inFlow.test(text)) &&
    !(isYaml11 && /^[yYnN]$/.test(text)) &&
    !unsafe.test(text) &&
    !unprintable.test(text) &&
    resolvePlain(text) === text &&
    !(mayBeYaml11.test(text) && yaml11.test(text))
  )
}

// No number, boolean, null or date has so many characters and begins with a letter, or begins with any other letter.
const leastWords = 6
const mayBeShortWord = new Set('ntfyo')
const inWords = Uint8Array.from({ length: 128 }, (_, code) =>
  /[\w ./-]/.test(String.fromCharCode(code)) ? 1 : 0,
)

/** Whether a text is letters, digits and the like, with spaces only inside: most are, and no pattern has to be tried. */
function isWords(text: string): boolean {
  const first = text.charCodeAt(0) | 0x20
  if (first < 97 || first > 122) return false
  if (text.length < leastWords && mayBeShortWord.has(String.fromCharCode(first))) return false
  for (let offset = 1; offset < text.length; offset++) if (!inWords[text.charCodeAt(offset)]) return false
  return text.charCodeAt(text.length - 1) !== 32
}

/** Writes a string in double quotes; characters that editors show as nothing or as a line end are escaped. */
export function quotedText(text: string): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(text).replace(/[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g, escaped)
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return '.nan'
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf'
  if (Object.is(value, -0)) return '-0'
  const text = String(value)
  // Without a point, it would be read as a bigint.
  return Number.isInteger(value) && !Number.isSafeInteger(value) && !text.includes('e') ? `${text}.0` : text
}

/** The header and lines of a string as a literal block, `|` or `|-`; `undefined` if a block cannot represent it. */
export function literalBlock(text: string): { header: string; lines: string[] } | undefined {
  // Excludes strings that need a header with an indentation or "+", and lines with trailing blanks.
  if (!text.includes('\n') || /^\s/.test(text) || /\n\n$|[^\S\n]$/m.test(text)) return undefined
  if (unprintable.test(text.replaceAll('\n', ''))) return undefined
  const kept = text.endsWith('\n')
  return { header: kept ? '|' : '|-', lines: (kept ? text.slice(0, -1) : text).split('\n') }
}

/** Whether a string without quotes would end early in a flow collection. */
export function endsInFlow(text: string): boolean {
  return inFlow.test(text)
}

/** Whether a string has no characters that need an escape. */
export function isPrintable(text: string): boolean {
  return !unprintable.test(text)
}

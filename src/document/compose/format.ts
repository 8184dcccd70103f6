import type { Node, ScalarNode } from '../../node.js'
import { isApplicationTag, sourceOf } from '../../node.js'
import type { Source, Span } from '../../source.js'
import { endOfQuoted, type PathStep, parsePath } from '../path.js'

/** A path in the braces of a format, and where it is in the text. */
export interface FormatPath extends Span {
  readonly path: string
  readonly steps: readonly PathStep[]
}

/** The parts of a format: texts and paths; or its first mistake. */
export type ParsedFormat =
  | { readonly parts: readonly (string | FormatPath)[]; readonly message?: undefined }
  | { readonly message: string; readonly span: Span }

/** Parses a format: `runs/{name}-{optimizer.rate}`, where `{{` and `}}` are braces. */
export function parseFormat(text: string): ParsedFormat {
  const parts: (string | FormatPath)[] = []
  let literal = ''
  let offset = 0
  while (offset < text.length) {
    const brace = nextBrace(text, offset)
    literal += text.slice(offset, brace)
    if (brace === text.length) break
    if (text[brace] === text[brace + 1]) {
      literal += text[brace]
      offset = brace + 2
      continue
    }
    if (text[brace] === '}') return mistake('"}" closes nothing: write "}}" for a brace', brace, brace + 1)
    const part = pathAt(text, brace)
    if ('message' in part) return part
    if (literal !== '') parts.push(literal)
    parts.push(part)
    literal = ''
    offset = part.end + 1
  }
  return { parts: literal === '' ? parts : [...parts, literal] }
}

function nextBrace(text: string, offset: number): number {
  const braces = /[{}]/g
  braces.lastIndex = offset
  return braces.exec(text)?.index ?? text.length
}

function mistake(message: string, start: number, end: number) {
  return { message, span: { start, end } }
}

function pathAt(text: string, brace: number): FormatPath | { message: string; span: Span } {
  const close = closeOf(text, brace)
  if (close === -1)
    return mistake('"{" is not closed: write "}" after the path, or "{{" for a brace', brace, brace + 1)
  const path = text.slice(brace + 1, close)
  const parsed = parsePath(path)
  if (path !== '' && !parsed.mistake) return { path, steps: parsed.steps, start: brace + 1, end: close }
  const shown = path.length > 40 ? `${path.slice(0, 39)}…` : path
  const trimmed = path.trim()
  const remedy =
    trimmed !== '' && trimmed !== path && !parsePath(trimmed).mistake
      ? `write "{${trimmed}}"`
      : 'write "{optimizer.rate}", or "{{" and "}}" for braces; "!format" puts in values and does not calculate'
  return mistake(`"{${shown}}" is not a path: ${remedy}`, brace, close + 1)
}

// A name in quotes may contain braces.
function closeOf(text: string, brace: number): number {
  for (let offset = brace + 1; offset < text.length; ) {
    if (text[offset] === '}') return offset
    const quoted = text[offset] === '"' ? endOfQuoted(text, offset) : -1
    offset = quoted === -1 ? offset + 1 : quoted
  }
  return -1
}

/** The longest text that a format makes, in UTF-16 units: enough for any value, too short to fill the memory. */
export const longestFormat = 1_000_000

/** The text of a scalar in a format: a string itself, a number as it is written; `undefined` for null and data without a text. */
export function scalarText(node: ScalarNode, document: Source): string | undefined {
  const { value, origin } = node
  if (isApplicationTag(node.tag) || value === null || value === undefined) return undefined
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return undefined
  if (origin) return origin.text
  if (!node.plain || node.start < 0) return programText(value)
  return sourceOf(node, document).text.slice(node.start, node.end)
}

/** The text of a value of the program in a format. */
export function programText(value: unknown): string | undefined {
  if (value instanceof Date) return value.toISOString()
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value) ? String(value) : undefined
}

/** Explains why a value cannot be put into a format; `name` is what the message calls it. */
export function notText(name: string, found: Node): string {
  return `${name} ${describeFound(found)}, but "!format" puts in strings, numbers and booleans`
}

/** Describes a value that is no text: `is a mapping`. */
export function describeFound(found: Node): string {
  if (isApplicationTag(found.tag)) return `is an object of "${found.tag}"`
  if (found.kind === 'link' && !found.isReference)
    return 'is a "!link", whose value is known only when objects are constructed'
  if (found.kind === 'mapping' || found.kind === 'sequence') return `is a ${found.kind}`
  const { value } = found as { value?: unknown }
  return value === null || value === undefined ? 'is null' : 'has no text'
}

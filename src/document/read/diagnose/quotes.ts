import { extraComma } from './messages.js'
import type { ErrorLines, Line, Proposer, Repair } from './repair.js'
import { charSpan, excerpt, inQuotes, insert, replace } from './repair.js'

/** Repairs quotes: unclosed, nested, with unknown escapes, or with text after the closing one. */
export const quoteRepairs: Proposer = function* (scene) {
  yield* path(scene)
  yield* escapes(scene)
  yield* smartQuotes(scene)
  for (const line of scene.upwards(3)) yield* inner(line)
  for (const line of scene.upwards(3)) yield* afterQuote(line)
  for (const line of scene.upwards()) yield* unclosed(line)
  yield* closingLine(scene)
}

const opening = /(^|[:,[{?-]\s+|[[{,(]|^\s*|![\w.-]+\s+)(["'])/g

interface Quoted {
  readonly quote: string
  readonly start: number
  /** The column after the closing quote; `undefined` if the line has none. */
  readonly end: number | undefined
}

/** The quoted strings that start in a line. */
function quotedIn(text: string): Quoted[] {
  const found: Quoted[] = []
  opening.lastIndex = 0
  for (let match = opening.exec(text); match; match = opening.exec(text)) {
    const quote = match[2]!
    const start = match.index + match[0].length - 1
    const end = closing(text, quote, start + 1)
    found.push({ quote, start, end })
    if (end === undefined) break
    opening.lastIndex = end
  }
  return found
}

function closing(text: string, quote: string, from: number): number | undefined {
  for (let index = from; index < text.length; index++) {
    if (quote === '"' && text[index] === '\\') index++
    else if (text[index] === quote) {
      if (quote === '"' || text[index + 1] !== quote) return index + 1
      index++
    }
  }
  return undefined
}

function* escapes(scene: ErrorLines): Generator<Repair> {
  const { error, index, lines } = scene
  if (error.code === 'BAD_DQ_ESCAPE') {
    const found = quotedAround(lines[index]!, error.span.start)
    const written = found && escapeAt(scene.text.slice(found.backslash, found.end))
    if (written)
      yield* otherQuotes(
        scene,
        { ...found, length: written.length },
        `"${written}" is not an escape sequence`,
      )
  } else
    for (const line of scene.upwards(3)) {
      const last = /\\"\s*[,\]}]*\s*$/.exec(line.text)
      const found = last && quotedAround(line, line.start + last.index)
      if (found) yield* otherQuotes(scene, { ...found, length: 2 }, escapedEnd)
    }
}

const escapedEnd = '"\\" before the closing quote makes the quote part of the string'

function* otherQuotes(
  { text }: ErrorLines,
  { start, end, backslash, length }: Backslash & { length: number },
  why: string,
): Generator<Repair> {
  const inside = text.slice(start + 1, end - 1)
  const span = { start: backslash, end: backslash + length }
  const isSimple = !inside.includes("'")
  const written = isSimple ? `'${inside}'` : `"${inside.replace(/\\(?!["\\])/g, '\\\\')}"`
  const how = isSimple ? '' : ', or double each backslash'
  const message = `${why}: put the string in single quotes${how}, ${excerpt(written)}`
  yield { span, message, edits: [replace({ start, end }, written)] }
}

function escapeAt(text: string): string {
  return /^\\(x[\da-f]{0,2}|u[\da-f]{0,4}|U[\da-f]{1,8}|.)/i.exec(text)?.[0] ?? '\\'
}

interface Backslash {
  readonly start: number
  readonly end: number
  readonly backslash: number
}

// The double-quoted string around an offset, up to a quote that could end it.
function quotedAround(line: Line, offset: number): Backslash | undefined {
  const column = offset - line.start
  const start = line.text.lastIndexOf('"', column)
  const close = /"(?=\s*([,\]}]|$| #))/g
  close.lastIndex = column + 1
  const end = close.exec(line.text)
  if (start < 0 || !end) return undefined
  return { start: line.start + start, end: line.start + end.index + 1, backslash: offset }
}

const smart = /[“”„‟]([^“”„‟"]*)[“”„‟"]|"([^“”„‟"]*)[“”„‟]|[“”„‟‘’‚‛]/

function* smartQuotes(scene: ErrorLines): Generator<Repair> {
  for (const line of scene.upwards(3)) {
    const found = smart.exec(line.text)
    if (!found) continue
    const start = line.start + found.index
    const [quote] = found[0].match(/[“”„‟‘’‚‛]/)!
    const inside = found[1] ?? found[2] ?? ''
    yield {
      span: { start: start + found[0].indexOf(quote), end: start + found[0].indexOf(quote) + 1 },
      message: `"${quote}" is not a quotation mark in YAML: use straight quotes, ${excerpt(inQuotes(inside))}`,
      edits: [replace({ start, end: start + found[0].length }, inQuotes(inside))],
    }
  }
}

// "text" and more.
function* afterQuote(line: Line): Generator<Repair> {
  for (const { start, end } of quotedIn(line.text)) {
    if (end === undefined) continue
    const rest = line.text.slice(end)
    const offset = line.start + end
    if (/^\s*,\s*(#.*)?$/.test(rest)) yield comma(offset + rest.indexOf(','))
    if (rest.startsWith('#')) yield comment(offset)
    const more = /^\s*([^\s,:\]}#][^#]*?)\s*( #.*)?$/.exec(rest)
    if (!more) continue
    const whole = line.text.slice(start, end + more[0].length).replace(/\s*( #.*)?$/, '')
    if (/^["']/.test(more[1]!) || /["']\s*[,\]}]/.test(more[1]!)) continue
    const from = line.start + start
    yield {
      span: {
        start: offset + more[0].indexOf(more[1]!),
        end: offset + more[0].indexOf(more[1]!) + more[1]!.length,
      },
      message: `Unexpected text after the closing quote: put all of it in quotes, ${excerpt(inQuotes(whole))}`,
      edits: [replace({ start: from, end: from + whole.length }, inQuotes(whole))],
    }
  }
}

function comma(offset: number): Repair {
  const span = charSpan(offset)
  return { span, message: extraComma, edits: [replace(span, '')] }
}

export function comment(offset: number): Repair {
  const message = 'A comment needs a space before it: write " #"'
  return { span: charSpan(offset), message, edits: [insert(offset, ' ')] }
}

function* unclosed(line: Line): Generator<Repair> {
  for (const { quote, start, end } of quotedIn(line.text)) {
    const span = { start: line.start + start, end: line.end }
    const message = `This string is not closed: write ${quote} at its end`
    const close = (end: number): Repair => ({
      span,
      message,
      edits: [insert(end, quote)],
      mayAddErrors: true,
    })
    if (end === undefined) yield* ends(line, start).map(close)
    const next = line.text.slice(start + 1).search(/\s*[,\]}]/)
    if (end !== undefined && next >= 0 && start + 1 + next < end - 1)
      yield close(line.start + start + 1 + next)
  }
}

// Before the brackets that close the collection around the string, or at the end of the line.
function ends(line: Line, start: number): number[] {
  const end = line.start + line.text.trimEnd().length
  const tail = /\s*[,\]}][,\]}\s]*$/.exec(line.text.slice(start))?.[0].length
  return tail === undefined ? [end] : [end - tail + (line.text.length - line.text.trimEnd().length), end]
}

// Quotes of the same kind inside a string: 'don't', "say "hi" now".
function* inner(line: Line): Generator<Repair> {
  const [first] = quotedIn(line.text)
  if (!first) return
  const { quote, start } = first
  if (/[[{]/.test(line.text.slice(0, start))) return
  const last = line.text.search(/["']\s*[,\]}]*\s*( #.*)?$/)
  if (last <= start + 1 || line.text[last] !== quote) return
  const inside = line.text.slice(start + 1, last)
  const offset = line.start + start + 1 + inside.indexOf(quote)
  if (!inside.includes(quote)) return
  const other = quote === "'" ? `"${inside}"` : `'${inside}'`
  const escaped = quote === "'" ? `'${inside.replaceAll("'", "''")}'` : `"${inside.replaceAll('"', '\\"')}"`
  const canSwitch = quote === "'" ? !/["\\]/.test(inside) : !inside.includes("'")
  const kind =
    quote === "'"
      ? `double quotes, ${excerpt(other)}, or "''" for "'"`
      : `single quotes, ${excerpt(other)}, or \\" for "`
  const only = quote === "'" ? `"''" for "'", ${excerpt(escaped)}` : `\\" for ", ${excerpt(escaped)}`
  yield {
    span: charSpan(offset),
    message: `A ${quote} ends the text here: write ${canSwitch ? kind : only}`,
    edits: [replace({ start: line.start + start, end: line.start + last + 1 }, canSwitch ? other : escaped)],
  }
}

// The closing quote of a multi-line string, alone on its line.
function* closingLine(scene: ErrorLines): Generator<Repair> {
  for (const line of scene.nearby()) {
    if (!/^["'][\s,\]}]*$/.test(line.content)) continue
    const content = scene.contentSpan(line)
    for (const more of [1, 2, 4])
      yield {
        span: charSpan(content.start),
        message: 'The closing quote must be indented more than its key: indent this line further',
        edits: [insert(line.start, ' '.repeat(more))],
      }
  }
}

// `[!ref layers[0]]`, `{ layers[0]: 8 }`, `"a key"[2]: 8`: what YAML reads otherwise.
function* path({ lines, index, error }: ErrorLines): Generator<Repair> {
  const line = lines[index]!
  for (const { pattern, quote, when } of unquotedPaths)
    for (const { 0: whole, 1: lead, 2: path, index: offset } of line.text.matchAll(pattern)) {
      const end = line.start + offset + whole.length
      const start = end - path!.length
      if (error.span.start < line.start + offset || error.span.start > end + 1) continue
      const quoted = `${quote}${path}${quote}`
      const tag = lead!.startsWith('!') ? `${lead} ` : ''
      const message = `${when}: write ${tag}${quoted}`
      yield { span: { start, end }, message, edits: [replace({ start, end }, quoted)] }
    }
}

const inFlow = 'In brackets or braces, a path must be in quotes'

const unquotedPaths = [
  {
    pattern: /(!ref|!link|!@)[ \t]+([^\s"'[\]{},#:]+(?:\[[^\s"'[\]{},#:]*\][^\s"'[\]{},#:]*)+)/g,
    quote: '"',
    when: inFlow,
  },
  {
    pattern: /(?<=[{,][ \t]*|^[ \t]*)()([^\s"'[\]{},#:!&*]+(?:\[-?\d+\][^\s"'[\]{},#:]*)+)(?=[ \t]*:)/g,
    quote: '"',
    when: inFlow,
  },
  {
    pattern: /(?<=[{,-][ \t]*|^[ \t]*)()("(?:[^"\\]|\\.)*"(?:\[-?\d+\]|\.[^\s"'[\]{},#:]+)+)(?=[ \t]*:)/g,
    quote: "'",
    when: 'A path that begins with a quote must be in other quotes',
  },
]

import { missingComma, syntaxMessages } from './messages.js'
import {
  type ErrorLines,
  excerpt,
  inQuotes,
  insert,
  type Line,
  type Proposer,
  type Repair,
  replace,
} from './repair.js'

/** Repairs strings that need quotes because of their first character, or because of a ":" in them. */
export const plainTextRepairs: Proposer = function* (scene) {
  yield* inFlow(scene)
  for (const line of scene.upwards(4)) {
    yield* afterBlockSign(line)
    yield* sequenceAfterKey(line)
    yield* plainText(line)
  }
}

interface Value {
  readonly start: number
  readonly text: string
}

const lead =
  /^\s*(?:- +)*(?:\? +)?(?:(?:"[^"]*"|'[^']*'|[^\s"'#&*!|>%@`[\]{},:?-][^\s:#]*(?: [^\s:#]+)*|-[\w.-]+|\S*<<)\s*:[ \t]+)?/

/** The value in a line, after its dashes and key and without its comment. */
function valueIn(line: Line): Value | undefined {
  const from = lead.exec(line.text)![0].length
  const text = line.text
    .slice(from)
    .replace(/\s+#.*$/, '')
    .trimEnd()
  return text === '' ? undefined : { start: line.start + from, text }
}

function* plainText(line: Line): Generator<Repair> {
  const value = valueIn(line)
  if (!value || /^["']/.test(value.text)) return
  const why = whyQuoted(value.text)
  if (why) yield quoted(value, why)
}

function quoted({ start, text }: Value, why: string): Repair {
  const end = start + text.length
  const message = `${why}: put it in quotes, ${excerpt(inQuotes(text))}`
  return { span: { start, end }, message, edits: [replace({ start, end }, inQuotes(text))] }
}

function whyQuoted(text: string): string | undefined {
  const template = /^\{[{%]/.exec(text)?.[0]
  if (template) return `"${template}" starts a mapping in YAML, but this is a template`
  if (/^[@`%,]/.test(text)) return `A string without quotes cannot start with "${text[0]}"`
  if (text.startsWith('*'))
    return /^\*[A-Za-z_]\w*(-\w+)*(\s+:(\s.*)?)?$/.test(text) ? undefined : '"*" starts an alias in YAML'
  if (text.startsWith('&') && !/^&[\w-]+(\s|$)/.test(text)) return '"&" starts an anchor in YAML'
  if (/^[|>]/.test(text)) return `"${text[0]}" starts a block scalar in YAML`
  if (/^\?( |$)/.test(text)) return '"?" starts a key in YAML'
  if (text.startsWith('!')) return /^!(\s|$)/.test(text) ? '"!" starts a tag in YAML' : undefined
  if (/^[[{]/.test(text)) return flowThenMore(text)
  if (/:(\s|$)/.test(text)) return 'A string without quotes cannot contain ": "'
  return undefined
}

// [WIP] add it
function flowThenMore(text: string): string | undefined {
  const names: Readonly<Record<string, string>> = { '[': 'sequence', '{': 'mapping' }
  const name = names[text[0]!]
  const close = text[0] === '[' ? ']' : '}'
  const end = text.indexOf(close)
  const rest = text.slice(end + 1)
  if (!name || end < 0 || rest.trim() === '' || /^\s*[#,:\]}]/.test(rest)) return undefined
  // A collection with entries is meant as one.
  if (/[,"']|: /.test(text.slice(0, end)) && !rest.startsWith('/')) return undefined
  return `"${text[0]}" starts a ${name}, but more text follows its "${close}"`
}

// One entry of "[...]" or "{...}".
function* inFlow({ text, error, lines, index }: ErrorLines): Generator<Repair> {
  const line = lines[index]!
  const offset = error.span.start - line.start
  const from =
    Math.max(...['[', '{', ','].map((sign) => line.text.lastIndexOf(sign, Math.max(0, offset - 1)))) + 1
  if (from === 0) return
  const found = /^\s*(?:(?:"[^"]*"|'[^']*'|[\w.-]+)\s*:\s+)?/.exec(line.text.slice(from))![0]
  const rest = /^[^,[\]{}]*/.exec(line.text.slice(from + found.length))![0].trimEnd()
  if (rest === '' || /^["']/.test(rest)) return
  const value = { start: line.start + from + found.length, text: rest }
  const next = /^[^\s:]+\s+(?=("[^"]*"|'[^']*'|[\w.-]+)\s*:(\s|$))/.exec(rest)?.[0]
  if (next) {
    const start = value.start + next.length
    const span = { start, end: start + rest.length - next.length }
    return yield { span, message: missingComma, edits: [insert(start - 1, ',')] }
  }
  const why = whyQuoted(rest)
  if (!why) return
  const key = /^([\w.-]+): (\S.*)$/.exec(rest)
  if (!key || text[value.start - 1] === '{') return yield quoted(value, why)
  const repair = quoted(value, why)
  yield { ...repair, message: `${repair.message}, or a "," between two entries` }
}

// run: | echo hi
function* afterBlockSign(line: Line): Generator<Repair> {
  const value = valueIn(line)
  const found = value && /^([|>])([-+\d]*)\s*(.*)$/.exec(value.text)
  if (!found) return
  const [, sign, header, rest] = found as unknown as [string, string, string, string]
  const start = value.start + value.text.length - rest.length
  const indent = ' '.repeat(line.indent + 2)
  if (rest !== '') {
    const header = `The text of "${sign}" starts on the next line`
    const message = `${header}: move "${excerpt(rest)}" there, and indent it`
    yield { span: { start, end: start + rest.length }, message, edits: [insert(start, `\n${indent}`)] }
    const all = { start: value.start + 1, end: value.start + value.text.length }
    const bad = `"${excerpt(value.text)}" is not the header of a block scalar: write "${sign}", and the text on the next line`
    yield { span: { start: value.start, end: all.end }, message: bad, edits: [replace(all, '')] }
  } else if (header !== '') {
    const all = { start: value.start, end: value.start + value.text.length }
    const message = `"${value.text}" is not the header of a block scalar: after "${sign}", write at most "-" or "+" and one digit`
    yield { span: all, message, edits: [replace(all, sign)] }
  }
}

// deps: - one
function* sequenceAfterKey(line: Line): Generator<Repair> {
  const value = valueIn(line)
  if (!value || !/^- /.test(value.text) || line.content.startsWith('- ')) return
  const span = { start: value.start, end: value.start + value.text.length }
  const message = 'A block sequence cannot start on the line of its key: start it on the next line'
  yield { span, message, edits: [insert(value.start, `\n${' '.repeat(line.indent + 2)}`)] }
}

/** Repairs tags, anchors and directives in the wrong position. */
export const propertyRepairs: Proposer = function* (scene) {
  yield* twice(scene)
  yield* afterValue(scene)
  yield* onAlias(scene)
  yield* directives(scene)
}

function* twice({ text, error }: ErrorLines): Generator<Repair> {
  if (error.code !== 'MULTIPLE_ANCHORS' && error.code !== 'MULTIPLE_TAGS') return
  const token = /^[!&][^\s,[\]{}]*\s*/.exec(text.slice(error.span.start))?.[0]
  if (!token) return
  const span = { start: error.span.start, end: error.span.start + token.trimEnd().length }
  const end = span.start + token.length
  yield { span, message: syntaxMessages[error.code]!, edits: [replace({ ...span, end }, '')] }
}

// "text" !Tag
function* afterValue({ lines, index }: ErrorLines): Generator<Repair> {
  const line = lines[index]!
  const found = /("[^"]*"|'[^']*'|\]|\})(\s+)([!&][\w.-]+)\s*$/.exec(line.text)
  if (!found) return
  const [, value, space, property] = found as unknown as [string, string, string, string]
  const start = line.start + found.index + value.length + space.length
  const kind = property.startsWith('!') ? 'A tag' : 'An anchor'
  const message = `${kind} goes before its value: move "${property}" there`
  const span = { start, end: start + property.length }
  yield { span, message, edits: [replace({ start: start - space.length, end: span.end }, '')] }
}

function* onAlias({ text, error, index, lines }: ErrorLines): Generator<Repair> {
  if (error.code !== 'BAD_ALIAS' && error.code !== 'ALIAS_PROPS') return
  const line = lines[index]!
  const found = /([!&][^\s,[\]{}]+\s+)+(?=\*\S)/.exec(line.text)
  if (!found) return
  const start = line.start + found.index
  const end = start + found[0].length
  const message = `An alias cannot have ${found[0].includes('!') ? 'a tag' : 'an anchor'}: remove "${found[0].trim()}" before the alias "${/^\*[^\s,[\]{}]*/.exec(text.slice(end))?.[0] ?? '*'}"`
  yield { span: { start, end: end - 1 }, message, edits: [replace({ start, end }, '')] }
}

function* directives({ lines, error }: ErrorLines): Generator<Repair> {
  const index = lines.findIndex(({ text }) => /^%[A-Z]/.test(text))
  const first = lines[index]
  if (!first || error.span.start < first.start) return
  let next = index
  while (lines[next] && /^(%|#|\s*$)/.test(lines[next]!.text)) next++
  const below = lines[next]
  if (!below || below.text.startsWith('---')) return
  const message = `"---" is missing between "${first.content}" and the document: write it on its own line`
  yield { span: first, message, edits: [insert(below.start, '---\n')] }
}

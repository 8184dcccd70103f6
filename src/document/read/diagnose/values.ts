import { missingComma } from './punctuation.js'
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

/** Texts that must be in quotes because of how they begin, or because of a ":" in them. */
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

/** What stands behind the dashes and the key of a line, without a comment. */
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
  const message = `${why}: write it in quotes, ${excerpt(inQuotes(text))}`
  return { span: { start, end }, message, edits: [replace({ start, end }, inQuotes(text))] }
}

function whyQuoted(text: string): string | undefined {
  const template = /^\{[{%]/.exec(text)?.[0]
  if (template) return `"${template}" opens a mapping in YAML, and this is a template`
  if (/^[@`%]/.test(text)) return `A plain text cannot begin with "${text[0]}"`
  if (text.startsWith('*'))
    return /^\*[A-Za-z_]\w*(-\w+)*(\s+:(\s.*)?)?$/.test(text)
      ? undefined
      : '"*" begins an alias, and this is none'
  if (text.startsWith('&') && !/^&[\w-]+(\s|$)/.test(text)) return '"&" begins an anchor, and this is none'
  if (/^[|>]/.test(text)) return `"${text[0]}" begins a block text, and this is none`
  if (/^\?( |$)/.test(text)) return '"?" begins a key, and this is a text'
  if (text.startsWith('!')) return /^!(\s|$)/.test(text) ? '"!" begins a tag, and this is none' : undefined
  if (/^[[{]/.test(text)) return flowThenMore(text)
  if (/:(\s|$)/.test(text)) return 'A plain text cannot have ": " in it'
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
  // What has entries is meant as a collection.
  if (/[,"']|: /.test(text.slice(0, end)) && !rest.startsWith('/')) return undefined
  return `"${text[0]}" begins a ${name}, which ends at "${close}", and more follows`
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
    const header = `The text of "${sign}" begins on the next line`
    const message = `${header}: move "${excerpt(rest)}" there, and indent it`
    yield { span: { start, end: start + rest.length }, message, edits: [insert(start, `\n${indent}`)] }
    const all = { start: value.start + 1, end: value.start + value.text.length }
    const bad = `"${excerpt(value.text)}" is no header of a block text: write "${sign}", and the text on the next line`
    yield { span: { start: value.start, end: all.end }, message: bad, edits: [replace(all, '')] }
  } else if (header !== '') {
    const all = { start: value.start, end: value.start + value.text.length }
    const message = `"${value.text}" is no header of a block text: behind "${sign}" stand "-" or "+" and one digit at most`
    yield { span: all, message, edits: [replace(all, sign)] }
  }
}

// deps: - one
function* sequenceAfterKey(line: Line): Generator<Repair> {
  const value = valueIn(line)
  if (!value || !/^- /.test(value.text) || line.content.startsWith('- ')) return
  const span = { start: value.start, end: value.start + value.text.length }
  const message = 'A block sequence cannot begin on the line of its key: begin it on the next line'
  yield { span, message, edits: [insert(value.start, `\n${' '.repeat(line.indent + 2)}`)] }
}

/** Tags, anchors and directives that stand where they cannot. */
export const propertyRepairs: Proposer = function* (scene) {
  yield* twice(scene)
  yield* afterValue(scene)
  yield* onAlias(scene)
  yield* directives(scene)
}

function* twice({ text, error }: ErrorLines): Generator<Repair> {
  const kind = kinds[error.code]
  if (!kind) return
  const token = /^[!&][^\s,[\]{}]*\s*/.exec(text.slice(error.span.start))?.[0]
  if (!token) return
  const span = { start: error.span.start, end: error.span.start + token.trimEnd().length }
  yield { span, message: kind, edits: [{ ...span, end: span.start + token.length, text: '' }] }
}

const kinds: Readonly<Record<string, string>> = {
  MULTIPLE_ANCHORS: 'A node can have one anchor only: remove one "&name"',
  MULTIPLE_TAGS: 'A node can have one tag only: remove one "!Tag"',
}

// "text" !Tag
function* afterValue({ lines, index }: ErrorLines): Generator<Repair> {
  const line = lines[index]!
  const found = /("[^"]*"|'[^']*'|\]|\})(\s+)([!&][\w.-]+)\s*$/.exec(line.text)
  if (!found) return
  const [, value, space, property] = found as unknown as [string, string, string, string]
  const start = line.start + found.index + value.length + space.length
  const kind = property.startsWith('!') ? 'A tag' : 'An anchor'
  const message = `${kind} stands before its value: move "${property}" there`
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
  const message = `An alias takes no ${found[0].includes('!') ? 'tag' : 'anchor'} of its own: remove "${found[0].trim()}" before the alias "${/^\*[^\s,[\]{}]*/.exec(text.slice(end))?.[0] ?? '*'}"`
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
  const message = `"---" is missing between "${first.content}" and the document: write it on a line of its own`
  yield { span: first, message, edits: [insert(below.start, '---\n')] }
}

import type { Proposer, Repair, Scene } from './repair.js'
import { insert, replace } from './repair.js'

/** Tags, anchors and directives that stand where they cannot. */
export const propertyRepairs: Proposer = function* (scene) {
  yield* twice(scene)
  yield* behindValue(scene)
  yield* onAlias(scene)
  yield* directives(scene)
}

function* twice({ text, error }: Scene): Generator<Repair> {
  const kind = kinds[error.code]
  if (!kind) return
  const token = /^[!&][^\s,[\]{}]*\s*/.exec(text.slice(error.span.start))?.[0]
  if (!token) return
  const at = { start: error.span.start, end: error.span.start + token.trimEnd().length }
  yield { at, message: kind, edits: [{ ...at, end: at.start + token.length, text: '' }] }
}

const kinds: Readonly<Record<string, string>> = {
  MULTIPLE_ANCHORS: 'A node can have one anchor only: remove one "&name"',
  MULTIPLE_TAGS: 'A node can have one tag only: remove one "!Tag"',
}

// "text" !Tag
function* behindValue({ lines, index }: Scene): Generator<Repair> {
  const line = lines[index]!
  const found = /("[^"]*"|'[^']*'|\]|\})(\s+)([!&][\w.-]+)\s*$/.exec(line.text)
  if (!found) return
  const [, value, space, property] = found as unknown as [string, string, string, string]
  const start = line.start + found.index + value.length + space.length
  const kind = property.startsWith('!') ? 'A tag' : 'An anchor'
  const message = `${kind} stands before its value: move "${property}" there`
  const at = { start, end: start + property.length }
  yield { at, message, edits: [replace({ start: start - space.length, end: at.end }, '')] }
}

function* onAlias({ text, error, index, lines }: Scene): Generator<Repair> {
  if (error.code !== 'BAD_ALIAS' && error.code !== 'ALIAS_PROPS') return
  const line = lines[index]!
  const found = /([!&][^\s,[\]{}]+\s+)+(?=\*\S)/.exec(line.text)
  if (!found) return
  const start = line.start + found.index
  const end = start + found[0].length
  const message = `An alias takes no ${found[0].includes('!') ? 'tag' : 'anchor'} of its own: remove "${found[0].trim()}" before the alias "${/^\*[^\s,[\]{}]*/.exec(text.slice(end))?.[0] ?? '*'}"`
  yield { at: { start, end: end - 1 }, message, edits: [replace({ start, end }, '')] }
}

function* directives({ lines, error }: Scene): Generator<Repair> {
  const at = lines.findIndex(({ text }) => /^%[A-Z]/.test(text))
  const first = lines[at]
  if (!first || error.span.start < first.start) return
  let next = at
  while (lines[next] && /^(%|#|\s*$)/.test(lines[next]!.text)) next++
  const below = lines[next]
  if (!below || below.text.startsWith('---')) return
  const message = `"---" is missing between "${first.content}" and the document: write it on a line of its own`
  yield { at: first, message, edits: [insert(below.start, '---\n')] }
}

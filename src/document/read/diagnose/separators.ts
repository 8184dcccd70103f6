import { comment } from './quotes.js'
import type { Line, Proposer, Repair, Scene } from './repair.js'
import { excerpt, insert, replace } from './repair.js'

export const missingComma = 'A comma is missing before this entry: write "," behind the one before it'

/** Signs between things: ":", "-", "," and the space behind them. */
export const separatorRepairs: Proposer = function* (scene) {
  yield* commas(scene)
  yield* commaAtEnd(scene)
  yield* colonInFlow(scene)
  for (const propose of [comments, foreignComment, dash, colonSpace, equals, colon])
    for (const line of scene.nearby()) yield* propose(line)
  for (const line of scene.nearby()) yield* mixed(scene, line)
  yield* secondDocument(scene)
}

function* commas({ text, error, lines, index }: Scene): Generator<Repair> {
  const { start } = error.span
  const behind = text.slice(0, start).trimEnd()
  if (text[start] === ',' || behind.endsWith(','))
    yield* emptyEntry(text, text[start] === ',' ? start : behind.length - 1)
  const at = { start, end: Math.max(start + 1, error.span.end) }
  if (error.code === 'MISSING_CHAR' || error.code === 'UNEXPECTED_TOKEN' || error.code === 'BLOCK_IN_FLOW')
    yield { at, message: missingComma, edits: [insert(behind.length, ',')] }
  for (const line of [lines[index]!, lines[index - 1]]) {
    const end = line && /[\]}"'\w],\s*$/.exec(line.text)
    if (!end) continue
    const comma = line.start + line.text.lastIndexOf(',')
    const message = 'A comma separates entries in "[...]" and "{...}" only: remove the ","'
    const span = { start: comma, end: comma + 1 }
    yield { at: span, message, edits: [replace(span, '')] }
  }
}

// Entries of a flow collection, each in a line of its own.
function* commaAtEnd({ lines, index }: Scene): Generator<Repair> {
  for (const at of [index, index + 1, index - 1]) {
    const [above, line] = [lines[at - 1], lines[at]]
    if (!above || !line || !/[\w"'}\]]\s*$/.test(above.text) || !/^["'\w[{]/.test(line.content)) continue
    const end = above.start + above.text.trimEnd().length
    const start = line.start + line.text.length - line.text.trimStart().length
    yield { at: { start, end: line.end }, message: missingComma, edits: [insert(end, ',')] }
  }
}

function* emptyEntry(text: string, at: number): Generator<Repair> {
  const span = { start: at, end: at + 1 }
  if (!/[,[{]\s*$/.test(text.slice(0, at))) return
  yield { at: span, message: 'Nothing stands before this ",": remove it', edits: [replace(span, '')] }
}

// "name" "app"
function* colonInFlow({ lines, index }: Scene): Generator<Repair> {
  for (const line of [lines[index]!, lines[index - 1]]) {
    const found = line && /^(\s*[{,]?\s*("[^"]*"|'[^']*'))(\s+["'[{\d])/.exec(line.text)
    if (!found) continue
    const start = line.start + found[1]!.length
    const message = `":" is missing behind the key: write ${excerpt(found[2]!)}:`
    yield { at: { start, end: start + 1 }, message, edits: [insert(start, ':')] }
  }
}

function* comments(line: Line): Generator<Repair> {
  const found = /["'\]}]#/.exec(line.text)
  if (found) yield comment(line.start + found.index + 1)
}

// /* as in C */
function* foreignComment(line: Line): Generator<Repair> {
  const found = /^\s*(\/\/|\/\*)/.exec(line.text)
  if (!found) return
  const start = line.start + found[0].length - 2
  const message = `A comment begins with "#", not with "${found[1]}"`
  yield { at: { start, end: line.end }, message, edits: [replace({ start, end: start + 2 }, '#')] }
}

function* dash(line: Line): Generator<Repair> {
  const found = /^\s*(?:- +)*-(?=[^\s-])/.exec(line.text)
  if (!found) return
  const start = line.start + found[0].length - 1
  const rest = line.text.slice(found[0].length).trim()
  const message = `A space is missing behind "-": write "${excerpt(`- ${rest}`)}"`
  yield { at: { start, end: start + 1 }, message, edits: [insert(start + 1, ' ')] }
}

function* colonSpace(line: Line): Generator<Repair> {
  const found = /^(\s*(?:- +)*)([\w./-]+|"[^"]*"|'[^']*'):(?=[^\s:/])/.exec(line.text)
  if (!found) return
  const start = line.start + found[0].length - 1
  const rest = line.text.slice(found[0].length).trim()
  const message = `A space is missing behind ":": write "${excerpt(`${found[2]}: ${rest}`)}"`
  yield { at: { start, end: start + 1 }, message, edits: [insert(start + 1, ' ')] }
}

function* equals(line: Line): Generator<Repair> {
  const found = /^(\s*(?:- +)*)([\w.-]+)(\s*=\s*)(?=\S)/.exec(line.text)
  if (!found) return
  const start = line.start + found[1]!.length + found[2]!.length
  const rest = line.text.slice(found[0].length).trim()
  const end = start + found[3]!.length
  const sign = start + found[3]!.indexOf('=')
  const message = `A key is followed by ":", not by "=": write "${excerpt(`${found[2]}: ${rest}`)}"`
  yield { at: { start: sign, end: sign + 1 }, message, edits: [replace({ start, end }, ': ')] }
}

function* colon(line: Line): Generator<Repair> {
  const found = /^(\s*(?:- +)*)([\w./-]+)(?:\s+([^\s:=].*))?\s*$/.exec(line.text)
  if (!found || /^(?:-+|\.\.\.)$/.test(found[2]!)) return
  const [, head, key, rest] = found
  const start = line.start + head!.length
  const end = start + key!.length
  const written = rest === undefined ? `${key}:` : `${key}: ${rest}`
  const message = `":" is missing behind the key "${excerpt(key!)}": write "${excerpt(written)}"`
  yield { at: { start, end }, message, edits: [insert(end, ':')] }
}

// Items and entries at the same level.
function* mixed({ lines }: Scene, line: Line): Generator<Repair> {
  const start = line.start + line.indent
  const at = { start, end: Math.max(start + 1, line.end) }
  const above = lines.slice(0, lines.indexOf(line)).reverse()
  const sibling = above.find(
    ({ indent, content }) => content !== '' && !content.startsWith('#') && indent <= line.indent,
  )
  if (!sibling || sibling.indent !== line.indent) return
  const isItem = /^-( |$)/.test(line.content)
  if (isItem === /^-( |$)/.test(sibling.content)) return
  if (isItem) {
    const message =
      'An item, "- ", stands among entries, "key: value": write a key in place of "-", or indent it below a key that has no value'
    yield { at, message, edits: [...commentOut(lines, line)] }
  } else {
    const message = 'An entry, "key: value", stands among items, "- ": write "- " before it'
    yield { at, message, edits: [insert(start, '- '), ...deeper(lines, line)] }
  }
}

function* commentOut(lines: readonly Line[], line: Line) {
  for (const each of [line, ...below(lines, line)]) yield replace({ start: each.start, end: each.end }, '')
}

function* deeper(lines: readonly Line[], line: Line) {
  for (const each of below(lines, line)) yield insert(each.start, '  ')
}

function below(lines: readonly Line[], line: Line): Line[] {
  const rest = lines.slice(lines.indexOf(line) + 1)
  const end = rest.findIndex(({ indent, content }) => content !== '' && indent <= line.indent)
  return end < 0 ? rest : rest.slice(0, end)
}

// More at the top, where the document is at its end.
function* secondDocument({ lines, index, text }: Scene): Generator<Repair> {
  const line = lines[index]!
  const head = text.slice(0, line.start).trimEnd()
  if (line.indent > 0 || !/[\]}"']$/.test(head)) return
  const at = { start: line.start, end: line.end }
  const message =
    'The document is at its end, and more follows: write "---" on a line before it if it is a document of its own, else remove it'
  yield { at, message, edits: [insert(line.start, '---\n')] }
}

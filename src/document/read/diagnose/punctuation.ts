import { comment } from './quotes.js'
import { type ErrorLines, excerpt, insert, type Line, type Proposer, type Repair, replace } from './repair.js'

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

function* commas({ text, error, lines, index }: ErrorLines): Generator<Repair> {
  const { start } = error.span
  const behind = text.slice(0, start).trimEnd()
  if (text[start] === ',' || behind.endsWith(','))
    yield* emptyEntry(text, text[start] === ',' ? start : behind.length - 1)
  const span = { start, end: Math.max(start + 1, error.span.end) }
  if (error.code === 'MISSING_CHAR' || error.code === 'UNEXPECTED_TOKEN' || error.code === 'BLOCK_IN_FLOW')
    yield { span, message: missingComma, edits: [insert(behind.length, ',')] }
  for (const line of [lines[index]!, lines[index - 1]]) {
    const end = line && /[\]}"'\w],\s*$/.exec(line.text)
    if (!end) continue
    const comma = line.start + line.text.lastIndexOf(',')
    const message = 'A comma separates entries in "[...]" and "{...}" only: remove the ","'
    const span = { start: comma, end: comma + 1 }
    yield { span, message, edits: [replace(span, '')] }
  }
}

// Entries of a flow collection, each in a line of its own.
function* commaAtEnd({ lines, index }: ErrorLines): Generator<Repair> {
  for (const lineIndex of [index, index + 1, index - 1]) {
    const [above, line] = [lines[lineIndex - 1], lines[lineIndex]]
    if (!above || !line || !/[\w"'}\]]\s*$/.test(above.text) || !/^["'\w[{]/.test(line.content)) continue
    const end = above.start + above.text.trimEnd().length
    const start = line.start + line.text.length - line.text.trimStart().length
    yield { span: { start, end: line.end }, message: missingComma, edits: [insert(end, ',')] }
  }
}

function* emptyEntry(text: string, offset: number): Generator<Repair> {
  const span = { start: offset, end: offset + 1 }
  if (!/[,[{]\s*$/.test(text.slice(0, offset))) return
  yield { span, message: 'Nothing stands before this ",": remove it', edits: [replace(span, '')] }
}

// "name" "app"
function* colonInFlow({ lines, index }: ErrorLines): Generator<Repair> {
  for (const line of [lines[index]!, lines[index - 1]]) {
    const found = line && /^(\s*[{,]?\s*("[^"]*"|'[^']*'))(\s+["'[{\d])/.exec(line.text)
    if (!found) continue
    const start = line.start + found[1]!.length
    const message = `":" is missing behind the key: write ${excerpt(found[2]!)}:`
    yield { span: { start, end: start + 1 }, message, edits: [insert(start, ':')] }
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
  yield { span: { start, end: line.end }, message, edits: [replace({ start, end: start + 2 }, '#')] }
}

function* dash(line: Line): Generator<Repair> {
  const found = /^\s*(?:- +)*-(?=[^\s-])/.exec(line.text)
  if (!found) return
  const start = line.start + found[0].length - 1
  const rest = line.text.slice(found[0].length).trim()
  const message = `A space is missing behind "-": write "${excerpt(`- ${rest}`)}"`
  yield { span: { start, end: start + 1 }, message, edits: [insert(start + 1, ' ')] }
}

function* colonSpace(line: Line): Generator<Repair> {
  const found = /^(\s*(?:- +)*)([\w./-]+|"[^"]*"|'[^']*'):(?=[^\s:/])/.exec(line.text)
  if (!found) return
  const start = line.start + found[0].length - 1
  const rest = line.text.slice(found[0].length).trim()
  const message = `A space is missing behind ":": write "${excerpt(`${found[2]}: ${rest}`)}"`
  yield { span: { start, end: start + 1 }, message, edits: [insert(start + 1, ' ')] }
}

function* equals(line: Line): Generator<Repair> {
  const found = /^(\s*(?:- +)*)([\w.-]+)(\s*=\s*)(?=\S)/.exec(line.text)
  if (!found) return
  const start = line.start + found[1]!.length + found[2]!.length
  const rest = line.text.slice(found[0].length).trim()
  const end = start + found[3]!.length
  const sign = start + found[3]!.indexOf('=')
  const message = `A key is followed by ":", not by "=": write "${excerpt(`${found[2]}: ${rest}`)}"`
  yield { span: { start: sign, end: sign + 1 }, message, edits: [replace({ start, end }, ': ')] }
}

function* colon(line: Line): Generator<Repair> {
  const found = /^(\s*(?:- +)*)([\w./-]+)(?:\s+([^\s:=].*))?\s*$/.exec(line.text)
  if (!found || /^(?:-+|\.\.\.)$/.test(found[2]!)) return
  const [, head, key, rest] = found
  const start = line.start + head!.length
  const end = start + key!.length
  const written = rest === undefined ? `${key}:` : `${key}: ${rest}`
  const message = `":" is missing behind the key "${excerpt(key!)}": write "${excerpt(written)}"`
  yield { span: { start, end }, message, edits: [insert(end, ':')] }
}

// Items and entries at the same level.
function* mixed({ lines }: ErrorLines, line: Line): Generator<Repair> {
  const start = line.start + line.indent
  const span = { start, end: Math.max(start + 1, line.end) }
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
    yield { span, message, edits: [...commentOut(lines, line)] }
  } else {
    const message = 'An entry, "key: value", stands among items, "- ": write "- " before it'
    yield { span, message, edits: [insert(start, '- '), ...deeper(lines, line)] }
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
function* secondDocument({ lines, index, text }: ErrorLines): Generator<Repair> {
  const line = lines[index]!
  const head = text.slice(0, line.start).trimEnd()
  if (line.indent > 0 || !/[\]}"']$/.test(head)) return
  const span = { start: line.start, end: line.end }
  const message =
    'The document is at its end, and more follows: write "---" on a line before it if it is a document of its own, else remove it'
  yield { span, message, edits: [insert(line.start, '---\n')] }
}

/** Brackets: open ones, the wrong one, one too many. */
export const bracketRepairs: Proposer = function* (scene) {
  yield* stray(scene)
  yield* swapped(scene)
  yield* unclosed(scene)
}

const closers: Readonly<Record<string, string>> = { '[': ']', '{': '}' }

interface Bracket {
  readonly sign: string
  readonly offset: number
}

// In the text between two places, outside of quotes and comments.
function* bracketsIn(text: string, start: number, end: number): Generator<Bracket> {
  const token = /"(?:\\.|[^"\\])*"|'(?:''|[^'])*'|(?:^|\s)#.*|[[\]{}]/gm
  for (const { 0: sign, index } of text.slice(start, end).matchAll(token))
    if (/^[[\]{}]$/.test(sign)) yield { sign, offset: start + index }
}

function openIn(text: string, start: number, end: number): Bracket[] {
  const open: Bracket[] = []
  for (const bracket of bracketsIn(text, start, end))
    if (bracket.sign in closers) open.push(bracket)
    else if (open.length > 0) open.pop()
  return open
}

function* unclosed(scene: ErrorLines): Generator<Repair> {
  const { text } = scene
  for (const line of scene.upwards()) {
    if (!/[[{]/.test(line.text)) continue
    const open = openIn(text, line.start, line.end)
    if (open.length > 1) yield* closeAll(scene, line, open)
    for (const { sign, offset } of open.reverse()) {
      const close = closers[sign]!
      const name = sign === '[' ? 'sequence' : 'mapping'
      const message = `"${sign}" is not closed: write "${close}" at the end of its ${name}`
      for (const end of endsOf(scene, line))
        yield { span: { start: offset, end: offset + 1 }, message, edits: [insert(end, close)] }
    }
  }
}

function* closeAll(scene: ErrorLines, line: Line, open: readonly Bracket[]): Generator<Repair> {
  const close = open.map(({ sign }) => closers[sign]!).reverse()
  const offset = open[0]!.offset
  const message = `"${open.map(({ sign }) => sign).join('')}" are not closed: write "${close.join('')}" at the end`
  for (const end of endsOf(scene, line))
    yield { span: { start: offset, end: offset + 1 }, message, edits: [insert(end, close.join(''))] }
}

// Of the line itself, of the lines above the error, of the lines that are deeper, of the file.
function endsOf({ lines, index, text }: ErrorLines, line: Line): number[] {
  const from = lines.indexOf(line)
  const ends = [contentEnd(line)]
  for (const lineIndex of [index - 1, index]) if (lineIndex > from) ends.push(contentEnd(lines[lineIndex]!))
  let deeper = from
  while (lines[deeper + 1] && lines[deeper + 1]!.indent > line.indent) deeper++
  if (deeper > from) ends.push(contentEnd(lines[deeper]!))
  ends.push(text.trimEnd().length)
  return [...new Set(ends)]
}

function contentEnd({ start, text }: Line): number {
  return (
    start +
    text
      .replace(/\s+#.*$/, '')
      .trimEnd()
      .replace(/,$/, '').length
  )
}

function* swapped(scene: ErrorLines): Generator<Repair> {
  for (const line of scene.upwards(3)) {
    const open: Bracket[] = []
    for (const bracket of bracketsIn(scene.text, line.start, line.end)) {
      const { sign, offset } = bracket
      if (sign in closers) open.push(bracket)
      else {
        const from = open.pop()
        if (!from || closers[from.sign] === sign) continue
        const due = closers[from.sign]!
        const message = `"${from.sign}" is closed by "${sign}": write "${due}"`
        yield {
          span: { start: offset, end: offset + 1 },
          message,
          edits: [replace({ start: offset, end: offset + 1 }, due)],
        }
      }
    }
  }
}

function* stray({ lines, index, error, text }: ErrorLines): Generator<Repair> {
  for (const line of [lines[index]!, lines[index - 1]]) {
    if (!line) continue
    for (const { sign, offset } of [...bracketsIn(text, line.start, line.end)].reverse()) {
      if (sign in closers || offset > error.span.start + 1) continue
      const message = `This "${sign}" closes nothing: remove it`
      yield {
        span: { start: offset, end: offset + 1 },
        message,
        edits: [replace({ start: offset, end: offset + 1 }, '')],
      }
    }
  }
  yield* afterFlow(lines[index]!, error.span.start)
}

// { a: 1 } more
function* afterFlow(line: Line, offset: number): Generator<Repair> {
  const column = offset - line.start
  const close = /[\]}]\s*$/.exec(line.text.slice(0, column))?.[0]
  if (!close || /^[,:\]}[{#]/.test(line.text.slice(column))) return
  const rest = line.text.slice(column).trimEnd()
  if (rest === '') return
  const end = line.start + column + rest.length
  const comma = /^,/.test(rest)
  const message = `More follows the "${close.trim()}", where the ${close.trim() === ']' ? 'sequence' : 'mapping'} is at its end: ${comma ? 'remove the ","' : 'remove it, or begin it on a line of its own'}`
  yield { span: { start: offset, end }, message, edits: [replace({ start: offset, end }, '')] }
}

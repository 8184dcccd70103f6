import type { Line, Proposer, Repair, Scene } from './repair.js'
import { insert, replace } from './repair.js'

/** Brackets: open ones, the wrong one, one too many. */
export const bracketRepairs: Proposer = function* (scene) {
  yield* stray(scene)
  yield* swapped(scene)
  yield* unclosed(scene)
}

const closers: Readonly<Record<string, string>> = { '[': ']', '{': '}' }

interface Bracket {
  readonly sign: string
  readonly at: number
}

// In the text between two places, outside of quotes and comments.
function* bracketsIn(text: string, from: number, to: number): Generator<Bracket> {
  const token = /"(?:\\.|[^"\\])*"|'(?:''|[^'])*'|(?:^|\s)#.*|[[\]{}]/gm
  for (const { 0: sign, index } of text.slice(from, to).matchAll(token))
    if (/^[[\]{}]$/.test(sign)) yield { sign, at: from + index }
}

function openIn(text: string, from: number, to: number): Bracket[] {
  const open: Bracket[] = []
  for (const bracket of bracketsIn(text, from, to))
    if (bracket.sign in closers) open.push(bracket)
    else if (open.length > 0) open.pop()
  return open
}

function* unclosed(scene: Scene): Generator<Repair> {
  const { text } = scene
  for (const line of scene.upwards()) {
    if (!/[[{]/.test(line.text)) continue
    const open = openIn(text, line.start, line.end)
    if (open.length > 1) yield* closeAll(scene, line, open)
    for (const { sign, at } of open.reverse()) {
      const close = closers[sign]!
      const name = sign === '[' ? 'sequence' : 'mapping'
      const message = `"${sign}" is not closed: write "${close}" at the end of its ${name}`
      for (const end of endsOf(scene, line))
        yield { at: { start: at, end: at + 1 }, message, edits: [insert(end, close)] }
    }
  }
}

function* closeAll(scene: Scene, line: Line, open: readonly Bracket[]): Generator<Repair> {
  const close = open.map(({ sign }) => closers[sign]!).reverse()
  const at = open[0]!.at
  const message = `"${open.map(({ sign }) => sign).join('')}" are not closed: write "${close.join('')}" at the end`
  for (const end of endsOf(scene, line))
    yield { at: { start: at, end: at + 1 }, message, edits: [insert(end, close.join(''))] }
}

// Of the line itself, of the lines above the error, of the lines that are deeper, of the file.
function endsOf({ lines, index, text }: Scene, line: Line): number[] {
  const from = lines.indexOf(line)
  const ends = [contentEnd(line)]
  for (const at of [index - 1, index]) if (at > from) ends.push(contentEnd(lines[at]!))
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

function* swapped(scene: Scene): Generator<Repair> {
  for (const line of scene.upwards(3)) {
    const open: Bracket[] = []
    for (const bracket of bracketsIn(scene.text, line.start, line.end)) {
      const { sign, at } = bracket
      if (sign in closers) open.push(bracket)
      else {
        const from = open.pop()
        if (!from || closers[from.sign] === sign) continue
        const due = closers[from.sign]!
        const message = `"${from.sign}" is closed by "${sign}": write "${due}"`
        yield { at: { start: at, end: at + 1 }, message, edits: [replace({ start: at, end: at + 1 }, due)] }
      }
    }
  }
}

function* stray({ lines, index, error, text }: Scene): Generator<Repair> {
  for (const line of [lines[index]!, lines[index - 1]]) {
    if (!line) continue
    for (const { sign, at } of [...bracketsIn(text, line.start, line.end)].reverse()) {
      if (sign in closers || at > error.span.start + 1) continue
      const message = `This "${sign}" closes nothing: remove it`
      yield { at: { start: at, end: at + 1 }, message, edits: [replace({ start: at, end: at + 1 }, '')] }
    }
  }
  yield* behindFlow(lines[index]!, error.span.start)
}

// { a: 1 } more
function* behindFlow(line: Line, offset: number): Generator<Repair> {
  const at = offset - line.start
  const close = /[\]}]\s*$/.exec(line.text.slice(0, at))?.[0]
  if (!close || /^[,:\]}[{#]/.test(line.text.slice(at))) return
  const rest = line.text.slice(at).trimEnd()
  if (rest === '') return
  const end = line.start + at + rest.length
  const comma = /^,/.test(rest)
  const message = `More follows the "${close.trim()}", where the ${close.trim() === ']' ? 'sequence' : 'mapping'} is at its end: ${comma ? 'remove the ","' : 'remove it, or begin it on a line of its own'}`
  yield { at: { start: offset, end }, message, edits: [replace({ start: offset, end }, '')] }
}

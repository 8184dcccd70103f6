import type { Edit, Line, Proposer, Repair } from './repair.js'
import { replace } from './repair.js'

/** Characters that a file should not have: tabs and other blanks as indentation, marks of a merge conflict. */
export const characterRepairs: Proposer = function* (scene) {
  yield* conflicts(scene.lines, scene.index)
  yield* templateLines(scene.lines, scene.index)
  yield* tabs(scene.lines, scene.index)
  yield* blanks(scene.lines, scene.index)
}

const marker = /^(<{7}|={7}|>{7}|\|{7})( |$)/

function* conflicts(lines: readonly Line[], index: number): Generator<Repair> {
  const marked = lines.filter(({ text }) => marker.test(text))
  const [first] = marked
  if (!first || first.start > (lines[index + 1] ?? lines[index]!).end) return
  const span = { start: first.start, end: first.end }
  const message =
    'A merge conflict stands here: keep one side, and remove the lines "<<<<<<<", "=======" and ">>>>>>>"'
  yield { span, message, edits: [...oneSide(lines)] }
}

// The first side stays.
function* oneSide(lines: readonly Line[]): Generator<Edit> {
  let isOther = false
  for (const line of lines) {
    const mark = marker.exec(line.text)?.[1]?.[0]
    if (mark === '=' || mark === '|') isOther = true
    if (mark || isOther) yield replace(line, '')
    if (mark === '>') isOther = false
  }
}

const templateLine = /^\{[{%].*[%}]\}$/

function* templateLines(lines: readonly Line[], index: number): Generator<Repair> {
  const marked = lines.filter(({ content }) => templateLine.test(content))
  const line = marked.find(({ start }) => start <= lines[index]!.start)
  if (!line) return
  const open = line.content.slice(0, 2)
  const message = `YAML has no templates, so "${open}" cannot stand here: remove this line, or fill in the template first`
  const start = line.end - line.text.trimStart().length
  yield { span: { start, end: line.end }, message, edits: marked.map((line) => replace(line, '')) }
}

function* tabs(lines: readonly Line[], index: number): Generator<Repair> {
  const tabbed = lines.filter(({ text }) => /^\s*(- *)*\t/.test(text) && text.trim() !== '')
  const first = tabbed.find(({ text, start }) => start <= lines[index]!.end && text)
  if (!first) return
  const start = first.start + first.text.indexOf('\t')
  const span = { start, end: start + 1 }
  const message = 'A tab cannot indent YAML: use spaces'
  for (const space of ['  ', '    ', '        ', ' '])
    yield { span, message, once: true, edits: tabbed.map((line) => withoutTabs(line, space)) }
  for (const neighbour of [lines[lines.indexOf(first) - 1], lines[lines.indexOf(first) + 1]])
    if (neighbour)
      yield {
        span,
        message,
        once: true,
        edits: tabbed.map((line) => indentedAs(line, neighbour.indent)),
      }
  const columns = [2, 4, 6, 8].map((indent) => tabbed.map((line) => indentedAs(line, indent)))
  for (const edits of columns) yield { span, message, once: true, edits }
}

function withoutTabs(line: Line, space: string): Edit {
  const end = line.start + /^\s*(- *)*\t[\t ]*/.exec(line.text)![0].length
  const lead = line.text.slice(0, end - line.start)
  return { start: line.start, end, text: lead.replaceAll('\t', lead.includes('-') ? ' ' : space) }
}

function indentedAs(line: Line, indent: number): Edit {
  const end = line.start + /^\s*/.exec(line.text)![0].length
  return { start: line.start, end, text: ' '.repeat(indent) }
}

const blank = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff]/

function* blanks(lines: readonly Line[], index: number): Generator<Repair> {
  for (const line of [lines[index]!, lines[index - 1], lines[index + 1]]) {
    if (!line) continue
    const found = new RegExp(`^\\s*${blank.source}|[:-]${blank.source}`).exec(line.text)
    if (!found || !blank.test(found[0])) continue
    const start = line.start + found.index + found[0].search(blank)
    const message = `${nameOf(line.text[start - line.start]!)} stands here, which YAML does not take for a space: type a space`
    yield { span: { start, end: start + 1 }, message, edits: blanksOf(lines, ' ') }
    yield { span: { start, end: start + 1 }, message, edits: blanksOf(lines, '') }
  }
}

function blanksOf(lines: readonly Line[], text: string): Edit[] {
  return lines.flatMap((line) =>
    [...line.text.matchAll(new RegExp(blank.source, 'g'))].map(({ index }) => ({
      start: line.start + index,
      end: line.start + index + 1,
      text,
    })),
  )
}

function nameOf(character: string): string {
  if (character === '\ufeff') return 'A byte order mark'
  if (character === '\u00a0') return 'A no-break space'
  return `The character U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
}

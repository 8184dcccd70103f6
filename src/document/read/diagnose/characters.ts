import { tabIndent } from './messages.js'
import type { Edit, Line, Proposer, Repair } from './repair.js'
import { charSpan, replace } from './repair.js'

/** Repairs characters that do not belong in YAML: tabs and other blanks as indentation, markers of a merge conflict, templates. */
export const characterRepairs: Proposer = function* (scene) {
  yield* conflicts(scene.lines, scene.index)
  yield* templateLines(scene.lines, scene.index)
  yield* tabs(scene.lines, scene.index)
  yield* blanks(scene.lines, scene.index)
}

const marker = /^(<{7}|={7}|>{7}|\|{7})( |$)/

// All lines with the mistake are changed at once.
function everywhere(
  repair: Omit<Repair, 'edits'>,
  lines: readonly Line[],
  change: (lines: readonly Line[]) => readonly Edit[],
): Repair {
  return { ...repair, edits: change(lines), everywhere: change }
}

function* conflicts(lines: readonly Line[], index: number): Generator<Repair> {
  const marked = lines.filter(({ text }) => marker.test(text))
  const [first] = marked
  if (!first || first.start > (lines[index + 1] ?? lines[index]!).end) return
  const span = { start: first.start, end: first.end }
  const message =
    'This merge conflict is not resolved: keep one side, and remove the lines "<<<<<<<", "=======" and ">>>>>>>"'
  yield everywhere({ span, message }, lines, (all) => [...oneSide(all)])
}

// Keeps the first side.
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
  const message = `"${open}" is template syntax, which is not YAML: remove this line, or render the template first`
  const start = line.end - line.text.trimStart().length
  yield everywhere({ span: { start, end: line.end }, message }, lines, (all) =>
    all.filter(({ content }) => templateLine.test(content)).map((each) => replace(each, '')),
  )
}

function* tabs(lines: readonly Line[], index: number): Generator<Repair> {
  const first = tabbedIn(lines).find(({ start }) => start <= lines[index]!.end)
  if (!first) return
  const span = charSpan(first.start + first.text.indexOf('\t'))
  const repair = (change: (line: Line) => Edit) =>
    everywhere({ span, message: tabIndent, once: true }, lines, (all) => tabbedIn(all).map(change))
  for (const space of ['  ', '    ', '        ', ' ']) yield repair((line) => withoutTabs(line, space))
  for (const neighbour of [lines[lines.indexOf(first) - 1], lines[lines.indexOf(first) + 1]])
    if (neighbour) yield repair((line) => indentedAs(line, neighbour.indent))
  for (const indent of [2, 4, 6, 8]) yield repair((line) => indentedAs(line, indent))
}

function tabbedIn(lines: readonly Line[]): Line[] {
  return lines.filter(({ text }) => /^\s*(- *)*\t/.test(text) && text.trim() !== '')
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
    const message = `${nameOf(line.text[start - line.start]!)} is not a space in YAML: type a space instead`
    for (const space of [' ', ''])
      yield everywhere({ span: charSpan(start), message }, lines, (all) => blanksOf(all, space))
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

import type { Edit, ErrorLines, Line, Proposer } from './repair.js'
import { insert, replace } from './repair.js'

/** Lines that begin in another column than their siblings. */
export const indentationRepairs: Proposer = function* (scene) {
  yield* allShifts(scene)
}

/** A line that falls out of the block text above it. */
export const blockTextRepairs: Proposer = function* (scene) {
  const line = scene.lines[scene.index]!
  if (/:( |$)|^- /.test(line.content)) return
  const text = scene.lines
    .slice(0, scene.index)
    .reverse()
    .find(({ content }) => content !== '')
  const header =
    text &&
    scene.lines
      .slice(0, scene.index)
      .reverse()
      .find(({ indent, content }) => content !== '' && indent < text.indent)
  if (!text || !header || !/(^|[\s:-])[|>][-+\d]*$/.test(header.content)) return
  const lines = textOf(scene.lines, line)
  const message = `Wrong indentation: indent this line by ${spaces(text.indent)}, not by ${line.indent}, as the text of ${JSON.stringify(shortened(header.content))}`
  yield { span: scene.contentSpan(line), message, edits: moved(lines, text.indent - line.indent) }
}

const allShifts: Proposer = function* (scene) {
  const tried = new Set<string>()
  const all = scene.nearby().flatMap((line) => [...shifts(scene, line)])
  for (const shift of all.sort((a, b) => a.distance - b.distance)) {
    const key = JSON.stringify(shift.edits)
    if (tried.has(key)) continue
    tried.add(key)
    yield { span: scene.contentSpan(shift.line), message: messageOf(shift), edits: shift.edits }
  }
}

interface Shift {
  readonly line: Line
  readonly indent: number
  readonly sibling: Line | undefined
  readonly edits: readonly Edit[]
  readonly distance: number
}

function* shifts(scene: ErrorLines, line: Line): Generator<Shift> {
  const block = blockOf(scene.lines, line)
  const peers = peersOf(scene.lines, line)
  for (const [indent, sibling] of columnsFor(scene.lines, line)) {
    if (indent === line.indent || indent < 0) continue
    const columns = indent - line.indent
    const distance = Math.abs(columns) + (sibling ? 0 : 3)
    yield { line, indent, sibling, distance, edits: moved(block, columns) }
    if (peers.length > block.length)
      yield { line, indent, sibling, distance: distance + 0.5, edits: moved(peers, columns) }
    const text = textOf(scene.lines, line)
    if (text.length > 1)
      yield { line, indent, sibling, distance: distance + 0.7, edits: moved(text, columns) }
    if (block.length > 1)
      yield { line, indent, sibling, distance: distance + 0.6, edits: moved([line], columns) }
  }
}

// The line, and the lines that are deeper.
function blockOf(lines: readonly Line[], line: Line): Line[] {
  return untilLess(lines, line, line.indent + 1)
}

// The line, and all that follow it in no lesser column.
function peersOf(lines: readonly Line[], line: Line): Line[] {
  return untilLess(lines, line, line.indent)
}

// The line, and those that follow it without a key.
function textOf(lines: readonly Line[], line: Line): Line[] {
  const start = lines.indexOf(line)
  let end = start
  while (lines[end] && lines[end]!.content !== '' && !/:( |$)|^- /.test(lines[end]!.content)) end++
  return lines.slice(start, end)
}

function untilLess(lines: readonly Line[], line: Line, least: number): Line[] {
  const found = [line]
  for (let index = lines.indexOf(line) + 1; index < lines.length; index++) {
    const next = lines[index]!
    if (next.content !== '' && next.indent < least) break
    if (next.content !== '') found.push(next)
  }
  return found
}

function moved(lines: readonly Line[], columns: number): Edit[] {
  return lines.map((line) =>
    columns > 0
      ? insert(line.start, ' '.repeat(columns))
      : replace({ start: line.start, end: line.start + Math.min(-columns, line.indent) }, ''),
  )
}

// The columns that lines around begin in, each with the nearest of these lines.
function columnsFor(lines: readonly Line[], line: Line): Map<number, Line | undefined> {
  const found = new Map<number, Line | undefined>()
  const index = lines.indexOf(line)
  for (let up = index - 1; up >= 0 && index - up < 60; up--) addColumns(lines[up]!, found)
  const below = lines.slice(index + 1).find(({ content }) => content !== '')
  if (below) addColumns(below, found)
  const above = lines
    .slice(0, index)
    .reverse()
    .find(({ content }) => content !== '')
  for (const more of [1, 2, 4])
    if (above && !found.has(above.indent + more)) found.set(above.indent + more, undefined)
  return found
}

function addColumns(line: Line, found: Map<number, Line | undefined>): void {
  if (line.content === '' || line.content.startsWith('#')) return
  if (!found.has(line.indent)) found.set(line.indent, line)
  const dashes = /^(?:- +)+/.exec(line.content)?.[0].length
  if (dashes && !found.has(line.indent + dashes)) found.set(line.indent + dashes, line)
}

function messageOf({ line, indent, sibling }: Shift): string {
  const like = sibling ? `, as "${shortened(sibling.content)}"` : ''
  const what = indent === 0 ? 'begin this line in the first column' : `indent this line by ${spaces(indent)}`
  return `Wrong indentation: ${what}, not ${indent === 0 ? `with ${spaces(line.indent)} before it` : `by ${line.indent}`}${like}`
}

function spaces(count: number): string {
  return count === 1 ? '1 space' : `${count} spaces`
}

function shortened(text: string): string {
  return text.length > 30 ? `${text.slice(0, 29)}…` : text
}

import { parse } from '../document/read/parse.js'
import type { Node } from '../node.js'
import type { Span } from '../source.js'
import type { AnchorToken, Outline } from './outline.js'
import { anchorGroup, writtenAt } from './positions.js'

/** The anchor at an offset, or that of the alias there, and all aliases of it; empty elsewhere. */
export function referencesAt(outline: Outline, offset: number): readonly AnchorToken[] {
  const written = writtenAt(outline, offset)
  if (written?.kind !== 'anchor' && written?.kind !== 'alias') return []
  return anchorGroup(outline, written.token)
}

/** The part of a token that a rename replaces: its name. */
export function nameSpan({ start, end }: Span): Span {
  return { start: start + 1, end }
}

/** The name at an offset that can be renamed. */
export function renamableAt(outline: Outline, offset: number): Span | undefined {
  const token = referencesAt(outline, offset).find(({ start, end }) => start <= offset && offset <= end)
  return token && nameSpan(token)
}

/**
 * Whether the reader of this package finds the same anchors and aliases with a name as the outline, which cannot see them all in
 * unusual YAML: otherwise a rename would leave some of them.
 */
export function isWholeGroup(outline: Outline, name: string): boolean {
  const { documents, problems } = parse(outline.text, '')
  if (problems.length > 0) return false
  const aliases: number[] = []
  let anchors = 0
  const visit = (node: Node): void => {
    if (node.kind === 'alias' && node.name === name) aliases.push(node.start)
    if (node.anchor === name) anchors++
    if (node.kind === 'sequence') node.items.forEach(visit)
    if (node.kind === 'mapping') for (const { key, value } of node.entries) [key, value].forEach(visit)
  }
  for (const { root } of documents) visit(root)
  const own = outline.anchors.filter(({ text }) => text.slice(1) === name)
  const starts = own.filter(({ kind }) => kind === 'alias').map(({ start }) => start)
  return own.length - starts.length === anchors && String(starts) === String(aliases.sort((a, b) => a - b))
}

/** Why an anchor cannot have a name, and what to do; `undefined` if it can. */
export function refusalOfName(
  outline: Outline,
  group: readonly AnchorToken[],
  name: string,
): string | undefined {
  const old = group[0]?.text.slice(1) ?? ''
  if (!isWholeGroup(outline, old))
    return `"${old}" cannot be renamed in this file: mend its syntax first, or write anchors and aliases in the usual way`
  if (!/^[^\s,[\]{}&*!|>'"%@`#:?-][^\s,[\]{}]*$/u.test(name))
    return `"${name}" is no name of an anchor: write letters, digits, "-" and "_"`
  const document = group[0]?.document
  const other = outline.anchors.find(
    (each) => each.document === document && each.text.slice(1) === name && !group.includes(each),
  )
  if (!other) return undefined
  const line = outline.text.slice(0, other.start).split('\n').length
  return `"${other.text}" is already in line ${line}: choose another name`
}

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

/** Why an anchor cannot have a name, and what to do; `undefined` if it can. */
export function refusalOfName(
  outline: Outline,
  group: readonly AnchorToken[],
  name: string,
): string | undefined {
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

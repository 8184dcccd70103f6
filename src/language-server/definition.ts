import type { ClassLocation } from '../modules/class-locations.js'
import type { Span } from '../source.js'
import { isReferenceTag } from './composition-tags.js'
import { type PositionRequest, plainText } from './hover.js'
import { isIncludePath, openIncluded } from './included-file.js'
import type { OutlineNode } from './outline.js'
import { nodeAtPath, rootAt } from './outline-paths.js'
import { anchorGroup, writtenAt } from './positions.js'

/** Where something is defined: in a class, in this file, or in another one, whose text the span is in. */
export type Definition =
  | { readonly kind: 'class'; readonly location: ClassLocation }
  | { readonly kind: 'here'; readonly span: Span }
  | { readonly kind: 'file'; readonly file: string; readonly text: string; readonly span: Span }

/** Finds the class of a tag, the anchor of an alias, the node of a path, or an included file. */
export function definitionAt(request: PositionRequest): Definition | undefined {
  const { outline, offset, tags } = request
  const written = writtenAt(outline, offset)
  if (!written || written.kind === 'key') return undefined
  if (written.kind === 'tag') {
    const location = tags.get(written.token.text)?.location
    return location && { kind: 'class', location }
  }
  if (written.kind !== 'scalar') {
    const [anchor] = anchorGroup(outline, written.token)
    return anchor?.kind === 'anchor' ? { kind: 'here', span: anchor } : undefined
  }
  return isIncludePath(written.node) ? inFile(written.node, request) : atPath(written.node, request)
}

function inFile(node: OutlineNode, { file }: PositionRequest): Definition | undefined {
  const included = openIncluded(file, plainText(node))
  if (!included) return undefined
  const { outline, root, path } = included
  const found = path === undefined ? undefined : nodeAtPath(outline, root, path)
  const span = found ? spanOf(found) : { start: 0, end: 0 }
  return { kind: 'file', file: included.file, text: outline.text, span }
}

function atPath(node: OutlineNode, { outline, offset }: PositionRequest): Definition | undefined {
  const root = rootAt(outline, offset)
  if (!root) return undefined
  const tag = node.tag?.text
  const path = isReferenceTag(tag)
    ? plainText(node)
    : tag === '!format'
      ? pathInFormat(node, offset)
      : undefined
  const found = path === undefined ? undefined : nodeAtPath(outline, root, path)
  return found && { kind: 'here', span: spanOf(found) }
}

// The path in the braces around the offset.
function pathInFormat({ content }: OutlineNode, offset: number): string | undefined {
  if (!content) return undefined
  const position = offset - content.start
  const open = content.text.lastIndexOf('{', position)
  const close = content.text.indexOf('}', Math.max(position, open))
  return open === -1 || close === -1 ? undefined : content.text.slice(open + 1, close)
}

/** The key of a node, else its beginning. */
function spanOf({ entry, start, tag, content }: OutlineNode): Span {
  return entry?.key ?? tag ?? content ?? { start, end: start }
}

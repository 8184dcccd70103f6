import type { ClassLocation } from '../modules/class-locations.js'
import type { Span } from '../source.js'
import { type PositionRequest, plainText } from './hover.js'
import { includedFile, isIncludePath, readIncluded, splitIncludePath } from './included-file.js'
import { type OutlineNode, outlineOf } from './outline.js'
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
  const { file: name, path } = splitIncludePath(plainText(node))
  const target = includedFile(file, name)
  const text = target === undefined ? undefined : readIncluded(target)
  if (target === undefined || text === undefined) return undefined
  const outline = outlineOf(text)
  const root = outline.roots.at(-1)!
  const found = path === undefined ? undefined : nodeAtPath(outline, root, path)
  return { kind: 'file', file: target, text, span: found ? spanOf(found) : { start: 0, end: 0 } }
}

const referenceTags = new Set(['!ref', '!link', '!@'])

function atPath(node: OutlineNode, { outline, offset }: PositionRequest): Definition | undefined {
  const root = rootAt(outline, offset)
  if (!root) return undefined
  const tag = node.tag?.text ?? ''
  const path = referenceTags.has(tag)
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
  const at = offset - content.start
  const open = content.text.lastIndexOf('{', at)
  const close = content.text.indexOf('}', Math.max(at, open))
  return open === -1 || close === -1 ? undefined : content.text.slice(open + 1, close)
}

/** The key of a node, else its beginning. */
function spanOf({ entry, start, tag, content }: OutlineNode): Span {
  return entry?.key ?? tag ?? content ?? { start, end: start }
}

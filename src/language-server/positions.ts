import type { Range } from 'vscode-languageserver/node'
import type { TextDocument } from 'vscode-languageserver-textdocument'
import type { JsonSchema } from '../registry/json-schema/keywords.js'
import type { Span } from '../source.js'
import { firstIndexWhere } from '../util/binary-search.js'
import type { AnchorToken, Outline, OutlineEntry, OutlineNode, Token } from './outline.js'
import type { TagKnowledge } from './tag-knowledge.js'

/** The range of a span in a document. */
export function rangeIn(document: TextDocument, { start, end }: Span): Range {
  return { start: document.positionAt(start), end: document.positionAt(end) }
}

/** What is written at an offset. */
export type Written =
  | {
      readonly kind: 'tag' | 'anchor' | 'alias' | 'scalar'
      readonly token: Token
      readonly node: OutlineNode
    }
  | { readonly kind: 'key'; readonly token: Token; readonly entry: OutlineEntry }

/** Finds what is written at an offset, or ends there. */
export function writtenAt({ roots }: Outline, offset: number): Written | undefined {
  const after = firstIndexWhere(roots.length, (index) => roots[index]!.start > offset)
  const root = roots[Math.max(0, after - 1)]
  return root && writtenIn(root, offset)
}

function writtenIn(node: OutlineNode, offset: number): Written | undefined {
  const { tag, anchor, content, entries } = node
  if (contains(tag, offset)) return { kind: 'tag', token: tag, node }
  if (contains(anchor, offset)) return { kind: 'anchor', token: anchor, node }
  if (contains(content, offset))
    return { kind: node.kind === 'alias' ? 'alias' : 'scalar', token: content, node }
  const after = firstIndexWhere(entries.length, (index) => entries[index]!.start > offset)
  const entry = entries[after - 1]
  if (!entry) return undefined
  if (contains(entry.key, offset)) return { kind: 'key', token: entry.key, entry }
  return writtenIn(entry.value, offset)
}

function contains(token: Token | undefined, offset: number): token is Token {
  return token !== undefined && token.start <= offset && offset <= token.end && token.end > token.start
}

/** The schemas that the options around a node have for it; none at the top of a document. */
export function expectedSchemas({ entry }: OutlineNode, tags: TagKnowledge): JsonSchema[] {
  if (!entry) return []
  return tags.below(contentSchemas(entry.parent, tags), entry.key?.text)
}

/** Whether a node is a template, or in one: there, placeholders may stand for any value. */
export function isInTemplate({ entry }: OutlineNode, tags: TagKnowledge): boolean {
  for (let each = entry; each; each = each.parent.entry) if (isTemplate(each, tags)) return true
  return false
}

/** Whether an entry is an option that stays unconstructed. */
export function isTemplate({ parent, key }: OutlineEntry, tags: TagKnowledge): boolean {
  const owner = parent.tag && tags.get(parent.tag.text)
  return owner !== undefined && key !== undefined && owner.templates.includes(key.text)
}

/** The schemas of what is in a node: those of its tag, if it has one. */
export function contentSchemas(node: OutlineNode, tags: TagKnowledge): JsonSchema[] {
  if (!node.tag) return expectedSchemas(node, tags)
  const schema = tags.schemaOf(node.tag.text)
  return schema ? [schema] : []
}

/** The same node in another outline of a text with the same beginning. */
export function counterpart(node: OutlineNode, from: Outline, { roots }: Outline): OutlineNode | undefined {
  const starts: number[] = []
  let top = node
  for (; top.entry; top = top.entry.parent) starts.unshift(top.entry.start)
  const root = roots[from.roots.indexOf(top)]
  return starts.reduce<OutlineNode | undefined>((found, start) => {
    const entries = found?.entries ?? []
    const index = firstIndexWhere(entries.length, (each) => entries[each]!.start >= start)
    return entries[index]?.start === start ? entries[index].value : undefined
  }, root)
}

/** An anchor, and the aliases that refer to it: those behind it, up to another anchor of the same name. */
export function anchorGroup(outline: Outline, token: Token): readonly AnchorToken[] {
  const { document = 0 } = outline.anchors.find(({ start }) => start === token.start) ?? {}
  const name = token.text.slice(1)
  const same = outline.anchors.filter((each) => each.document === document && each.text.slice(1) === name)
  const index = same.findIndex(({ start }) => start === token.start)
  let first = index
  while (first > 0 && same[first]!.kind === 'alias') first--
  const next = same.findIndex((each, position) => position > first && each.kind === 'anchor')
  return same.slice(first, next === -1 ? undefined : next)
}

/** The node that an alias refers to. */
export function anchoredNode(outline: Outline, alias: Token): OutlineNode | undefined {
  const [anchor] = anchorGroup(outline, alias)
  return anchor?.kind === 'anchor' ? anchor.node : undefined
}

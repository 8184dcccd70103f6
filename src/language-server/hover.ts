import type { Span } from '../source.js'
import { isReferenceTag } from './composition-tags.js'
import { documentationOfOption, documentationOfTag, fenced } from './documentation.js'
import { type IncludedFile, isIncludePath, openIncluded } from './included-file.js'
import type { Outline, OutlineNode } from './outline.js'
import { nodeAtPath, rootAt } from './outline-paths.js'
import { anchoredNode, anchorGroup, contentSchemas, expectedSchemas, writtenAt } from './positions.js'
import type { TagKnowledge } from './tag-knowledge.js'

/** What is asked about a position. */
export interface PositionRequest {
  readonly outline: Outline
  readonly offset: number
  /** The path of the file. */
  readonly file: string
  readonly tags: TagKnowledge
}

/** A text in Markdown about a part of the file. */
export interface HoverText {
  readonly markdown: string
  readonly span: Span
}

/** Describes what is written at an offset: a tag, an option, an alias, or what a path leads to. */
export function hoverAt(request: PositionRequest): HoverText | undefined {
  const { outline, offset, tags } = request
  const written = writtenAt(outline, offset)
  if (!written) return undefined
  const markdown =
    written.kind === 'tag'
      ? documentationOfTag(written.token.text, tags)
      : written.kind === 'key'
        ? optionText(written.entry.parent, written.token.text, tags)
        : written.kind === 'alias'
          ? excerptOf(outline.text, anchoredNode(outline, written.token))
          : written.kind === 'anchor'
            ? usesOf(outline, written.token)
            : scalarText(written.node, request)
  return markdown === undefined ? undefined : { markdown, span: written.token }
}

function optionText(mapping: OutlineNode, name: string, tags: TagKnowledge): string | undefined {
  const option = tags.options(contentSchemas(mapping, tags)).find((each) => each.name === name)
  return option && documentationOfOption(option, tags)
}

function usesOf(outline: Outline, anchor: Span & { readonly text: string }): string {
  const count = anchorGroup(outline, anchor).length - 1
  return `${count === 0 ? 'No alias' : count === 1 ? '1 alias' : `${count} aliases`} of \`${anchor.text}\``
}

function scalarText(node: OutlineNode, request: PositionRequest): string | undefined {
  const { outline, offset, file, tags } = request
  const content = plainText(node)
  const tag = node.tag?.text
  if (isIncludePath(node)) return excerptOfFile(openIncluded(file, content))
  if (isReferenceTag(tag)) {
    const root = rootAt(outline, offset)
    return root && excerptOf(outline.text, nodeAtPath(outline, root, content))
  }
  const { values } = tags.accepted(expectedSchemas(node, tags))
  const { entry } = node
  // A value that is one of several says what the option is.
  return values.length > 0 && entry?.key ? optionText(entry.parent, entry.key.text, tags) : undefined
}

/** The text of a scalar, without its quotes. */
export function plainText({ content, style }: OutlineNode): string {
  const text = content?.text ?? ''
  return style === 'quoted' ? text.slice(1).replace(/["']$/, '') : text
}

function excerptOfFile(included: IncludedFile | undefined): string | undefined {
  if (!included) return undefined
  const { outline, root, path } = included
  return excerptOf(outline.text, path === undefined ? root : nodeAtPath(outline, root, path))
}

const mostLines = 12

function excerptOf(text: string, node: OutlineNode | undefined): string | undefined {
  if (!node || node.end <= node.start) return undefined
  const lineStart = text.lastIndexOf('\n', node.start - 1) + 1
  const indent = /^ */.exec(text.slice(lineStart, node.start))![0].length
  const lines = text.slice(node.start, node.end).split('\n')
  // Lines below the first have the indentation of the file.
  const shown = lines.slice(0, mostLines).map((line, index) => (index === 0 ? line : line.slice(indent)))
  return fenced([...shown, ...(lines.length > mostLines ? ['…'] : [])].join('\n').trimEnd())
}

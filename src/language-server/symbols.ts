import type { DocumentSymbol, FoldingRange } from 'vscode-languageserver/node'
import type { TextDocument } from 'vscode-languageserver-textdocument'
import type { Span } from '../source.js'
import type { Outline, OutlineEntry, OutlineNode } from './outline.js'
import { rangeIn } from './positions.js'

// The numbers of the protocol: the enum itself would load the library.
const kinds = { class: 5, property: 7, array: 18, object: 19, string: 15 } as const

/** The keys and objects of a file, as a tree. */
export function symbolsOf({ roots }: Outline, document: TextDocument): DocumentSymbol[] {
  return roots.flatMap((root) => {
    const children = root.entries.flatMap((entry, index) => symbolOf(entry, index, document) ?? [])
    if (!root.tag) return children
    return [symbol({ name: root.tag.text, node: root, selected: root.tag, children }, document)]
  })
}

function symbolOf(entry: OutlineEntry, index: number, document: TextDocument): DocumentSymbol | undefined {
  const { key, value } = entry
  const name = key ? key.text : `[${index}]`
  // The values of a list have no names.
  if (name.trim() === '' || (!key && !value.tag && value.entries.length === 0)) return undefined
  const children = value.entries.flatMap((each, position) => symbolOf(each, position, document) ?? [])
  const selected = key ?? value.tag ?? { start: entry.start, end: entry.start + 1 }
  return symbol({ name, node: value, start: entry.start, selected, children }, document)
}

interface SymbolParts {
  readonly name: string
  readonly node: OutlineNode
  readonly start?: number
  readonly selected: Span
  readonly children: DocumentSymbol[]
}

function symbol(
  { name, node, start = node.start, selected, children }: SymbolParts,
  document: TextDocument,
): DocumentSymbol {
  const end = Math.max(node.end, selected.end)
  const shown =
    node.tag && node.entry ? node.tag.text : node.kind === 'scalar' ? node.content?.text.slice(0, 60) : ''
  return {
    name,
    detail: shown ?? '',
    kind: node.tag
      ? kinds.class
      : node.kind === 'sequence'
        ? kinds.array
        : node.kind === 'mapping'
          ? kinds.object
          : kinds.property,
    range: rangeIn(document, { start, end }),
    selectionRange: rangeIn(document, selected),
    children,
  }
}

/** The collections, block texts and comments of several lines. */
export function foldingsOf(outline: Outline, document: TextDocument): FoldingRange[] {
  const found: FoldingRange[] = []
  const visit = (node: OutlineNode, start: number): void => {
    add(found, document, { start, end: node.end })
    for (const entry of node.entries) visit(entry.value, entry.start)
  }
  for (const root of outline.roots) visit(root, root.start)
  for (const { index, 0: text } of outline.text.matchAll(/^[ \t]*#.*(?:\r?\n[ \t]*#.*)+/gm))
    add(found, document, { start: index, end: index + text.length }, 'comment')
  return found
}

function add(found: FoldingRange[], document: TextDocument, { start, end }: Span, kind?: string): void {
  const startLine = document.positionAt(start).line
  const endLine = document.positionAt(end).line
  const isSame = found.at(-1)?.startLine === startLine
  if (endLine > startLine && !isSame)
    found.push(kind === undefined ? { startLine, endLine } : { startLine, endLine, kind })
}

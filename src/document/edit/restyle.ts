import { type Node, sourceOf } from '../../node.js'
import type { Source } from '../../source.js'
import type { ConstructContext } from '../construct/construct-context.js'
import { partsOf } from '../nodes.js'
import { spanOf } from '../problems.js'
import { parse } from '../read/parse.js'
import type { ParsedDocument, ParsedText } from '../read/parsed.js'
import { DocumentWriter } from '../write/document-writer.js'
import { TreeComparison } from '../write/round-trip.js'
import { added, type Fragment, type Piece, standIn } from './edited-source.js'
import type { EditedTree } from './tree-editor.js'

/** A document that was edited as a tree. */
interface Target {
  readonly parsed: ParsedText
  readonly document: ParsedDocument
  readonly index: number
  readonly tree: EditedTree
}

/** Writes an edited document with its comments and styles, where its text cannot be edited in parts. */
export function restyled({ parsed, document, index, tree }: Target): Fragment {
  const { source } = parsed
  const again = parse(source.text, source.filename).documents[index]
  if (!again) return []
  // The tree was changed in place: its styles are those of the text as it is parsed again.
  const origins = new Map<Node, Node>()
  pair(document.root, again.root, { tree, origins })
  const replaced = new Map([...tree.replaced].map(([node, before]) => [node, origins.get(before) ?? before]))
  const sources = new Set([{ source, document: again } as ConstructContext])
  const replacedBy = (node: Node) => replaced.get(node)
  const from = { origins, sources, replacedBy, writtenFor: () => undefined }
  const text = new DocumentWriter(from).write(tree.root, document.isYaml11)
  return located(text, tree.root, source)
}

// Both trees come from the same text.
function pair(node: Node, again: Node, context: { tree: EditedTree; origins: Map<Node, Node> }): void {
  context.origins.set(node, again)
  const now = partsOf(again)
  for (const [index, part] of partsBefore(node, context.tree).entries()) pair(part, now[index]!, context)
}

function partsBefore(node: Node, { changed }: EditedTree): readonly Node[] {
  const children = changed.get(node)
  return children
    ? children.flatMap((child) => ('key' in child ? [child.key, child.value] : [child]))
    : partsOf(node)
}

// Each node of the new text stands for the one that it was written from.
function located(text: string, root: Node, document: Source): Fragment {
  const read = parse(text, document.filename).documents[0]
  const comparison = new TreeComparison()
  if (!read || !comparison.isSame(read.root, root)) return [added(text)]
  const known = [...comparison.pairs].filter(([, node]) => node.start >= 0)
  const starts = known.map(([node, from]) => ({ start: spanOf(node).start, from }))
  starts.sort((a, b) => a.start - b.start)
  const pieces: Piece[] = [added(text.slice(0, starts[0]?.start ?? text.length))]
  for (const [index, { start, from }] of starts.entries()) {
    const end = starts[index + 1]?.start ?? text.length
    pieces.push(standIn(text.slice(start, end), sourceOf(from, document), spanOf(from)))
  }
  return pieces
}

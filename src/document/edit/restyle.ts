import { type AliasNode, type Node, sourceOf } from '../../node.js'
import type { Source } from '../../source.js'
import type { ConstructContext } from '../construct/construct-context.js'
import { partsOf } from '../nodes.js'
import { spanOf } from '../problems.js'
import { parse } from '../read/parse.js'
import { DocumentWriter } from '../write/document-writer.js'
import { TreeComparison } from '../write/round-trip.js'
import { added, type Fragment, type Piece, standIn } from './edited-source.js'
import type { EditTarget } from './extend-sets.js'
import type { TextEditor } from './text-editor.js'
import type { EditedTree } from './tree-editor.js'
import { movedTree } from './value-writer.js'

/** Writes an edited document with its comments and styles, where its text cannot be edited in parts. */
export function restyled({ parsed, document, index, tree }: EditTarget, editor: TextEditor): Fragment {
  const { source } = parsed
  const again = parse(source.text, source.filename).documents[index]
  if (!again) return []
  // The tree was changed in place: its styles are those of the text as it is parsed again.
  const loaded = new Map<Node, Node>()
  pair(document.root, again.root, { editor, loaded })
  const copies = new TextCopy(editor)
  const root = copies.copy(tree.root)
  copies.retarget()
  const origins = new Map<Node, Node>()
  const replaced = new Map<Node, Node>()
  for (const [node, copy] of copies.made) {
    const before = tree.replaced.get(node)
    const own = loaded.get(editor.textOf(node))
    if (own) origins.set(copy, own)
    if (before) replaced.set(copy, loaded.get(before) ?? before)
  }
  const sources = new Set([{ source, document: again } as ConstructContext])
  const replacedBy = (node: Node) => [replaced.get(node) ?? []].flat()
  const from = { origins, sources, replacedBy, writtenFor: () => undefined }
  const text = new DocumentWriter(from).write(root, document.isYaml11)
  return located(text, root, source)
}

/** A copy of an edited tree with what the text has in the place of composed nodes. */
class TextCopy {
  readonly made = new Map<Node, Node>()
  readonly #aliases: AliasNode[] = []

  constructor(readonly editor: TextEditor) {}

  copy(node: Node): Node {
    const copy = this.#copyOf(node)
    this.made.set(node, copy)
    if (copy.kind === 'alias') this.#aliases.push(copy)
    return copy
  }

  #copyOf(node: Node): Node {
    const text = this.editor.textOf(node)
    if (text !== node) return movedTree(text, this.editor.context.document)
    if (node.kind === 'sequence') return { ...node, items: node.items.map((item) => this.copy(item)) }
    if (node.kind !== 'mapping') return { ...node }
    const entries = node.entries.map(({ key, value, merge }) => ({
      key: this.copy(key),
      value: this.copy(value),
      merge,
    }))
    return { ...node, entries }
  }

  retarget(): void {
    for (const alias of this.#aliases)
      if (alias.target) (alias as { target: Node }).target = this.made.get(alias.target) ?? alias.target
  }
}

// Both trees come from the same text.
function pair(composed: Node, again: Node, context: { editor: TextEditor; loaded: Map<Node, Node> }): void {
  const node = context.editor.context.written.get(composed) ?? composed
  context.loaded.set(node, again)
  const now = partsOf(again)
  for (const [index, part] of partsBefore(node, context.editor.context.tree).entries())
    pair(part, now[index]!, context)
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
  const comparison = new TreeComparison({ keepsAll: true })
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

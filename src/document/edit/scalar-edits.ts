import { type Entry, type Node, noProps, type ScalarNode, scalarAt } from '../../node.js'
import { isSameScalar } from '../construct/snapshot.js'
import { readQuickly } from '../read/quick-reader.js'
import { type Piece, part, replacedPosition } from './edited-source.js'
import type { EditTarget } from './extend-sets.js'
import type { EditedTree } from './tree-editor.js'

/** One value on one line that another replaces. */
interface ScalarEdit {
  readonly before: ScalarNode
  readonly value: ScalarNode
  readonly text: string
  /** Puts the node of the new text into its parent. */
  readonly put: (node: Node) => void
}

/** Values in place of values, and the nodes of the new text. */
export interface ScalarEdits {
  readonly pieces: readonly Piece[]
  /** Moves the nodes of the tree to where they are in the new text. */
  move(): void
}

/**
 * Finds whether overrides only replaced values on their lines, as most do: then the nodes of the new text are those of the old
 * one, further along, and it need not be parsed again. Returns `undefined` for anything else.
 */
export function scalarEdits({ parsed, document, tree }: EditTarget): ScalarEdits | undefined {
  const { source } = parsed
  if (document.written || document.isYaml11 || tree.root !== document.root || source.text.includes('\r'))
    return undefined
  const edits: ScalarEdit[] = []
  for (const [collection] of tree.changed) {
    const found = editsOf(collection, tree, source.text)
    if (!found) return undefined
    edits.push(...found)
  }
  edits.sort((a, b) => a.before.start - b.before.start)
  const pieces: Piece[] = []
  let offset = document.start
  for (const { before, value, text } of edits) {
    pieces.push(part(source, offset, before.start))
    const replaces = replacedPosition(before, source)
    pieces.push({ text, origin: value.source!, span: { start: value.start, end: value.end }, replaces })
    offset = before.end
  }
  pieces.push(part(source, offset, document.end))
  return { pieces, move: () => new Mover(edits).move(document.root) }
}

function editsOf(collection: Node, tree: EditedTree, text: string): ScalarEdit[] | undefined {
  const before = tree.changed.get(collection)!
  const parts: (Node | Entry)[] = childrenOf(collection)
  if (before.length !== parts.length || /[[{]/.test(text[collection.start]!)) return undefined
  const edits: ScalarEdit[] = []
  for (const [index, now] of parts.entries()) {
    const was = before[index]!
    if (now === was) continue
    const edit = editOf(was, now, text)
    if (!edit) return undefined
    const put = (node: Node): void => {
      parts[index] = 'key' in now ? { ...now, value: node } : node
    }
    edits.push({ ...edit, put })
  }
  return edits
}

// The array itself, which is changed.
function childrenOf(collection: Node): (Node | Entry)[] {
  if (collection.kind === 'mapping') return collection.entries as Entry[]
  return collection.kind === 'sequence' ? (collection.items as Node[]) : []
}

function editOf(was: Node | Entry, now: Node | Entry, text: string): Omit<ScalarEdit, 'put'> | undefined {
  if ('key' in was !== 'key' in now || ('key' in was && 'key' in now && was.key !== now.key)) return undefined
  const before = 'key' in was ? was.value : was
  const value = 'key' in now ? now.value : now
  if (!isOnOneLine(before) || !isOnOneLine(value) || before.source || !value.source) return undefined
  const written = value.source.text.slice(value.start, value.end)
  const replaced = text.slice(before.start, before.end)
  if (!isInline(written) || !isInline(replaced)) return undefined
  const start = text.lastIndexOf('\n', before.start) + 1
  const end = text.indexOf('\n', before.end)
  const line =
    text.slice(start, before.start) + written + text.slice(before.end, end === -1 ? undefined : end)
  return readsAs(line, value) ? { before, value, text: written } : undefined
}

function isOnOneLine(node: Node): node is ScalarNode {
  return (
    node.kind === 'scalar' && node.tag === undefined && node.anchor === undefined && node.end > node.start
  )
}

// What ends a value in a flow is only safe outside of one.
function isInline(text: string): boolean {
  return !/^[|>&*!]|[\n[\]{},]/.test(text)
}

// YAML reads a line of a block the same alone as between other lines.
function readsAs(line: string, value: ScalarNode): boolean {
  let node = readQuickly(line, '')?.documents[0]?.root
  for (;;) {
    if (node?.kind === 'sequence' && node.items.length === 1) node = node.items[0]
    else if (node?.kind === 'mapping' && node.entries.length === 1) node = node.entries[0]!.value
    else return node?.kind === 'scalar' && node.tag === undefined && isSameScalar(node.value, value.value)
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Moves nodes by the edits before them; nodes are visited in the order of the text. */
class Mover {
  #next = 0
  #shift = 0

  constructor(readonly edits: readonly ScalarEdit[]) {}

  move(root: Node): void {
    this.#visit(root)
    for (const { before, value, text, put } of this.edits) {
      const start = before.start + this.#shiftAt.get(before)!
      put(scalarAt(noProps, start, start + text.length, value.value, value.plain))
    }
  }

  readonly #shiftAt = new Map<Node, number>()

  #moved(offset: number): number {
    for (
      let edit = this.edits[this.#next];
      edit && edit.before.end <= offset;
      edit = this.edits[this.#next]
    ) {
      this.#shiftAt.set(edit.before, this.#shift)
      this.#shift += edit.text.length - (edit.before.end - edit.before.start)
      this.#next++
    }
    return offset + this.#shift
  }

  #visit(node: Node): void {
    // A value of an override, which is made again.
    if (node.source) return
    const own = node as Mutable<Node>
    if (node.tagStart >= 0) {
      own.tagStart = this.#moved(node.tagStart)
      own.tagEnd = this.#moved(node.tagEnd)
    }
    own.start = this.#moved(node.start)
    if (node.kind === 'sequence') for (const item of node.items) this.#visit(item)
    if (node.kind === 'mapping')
      for (const { key, value } of node.entries) {
        this.#visit(key)
        this.#visit(value)
      }
    own.end = this.#moved(node.end)
  }
}

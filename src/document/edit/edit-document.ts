import type { Problem } from '../../errors.js'
import { type Entry, type Node, noProps, scalarAt } from '../../node.js'
import { isCompositionTag } from '../../registry/tag.js'
import { unlessBailedOut } from '../bail-out.js'
import { partsOf } from '../nodes.js'
import { ProblemList } from '../problems.js'
import { parse } from '../read/parse.js'
import type { ParsedDocument, ParsedText } from '../read/parsed.js'
import { TreeComparison } from '../write/round-trip.js'
import { EditedSource, type Fragment, part } from './edited-source.js'
import { type EditTarget, type ExtendedTree, extendSets } from './extend-sets.js'
import type { Override } from './override.js'
import { restyled } from './restyle.js'
import { scalarEdits } from './scalar-edits.js'
import { TextEditor } from './text-editor.js'
import { type Addition, applyOverrides } from './tree-editor.js'
import { movedTree } from './value-writer.js'

/** A text after overrides. */
export interface EditedText {
  /** The edited text as it is parsed; the same object when there are no overrides. */
  readonly parsed: ParsedText
  /** The problems of the overrides. */
  readonly problems: readonly Problem[]
  /** Keys to check when all tags are registered. */
  readonly additions: readonly Addition[]
}

/** What is done to a document. */
export interface Edits {
  readonly overrides: readonly Override[]
  /** Composes an `!extends` of the edited text; `undefined` if it has problems. */
  readonly recompose?: Recompose
}

type Recompose = (node: Node) => Node | undefined

/**
 * Applies overrides to one document of a text, as an editor would: everything that they do not touch stays as it is. Positions
 * in the result are those of the text before, or of the override that a value comes from.
 */
export function editDocument(parsed: ParsedText, index: number, { overrides, recompose }: Edits): EditedText {
  if (overrides.length === 0) return { parsed, problems: [], additions: [] }
  const document = parsed.documents[index] ?? emptyDocument(parsed)
  const list = new ProblemList()
  const context = { document: parsed.source, problems: list }
  const edited = applyOverrides(document.root, overrides, context)
  const tree = extendSets(edited, { written: document.written ?? new Map(), document: parsed.source })
  const { problems } = list
  const { additions } = tree
  if (tree.changed.size === 0 && tree.root === document.root) return { parsed, problems, additions }
  const target: Target = { parsed, document, index, tree, recompose }
  // A text with problems does not run: its tree is enough to find the others.
  const result = parsed.problems.length > 0 ? undefined : editedText(target)
  return { parsed: result ?? treeOnly(target), problems, additions }
}

type Target = EditTarget & { readonly recompose: Recompose | undefined }

function editedText(target: Target): ParsedText | undefined {
  const text = moved(target) ?? spliced(target, false) ?? spliced(target, true) ?? rewritten(target)
  if (text || target.tree.extended.size === 0) return text
  // The whole value instead of what a "set" cannot say.
  return editedText({ ...target, tree: { ...target.tree, extended: new Set() } })
}

// A text without anything but comments.
function emptyDocument({ source: { text } }: ParsedText): ParsedDocument {
  const end = text.length
  return { root: scalarAt(noProps, end, end, null, true), start: 0, end, tagged: [], isYaml11: false }
}

// Values in place of values need no second parse.
function moved(target: EditTarget): ParsedText | undefined {
  const { parsed, document, index } = target
  const edits = index === parsed.documents.length - 1 ? scalarEdits(target) : undefined
  if (!edits) return undefined
  const { text } = parsed.source
  const edited = editedSource(target, edits.pieces)
  edits.move()
  const end = document.end + edited.text.length - text.length
  return { ...parsed, source: edited, documents: parsed.documents.with(index, { ...document, end }) }
}

function editedSource({ parsed: { source }, document }: EditTarget, pieces: Fragment): EditedSource {
  const before = part(source, 0, document.start)
  const after = part(source, document.end, source.text.length)
  return new EditedSource([before, ...pieces, after], source.filename)
}

function spliced(target: Target, anew: boolean): ParsedText | undefined {
  const editor = editorFor(target, anew)
  const pieces = unlessBailedOut(() => editor.edited(target.document.root, target.document))
  return pieces && readBack(target, pieces, editor)
}

function editorFor({ parsed, document, tree }: EditTarget, anew: boolean): TextEditor {
  const { isYaml11, written = new Map<Node, Node>() } = document
  const renamed = renamedAnchors(tree, written)
  return new TextEditor({ tree, document: parsed.source, isYaml11, anew: anew || isYaml11, written, renamed })
}

function rewritten(target: Target): ParsedText | undefined {
  const editor = editorFor(target, true)
  return readBack(target, restyled(target, editor), editor)
}

/** Parses the edited text, if it reads as the edited tree. */
function readBack(target: Target, pieces: Fragment, editor: TextEditor): ParsedText | undefined {
  const { parsed, document, index, tree } = target
  const { source } = parsed
  const edited = editedSource(target, pieces)
  const { documents, problems } = parse(edited.text, source.filename)
  const read = documents[index]
  const count = Math.max(parsed.documents.length, 1)
  const comparison = new TreeComparison(document.written ? { textOf: (node) => inText(node, editor) } : {})
  if (problems.length > 0 || documents.length !== count || !read) return undefined
  if (!comparison.isSame(read.root, tree.root)) return undefined
  if (!areRecomposed(target, comparison.pairs)) return undefined
  const composed = document.written ? compose(read, target, comparison.pairs) : read
  const before = parsed.documents.slice(0, index)
  return { ...parsed, source: edited, documents: [...before, composed, ...documents.slice(index + 1)] }
}

// Whether each "!extends" with another "set" gives the edited value.
function areRecomposed({ tree, recompose }: Target, pairs: ReadonlyMap<Node, Node>): boolean {
  for (const [node, composed] of recompose ? pairs : []) {
    if (node.tag !== '!extends' || !tree.extended.has(composed)) continue
    const again = recompose!(node)
    if (!again || !new TreeComparison().isSame(again, composed)) return false
  }
  return true
}

function inText(node: Node, editor: TextEditor): Node {
  const text = editor.textOf(node)
  return text === node ? node : movedTree(text, editor.context.document)
}

/** New names for anchors of values that come from other texts, where the document has these names already. */
function renamedAnchors(tree: ExtendedTree, written: ReadonlyMap<Node, Node>): Map<Node, string> {
  const renamed = new Map<Node, string>()
  const isForeign = (node: Node) => (tree.replaced.get(node) ?? node).source !== undefined
  const values = tree.applied.flatMap(({ override: { value } }) => (value ? nodesWithAnchors(value) : []))
  if (written.size === 0 && !values.some(isForeign)) return renamed
  const anchored = nodesWithAnchors(tree.root)
  const taken = new Set(anchored.map(({ anchor }) => anchor))
  const used = new Set(anchored.filter((node) => !isForeign(node)).map(({ anchor }) => anchor))
  let count = 0
  for (const node of anchored.filter(isForeign)) {
    if (!used.has(node.anchor)) used.add(node.anchor)
    else if (!tree.replaced.has(node)) {
      do count++
      while (taken.has(`a${count}`))
      renamed.set(node, `a${count}`)
    }
  }
  return renamed
}

function nodesWithAnchors(node: Node, into: Node[] = []): Node[] {
  if (node.anchor !== undefined && node.kind !== 'alias') into.push(node)
  for (const each of partsOf(node)) nodesWithAnchors(each, into)
  return into
}

// Puts the composed nodes in the place of those of the new text.
function compose(
  read: ParsedDocument,
  { document: before, tree }: EditTarget,
  pairs: ReadonlyMap<Node, Node>,
): ParsedDocument {
  const written = new Map(before.written)
  const composed = new Map<Node, Node>()
  for (const [node, pair] of pairs)
    if (before.written!.has(pair) && isCompositionTag(node.tag)) {
      written.set(pair, node)
      composed.set(node, pair)
    }
  const root = substituted(read.root, composed)
  // The included documents see these maps, too.
  for (const [node, children] of tree.changed)
    if (!before.changed?.has(node)) before.changed?.set(node, children)
  for (const [node, replaced] of tree.replaced) before.replaced?.set(node, replaced)
  return { ...before, ...read, root, written }
}

function substituted(node: Node, composed: ReadonlyMap<Node, Node>): Node {
  const own = composed.get(node)
  if (own) return own
  if (node.kind === 'alias' && node.target)
    (node as { target: Node }).target = composed.get(node.target) ?? node.target
  if (node.kind === 'sequence')
    (node as { items: readonly Node[] }).items = node.items.map((item) => substituted(item, composed))
  if (node.kind === 'mapping')
    (node as { entries: readonly Entry[] }).entries = node.entries.map((entry) => ({
      ...entry,
      value: substituted(entry.value, composed),
    }))
  return node
}

function treeOnly({ parsed, document, index, tree: { root } }: EditTarget): ParsedText {
  return { ...parsed, documents: parsed.documents.with(index, { ...document, root }) }
}

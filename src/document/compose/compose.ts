import type { Problem } from '../../errors.js'
import { type AliasNode, aliasAt, type Entry, isApplicationTag, type Node, sourceOf } from '../../node.js'
import { nearest } from '../../registry/suggest.js'
import { isCompositionTag } from '../../registry/tag.js'
import type { Source } from '../../source.js'
import { type EditedText, editDocument } from '../edit/edit-document.js'
import type { Override } from '../edit/override.js'
import { overridesOf } from '../edit/parse-overrides.js'
import { type Addition, applyOverrides } from '../edit/tree-editor.js'
import { type IncludeSpec, includesFile, optionOf, recordFolder, specOf } from '../include-spec.js'
import { IncludedSource, type IncludeSite, withSite } from '../included-source.js'
import { isEmpty, mergeSources, partsOf } from '../nodes.js'
import { explainMiss, keyText, meantStep, nodeAt, type PathMistake, parsePath } from '../path.js'
import { describeNode, nodeProblem, ProblemList, spanOf } from '../problems.js'
import {
  type DeclaredExtension,
  type IncludedDocument,
  isEmptyDocument,
  maxDepth,
  type ParsedDocument,
  type ParsedText,
} from '../read/parsed.js'
import { detached, tagsOf } from '../read/tape-document.js'
import { type CopiedPart, copyPart, copyTree, withCopies } from './copy-tree.js'
import { findCycle } from './cycles.js'
import type { FileUnit, IncludedFiles } from './files.js'

/** The greatest number of nodes that included files may add to a text: enough for any file, too few to fill the memory. */
const maxNodes = 2_000_000
/** The greatest number of times that files are included: a few files that include each other twice multiply fast. */
const maxIncludes = 20_000

const longestPart = 1000

/** The codes of problems after which the other values of a text are what the user meant. */
export const includeCodes: readonly string[] = [
  'BAD_INCLUDE',
  'EMPTY_FILE',
  'INCLUDE_CYCLE',
  'INCLUDE_LIMIT',
  'INCLUDE_NOT_READ',
  'INCLUDE_OUTSIDE',
  'INCLUDE_PATH',
  'INCLUDE_SECRET',
  'BAD_PATH',
  'NO_SUCH_PATH',
  'IS_FOLDER',
  'NO_FILE',
  'NOT_UTF8',
  'UNREADABLE',
]

/** Why no file is read: the input is a text, or the program has turned includes off. */
export type NoFiles = 'text' | 'turned off'

/** What a text is composed of besides itself. */
export interface Composition {
  readonly files: IncludedFiles | NoFiles
  readonly overrides: readonly Override[]
}

/** Replaces each `!include` and `!extends` by the document of its file, then applies the overrides; changes the tree. */
export function compose(parsed: ParsedText, { files, overrides }: Composition): ParsedText {
  if (overrides.length === 0 && !isComposed(parsed)) return parsed
  const composer = new Composer(files)
  const documents = parsed.documents.map((document) => composer.compose(detached(document), parsed.source))
  const values = overrides.map((override) => composer.composeValue(override, parsed.source))
  const last = Math.max(0, documents.length - 1)
  const whole = documents.map((document, index) =>
    index === last ? composer.withValues(document) : document,
  )
  const recompose = (node: Node) => new Composer(files).recomposed(node, parsed.source)
  const edited = editDocument({ ...parsed, documents: whole }, last, { overrides: values, recompose })
  return composer.finish(edited)
}

/** Whether values of a text come from elsewhere. */
export function isComposed({ documents }: ParsedText): boolean {
  for (const document of documents) for (const tag of tagsOf(document)) if (isCompositionTag(tag)) return true
  return false
}

/** What is wrong with an included value, and the nodes that stand for it. */
interface Failure {
  readonly problems: readonly Problem[]
  readonly nodes: Node[]
}

/** Where the composer is. */
interface Position {
  readonly source: Source
  readonly unit: FileUnit | undefined
  /** The number of collections and files around it. */
  readonly depth: number
}

class Composer {
  readonly #problems: Problem[] = []
  readonly #failures: Failure[] = []
  readonly #warnings: Problem[] = []
  readonly #declared: DeclaredExtension[] = []
  readonly #files: IncludedFiles | undefined
  readonly #notRead: string
  /** What is wrong with files: each problem is reported once. */
  readonly #ofUnits = new Map<FileUnit, Failure>()
  readonly #written = new Map<Node, Node>()
  readonly #composed = new Map<Node, Node>()
  readonly #aliases: AliasNode[] = []
  readonly #additions: Addition[] = []
  readonly #included: IncludedDocument[] = []
  readonly #changed = new Map<Node, readonly Node[] | readonly Entry[]>()
  readonly #overridden = new Map<Node, Node>()
  readonly #copies = new Map<Node, Node>()
  readonly #declaring = new Set<FileUnit>()
  #nodes = 0
  #includes = 0
  /** After a limit was reached, no file is included. */
  #limit: Failure | undefined
  #cycle: { readonly units: ReadonlySet<FileUnit>; readonly failure: Failure } | undefined

  constructor(files: IncludedFiles | NoFiles) {
    this.#files = typeof files === 'string' ? undefined : files
    this.#notRead = files === 'turned off' ? turnedOff : textsReadNone
  }

  compose(document: ParsedDocument, source: Source): ParsedDocument {
    if (!document.tagged.some(({ tag }) => isCompositionTag(tag))) return document
    const root = this.#composeTop(document.root, document.tagged.filter(includesFile), source)
    return { ...document, root, ...this.#parts }
  }

  get #parts(): Pick<ParsedDocument, 'written' | 'included' | 'changed' | 'replaced' | 'copies'> {
    return {
      written: this.#written,
      included: this.#included,
      changed: this.#changed,
      replaced: this.#overridden,
      copies: this.#copies,
    }
  }

  /** A document whose overrides have composed values. */
  withValues(document: ParsedDocument): ParsedDocument {
    return this.#written.size === 0 ? document : { ...document, ...this.#parts }
  }

  /** Composes the value of an override, whose paths start at the file itself. */
  composeValue(override: Override, source: Source): Override {
    const { value } = override
    const tagged = value ? new TreeSurvey(value).tagged : []
    if (!value || !tagged.some(({ tag }) => isCompositionTag(tag))) return override
    return { ...override, value: this.#composeTop(value, tagged.filter(includesFile), source) }
  }

  /** What an `!extends` is composed to; `undefined` if it has problems. */
  recomposed(node: Node, source: Source): Node | undefined {
    const composed = this.#composeTop(copyTree(node, undefined).root, [], source)
    return this.#problems.length + this.#failures.length > 0 ? undefined : composed
  }

  #composeTop(root: Node, includes: readonly Node[], source: Source): Node {
    const cycle = this.#files && findCycle(includes, source, this.#files)
    this.#cycle = cycle && { units: cycle.units, failure: { problems: [cycle.problem], nodes: [] } }
    if (this.#cycle) this.#failures.push(this.#cycle.failure)
    const composed = this.#visit(root, { source, unit: this.#files?.top, depth: 0 })
    for (const alias of this.#aliases.splice(0)) this.#retarget(alias)
    return composed
  }

  /** Completes the documents, and leaves out what is wrong with values that overrides or "set" replaced. */
  finish({ parsed, problems, additions }: EditedText): ParsedText {
    const documents: ParsedDocument[] = []
    const unknown = new Set<Node>()
    for (const document of parsed.documents) {
      const { tagged, unknown: unknownNodes } = new TreeSurvey(document.root)
      for (const node of unknownNodes) unknown.add(node)
      documents.push({
        ...detached(document),
        tagged,
        hasReferences: tagged.some(({ tag }) => isCompositionTag(tag)),
      })
    }
    if (this.#files) recordFolder(parsed.source, this.#files.top.folder)
    const failures = this.#failures.filter(({ nodes }) => nodes.some((node) => unknown.has(node)))
    return {
      ...parsed,
      documents,
      problems: [
        ...parsed.problems,
        ...this.#problems,
        ...failures.flatMap((failure) => failure.problems),
        ...problems,
      ],
      warnings: this.#warnings,
      declared: this.#declared,
      additions: [...this.#additions, ...additions],
    }
  }

  // An anchor before "!include" names what is included.
  #retarget(alias: AliasNode): void {
    const composed = alias.target && this.#composed.get(alias.target)
    if (composed) (alias as { target: Node }).target = composed
  }

  /** Composes a node and returns what replaces it. */
  #visit(node: Node, position: Position): Node {
    if (node.kind === 'alias') this.#aliases.push(node)
    if (includesFile(node)) return this.#replaced(node, this.#include(node, position))
    if (position.depth >= maxDepth && isCollection(node) && node.source)
      return this.#report(node, position, 'TOO_DEEP', tooDeep)
    this.#visitChildren(node, { ...position, depth: position.depth + 1 })
    return node
  }

  #visitChildren(node: Node, position: Position): void {
    if (node.kind === 'sequence') {
      const items = node.items as Node[]
      for (const [index, item] of items.entries()) items[index] = this.#visit(item, position)
    }
    if (node.kind !== 'mapping') return
    const entries = node.entries as Entry[]
    for (const [index, { key: written, value, merge }] of entries.entries()) {
      const key = isApplicationTag(written.tag) ? this.#refuseKey(written, node, position) : written
      const composed = this.#visit(value, position)
      if (composed === value && key === written) continue
      entries[index] = { key, value: composed, merge }
      if (merge && composed !== value) this.#checkMerge(composed, value, position)
    }
  }

  // One problem is enough: its tag is not reported as unknown, too.
  #refuseKey(key: Node, mapping: Node, { source }: Position): Node {
    // The keys of a "!!set" and the like may have tags; those of other mappings were refused when they were read.
    if (mapping.tag !== undefined && !isCompositionTag(key.tag)) return key
    if (mapping.tag !== undefined)
      this.#problems.push(nodeProblem(key, source, 'TAGGED_KEY', keyMessage(key)))
    return { ...key, tag: undefined }
  }

  #checkMerge(composed: Node, written: Node, position: Position): void {
    const message = '"<<" takes a mapping, an alias to one, or a sequence of these'
    const isMerged = mergeSources(composed).every((each) => isUnknown(each) || each.kind === 'mapping')
    if (!isMerged) this.#problems.push(nodeProblem(written, position.source, 'BAD_MERGE', message))
  }

  #replaced(written: Node, composed: Node): Node {
    if (written.anchor !== undefined) (composed as { anchor: string | undefined }).anchor = written.anchor
    this.#written.set(composed, written)
    this.#composed.set(written, composed)
    return composed
  }

  #report(
    node: Node,
    { source }: Position,
    ...problem: [code: string, message: string, hint?: string | undefined]
  ): Node {
    return this.#fail(node, nodeProblem(node, source, ...problem))
  }

  // What is wrong counts as long as the value is in the document.
  #fail(node: Node, ...problems: Problem[]): Node {
    const unknown = unknownNode(node)
    this.#failures.push({ problems, nodes: [unknown] })
    return unknown
  }

  #addTo({ nodes }: Failure, node: Node): Node {
    const unknown = unknownNode(node)
    nodes.push(unknown)
    return unknown
  }

  // One problem, which counts as long as any include that was not read is in the document.
  #stop({ node, source }: IncludeSite, message: string): Node {
    this.#limit = { problems: [nodeProblem(node, source, 'INCLUDE_LIMIT', message)], nodes: [] }
    this.#failures.push(this.#limit)
    return this.#addTo(this.#limit, node)
  }

  #include(node: Node, position: Position): Node {
    const spec = specOf(node)
    if (!spec || (node.tag === '!include' && node.kind !== 'scalar'))
      return this.#report(node, position, 'BAD_INCLUDE', shapeMessage(node, position.source))
    if (this.#limit) return this.#addTo(this.#limit, node)
    const found = position.unit && this.#files?.get(position.unit.folder, spec.path)
    if (!found)
      return this.#report(
        node,
        position,
        'INCLUDE_NOT_READ',
        `"${node.tag}" reads a file, but ${this.#notRead}`,
      )
    if ('code' in found) {
      const part = spec.part === undefined ? '' : `#${spec.part}`
      const hint = found.hint === undefined ? undefined : found.hint + part
      return this.#report(spec.node, position, found.code, found.message, hint)
    }
    if (this.#cycle?.units.has(found)) return this.#addTo(this.#cycle.failure, node)
    if (position.depth >= maxDepth) return this.#report(spec.node, position, 'TOO_DEEP', tooDeep)
    const content = this.#contentOf(found, spec, position)
    return node.tag === '!extends' && !isUnknown(content) ? this.#extended(node, content, position) : content
  }

  // The document that is extended, with the changes of "set".
  #extended(node: Node, base: Node, position: Position): Node {
    this.#checkOptions(node, position)
    const set = optionOf(node, 'set')?.value
    if (!set || isEmpty(set)) return base
    // A copy: the mapping of the file keeps its nodes, of which later changes may replace some.
    const copied = copyTree(set, undefined)
    for (const [original, copy] of copied.copies) this.#copies.set(copy, original)
    const changes = this.#visit(copied.root, position)
    const { overrides, problems } = overridesOf(changes, position.source)
    const list = new ProblemList()
    const edited = applyOverrides(base, overrides, {
      document: sourceOf(base, position.source),
      problems: list,
      depth: position.depth,
    })
    this.#problems.push(...problems, ...list.problems)
    this.#additions.push(...edited.additions)
    for (const [collection, before] of edited.changed)
      if (!this.#changed.has(collection)) this.#changed.set(collection, before)
    for (const [value, before] of edited.replaced) this.#overridden.set(value, before)
    return edited.root
  }

  #checkOptions(node: Node, position: Position): void {
    if (node.kind !== 'mapping') return
    for (const { key } of node.entries) {
      const name = keyText(key) ?? ''
      if (name === 'file' || name === 'set') continue
      const meant = nearest(name, ['file', 'set'])
      const remedy =
        meant === undefined ? '; a change of the file belongs below "set"' : `: did you mean "${meant}"?`
      const message = `"!extends" has no option "${name}"${remedy}`
      this.#problems.push(nodeProblem(key, position.source, 'BAD_INCLUDE', message, meant))
    }
  }

  // The part of an included document that stands after "#".
  #part(spec: IncludeSpec, root: Node, position: Position): Node {
    const part = partAt(root, spec)
    return 'message' in part ? this.#reportPart(spec, position, part) : part.node
  }

  #reportPart(
    { node, path }: IncludeSpec,
    { source }: Position,
    { code, message, span, hint }: PathMistake,
  ): Node {
    const text = sourceOf(node, source)
    // In quotes, characters may be escaped.
    const isPlain = text.text.slice(node.start, node.end) === node.value
    const from = node.start + path.length + 1
    const shown = isPlain ? { start: from + span.start, end: from + span.end } : spanOf(node)
    return this.#fail(node, text.problem(code, message, shown, isPlain ? hint : undefined))
  }

  // "!include a.yaml #small": with the space, YAML reads a comment.
  #warnOfComment({ node, path, part: ownPart }: IncludeSpec, root: Node, { source }: Position): void {
    if (ownPart !== undefined) return
    const text = sourceOf(node, source)
    const [comment, part] = /^[ \t]+#([^\s#]+)/.exec(text.text.slice(node.end, node.end + longestPart)) ?? []
    if (comment === undefined || part === undefined) return
    const { steps, mistake } = parsePath(part)
    if (mistake || nodeAt(root, steps).miss) return
    const message = `"#${part}" is a comment here, so the whole file is included: write "${path}#${part}" for that part of it`
    const span = { start: node.end + comment.length - part.length - 1, end: node.end + comment.length }
    this.#warnings.push(text.problem('INCLUDE_COMMENT', message, span))
  }

  // The document of a file, or a part of it, composed.
  #contentOf(unit: FileUnit, spec: IncludeSpec, position: Position): Node {
    const { parsed, folder } = unit
    const site = { source: sourceOf(spec.node, position.source), node: spec.node }
    if (++this.#includes > maxIncludes) return this.#stop(site, tooManyIncludes())
    const source = new IncludedSource(parsed.source.text, parsed.source.filename, site)
    recordFolder(source, folder)
    const document = this.#documentOf(unit, site, source)
    if ('problems' in document) return this.#addTo(document, site.node)
    this.#warnOfComment(spec, document.root, position)
    const part = partAt(document.root, spec)
    if ('message' in part && !part.isInInclude) return this.#reportPart(spec, position, part)
    const isFound = !('message' in part) && !part.isInInclude
    const copied = copyPart(isFound ? part.node : document.root, source)
    for (const node of [copied.root, ...copied.outside]) this.#nodes += countNodes(node)
    if (this.#nodes > maxNodes) return this.#stop(site, tooManyNodes())
    this.#included.push({ source, document: this.#includedDocument(document, copied) })
    const [root] = [copied.root, ...copied.outside].map((node) =>
      this.#visit(node, { source, unit, depth: position.depth + 1 }),
    )
    return isFound || isUnknown(root!) ? root! : this.#part(spec, root!, position)
  }

  // Only what is written needs the whole tree.
  #includedDocument(document: ParsedDocument, { copies }: CopiedPart): ParsedDocument {
    const included = { ...detached(document), tagged: [], written: this.#written, changed: this.#changed }
    return Object.defineProperty(included, 'root', { get: () => withCopies(document.root, copies) })
  }

  // The problems of a file are reported once, however often it is included.
  #documentOf(unit: FileUnit, site: IncludeSite, source: Source): ParsedDocument | Failure {
    const known = this.#ofUnits.get(unit)
    if (known) return known
    const { problems: found, documents } = unit.parsed
    const [first, second] = documents
    const problems =
      found.length > 0
        ? found.map((problem) => withSite(problem, site))
        : wrongDocuments(documents, source, site)
    if (problems.length > 0) {
      const failure = { problems, nodes: [] }
      this.#ofUnits.set(unit, failure)
      this.#failures.push(failure)
      return failure
    }
    if (second && first && !this.#declaring.has(unit)) this.#declare(first, source, unit)
    this.#declaring.add(unit)
    return second ?? first!
  }

  #declare({ root }: ParsedDocument, source: Source, { folder }: FileUnit): void {
    const copied = copyTree(root, source).root
    if (copied.kind === 'mapping') for (const entry of copied.entries) this.#declared.push({ entry, folder })
  }
}

/** Stands for a value that could not be made: nothing more is said about it. */
export function unknownNode({ start, end, source }: Node): AliasNode {
  return { ...aliasAt(start, end, '', undefined), ...(source && { source }) }
}

/** What matters of the nodes from `root` down, then of those that only aliases lead to. */
class TreeSurvey {
  /** The nodes with tags that YAML does not resolve, in file order. */
  readonly tagged: Node[] = []
  readonly unknown: Node[] = []
  readonly #targets: Node[] = []
  #seen: Set<Node> | undefined

  constructor(root: Node) {
    this.#visit(root)
    const targets = this.#targets
    if (targets.length === 0) return
    // Most documents have no aliases, and need no set.
    this.#seen = new Set()
    this.#mark(root)
    for (const target of targets) this.#visit(target)
  }

  #visit(node: Node): void {
    if (this.#seen?.has(node)) return
    this.#seen?.add(node)
    if (node.tag !== undefined && node.tagStart >= 0) this.tagged.push(node)
    if (node.kind === 'alias') {
      if (node.target) this.#targets.push(node.target)
      else this.unknown.push(node)
    }
    if (node.kind === 'sequence') for (const item of node.items) this.#visit(item)
    if (node.kind === 'mapping')
      for (const { key, value } of node.entries) {
        this.#visit(key)
        this.#visit(value)
      }
  }

  #mark(node: Node): void {
    this.#seen!.add(node)
    for (const part of partsOf(node)) this.#mark(part)
  }
}

function isCollection({ kind }: Node): boolean {
  return kind === 'sequence' || kind === 'mapping'
}

function isUnknown(node: Node): boolean {
  return node.kind === 'alias' && !node.target
}

function countNodes(node: Node): number {
  let count = 1
  if (node.kind === 'sequence') for (const item of node.items) count += countNodes(item)
  if (node.kind === 'mapping')
    for (const { key, value } of node.entries) count += countNodes(key) + countNodes(value)
  return count
}

/** The part of a document that an include names; `isInInclude`: the path leads through another include. */
type FoundPart = (PathMistake | { readonly node: Node }) & { readonly isInInclude?: boolean }

function partAt(root: Node, { part = '', path }: IncludeSpec): FoundPart {
  const { steps, mistake } = parsePath(part)
  if (mistake) return mistake
  const found = nodeAt(root, steps)
  const isInInclude = found.above.some(includesFile) || (found.miss !== undefined && includesFile(found.node))
  if (!found.miss) return { node: found.node, isInInclude }
  const context = { root, rootName: `document of "${path}"` }
  const [message, hint] = [explainMiss(steps, found, context), meantStep(steps, found, context)]
  return { code: 'NO_SUCH_PATH', message, hint, span: steps[found.depth]!, isInInclude }
}

function wrongDocuments(
  documents: readonly ParsedDocument[],
  source: Source,
  site: IncludeSite,
): readonly Problem[] {
  const [first, second] = documents
  if (!first || (isEmptyDocument(first) && !second)) {
    const message = `"${source.filename}" is empty: write a value in it, such as "{}"`
    return [nodeProblem(site.node, site.source, 'EMPTY_FILE', message)]
  }
  const declares = first.root.kind === 'mapping' && first.root.tag === undefined
  if (!second || (documents.length === 2 && declares && isApplicationTag(second.root.tag))) return []
  const message = `Expected one document, or extensions, "---" and the document of a runnable, but found the second of ${documents.length} here: split the file`
  return [nodeProblem(second.root, source, 'SEVERAL_DOCUMENTS', message)]
}

function keyMessage({ tag }: Node): string {
  return `The key of a mapping cannot have a tag: remove "${tag}"`
}

function shapeMessage(node: Node, source: Source): string {
  if (node.tag === '!include') {
    const found = describeNode(node, source)
    return `"!include" takes the path of a file, such as "!include models/big.yaml", but found ${found}`
  }
  if (node.kind === 'scalar' && specOf({ ...node, tag: '!include' })) {
    const path = String(node.value).slice(0, longestPart)
    return `"!extends" takes "file", the path of a file, and "set": write "file: ${path}" below it`
  }
  const shape = 'write "file: base.yaml" below it, and "set:" with what differs'
  return `"!extends" takes "file", the path of a file, and "set": ${shape}`
}

const textsReadNone = 'a text reads none: use "loadFile", "checkFile" or "runFile" with the path of this file'
const turnedOff = 'this program does not let the file include others ("include: false")'

const tooDeep = `Collections and included files are nested more than ${maxDepth} levels deep: include fewer in each other`
// The data of numbers in a language take as long to load as a quarter of an empty process.
const tooManyIncludes = (): string =>
  `Files are included more than ${maxIncludes.toLocaleString('en')} times in all: include fewer`
const tooManyNodes = (): string =>
  `The included files have more than ${maxNodes.toLocaleString('en')} values in all: include fewer`

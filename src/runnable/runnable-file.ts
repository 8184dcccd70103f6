import { dirname, resolve } from 'node:path'
import {
  type ComposeFileOptions,
  type ComposeOptions,
  type ForbiddenFiles,
  type GivenText,
  parseComposed,
  readComposed,
} from '../document/compose/read-composed.js'
import { textOfKey } from '../document/nodes.js'
import {
  describeNode,
  documentError,
  inFileOrder,
  nodeProblem,
  relatedPosition,
} from '../document/problems.js'
import {
  type DeclaredExtension,
  isEmptyDocument,
  type ParsedDocument,
  type ParsedText,
} from '../document/read/parsed.js'
import { type Problem, RunnableFileError } from '../errors.js'
import { relocateSource } from '../extensions/source.js'
import type { Entry, Node } from '../node.js'
import { reportProblems } from '../problem-report.js'
import type { Class } from '../registry/registration.js'
import type { Registry } from '../registry/registry.js'
import type { Tag } from '../registry/tag.js'
import type { Source } from '../source.js'
import { setOwn } from '../util/plain-object.js'

/** A runnable file: its path or URL, or `{ content }` with its text, which errors call `filename`. */
export type RunnableSource = string | URL | { content: string; filename?: string }

/** A runnable file, split into the extensions that it declares and the document of its runnable. */
export interface RunnableFile {
  readonly source: Source
  /** The source of each extension, by name. */
  readonly extensions: Readonly<Record<string, string>>
  /** The nodes that declare the extensions. */
  readonly declarations: readonly Entry[]
  readonly document: ParsedDocument
  /** The text of the runnable's document, byte for byte. */
  readonly content: string
}

/** What a runnable file may take from elsewhere. */
type FileOptions = ComposeFileOptions & ForbiddenFiles & GivenText

/** The text of a runnable file: it is parsed once, and split once, when its parts are first needed. */
export class RunnableText {
  #file: RunnableFile | undefined

  constructor(readonly parsed: ParsedText) {}

  /** A text that is given is there at once; only that of a file is a promise. */
  static read(from: RunnableSource, options: FileOptions = {}): RunnableText | Promise<RunnableText> {
    if (typeof from !== 'string' && !(from instanceof URL))
      return RunnableText.of(from.content, from.filename ?? '<text>', options)
    return readComposed(from, options).then((parsed) => new RunnableText(parsed))
  }

  static of(text: string, filename: string, options: ComposeOptions = {}): RunnableText {
    return new RunnableText(parseComposed(text, filename, options))
  }

  /**
   * Its parts, which can be there even if the syntax of a document is wrong.
   *
   * @throws {@link RunnableFileError} when there is no document, there are more than two, or the first of two does not
   * declare extensions.
   */
  split(): RunnableFile {
    this.#file ??= split(this.parsed)
    return this.#file
  }

  /** @throws {@link DocumentError} with every syntax error. */
  expectWellFormed(): void {
    const { problems } = this.parsed
    if (problems.length > 0) throw documentError(inFileOrder(problems))
  }

  /** Whether this is the whole text, or the text of its runnable's document. */
  hasContent(content: string): boolean {
    if (this.parsed.source.text === content) return true
    return this.parsed.documents.length > 0 && this.split().content === content
  }
}

function split({ source, documents, problems, declared = [] }: ParsedText): RunnableFile {
  const [first, second] = documents
  if (!first && problems.length > 0) throw documentError(problems)
  if (!first || (documents.length === 1 && isEmptyDocument(first))) throw emptyFile(source)
  if (documents.length > 2) throw tooManyDocuments(source, documents)
  const document = second ?? first
  const content = source.text.slice(document.start, document.end)
  const own = second ? declarationsOf(first, source) : []
  const extensions = sourcesOf(own, source)
  const declarations = [...own, ...addDeclared(declared, { extensions, own, source })]
  return { source, extensions, declarations, document, content }
}

interface Declarations {
  /** The source of each extension, by name, which grows. */
  readonly extensions: Record<string, string>
  readonly own: readonly Entry[]
  readonly source: Source
}

// The extensions that an extended file declares count as if this file declared them; their paths start at that file.
function addDeclared(
  declared: readonly DeclaredExtension[],
  { extensions, own, source }: Declarations,
): readonly Entry[] {
  const folder = dirname(resolve(source.filename))
  const added = new Map<string, Entry>()
  for (const { entry, folder: from } of declared) {
    const name = textOfKey(entry.key)
    const written = relocateSource(sourceOf(name, entry.value, source), from, folder)
    if (!Object.hasOwn(extensions, name)) added.set(name, entry)
    else if (extensions[name] !== written) {
      const before = added.get(name) ?? own.find(({ key }) => textOfKey(key) === name)!
      throw declaredTwice(entry, before, source)
    }
    setOwn(extensions, name, written)
  }
  return [...added.values()]
}

function declaredTwice({ key, value }: Entry, before: Entry, source: Source): RunnableFileError {
  const message = `Extension "${textOfKey(key)}" is declared with another source in another file: declare one source`
  const problem = nodeProblem(value, source, 'EXTENSION_TWICE', message)
  const related = [relatedPosition('declared at', before.value, source), ...(problem.related ?? [])]
  const problems = [{ ...problem, related }]
  return new RunnableFileError(reportProblems(problems), { problems })
}

function declarationsOf({ root }: ParsedDocument, source: Source): readonly Entry[] {
  if (root.kind === 'mapping' && root.tag === undefined) return root.entries
  const found = root.tag === undefined ? describeNode(root, source) : `"${root.tag}"`
  const message = `Expected extensions above "---", each as "name: source", but found ${found}`
  throw runnableFileError(source, 'BAD_EXTENSIONS', root, message)
}

function sourcesOf(declarations: readonly Entry[], source: Source): Record<string, string> {
  const sources = declarations.map(({ key, value }) => {
    const name = textOfKey(key)
    return [name, sourceOf(name, value, source)] as const
  })
  return Object.fromEntries(sources)
}

function sourceOf(name: string, value: Node, source: Source): string {
  if (value.kind === 'scalar' && typeof value.value === 'string' && value.value !== '') return value.value
  const message = `Extension "${name}" needs a source: a path, a URL or a package, but found ${describeNode(value, source)}`
  throw runnableFileError(source, 'BAD_EXTENSIONS', value, message)
}

function emptyFile({ filename }: Source): RunnableFileError {
  const message = `"${filename}" is empty: write the tag of a runnable and its options, such as "!Train"`
  return new RunnableFileError(message, { code: 'EMPTY_FILE' })
}

function tooManyDocuments(source: Source, documents: readonly ParsedDocument[]): RunnableFileError {
  const message = `A runnable file contains one document, or extensions, "---" and one document, but this is the third of ${documents.length}`
  return runnableFileError(source, 'TOO_MANY_DOCUMENTS', documents[2]!.root, message)
}

/** An error that points at a node of a runnable file. */
export function runnableFileError(
  source: Source,
  code: string,
  node: Node,
  message: string,
): RunnableFileError {
  const problems = [nodeProblem(node, source, code, message)]
  return new RunnableFileError(reportProblems(problems), { problems })
}

/** What the top node of a file may be: a node with exactly this tag, or with any tag or factory of exactly this class. */
export type Allowed = Tag | Class

/**
 * Refuses a runnable file whose top node is not allowed. Its extensions are not imported yet: only the text of a tag
 * allows one of theirs.
 *
 * @throws {@link RunnableFileError} that points at the tag.
 */
export function expectAllowed(file: RunnableFile, allow: readonly Allowed[], registry: Registry): void {
  const problem = topTagProblem(file, allow, registry)
  if (problem) throw new RunnableFileError(reportProblems([problem]), { problems: [problem] })
}

/** The problem of a top node that is not allowed; none if it is not known, since it could not be included. */
export function topTagProblem(
  { source, document: { root } }: RunnableFile,
  allow: readonly Allowed[],
  registry: Registry,
): Problem | undefined {
  const { tag } = root
  // What could not be included is a problem of its own, which no step ignores.
  if (root.kind === 'alias' && !root.target) return undefined
  if (tag !== undefined && allow.some((each) => isTagOf(tag, each, registry))) return undefined
  const found = tag === undefined ? 'A top node without a tag' : `"${tag}"`
  const names = allow.map((each) => `"${typeof each === 'string' ? each : nameOf(each, registry)}"`)
  const message = `${found} is not allowed at the top of this file; allowed: ${names.join(', ') || 'nothing'}`
  return nodeProblem(root, source, 'NOT_ALLOWED', message)
}

function isTagOf(tag: string, allowed: Allowed, registry: Registry): boolean {
  if (typeof allowed === 'string') return tag === allowed
  const resolved = registry.get(tag)
  // The class in another copy of a package is another object with the same tag.
  return resolved !== undefined && (resolved.Class === allowed || resolved.tag === registry.tagOf(allowed))
}

function nameOf(Class: Class, registry: Registry): string {
  return registry.tagOf(Class) ?? Class.name
}

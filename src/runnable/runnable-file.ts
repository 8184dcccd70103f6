import { textOfKey } from '../document/nodes.js'
import { describeNode, documentError, inFileOrder, spanOf } from '../document/problems.js'
import { parse } from '../document/read/parse.js'
import { isEmptyDocument, type ParsedDocument, type ParsedText } from '../document/read/parsed.js'
import { readText } from '../document/read/read-text.js'
import { type Problem, RunnableFileError } from '../errors.js'
import type { Entry, Node } from '../node.js'
import { reportProblems } from '../problem-report.js'
import type { Class } from '../registry/registration.js'
import type { Registry } from '../registry/registry.js'
import type { Tag } from '../registry/tag.js'

/** A runnable file, parsed: its extensions, and the document of its runnable. */
export interface RunnableFile {
  readonly extensions: Readonly<Record<string, string>>
  /** Where the extensions are declared. */
  readonly declarations: readonly Entry[]
  readonly document: ParsedDocument
  /** The text of the runnable's document, byte for byte. */
  readonly content: string
}

/**
 * Takes a parsed text apart: optionally a mapping of extensions, `---`, then one runnable.
 *
 * @throws {@link RunnableFileError} when there is nothing, more than two documents, or extensions that are none.
 */
export function splitRunnableFile(parsed: ParsedText): RunnableFile {
  const { source, documents } = parsed
  const [first, second, third] = documents
  if (!first || (documents.length === 1 && isEmptyDocument(first))) throw empty(parsed)
  if (third)
    throw runnableFileError(
      parsed,
      'TOO_MANY_DOCUMENTS',
      third.root,
      `A runnable file has one document, or extensions, "---" and one document, but here begins the third of ${documents.length}`,
    )
  const document = second ?? first
  const content = source.text.slice(document.start, document.end)
  const declarations = second ? declarationsOf(first, parsed) : []
  return { extensions: extensionsOf(declarations, parsed), declarations, document, content }
}

function declarationsOf({ root }: ParsedDocument, parsed: ParsedText): readonly Entry[] {
  if (root.kind !== 'mapping' || root.tag !== undefined)
    throw runnableFileError(
      parsed,
      'BAD_EXTENSIONS',
      root,
      `Above "---" stand the extensions, "name: where it comes from", but here stands ${root.tag === undefined ? describeNode(root, parsed.source) : `"${root.tag}"`}`,
    )
  return root.entries
}

function extensionsOf(entries: readonly Entry[], parsed: ParsedText): Record<string, string> {
  return Object.fromEntries(
    entries.map(({ key, value }) => [textOfKey(key), sourceOf(value, textOfKey(key), parsed)]),
  )
}

function sourceOf(value: Node, name: string, parsed: ParsedText): string {
  if (value.kind === 'scalar' && typeof value.value === 'string' && value.value !== '') return value.value
  throw runnableFileError(
    parsed,
    'BAD_EXTENSIONS',
    value,
    `Extension "${name}" must say where it comes from, a path, a URL or a package, but here stands ${describeNode(value, parsed.source)}`,
  )
}

function empty(parsed: ParsedText): RunnableFileError {
  const message = `"${parsed.source.filename}" is empty: write the tag of a runnable and its options, such as "!Train"`
  return new RunnableFileError(message, { code: 'EMPTY_FILE' })
}

/** An error that points at a node of a runnable file. */
export function runnableFileError(
  parsed: Pick<ParsedText, 'source'>,
  code: string,
  node: Node,
  message: string,
): RunnableFileError {
  const problems = [parsed.source.problem(code, message, spanOf(node))]
  return new RunnableFileError(reportProblems(problems), { problems })
}

/** A runnable file: its path or URL, or `{ content }`, a text that is at hand and that errors call by `filename`. */
export type RunnableSource = string | URL | { content: string; filename?: string }

/** The text of a runnable file: read and parsed once, when it is first needed. */
export class RunnableText {
  #parsed: ParsedText | undefined

  constructor(private readonly from: RunnableSource) {}

  async parsed(): Promise<ParsedText> {
    if (this.#parsed) return this.#parsed
    const { text, filename } = await this.#read()
    this.#parsed = parse(text, filename)
    return this.#parsed
  }

  /** Its parts: what can be told of a file even if something in it is wrong. */
  async split(): Promise<RunnableFile> {
    const parsed = await this.parsed()
    if (parsed.documents.length === 0 && parsed.problems.length > 0) throw documentError(parsed.problems)
    return splitRunnableFile(parsed)
  }

  /** @throws {@link DocumentError} when the syntax of a document is wrong. */
  async expectWellFormed(): Promise<void> {
    const { problems } = await this.parsed()
    if (problems.length > 0) throw documentError(inFileOrder(problems))
  }

  /** Whether the document of its runnable is this text. */
  async hasContent(content: string): Promise<boolean> {
    const parsed = await this.parsed()
    if (parsed.source.text === content) return true
    return parsed.documents.length > 0 && splitRunnableFile(parsed).content === content
  }

  async #read(): Promise<{ text: string; filename: string }> {
    if (typeof this.from === 'string' || this.from instanceof URL) return readText(this.from)
    return { text: this.from.content, filename: this.from.filename ?? '<text>' }
  }
}

/** What the top node of a file may be: exactly this tag, or any tag and factory of exactly this class. */
export type Allowed = Tag | Class

/**
 * Refuses a runnable file whose top node is not allowed. Its extensions are not imported by then: a tag of one is allowed
 * by its text alone.
 *
 * @throws {@link RunnableFileError} that points at the tag.
 */
export function expectAllowed(parsed: ParsedText, allow: readonly Allowed[], registry: Registry): void {
  const problem = topTagProblem(parsed, allow, registry)
  if (problem) throw new RunnableFileError(reportProblems([problem]), { problems: [problem] })
}

/** The problem of a top node that is not allowed. */
export function topTagProblem(
  parsed: ParsedText,
  allow: readonly Allowed[],
  registry: Registry,
): Problem | undefined {
  const { root } = splitRunnableFile(parsed).document
  if (root.tag !== undefined && allow.some((each) => isTagOf(root.tag!, each, registry))) return undefined
  const found = root.tag === undefined ? 'A top node without a tag' : `"${root.tag}"`
  const allowed = allow.map((each) => `"${typeof each === 'string' ? each : nameOf(each, registry)}"`)
  const message = `${found} is not allowed at the top of this file: allowed is ${allowed.join(', ') || 'nothing'}`
  return parsed.source.problem('NOT_ALLOWED', message, spanOf(root))
}

function isTagOf(tag: string, allowed: Allowed, registry: Registry): boolean {
  if (typeof allowed === 'string') return tag === allowed
  const resolved = registry.get(tag)
  // The class of the other of two copies of a package has the same tag.
  return resolved !== undefined && (resolved.Class === allowed || resolved.tag === registry.tagOf(allowed))
}

function nameOf(Class: Class, registry: Registry): string {
  return registry.tagOf(Class) ?? Class.name
}

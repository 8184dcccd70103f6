import { textOf } from '../document/nodes.js'
import { kindOf, spanOf } from '../document/problems.js'
import { isEmptyDocument, type Parsed, type ParsedDocument } from '../document/read/parsed.js'
import { RunnableFileError } from '../errors.js'
import type { Entry, Node } from '../node.js'
import { reportProblems } from '../report.js'

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
export function takeApart(parsed: Parsed): RunnableFile {
  const { source, documents } = parsed
  const [first, second, third] = documents
  if (!first || (documents.length === 1 && isEmptyDocument(first))) throw empty(parsed)
  if (third)
    throw wrong(
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

function declarationsOf({ root }: ParsedDocument, parsed: Parsed): readonly Entry[] {
  if (root.kind !== 'mapping' || root.tag !== undefined)
    throw wrong(
      parsed,
      'BAD_EXTENSIONS',
      root,
      `Above "---" stand the extensions, "name: where it comes from", but here stands ${root.tag === undefined ? kindOf(root, parsed.source) : `"${root.tag}"`}`,
    )
  return root.entries
}

function extensionsOf(entries: readonly Entry[], parsed: Parsed): Record<string, string> {
  return Object.fromEntries(
    entries.map(({ key, value }) => [textOf(key), sourceOf(value, textOf(key), parsed)]),
  )
}

function sourceOf(value: Node, name: string, parsed: Parsed): string {
  if (value.kind === 'scalar' && typeof value.value === 'string' && value.value !== '') return value.value
  throw wrong(
    parsed,
    'BAD_EXTENSIONS',
    value,
    `Extension "${name}" must say where it comes from, a path, a URL or a package, but here stands ${kindOf(value, parsed.source)}`,
  )
}

function empty(parsed: Parsed): RunnableFileError {
  const message = `"${parsed.source.filename}" is empty: write the tag of a runnable and its options, such as "!Train"`
  return new RunnableFileError(message, { code: 'EMPTY_FILE' })
}

/** An error that points at a node of a runnable file. */
export function wrong(
  parsed: Pick<Parsed, 'source'>,
  code: string,
  node: Node,
  message: string,
): RunnableFileError {
  const problems = [parsed.source.problem(code, message, spanOf(node))]
  return new RunnableFileError(reportProblems(problems), { problems })
}

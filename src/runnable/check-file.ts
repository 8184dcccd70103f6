import { checkParsedAsync, reported } from '../document/check/check.js'
import type { ComposeFileOptions } from '../document/compose/read-composed.js'
import { inFileOrder } from '../document/problems.js'
import type { ReadOptions } from '../document/read/parse.js'
import type { ParsedText } from '../document/read/parsed.js'
import { isFlambeauError, type Problem } from '../errors.js'
import type { FailedExtension } from '../extensions/index.js'
import { isApplicationTag } from '../node.js'
import { currentRegistry } from '../registry/default-registry.js'
import type { Class } from '../registry/registration.js'
import type { Registry } from '../registry/registry.js'
import { namespaceOf, type Tag } from '../registry/tag.js'
import { type ExtensionOptions, locateIn, type Surroundings, tryImport } from './import-extensions.js'
import { type Allowed, type RunnableFile, RunnableText, topTagProblem } from './runnable-file.js'

/** Options of {@link checkFile}. */
export interface CheckFileOptions
  extends ExtensionOptions,
    Surroundings,
    Omit<ReadOptions, 'filename'>,
    ComposeFileOptions {
  /** What the file may contain, as in `runFile`; the extensions of any other file are not imported. */
  allow?: readonly (Tag | Class)[] | undefined
}

/**
 * Finds every problem of a file, in file order, as `check` does. The extensions that it declares are imported for their
 * tags.
 *
 * ```ts
 * for (const { line, message } of await checkFile('job.yaml')) console.log(line, message)
 * ```
 *
 * An extension that is not installed is reported to `onWarning`, and its tags are not checked.
 *
 * @throws {@link ResourceError} when the file does not exist or is not text.
 */
export async function checkFile(file: string | URL, options: CheckFileOptions = {}): Promise<Problem[]> {
  const { problems, warnings } = await checkText(await RunnableText.read(file, options), options)
  for (const warning of warnings) options.onWarning?.(warning)
  return [...problems]
}

/** What is found in the text of a file, in file order, and the tags that it may use. */
export interface TextFindings {
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  /** With the tags of its extensions. */
  readonly registry: Registry
}

/** Does the same as {@link checkFile}, for a text that was read. */
export async function checkText(text: RunnableText, options: CheckFileOptions): Promise<TextFindings> {
  const { parsed } = text
  const tags = await resolveTags(text, options)
  const findings = await checkParsedAsync(parsed, tags.registry, tags.unknown)
  const { problems, warnings } = reported(
    {
      ...findings,
      problems: [...tags.problems, ...findings.problems],
      warnings: [...tags.warnings, ...findings.warnings],
    },
    parsed,
    tags.registry,
  )
  return {
    problems,
    warnings: inFileOrder(warnings),
    registry: tags.registry,
  }
}

/** The tags that a file can use, and the problems of finding them. */
interface ResolvedTags {
  readonly registry: Registry
  /** The names of the extensions that were not imported: their tags are not checked. */
  readonly unknown: ReadonlySet<string>
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

async function resolveTags(text: RunnableText, options: CheckFileOptions): Promise<ResolvedTags> {
  const { registry = currentRegistry() } = options
  const { file, problems: wrong } = declaringFile(text)
  const refused = options.allow ? refusalsOf(text, options.allow, registry) : []
  const names = Object.keys(file?.extensions ?? {})
  if (!file || refused.length > 0) {
    const problems = refused.length > 0 ? refused : wrong
    return { registry, unknown: new Set(names), problems, warnings: [] }
  }
  const { registry: own, failures } = await tryImport(file, registry, options)
  const isAbsent = ({ code }: FailedExtension): boolean => code === 'NOT_INSTALLED'
  const locate = locateIn(file)
  const tags = tagsByNamespace(text.parsed)
  return {
    registry: own,
    unknown: new Set(failures.map(({ name }) => name)),
    problems: failures.filter((failure) => !isAbsent(failure)).map(locate),
    warnings: failures.filter(isAbsent).map((failure) => locate(withTags(failure, tags.get(failure.name)))),
  }
}

// A text that is not a runnable file is not allowed either. One without documents is reported for its syntax.
function refusalsOf(text: RunnableText, allow: readonly Allowed[], registry: Registry): readonly Problem[] {
  if (text.parsed.documents.length === 0) return []
  try {
    const problem = topTagProblem(text.split(), allow, registry)
    return problem ? [problem] : []
  } catch (error) {
    if (!isFlambeauError(error)) throw error
    return error.problems
  }
}

/** The file, if it declares extensions, and what is wrong with those of the files that it includes. */
function declaringFile(text: RunnableText): { file?: RunnableFile; problems: readonly Problem[] } {
  const { documents, declared = [] } = text.parsed
  // Any stream of documents can be checked: a mapping declares extensions only above a runnable.
  const isRunnable = documents.length === 2 && isApplicationTag(documents[1]!.root.tag)
  const extendsOne = documents.length <= 2 && declared.length > 0
  if (!isRunnable && !extendsOne) return { problems: [] }
  try {
    const file = text.split()
    return file.declarations.length > 0 ? { file, problems: [] } : { problems: [] }
  } catch (error) {
    if (!isFlambeauError(error)) throw error
    return { problems: extendsOne ? error.problems : [] }
  }
}

function tagsByNamespace({ documents }: ParsedText): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const { tagged } of documents)
    for (const { tag = '' } of tagged) {
      const namespace = namespaceOf(tag) ?? ''
      found.set(namespace, (found.get(namespace) ?? new Set()).add(tag))
    }
  return found
}

const mostNamed = 20

// The user sees how much of the file was not checked.
function withTags(failure: FailedExtension, tags: ReadonlySet<string> | undefined): FailedExtension {
  if (!tags) return failure
  const names = [...tags].slice(0, mostNamed).map((tag) => `"${tag}"`)
  const rest = tags.size > mostNamed ? [`and ${tags.size - mostNamed} more`] : []
  return { ...failure, message: `${failure.message}\nNot checked: ${[...names, ...rest].join(', ')}` }
}

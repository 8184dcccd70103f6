import { checkParsed, tagAsKey } from '../document/check/check.js'
import { inFileOrder } from '../document/problems.js'
import { parse, type ReadOptions } from '../document/read/parse.js'
import type { ParsedText } from '../document/read/parsed.js'
import { readText } from '../document/read/read-text.js'
import { isFlambeauError, type Problem } from '../errors.js'
import type { FailedExtension } from '../extensions/index.js'
import { isApplicationTag } from '../node.js'
import { currentRegistry } from '../registry/default-registry.js'
import type { Class } from '../registry/registration.js'
import type { Registry } from '../registry/registry.js'
import { namespaceOf, type Tag } from '../registry/tag.js'
import {
  type DeclaredExtensions,
  type ExtensionOptions,
  locateIn,
  type Surroundings,
  tryImport,
} from './import-extensions.js'
import { type Allowed, splitRunnableFile, topTagProblem } from './runnable-file.js'

/** Options of {@link checkFile}. */
export interface CheckFileOptions extends ExtensionOptions, Surroundings, Omit<ReadOptions, 'filename'> {
  /** What the file may be, as in `runFile`: of one that is something else, no extension is imported. */
  allow?: readonly (Tag | Class)[] | undefined
}

/**
 * Every problem of a file, in file order, as `check` finds them; the extensions that it declares are imported for
 * their tags.
 *
 * ```ts
 * for (const { line, message } of await checkFile('job.yaml')) console.log(line, message)
 * ```
 *
 * An extension that is not installed is no problem: `onWarning` is told, and its tags are left out.
 *
 * @throws {@link ResourceError} when there is no such file, or it is no text.
 */
export async function checkFile(file: string | URL, options: CheckFileOptions = {}): Promise<Problem[]> {
  const { text, filename } = await readText(file)
  const parsed = parse(text, filename)
  const seen = await see(parsed, options)
  const { problems, doubtful, warnings } = checkParsed(parsed, seen.registry, seen.unseen)
  const untagged = parsed.documents.flatMap((document) => tagAsKey(document, parsed.source, seen.registry))
  for (const warning of inFileOrder([...seen.warnings, ...warnings])) options.onWarning?.(warning)
  return inFileOrder([...seen.problems, ...problems, ...doubtful, ...untagged])
}

/** What is known of the tags of a file. */
interface Seen {
  readonly registry: Registry
  /** The names of extensions whose tags nobody can see here. */
  readonly unseen: ReadonlySet<string>
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

async function see(parsed: ParsedText, options: CheckFileOptions): Promise<Seen> {
  const { registry = currentRegistry() } = options
  const declared = declaredIn(parsed)
  const refused = options.allow ? refusalsOf(parsed, options.allow, registry) : []
  const names = Object.keys(declared?.extensions ?? {})
  if (!declared || refused.length > 0)
    return { registry, unseen: new Set(names), problems: refused, warnings: [] }
  const { registry: own, failures } = await tryImport(declared, registry, options)
  const isAbsent = ({ code }: FailedExtension): boolean => code === 'NOT_INSTALLED'
  const locate = locateIn(declared)
  const tags = tagsByNamespace(parsed)
  return {
    registry: own,
    unseen: new Set(failures.map(({ name }) => name)),
    problems: failures.filter((failure) => !isAbsent(failure)).map(locate),
    warnings: failures.filter(isAbsent).map((failure) => locate(unseenOf(failure, tags.get(failure.name)))),
  }
}

// What is no runnable file at all is nothing that is allowed either.
function refusalsOf(parsed: ParsedText, allow: readonly Allowed[], registry: Registry): readonly Problem[] {
  try {
    return [topTagProblem(parsed, allow, registry) ?? []].flat()
  } catch (error) {
    if (!isFlambeauError(error)) throw error
    return error.problems
  }
}

// Any stream of documents may be checked: only above a runnable does a mapping declare extensions.
function declaredIn(parsed: ParsedText): DeclaredExtensions | undefined {
  if (parsed.documents.length !== 2 || !isApplicationTag(parsed.documents[1]!.root.tag)) return undefined
  try {
    const file = splitRunnableFile(parsed)
    return file.declarations.length > 0 ? { ...file, source: parsed.source } : undefined
  } catch (error) {
    if (!isFlambeauError(error)) throw error
    return undefined
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

function unseenOf(failure: FailedExtension, tags: ReadonlySet<string> | undefined): FailedExtension {
  if (!tags) return failure
  const names = [...tags].slice(0, mostNamed).map((tag) => `"${tag}"`)
  const rest = tags.size > mostNamed ? [`and ${tags.size - mostNamed} more`] : []
  return { ...failure, message: `${failure.message}\nNot checked: ${[...names, ...rest].join(', ')}` }
}

import { DocumentError, type Problem } from '../../errors.js'
import type { Node } from '../../node.js'
import type { Registry } from '../../registry/registry.js'
import { Suggester } from '../../registry/suggest.js'
import { namespaceOf } from '../../registry/tag.js'
import type { Source } from '../../source.js'
import { includeCodes } from '../compose/compose.js'
import { type ComposeOptions, parseComposed } from '../compose/read-composed.js'
import { referenceCodes, resolveReferences } from '../compose/references.js'
import { additionProblems } from '../edit/additions.js'
import { importTagsToCheck } from '../import-tags.js'
import { inFileOrder, nodeProblem, ProblemList } from '../problems.js'
import { completeReadOptions, type ReadOptions } from '../read/parse.js'
import type { ParsedDocument, ParsedText } from '../read/parsed.js'
import { detached } from '../read/tape-document.js'
import { literalVariables } from './literal-variables.js'
import { PendingChecks, SchemaCheck, type SchemaFindings } from './schema-check.js'
import { TagCheck } from './tag-check.js'
import { isRightOnTape } from './tape-check.js'

/**
 * Every problem of a text, in file order: syntax, tags, options.
 *
 * ```ts
 * for (const { line, column, message } of check(text)) console.log(`${line}:${column} ${message}`)
 * ```
 *
 * Of the user's code, only schemas run. In the options of its parent, a tagged child is replaced by a stub with the prototype
 * of its class, and issues below the stub are dropped.
 */
export function check(text: string, options: ReadOptions & ComposeOptions = {}): Problem[] {
  const reading = readToCheck(text, options)
  return reading.problemsIn(checkParsed(reading.parsed, reading.registry))
}

/**
 * Does the same as {@link check}, and waits for asynchronous schemas.
 *
 * ```ts
 * for (const { line, column, message } of await checkAsync(text)) console.log(`${line}:${column} ${message}`)
 * ```
 */
export async function checkAsync(
  text: string,
  options: ReadOptions & ComposeOptions = {},
): Promise<Problem[]> {
  const reading = readToCheck(text, options)
  return reading.problemsIn(await checkParsedAsync(reading.parsed, reading.registry))
}

function readToCheck(text: string, options: ReadOptions & ComposeOptions) {
  const { filename, registry, onWarning } = completeReadOptions(options, () => {})
  const parsed = parseComposed(text, filename, options)
  const problemsIn = (findings: Findings): Problem[] => {
    const { problems, warnings } = reported(findings, parsed, registry)
    for (const warning of warnings) onWarning(warning)
    return problems
  }
  return { parsed, registry, problemsIn }
}

/** What a check reports of a text: with tags that were written as keys, and with what looks like a variable. */
export function reported(
  { problems, doubtful, warnings }: Findings,
  parsed: ParsedText,
  registry: Registry,
): { problems: Problem[]; warnings: Problem[] } {
  const untagged = parsed.documents.flatMap((document) => tagAsKey(document, parsed.source, registry))
  return {
    problems: inFileOrder([...problems, ...doubtful, ...untagged]),
    warnings: [...warnings, ...literalVariables(parsed)],
  }
}

/** What is wrong with a text. */
export interface Findings {
  readonly problems: readonly Problem[]
  /** Problems that the real objects might not have: they were found on stubs. */
  readonly doubtful: readonly Problem[]
  /** What still works but should be written in another way. */
  readonly warnings: readonly Problem[]
}

/**
 * Finds what is wrong with the YAML, its tags and its options, without running a class. Tags in an `unseen` namespace are not
 * checked: their extension is not imported.
 */
export function checkParsed(
  parsed: ParsedText,
  registry: Registry,
  unseen: ReadonlySet<string> = new Set(),
): Findings {
  return nothingWrong(parsed, registry, true) ?? examined(parsed, registry, { unseen }).findings
}

/** Does the same as {@link checkParsed}, and waits for asynchronous schemas. */
export async function checkParsedAsync(
  parsed: ParsedText,
  registry: Registry,
  unseen: ReadonlySet<string> = new Set(),
): Promise<Findings> {
  if (registry.lazyTags) await importTagsToCheck(parsed, registry)
  const nothing = nothingWrong(parsed, registry, false)
  if (nothing) return nothing
  const pending = new PendingChecks()
  const examination = examined(parsed, registry, { unseen, pending })
  await Promise.all(pending.promises)
  return examination.findings
}

const noFindings: Findings = { problems: [], doubtful: [], warnings: [] }

/** No findings, if the tapes of all documents show it: then no nodes are made. */
function nothingWrong(
  { documents, problems }: ParsedText,
  registry: Registry,
  allowsSchemas: boolean,
): Findings | undefined {
  if (problems.length > 0) return undefined
  const isRight = documents.every((document) => isRightOnTape(document, registry, allowsSchemas))
  return isRight ? noFindings : undefined
}

interface CheckOptions {
  readonly unseen: ReadonlySet<string>
  /** Receives what has to be waited for; without it, an asynchronous schema is a problem. */
  readonly pending?: PendingChecks
}

function examined(parsed: ParsedText, registry: Registry, { unseen, pending }: CheckOptions): ParsedCheck {
  // In most texts nothing comes from elsewhere.
  const hasReferences = parsed.documents.some((document) => document.hasReferences !== undefined)
  const references = hasReferences ? resolveReferences(parsed, registry) : []
  const examination = new ParsedCheck(parsed, registry, references, pending)
  for (const document of parsed.documents)
    examination.examine({ ...detached(document), tagged: seenOf(document, unseen) })
  return examination
}

function seenOf({ tagged }: ParsedDocument, unseen: ReadonlySet<string>): readonly Node[] {
  return unseen.size === 0 ? tagged : tagged.filter(({ tag = '' }) => !unseen.has(namespaceOf(tag) ?? ''))
}

class ParsedCheck {
  readonly #suggester = new Suggester()
  readonly #tags: TagCheck
  readonly #hasValues: boolean
  readonly #references: readonly Problem[]
  readonly #schemas: SchemaFindings
  readonly #merges: Problem[] = []

  constructor(
    readonly parsed: ParsedText,
    readonly registry: Registry,
    references: readonly Problem[],
    pending: PendingChecks | undefined,
  ) {
    const [problems, doubtful] = [new ProblemList(this.#suggester), new ProblemList(this.#suggester)]
    this.#schemas = { problems, doubtful, pending }
    this.#tags = new TagCheck(parsed.source, registry, this.#suggester)
    // A problem in an included file leaves the values of the others.
    const isReliable = parsed.problems.every(
      ({ code, file }) => leavesValues.has(code) || file !== parsed.source.filename,
    )
    // Where the syntax is wrong, paths may lead nowhere for that reason.
    this.#references = isReliable ? references : []
    this.#hasValues = isReliable && references.every(({ code }) => code !== 'TOO_DEEP')
  }

  examine(document: ParsedDocument): void {
    const anySchema = this.#tags.check(document)
    if (!anySchema || !this.#hasValues) return
    const check = new SchemaCheck(this.#schemas, this.parsed.source, this.registry, document)
    this.#merges.push(...mergeLimitOf(() => check.construct(document.root)))
  }

  get findings(): Findings {
    const { problems, doubtful } = this.#schemas
    const { additions } = this.parsed
    const added = additions ? additionProblems(additions, this.registry, this.#suggester) : []
    return {
      problems: [
        ...this.parsed.problems,
        ...this.#references,
        ...this.#tags.list.problems,
        ...withoutSame(added, problems.problems),
        ...problems.problems,
        ...this.#merges,
      ],
      doubtful: doubtful.problems,
      warnings: [...(this.parsed.warnings ?? []), ...this.#tags.warnings.values()],
    }
  }
}

// A schema that refuses unknown keys has reported an added one.
function withoutSame(added: readonly Problem[], found: readonly Problem[]): readonly Problem[] {
  if (added.length === 0) return added
  const places = new Set(found.map(({ code, file, line, column }) => `${code} ${file}:${line}:${column}`))
  return added.filter(({ code, file, line, column }) => !places.has(`${code} ${file}:${line}:${column}`))
}

// Whether merges exceed the limit is only known by merging.
function mergeLimitOf(construct: () => unknown): readonly Problem[] {
  try {
    construct()
    return []
  } catch (error) {
    if (error instanceof DocumentError && error.code === 'MERGE_LIMIT') return error.problems
    throw error
  }
}

// After these errors, the other values are still what the user meant.
const leavesValues = new Set([
  'DUPLICATE_KEY',
  'UNKNOWN_ALIAS',
  'KEY_NOT_SCALAR',
  'TAGGED_KEY',
  'BAD_MERGE',
  'BAD_COLLECTION_TYPE',
  ...includeCodes,
  ...referenceCodes,
])

/**
 * Finds a tag at the top that was written without its "!": `Train:` for `!Train`. A key in quotes is meant as a key.
 */
export function tagAsKey({ root }: ParsedDocument, source: Source, registry: Registry): Problem[] {
  if (root.kind !== 'mapping' || root.tag !== undefined || root.entries.length !== 1) return []
  const [{ key, value }] = root.entries as [(typeof root.entries)[number]]
  if (key.kind !== 'scalar' || !key.plain || typeof key.value !== 'string' || key.tag !== undefined) return []
  const tag = `!${key.value}`
  if (!registry.has(tag) || (value.kind !== 'mapping' && (value.kind !== 'scalar' || value.value !== null)))
    return []
  const message = `"${key.value}" is a key here, not a tag: write "${tag}" instead of "${key.value}:", or put the key in quotes`
  return [nodeProblem(key, source, 'KEY_IS_TAG', message, tag)]
}

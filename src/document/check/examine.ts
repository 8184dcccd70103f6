import { DocumentError, type Problem } from '../../errors.js'
import type { Node } from '../../node.js'
import type { Registry } from '../../registry/registry.js'
import { namespaceOf } from '../../registry/tag.js'
import type { Parsed, ParsedDocument } from '../read/parsed.js'
import { StandIns } from './stand-ins.js'
import { TagCheck } from './tag-check.js'

/** What is wrong with a text. */
interface Findings {
  readonly problems: readonly Problem[]
  /** Problems that the real objects might not have: found with stand-ins in their place. */
  readonly doubtful: readonly Problem[]
  /** What still works, but should be written otherwise. */
  readonly warnings: readonly Problem[]
}

/**
 * Finds what is wrong with the YAML, its tags and its options, without running a class. Of a tag in a namespace that is
 * `unseen` nobody can say whether it is there.
 */
export function examine(
  parsed: Parsed,
  registry: Registry,
  unseen: ReadonlySet<string> = new Set(),
): Findings {
  const found = parsed.documents.map((document) =>
    examineDocument(parsed, { ...document, tagged: seenOf(document, unseen) }, registry),
  )
  return {
    problems: [...parsed.problems, ...found.flatMap(({ problems }) => problems)],
    doubtful: found.flatMap(({ doubtful }) => doubtful),
    warnings: firstOfEach(found.flatMap(({ warnings }) => warnings)),
  }
}

// What stands in several documents is warned of once.
function firstOfEach(warnings: readonly Problem[]): Problem[] {
  const said = new Set<string>()
  return warnings.filter(({ message }) => !said.has(message) && said.add(message))
}

function seenOf({ tagged }: ParsedDocument, unseen: ReadonlySet<string>): readonly Node[] {
  return unseen.size === 0 ? tagged : tagged.filter(({ tag = '' }) => !unseen.has(namespaceOf(tag) ?? ''))
}

function examineDocument(
  { source, problems: ofSyntax }: Parsed,
  document: ParsedDocument,
  registry: Registry,
): Findings {
  const tags = new TagCheck(source, registry).check(document)
  const found = { problems: tags.problems, doubtful: [], warnings: [...tags.warnings.values()] }
  if (!tags.anySchema || !ofSyntax.every((problem) => leavesValues.has(problem.code))) return found
  const standIns = new StandIns(source, registry, document)
  const tooMuch = mergeLimitOf(() => standIns.construct(document.root))
  const problems = [...tags.problems, ...standIns.problems, ...tooMuch]
  return { ...found, problems, doubtful: standIns.doubtful }
}

// Whether merges bring along too much is only found by merging.
function mergeLimitOf(construct: () => unknown): readonly Problem[] {
  try {
    construct()
    return []
  } catch (error) {
    if (error instanceof DocumentError && error.code === 'MERGE_LIMIT') return error.problems
    throw error
  }
}

// With these the values of the other nodes are still what the user meant.
const leavesValues = new Set([
  'DUPLICATE_KEY',
  'UNKNOWN_ALIAS',
  'KEY_NOT_SCALAR',
  'TAGGED_KEY',
  'BAD_MERGE',
  'BAD_COLLECTION_TYPE',
])

import type { Problem } from '../errors.js'
import type { Registry } from '../registry/registry.js'
import type { Parsed, ParsedDocument } from './parsed.js'
import { StandIns } from './stand-ins.js'
import { TagCheck } from './tag-check.js'

/** What is wrong with a text. */
export interface Findings {
  readonly problems: readonly Problem[]
  /** Problems that the real objects might not have: found with stand-ins in their place. */
  readonly doubtful: readonly Problem[]
}

/** Finds what is wrong with the YAML, its tags and its options, without running a class. */
export function examine(parsed: Parsed, registry: Registry): Findings {
  const problems = [...parsed.problems]
  const doubtful: Problem[] = []
  for (const document of parsed.documents) {
    const found = examineDocument(parsed, document, registry)
    problems.push(...found.problems)
    doubtful.push(...found.doubtful)
  }
  return { problems, doubtful }
}

/** What is wrong with the tags and options of one document. */
export function examineDocument(
  { source, problems }: Parsed,
  document: ParsedDocument,
  registry: Registry,
): Findings {
  const tags = new TagCheck(source, registry).check(document)
  if (!tags.anySchema || !problems.every((problem) => leavesValues.has(problem.code)))
    return { problems: tags.problems, doubtful: [] }
  const standIns = new StandIns(source, registry, document)
  standIns.construct(document.root)
  return { problems: [...tags.problems, ...standIns.problems], doubtful: standIns.doubtful }
}

// With these the values of the other nodes are still what the user meant.
const leavesValues = new Set([
  'DUPLICATE_KEY',
  'UNKNOWN_ALIAS',
  'KEY_NOT_SCALAR',
  'BAD_MERGE',
  'BAD_COLLECTION_TYPE',
])

import { DocumentError, type Problem } from '../../errors.js'
import type { Node } from '../../node.js'
import type { Registry } from '../../registry/registry.js'
import { NearNames } from '../../registry/suggest.js'
import { namespaceOf } from '../../registry/tag.js'
import { ProblemList } from '../problem-list.js'
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
  const examination = new Examination(parsed, registry)
  for (const document of parsed.documents)
    examination.examine({ ...document, tagged: seenOf(document, unseen) })
  return examination.findings
}

function seenOf({ tagged }: ParsedDocument, unseen: ReadonlySet<string>): readonly Node[] {
  return unseen.size === 0 ? tagged : tagged.filter(({ tag = '' }) => !unseen.has(namespaceOf(tag) ?? ''))
}

class Examination {
  readonly #near = new NearNames()
  readonly #tags: TagCheck
  readonly #hasValues: boolean
  readonly #schemas = { problems: new ProblemList(this.#near), doubtful: new ProblemList(this.#near) }
  readonly #merges: Problem[] = []

  constructor(
    readonly parsed: Parsed,
    readonly registry: Registry,
  ) {
    this.#tags = new TagCheck(parsed.source, registry, this.#near)
    this.#hasValues = parsed.problems.every(({ code }) => leavesValues.has(code))
  }

  examine(document: ParsedDocument): void {
    const anySchema = this.#tags.check(document)
    if (!anySchema || !this.#hasValues) return
    const standIns = new StandIns(this.#schemas, this.parsed.source, this.registry, document)
    this.#merges.push(...mergeLimitOf(() => standIns.construct(document.root)))
  }

  get findings(): Findings {
    const { problems, doubtful } = this.#schemas
    return {
      problems: [...this.parsed.problems, ...this.#tags.list.problems, ...problems.problems, ...this.#merges],
      doubtful: doubtful.problems,
      warnings: [...this.#tags.warnings.values()],
    }
  }
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

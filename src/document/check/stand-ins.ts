import type { Node } from '../../node.js'
import type { Registry } from '../../registry/registry.js'
import { schemaOf } from '../../registry/schema-of.js'
import { pathOf, type SchemaIssue, type StandardSchema } from '../../registry/standard-schema.js'
import type { ResolvedTag } from '../../registry/types.js'
import type { Source } from '../../source.js'
import { Construction } from '../construct/construction.js'
import { IssueProblems } from '../construct/issue-problems.js'
import { ask } from '../construct/validation.js'
import { childrenOf, isEmpty } from '../nodes.js'
import type { ProblemList } from '../problem-list.js'
import type { ParsedDocument } from '../read/parsed.js'

/** What schemas say of the documents of one text. */
interface SchemaFindings {
  readonly problems: ProblemList
  /** Found at a stand-in itself: the real object may still please the schema. */
  readonly doubtful: ProblemList
}

/**
 * Validates every tagged node of a document without running its class: in the options of its parent an object
 * that only has the class's prototype stands for it.
 */
export class StandIns extends Construction {
  readonly #standIns = new WeakSet<object>()
  /** Stand for what is wrong itself: whatever a schema says of one is no finding. */
  readonly #unknown = new WeakSet<object>()
  #count = 0

  constructor(
    readonly findings: SchemaFindings,
    ...rest: [source: Source, registry: Registry, document: ParsedDocument]
  ) {
    super(...rest)
  }

  override construct(node: Node): unknown {
    return node.kind === 'alias' && !node.target ? this.#standIn(null, this.#unknown) : super.construct(node)
  }

  protected override make(node: Node): object {
    const resolved = this.registry.get(node.tag!)
    const mapped = resolved && !resolved.definition.fromYaml
    if (mapped && (node.kind === 'mapping' || isEmpty(node))) this.#check(node, resolved)
    else for (const [, child] of childrenOf(node)) this.construct(child)
    return this.#standIn(resolved?.Class.prototype ?? null, resolved ? this.#standIns : this.#unknown)
  }

  #standIn(prototype: object | null, kind: WeakSet<object>): object {
    const standIn = Object.create(prototype)
    kind.add(standIn)
    this.#count++
    return standIn
  }

  #check(node: Node, resolved: ResolvedTag): void {
    const { definition } = resolved
    const { seen } = this.optionsOf(node, definition)
    const schema = schemaOf(resolved)
    if (!schema) return
    const found = new IssueProblems(node, schema, definition.keys, this)
    for (const issue of this.#issues(schema, seen, node)) {
      const depth = this.#standInDepth(seen, pathOf(issue))
      if (depth === 'above') continue
      const list = depth === 'at' ? this.findings.doubtful : this.findings.problems
      found.addTo(list, issue)
    }
  }

  // A user's own check may ask a stand-in for what only the real object has: what it throws then is no finding.
  #issues(schema: StandardSchema, options: unknown, node: Node): readonly SchemaIssue[] {
    if (this.#count === 0) return ask(schema, options, node.tag!).issues ?? []
    try {
      return (ask(schema, options, node.tag!).issues ?? []).filter((issue) => !('thrown' in issue))
    } catch {
      return []
    }
  }

  #standInDepth(options: unknown, path: readonly string[]): 'at' | 'above' | 'none' {
    let value = options
    for (const step of path) {
      if (isIn(this.#standIns, value)) return 'above'
      value =
        typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined
    }
    if (isIn(this.#unknown, value)) return 'above'
    return isIn(this.#standIns, value) ? 'at' : 'none'
  }
}

function isIn(set: WeakSet<object>, value: unknown): boolean {
  return typeof value === 'object' && value !== null && set.has(value)
}

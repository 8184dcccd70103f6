import { DocumentError, type Problem } from '../../errors.js'
import type { Node } from '../../node.js'
import { candidatesOf, type TemplateRules, templateRulesOf } from '../../registry/placeholder.js'
import type { Registry } from '../../registry/registry.js'
import { schemaOf } from '../../registry/schema-of.js'
import { pathOf, type SchemaIssue, type StandardSchema } from '../../registry/standard-schema.js'
import type { ResolvedTag } from '../../registry/types.js'
import type { Source } from '../../source.js'
import { Construction } from '../construct/construction.js'
import { IssueProblems } from '../construct/issue-problems.js'
import { NodeBuilder } from '../construct/node-builder.js'
import { Template } from '../construct/template.js'
import { ask } from '../construct/validation.js'
import { childrenOf, followed, isEmpty } from '../nodes.js'
import { ProblemList } from '../problem-list.js'
import { spanOf } from '../problems.js'
import type { ParsedDocument } from '../read/parsed.js'
import { distinct, type Picks, picksOf, placeholdersIn } from './template-check.js'

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
  #picks: Picks = new Map()

  constructor(
    readonly findings: SchemaFindings,
    ...rest: [source: Source, registry: Registry, document: ParsedDocument, outer?: StandIns]
  ) {
    super(...rest)
  }

  /** Checks one choice of a template. */
  static picking(outer: StandIns, picks: Picks): StandIns {
    const { near } = outer.findings.problems
    const findings = { problems: new ProblemList(near), doubtful: new ProblemList(near) }
    const made = new StandIns(findings, outer.source, outer.registry, outer.document, outer)
    made.#picks = picks
    return made
  }

  override written(node: Node): Node {
    const picked = this.#picks.get(node) ?? (node.tag === undefined ? undefined : this.#candidates(node)?.[0])
    return picked ? this.written(followed(picked)) : node
  }

  #candidates(node: Node): readonly Node[] | undefined {
    return this.outer && candidatesOf(node, this.registry.get(node.tag!))
  }

  override construct(node: Node): unknown {
    const picked = this.written(node)
    if (picked !== node) return this.construct(picked)
    return node.kind === 'alias' && !node.target ? this.#standIn(null, this.#unknown) : super.construct(node)
  }

  protected override make(node: Node): object {
    const resolved = this.registry.get(node.tag!)
    if (resolved && candidatesOf(node, resolved)) return this.#placeholder(node, resolved)
    const mapped = resolved && !resolved.definition.fromYaml
    if (mapped && (node.kind === 'mapping' || isEmpty(node))) this.#check(node, resolved)
    else for (const [, child] of childrenOf(node)) this.construct(child)
    return this.#standIn(resolved?.Class.prototype ?? null, resolved ? this.#standIns : this.#unknown)
  }

  // Where it is not in a template, it is an object like any other.
  #placeholder(node: Node, { definition, factory, Class }: ResolvedTag): object {
    try {
      definition.fromYaml?.(
        new NodeBuilder(this, node, () => this.#standIn(Class.prototype, this.#unknown)),
        node,
        factory,
      )
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error
      addAll(this.findings.problems, error.problems)
    }
    return this.#standIn(Class.prototype, this.#unknown)
  }

  #checkTemplates(owner: ResolvedTag, options: Record<string, unknown>): void {
    const rules = templateRulesOf(owner)
    if (!rules) return
    for (const name of owner.definition.templates) {
      const template = options[name]
      if (!(template instanceof Template)) continue
      this.#checkPlaceholders(template.node, rules, options)
      this.#checkTemplate(template.node, rules)
    }
  }

  #checkPlaceholders(node: Node, rules: TemplateRules, options: Record<string, unknown>): void {
    for (const { placeholder, isNested } of placeholdersIn(node, this.registry)) {
      const refusal = rules.placeholder(this.registry.get(placeholder.tag!)!, { options, isNested })
      if (!refusal) continue
      const [code, message] = refusal
      this.findings.problems.add(() => this.source.problem(code, message, spanOf(placeholder)))
    }
  }

  #checkTemplate(node: Node, rules: TemplateRules): void {
    const found: Problem[] = []
    const doubtful: Problem[] = []
    for (const picks of [new Map(), ...picksOf(node, this.registry)]) {
      const choice = StandIns.picking(this, picks)
      choice.construct(node)
      const root = followed(choice.written(node))
      const made = this.registry.get(root.tag ?? '')
      const refusal = made && rules.root(made)
      if (refusal) found.push(this.source.problem(...refusal, spanOf(root)))
      found.push(...choice.findings.problems.problems)
      doubtful.push(...choice.findings.doubtful.problems)
    }
    addAll(this.findings.problems, distinct(found))
    addAll(this.findings.doubtful, distinct(doubtful))
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
    this.#checkTemplates(resolved, seen)
    const schema = schemaOf(resolved)
    if (!schema) return
    const found = new IssueProblems(node, schema, definition.keys, this)
    for (const issue of this.#issues(schema, seen)) {
      const depth = this.#standInDepth(seen, pathOf(issue))
      if (depth === 'above') continue
      const list = depth === 'at' ? this.findings.doubtful : this.findings.problems
      found.addTo(list, issue)
    }
  }

  // A user's own check may ask a stand-in for what only the real object has: what it throws then is no finding.
  #issues(schema: StandardSchema, options: unknown): readonly SchemaIssue[] {
    if (this.#count === 0) return ask(schema, options).issues ?? []
    try {
      return (ask(schema, options).issues ?? []).filter((issue) => !('thrown' in issue))
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

function addAll(list: ProblemList, problems: readonly Problem[]): void {
  for (const problem of problems) list.add(() => problem)
}

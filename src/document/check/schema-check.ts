import { DocumentError, type Problem } from '../../errors.js'
import type { Node } from '../../node.js'
import { candidatesOf, type TemplateRules, templateRulesOf } from '../../registry/placeholder.js'
import { type ResolvedTag, schemaOf } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import {
  issuePath,
  type SchemaIssue,
  type SchemaResult,
  type StandardSchema,
} from '../../registry/standard-schema.js'
import type { Source } from '../../source.js'
import { chain, Semaphore } from '../../util/concurrency.js'
import { Construction } from '../construct/construction.js'
import { IssueProblems } from '../construct/issue-problems.js'
import { NodeBuilder } from '../construct/node-builder.js'
import { mostAtOnce } from '../construct/pending-nodes.js'
import { Template } from '../construct/template.js'
import { validate, validateAsync } from '../construct/validation.js'
import { childrenOf, isEmpty, targetOf } from '../nodes.js'
import { nodeProblem, ProblemList } from '../problems.js'
import type { ParsedDocument } from '../read/parsed.js'

/** The problems that schemas find in the documents of one text. */
export interface SchemaFindings {
  readonly problems: ProblemList
  /** Found on a stub itself: the schema might accept the real object. */
  readonly doubtful: ProblemList
  /** Receives the checks that are asynchronous; without it, they are problems. */
  readonly pending: PendingChecks | undefined
}

/** The asynchronous checks of one text, of which at most 16 run at a time. */
export class PendingChecks {
  readonly promises: Promise<void>[] = []

  constructor(readonly slots = new Semaphore(mostAtOnce)) {}

  validate(schema: StandardSchema, options: unknown): SchemaResult<unknown> | Promise<SchemaResult<unknown>> {
    return chain(this.slots.acquire(), () => {
      const result = validateAsync(schema, options)
      if (result instanceof Promise) return result.finally(() => this.slots.release())
      this.slots.release()
      return result
    })
  }
}

/**
 * Validates every tagged node of a document without running its class: in the options of its parent, a stub with the prototype
 * of the class replaces it.
 */
export class SchemaCheck extends Construction {
  readonly #stubs = new WeakSet<object>()
  /** Stubs of nodes that are wrong themselves: what a schema says about them is ignored. */
  readonly #unknown = new WeakSet<object>()
  #count = 0
  #picks: Picks = new Map()

  constructor(
    readonly findings: SchemaFindings,
    ...rest: [source: Source, registry: Registry, document: ParsedDocument, outer?: SchemaCheck]
  ) {
    super(...rest)
  }

  /** Checks one choice of a template. */
  static forPicks(outer: SchemaCheck, picks: Picks): SchemaCheck {
    const { pending, problems: found } = outer.findings
    const { suggester } = found
    const [problems, doubtful] = [new ProblemList(suggester), new ProblemList(suggester)]
    const findings = { problems, doubtful, pending: pending && new PendingChecks(pending.slots) }
    const made = new SchemaCheck(findings, outer.source, outer.registry, outer.document, outer)
    made.#picks = picks
    return made
  }

  override substitute(node: Node): Node {
    const picked = this.#picks.get(node) ?? (node.tag === undefined ? undefined : this.#candidates(node)?.[0])
    return picked ? this.substitute(targetOf(picked) ?? picked) : node
  }

  #candidates(node: Node): readonly Node[] | undefined {
    return this.outer && candidatesOf(node, this.registry.get(node.tag!))
  }

  override construct(node: Node): unknown {
    const picked = this.substitute(node)
    if (picked !== node) return this.construct(picked)
    return node.kind === 'alias' && !node.target ? this.#stub(null, this.#unknown) : super.construct(node)
  }

  protected override follow(): object {
    return this.#stub(null, this.#unknown)
  }

  protected override isUnknown(value: unknown): boolean {
    return isIn(this.#unknown, value)
  }

  protected override refuse(problem: Problem): object {
    this.findings.problems.add(() => problem)
    return this.#stub(null, this.#unknown)
  }

  protected override make(node: Node): object {
    const resolved = this.registry.get(node.tag!)
    if (resolved && candidatesOf(node, resolved))
      return this.outer ? this.#stub(null, this.#unknown) : this.#placeholder(node, resolved)
    const mapped = resolved && !resolved.definition.fromYaml
    if (mapped && (node.kind === 'mapping' || isEmpty(node))) this.#check(node, resolved)
    else for (const [, child] of childrenOf(node)) this.construct(child)
    return this.#stub(resolved?.Class.prototype ?? null, resolved ? this.#stubs : this.#unknown)
  }

  // Outside a template, a placeholder is an object like any other.
  #placeholder(node: Node, resolved: ResolvedTag): object {
    const { definition, factory, Class } = resolved
    try {
      if (!definition.fromYaml) this.#check(node, resolved)
      else
        definition.fromYaml(
          new NodeBuilder(this, node, () => this.#stub(Class.prototype, this.#unknown)),
          node,
          factory,
        )
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error
      addAll(this.findings.problems, error.problems)
    }
    return this.#stub(Class.prototype, this.#unknown)
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
    for (const placeholder of placeholdersIn(node, this.registry)) {
      const resolved = this.registry.get(placeholder.tag!)!
      // Values that are written as such are checked where they are chosen.
      const isWritten = resolved.definition.fromYaml && candidatesOf(placeholder, resolved)!.length > 0
      if (!isWritten) this.#placeholder(placeholder, resolved)
      const refusal = rules.placeholder(resolved, { options, node: placeholder })
      if (!refusal) continue
      const [code, message] = refusal
      this.findings.problems.add(() => nodeProblem(placeholder, this.source, code, message))
    }
  }

  #checkTemplate(node: Node, rules: TemplateRules): void {
    const roots: Problem[] = []
    const choices: SchemaFindings[] = []
    for (const picks of [new Map(), ...picksOf(node, this.registry)]) {
      const choice = SchemaCheck.forPicks(this, picks)
      choice.construct(node)
      const picked = choice.substitute(node)
      const root = targetOf(picked) ?? picked
      const made = this.registry.get(root.tag ?? '')
      const refusal = made && rules.root(made)
      if (refusal) roots.push(nodeProblem(root, this.source, ...refusal))
      choices.push(choice.findings)
    }
    const addFound = (): void => {
      const found = choices.flatMap(({ problems }) => problems.problems)
      addAll(this.findings.problems, distinct([...roots, ...found]))
      addAll(this.findings.doubtful, distinct(choices.flatMap(({ doubtful }) => doubtful.problems)))
    }
    const pending = choices.flatMap((choice) => choice.pending?.promises ?? [])
    if (pending.length === 0) addFound()
    else this.findings.pending?.promises.push(Promise.all(pending).then(addFound))
  }

  #stub(prototype: object | null, kind: WeakSet<object>): object {
    const stub = Object.create(prototype)
    kind.add(stub)
    this.#count++
    return stub
  }

  #check(node: Node, resolved: ResolvedTag): void {
    const { definition } = resolved
    const { visible: options } = this.optionsOf(node, definition)
    this.#checkTemplates(resolved, options)
    const schema = schemaOf(resolved)
    if (!schema) return
    const hasStubs = this.#count > 0
    const add = ({ issues }: SchemaResult<unknown>): void => {
      const found = new IssueProblems(node, { schema, keys: definition.keys }, this)
      // A user's check may use a member of a stub that only the real object has; what it throws then is ignored.
      for (const issue of issues ?? [])
        if (!hasStubs || !('thrown' in issue)) this.#addIssue(found, issue, options)
    }
    const result = this.findings.pending?.validate(schema, options) ?? validate(schema, options)
    if (result instanceof Promise) this.findings.pending?.promises.push(result.then(add))
    else if (result.issues) add(result)
  }

  #addIssue(found: IssueProblems, issue: SchemaIssue, options: unknown): void {
    const depth = this.#stubDepth(options, issuePath(issue))
    if (depth === 'above') return
    found.addTo(depth === 'at' ? this.findings.doubtful : this.findings.problems, issue)
  }

  #stubDepth(options: unknown, path: readonly string[]): 'at' | 'above' | 'none' {
    let value = options
    for (const step of path) {
      if (isIn(this.#stubs, value)) return 'above'
      value =
        typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined
    }
    if (isIn(this.#unknown, value)) return 'above'
    return isIn(this.#stubs, value) ? 'at' : 'none'
  }
}

function isIn(set: WeakSet<object>, value: unknown): boolean {
  return typeof value === 'object' && value !== null && set.has(value)
}

function addAll(list: ProblemList, problems: readonly Problem[]): void {
  for (const problem of problems) list.add(() => problem)
}

/** The value that is picked for each placeholder. */
type Picks = ReadonlyMap<Node, Node>

/**
 * Yields the choices of a template, varying one placeholder at a time while the others have their first value. A placeholder
 * in a value is varied where that value is picked.
 */
function* picksOf(node: Node, registry: Registry, outer: Picks = new Map()): Generator<Picks> {
  const values = node.tag === undefined ? undefined : candidatesOf(node, registry.get(node.tag))
  if (!values) {
    for (const [, child] of childrenOf(node)) yield* picksOf(child, registry, outer)
    return
  }
  for (const value of values) {
    const picked = targetOf(value) ?? value
    const picks = new Map([...outer, [node, picked]])
    yield picks
    yield* picksOf(picked, registry, picks)
  }
}

/** The placeholders of a template, including those in values of others. */
function* placeholdersIn(node: Node, registry: Registry): Generator<Node> {
  const values = node.tag === undefined ? undefined : candidatesOf(node, registry.get(node.tag))
  if (values) yield node
  const children = values ?? [...childrenOf(node)].map(([, child]) => child)
  for (const child of children) yield* placeholdersIn(child, registry)
}

/** Removes problems that repeat a message at the same position. */
function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Map(
    problems.map((problem) => [`${problem.line}:${problem.column} ${problem.message}`, problem]),
  )
  return [...seen.values()]
}

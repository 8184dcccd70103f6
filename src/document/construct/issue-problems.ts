import type { Problem } from '../../errors.js'
import { type Entry, isApplicationTag, type MappingNode, type Node, sourceOf } from '../../node.js'
import { type Class, type KeyStyle, keyName, optionName } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import {
  issuePath,
  knownKeys,
  type SchemaIssue,
  type StandardSchema,
} from '../../registry/standard-schema.js'
import type { Source } from '../../source.js'
import { resolveAlias, targetOf, textOfKey } from '../nodes.js'
import { nodeProblem, type ProblemList } from '../problems.js'
import { isUnrepresentableFloat } from '../read/core-schema.js'
import type { ConstructContext } from './construct-context.js'
import { replacedBy } from './template.js'
import { type Branch, branchesOf, constantPath, intendedBranch } from './union-issues.js'
import { pathText } from './validation.js'
import { maskVariables } from './variable-mask.js'

/** Turns the issues of a schema into problems that point at the options in the text. */
export class IssueProblems {
  readonly schema: StandardSchema
  readonly keys: KeyStyle
  readonly #keys = new Map<MappingNode, ReadonlyMap<string, Entry>>()

  constructor(
    readonly node: Node,
    { schema, keys }: { schema: StandardSchema; keys: KeyStyle },
    readonly context: ConstructContext,
  ) {
    this.schema = schema
    this.keys = keys
  }

  addTo(list: ProblemList, issue: SchemaIssue): void {
    const branches = branchesOf(issue, this.schema)
    if ('asynchronous' in issue) list.add(() => this.#asynchronous(issue))
    else if (branches.length > 0) this.#union(list, issue, branches)
    else this.#single(list, issue)
  }

  #asynchronous({ message }: SchemaIssue): Problem {
    return this.#problem('ASYNC_SCHEMA', `The schema of "${this.node.tag}" ${message}`, this.node)
  }

  #union(list: ProblemList, issue: SchemaIssue, branches: readonly Branch[]): void {
    const path = issuePath(issue)
    const meant = intendedBranch(branches, path)
    if (meant) {
      for (const inner of meant) this.addTo(list, inner)
      return
    }
    // Where all members differ in a constant at one path, the problem is there.
    const constantsPath = constantPath(branches) ?? path
    const expected = branches.map((branch) => describeExpected(branch, constantsPath, this.context.registry))
    const message = `Expected ${[...new Set(expected)].join(', or ')}`
    this.#single(list, { ...issue, path: constantsPath, message })
  }

  #single(list: ProblemList, issue: SchemaIssue): void {
    const path = issuePath(issue)
    const unknown = unknownKeys(issue)
    if (unknown.length === 0) list.add(() => this.#of(issue, path, list))
    for (const key of unknown) list.add(() => this.#unknown([...path, key], list))
  }

  #of(issue: SchemaIssue, path: string[], list: ProblemList): Problem {
    if (path.length === 0)
      return this.#problem('BAD_OPTION', `Options of "${this.node.tag}": ${this.#reason(issue)}`, this.node)
    const found = this.#locate(path)
    if (found.missing) return this.#missing(path, issue, found.node)
    if (found.key && isUnexpected(issue, this.schema, path)) return this.#unknown(path, list)
    const why = `${this.#reason(issue, found.node)}${unrepresentable(found.node, this.context.source)}`
    return this.#problem('BAD_OPTION', `${this.#option(path)}: ${why}`, found.node)
  }

  #missing(path: string[], issue: SchemaIssue, parent: Node): Problem {
    const wanted = this.#reason(issue).replace(/,? (?:but )?received undefined$/, '')
    return this.#problem('MISSING_OPTION', `${this.#option(path)} is missing: ${wanted}`, parent)
  }

  #unknown(path: string[], list: ProblemList): Problem {
    const { key, node } = this.#locate(path)
    const meant = this.#suggestion(path, list)
    const hint = meant === undefined ? undefined : path.length === 1 ? keyName(meant, this.keys) : meant
    const remedy = hint === undefined ? ': remove it' : `: did you mean "${hint}"?`
    return this.#problem('UNKNOWN_OPTION', `${this.#option(path)} is unknown${remedy}`, key ?? node, hint)
  }

  #suggestion(path: string[], { suggester }: ProblemList): string | undefined {
    return suggester.suggest(knownKeys(this.schema, path.slice(0, -1)), path.at(-1)!)
  }

  // A check may show the value of any option.
  #reason(issue: SchemaIssue, node: Node = this.node): string {
    return maskVariables(reason(issue), node, this.node)
  }

  #option(path: readonly string[]): string {
    const [first, ...rest] = path
    return `Option "${pathText([keyName(first!, this.keys), ...rest])}" of "${this.node.tag}"`
  }

  // A value that a program put in has no position: the problem points at what it replaced, or at the object.
  #problem(code: string, message: string, node: Node, hint?: string): Problem {
    const written = node.start < 0 ? (replacedBy(node) ?? this.node) : node
    return nodeProblem(written, this.context.source, code, message, hint)
  }

  #locate(path: readonly string[]): Found {
    let found: Found = { node: this.context.substitute(this.node), missing: false }
    for (const [depth, step] of path.entries()) {
      // A link is not a part of the text: the problem points at it.
      if (targetOf(found.node)?.kind === 'link') return found
      const next = this.#child(found.node, step, depth === 0 ? this.keys : 'as-written')
      if (!next) return { node: found.node, missing: true }
      found = next
    }
    return found
  }

  #child(from: Node, step: string, keys: KeyStyle): Found | undefined {
    const parent = resolveAlias(this.context.substitute(from))
    if (parent.kind === 'sequence') {
      const item = parent.items[Number(step)]
      return item && { node: this.context.substitute(item), missing: false }
    }
    if (parent.kind !== 'mapping') return undefined
    const entry = this.#entries(parent, keys).get(step)
    return entry && { node: this.context.substitute(entry.value), key: entry.key, missing: false }
  }

  // Indexed, since a mapping may have as many problems as keys.
  #entries(mapping: MappingNode, keys: KeyStyle): ReadonlyMap<string, Entry> {
    const known = this.#keys.get(mapping)
    if (known) return known
    const entries = new Map<string, Entry>()
    for (const entry of this.context.entriesOf(mapping)) {
      const name = optionName(textOfKey(entry.key), keys)
      if (!entries.has(name)) entries.set(name, entry)
    }
    this.#keys.set(mapping, entries)
    return entries
  }
}

interface Found {
  node: Node
  key?: Node
  missing: boolean
}

// Added to the reason of the schema, which saw a bigint or a string where a number is written.
function unrepresentable(written: Node, document: Source): string {
  const node = resolveAlias(written)
  if (node.kind !== 'scalar' || !node.plain || isApplicationTag(node.tag)) return ''
  if (typeof node.value === 'bigint' && node.origin?.variable === undefined)
    return `; ${node.value} is outside the range of exact numbers, so it is read as a bigint`
  const { text } = sourceOf(node, document)
  const isFloat = typeof node.value === 'string' && isUnrepresentableFloat(text.slice(node.start, node.end))
  return isFloat ? `; "${node.value}" is outside the range of numbers, so it is read as a string` : ''
}

function reason(issue: SchemaIssue): string {
  return issue.message.replace(/\.$/, '')
}

// Not part of Standard Schema: zod reports the parent of unknown keys and lists them here.
function unknownKeys(issue: SchemaIssue): string[] {
  const keys = (issue as { keys?: unknown }).keys
  return Array.isArray(keys) ? keys.map(String) : []
}

// arktype says that an unknown key "must be removed".
function isRemoved(issue: SchemaIssue): boolean {
  const { code, expected } = issue as { code?: unknown; expected?: unknown }
  return code === 'predicate' && expected === 'removed'
}

// Not part of Standard Schema: valibot reports an unknown key with the expected type "never".
function isUnexpected(issue: SchemaIssue, schema: StandardSchema, path: readonly string[]): boolean {
  const { expected } = issue as { expected?: unknown }
  if (expected !== 'never' && !isRemoved(issue)) return false
  const known = knownKeys(schema, path.slice(0, -1))
  return known.length === 0 || !known.includes(path.at(-1)!)
}

/** Describes what a member of a union expects: `string`, `an object of class "Model" (!Model)`. */
function describeExpected(branch: Branch, path: readonly string[], registry: Registry): string {
  const pathName = pathText(path)
  const whole = branch.find((issue) => pathText(issuePath(issue)) === pathName && !('keys' in issue))
  if (whole) return wholeValue(whole, registry)
  return `a mapping (${branch.map((issue) => partOf(issue, path)).join('; ')})`
}

function partOf(issue: SchemaIssue, path: readonly string[]): string {
  const name = pathText(issuePath(issue).slice(path.length))
  return name === '' ? reason(issue) : `"${name}": ${reason(issue)}`
}

function wholeValue(issue: SchemaIssue, registry: Registry): string {
  const { expected, values } = issue as { expected?: unknown; values?: unknown }
  if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(' or ')
  if (typeof expected !== 'string' || expected === '') return reason(issue)
  const tags = tagsOf(expected, registry)
  if (tags.length > 0) return `an object of class "${expected}" (${tags.map((tag) => `"${tag}"`).join(', ')})`
  return /^[A-Z]\w*$/.test(expected) && expected !== 'Object' ? `an object of class "${expected}"` : expected
}

// The tags of classes that have this name, or extend one that has it.
function tagsOf(name: string, registry: Registry): string[] {
  const isNamed = (Class: Class | null): boolean =>
    typeof Class === 'function' && (Class.name === name || isNamed(Object.getPrototypeOf(Class)))
  return registry.tags().filter((tag) => {
    const waiting = registry.lazyTags?.classesOf(tag)
    if (waiting) return waiting.includes(name)
    const resolved = registry.get(tag)
    return resolved && !resolved.abstract && isNamed(resolved.Class)
  })
}

import type { Problem } from '../../errors.js'
import type { Node } from '../../node.js'
import { keyName, optionName } from '../../registry/option-names.js'
import { knownKeys } from '../../registry/schema-keys.js'
import { pathOf, type SchemaIssue, type StandardSchema } from '../../registry/standard-schema.js'
import { nearest } from '../../registry/suggest.js'
import type { KeyStyle } from '../../registry/types.js'
import { followed, textOf } from '../nodes.js'
import { spanOf } from '../problems.js'
import type { Constructing } from './constructing.js'
import { expectedBy } from './expected.js'
import { replacedBy } from './node-copy.js'
import { type Branch, branchesOf, constantPath, meantBranch } from './union-issues.js'
import { pathText } from './validation.js'

/** Turns what a schema says of the options below a node into problems that point at their places. */
export class IssueProblems {
  constructor(
    readonly node: Node,
    readonly schema: StandardSchema,
    readonly keys: KeyStyle,
    readonly by: Constructing,
  ) {}

  of(issue: SchemaIssue): Problem[] {
    if ('asynchronous' in issue)
      return [this.#problem('ASYNC_SCHEMA', `The schema of "${this.node.tag}" ${issue.message}`, this.node)]
    const branches = branchesOf(issue, this.schema)
    return branches.length > 0 ? this.#union(issue, branches) : this.#single(issue)
  }

  #union(issue: SchemaIssue, branches: readonly Branch[]): Problem[] {
    const path = pathOf(issue)
    const meant = meantBranch(branches, path)
    if (meant) return meant.flatMap((inner) => this.of(inner))
    // Where each member wants another constant at one place, that is the place.
    const place = constantPath(branches) ?? path
    const expected = branches.map((branch) => expectedBy(branch, place, this.by.registry))
    return this.#single({
      ...issue,
      path: place,
      message: `Expected ${[...new Set(expected)].join(', or ')}`,
    })
  }

  #single(issue: SchemaIssue): Problem[] {
    const path = pathOf(issue)
    const unknown = unknownKeys(issue)
    if (unknown.length > 0) return unknown.map((key) => this.#unknown([...path, key]))
    if (path.length === 0)
      return [this.#problem('BAD_OPTION', `Options of "${this.node.tag}": ${reason(issue)}`, this.node)]
    const found = this.#locate(path)
    if (found.missing) return [this.#missing(path, issue, found.node)]
    if (found.key && isUnexpected(issue, this.schema, path)) return [this.#unknown(path)]
    return [this.#problem('BAD_OPTION', `${this.#option(path)}: ${reason(issue)}`, found.node)]
  }

  #missing(path: string[], issue: SchemaIssue, parent: Node): Problem {
    const wanted = reason(issue).replace(/,? (?:but )?received undefined$/, '')
    return this.#problem('MISSING_OPTION', `${this.#option(path)} is missing: ${wanted}`, parent)
  }

  #unknown(path: string[]): Problem {
    const name = path.at(-1)!
    const { key, node } = this.#locate(path)
    const meant = nearest(name, knownKeys(this.schema, path.slice(0, -1)))
    const hint = meant === undefined ? undefined : path.length === 1 ? keyName(meant, this.keys) : meant
    const remedy = hint === undefined ? ': remove it' : `: did you mean "${hint}"?`
    return this.#problem('UNKNOWN_OPTION', `${this.#option(path)} is unknown${remedy}`, key ?? node, hint)
  }

  #option(path: readonly string[]): string {
    const [first, ...rest] = path
    return `Option "${pathText([keyName(first!, this.keys), ...rest])}" of "${this.node.tag}"`
  }

  // What was put in by a program stands nowhere: then the object itself is shown.
  #problem(code: string, message: string, at: Node, hint?: string): Problem {
    const written = at.start < 0 ? (replacedBy(at) ?? this.node) : at
    return this.by.source.problem(code, message, spanOf(written), hint)
  }

  #locate(path: readonly string[]): Found {
    let found: Found = { node: this.by.written(this.node), missing: false }
    for (const [depth, step] of path.entries()) {
      const next = this.#child(found.node, step, depth === 0 ? this.keys : 'as-written')
      if (!next) return { node: found.node, missing: true }
      found = next
    }
    return found
  }

  #child(from: Node, step: string, keys: KeyStyle): Found | undefined {
    const parent = followed(this.by.written(from))
    if (parent.kind === 'sequence') {
      const item = parent.items[Number(step)]
      return item && { node: this.by.written(item), missing: false }
    }
    if (parent.kind !== 'mapping') return undefined
    for (const { key, value } of this.by.entriesOf(parent))
      if (optionName(textOf(key), keys) === step) return { node: this.by.written(value), key, missing: false }
    return undefined
  }
}

interface Found {
  node: Node
  key?: Node
  missing: boolean
}

function reason(issue: SchemaIssue): string {
  return issue.message.replace(/\.$/, '')
}

// Not part of Standard Schema: zod names the keys that it does not know here, and reports their parent.
function unknownKeys(issue: SchemaIssue): string[] {
  const keys = (issue as { keys?: unknown }).keys
  return Array.isArray(keys) ? keys.map(String) : []
}

// Of arktype: a key that it does not know "must be removed".
function isRemoved(issue: SchemaIssue): boolean {
  const { code, expected } = issue as { code?: unknown; expected?: unknown }
  return code === 'predicate' && expected === 'removed'
}

// Not part of it either: valibot reports the key itself, as one that it expected never to see.
function isUnexpected(issue: SchemaIssue, schema: StandardSchema, path: readonly string[]): boolean {
  const { expected } = issue as { expected?: unknown }
  if (expected !== 'never' && !isRemoved(issue)) return false
  const known = knownKeys(schema, path.slice(0, -1))
  return known.length === 0 || !known.includes(path.at(-1)!)
}

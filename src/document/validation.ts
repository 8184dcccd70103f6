import { type Problem, RegistrationError } from '../errors.js'
import type { Node } from '../node.js'
import type { SchemaIssue, SchemaResult, StandardSchema } from '../registry/standard-schema.js'
import type { Definition } from '../registry/types.js'
import type { Constructing } from './constructing.js'
import { textOf } from './nodes.js'
import { optionName } from './option-names.js'
import { spanOf } from './problems.js'

/**
 * Asks a schema.
 *
 * @throws {@link RegistrationError} when it answers with a promise: options are checked synchronously.
 */
export function ask(schema: StandardSchema, value: unknown, owner: string): SchemaResult<unknown> {
  const result = schema['~standard'].validate(value)
  if (!(result instanceof Promise)) return result
  const message = `The schema of "${owner}" is asynchronous, but options are checked synchronously`
  throw new RegistrationError(`${message}: move what must wait into "parse()"`, { code: 'ASYNC_SCHEMA' })
}

/** The names along the path of an issue. */
export function pathOf(issue: SchemaIssue): string[] {
  return (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step))
}

/** The names of options as a message writes them: `optimizer.rate`, `layers[0]`. */
export function pathText(path: readonly string[]): string {
  return path.map((step, at) => (/^\d+$/.test(step) ? `[${step}]` : at === 0 ? step : `.${step}`)).join('')
}

/** One problem for each thing that an issue of the node's schema complains of. */
export function issueProblems(
  issue: SchemaIssue,
  node: Node,
  definition: Definition,
  by: Constructing,
): Problem[] {
  const path = pathOf(issue)
  const unknown = unknownKeys(issue)
  if (unknown.length === 0) return [problemAt(path, issue, node, definition, by)]
  return unknown.map((key) =>
    problemAt([...path, key], { message: 'there is no such option' }, node, definition, by),
  )
}

// Not part of Standard Schema: zod names the keys that it does not know here, and reports their parent.
function unknownKeys(issue: SchemaIssue): string[] {
  const keys = (issue as { keys?: unknown }).keys
  return Array.isArray(keys) ? keys.map(String) : []
}

function problemAt(
  path: string[],
  issue: SchemaIssue,
  node: Node,
  definition: Definition,
  by: Constructing,
): Problem {
  const found = locate(node, path, definition, by)
  const reason = issue.message.replace(/\.$/, '')
  const name = pathText(path)
  if (path.length === 0)
    return by.source.problem('BAD_OPTION', `Options of "${node.tag}": ${reason}`, spanOf(node))
  if (found.missing) {
    const message = `Option "${name}" of "${node.tag}" is missing: ${reason}`
    return by.source.problem('MISSING_OPTION', message, spanOf(found.node))
  }
  const unknown = issue.message === 'there is no such option'
  const code = unknown ? 'UNKNOWN_OPTION' : 'BAD_OPTION'
  const span = unknown && found.key ? spanOf(found.key) : spanOf(found.node)
  return by.source.problem(code, `Option "${name}" of "${node.tag}": ${reason}`, span)
}

interface Found {
  node: Node
  key?: Node
  missing: boolean
}

function locate(from: Node, path: readonly string[], definition: Definition, by: Constructing): Found {
  let found: Found = { node: from, missing: false }
  for (const [depth, step] of path.entries()) {
    const next = childOf(found.node, step, depth === 0 ? definition.keys : 'as-written', by)
    if (!next) return { node: found.node, missing: true }
    found = next
  }
  return found
}

function childOf(from: Node, step: string, keys: Definition['keys'], by: Constructing): Found | undefined {
  const parent = from.kind === 'alias' ? from.target : from
  if (parent?.kind === 'sequence') {
    const item = parent.items[Number(step)]
    return item && { node: item, missing: false }
  }
  if (parent?.kind !== 'mapping') return undefined
  for (const { key, value } of by.entriesOf(parent))
    if (optionName(textOf(key), keys) === step) return { node: value, key, missing: false }
  return undefined
}

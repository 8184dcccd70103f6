import type { Node, ScalarNode } from '../../node.js'
import { isSecretName } from '../../util/private-names.js'
import { neededBy } from '../compose/reference-cycles.js'
import { valueOfVariable } from '../problems.js'

/** The values of variables in each node. */
const variablesBelow = new WeakMap<Node, ReadonlySet<ScalarNode>>()

/**
 * Replaces the values of environment variables in a message of a schema or a class: those in a node, and the long ones in the
 * object around it.
 */
export function maskVariables(message: string, node: Node, around: Node = node): string {
  const forms = new Map<string, Form>()
  for (const scalar of variablesIn(around)) addForms(forms, scalar, around === node)
  if (around !== node) for (const scalar of variablesIn(node)) addForms(forms, scalar, true)
  const found = [...forms.values()].filter(({ text }) => text.length <= message.length)
  if (found.length === 0) return message
  found.sort((a, b) => b.text.length - a.text.length)
  let masked = message
  for (const { text, shown } of found)
    if (text.length > longestInPattern) masked = masked.replaceAll(text, () => shown)
  const short = found.filter(({ text }) => text.length <= longestInPattern)
  // In one pass, so that no name of a variable is masked.
  const pattern = new RegExp(short.map(({ pattern }) => pattern).join('|') || '(?!)', 'gu')
  return masked.replace(pattern, (text) => forms.get(text)!.shown)
}

/** The values of the variables in a document whose names look like those of secrets, each with what is shown instead. */
export function secretValuesIn(root: Node): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const { origin } of variablesIn(root)) {
    const { text, variable } = origin!
    if (isSecretName(variable!) && text.length >= shortest) found.set(text, valueOfVariable(variable!))
  }
  return found
}

// Through aliases and links. A stack of its own, since a chain of references may be long.
function variablesIn(root: Node): ReadonlySet<ScalarNode> {
  const known = variablesBelow.get(root)
  if (known) return known
  const found = new Set<ScalarNode>()
  const seen = new Set<Node>()
  const stack = [root]
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    for (const scalar of variablesBelow.get(node) ?? []) found.add(scalar)
    if (variablesBelow.has(node)) continue
    if (node.kind === 'scalar' && node.origin?.variable !== undefined) found.add(node)
    for (const next of neededBy(node)) stack.push(next)
  }
  variablesBelow.set(root, found)
  return found
}

interface Form {
  readonly text: string
  readonly pattern: string
  readonly shown: string
}

// Shorter values, and words such as "true", are parts of other words.
const shortest = 4
// A pattern cannot be as long as a text.
const longestInPattern = 10_000
const words = new Set(['true', 'false', 'null'])

function addForms(forms: Map<string, Form>, { value, origin }: ScalarNode, withShort: boolean): void {
  const { text, variable } = origin!
  const shown = valueOfVariable(variable!)
  const add = (form: string, isToken: boolean) => {
    if (forms.has(form) || (form.length < shortest && !withShort)) return
    forms.set(form, { text: form, pattern: isToken ? token(form) : escaped(form), shown })
  }
  const quoted = [JSON.stringify(text), `"${text}"`, `'${text}'`, `\`${text}\``]
  if (withShort || (text.length >= shortest && !words.has(text))) for (const form of quoted) add(form, false)
  if (text !== '' && (withShort || !words.has(text))) add(text, text.length < shortest || words.has(text))
  for (const form of canonical(value, text)) if (withShort || !words.has(form)) add(form, true)
}

// As programs print the value: 500 for 0x1F4, "true" for True.
function canonical(value: unknown, text: string): string[] {
  if (typeof value === 'bigint') return [`${value}n`, String(value)]
  if (value instanceof Date) return [value.toISOString(), String(value)]
  if (typeof value === 'string') return [JSON.stringify(value).slice(1, -1)].filter((form) => form !== text)
  return value === null || typeof value === 'object' ? [] : [String(value)]
}

function token(text: string): string {
  return `(?<![\\p{L}\\p{N}_]|[\\p{L}\\p{N}_]\\.)${escaped(text)}(?![\\p{L}\\p{N}_]|\\.[\\p{L}\\p{N}_])`
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

import { type Node, noProps, type ScalarNode, scalarAt } from '../../node.js'
import { nearest, type Suggester } from '../../registry/suggest.js'
import { optionOf } from '../include-spec.js'
import { startOf } from '../nodes.js'
import { resolvePlain } from '../read/core-schema.js'
import { parse } from '../read/parse.js'
import type { Environment } from '../read/parsed.js'

/** What an `!env` says. */
export interface EnvSpec {
  readonly name: string
  /** The node of the name. */
  readonly node: Node
  readonly default: Node | undefined
  /** Whether the value is always a string. */
  readonly isText: boolean
}

/** What is wrong, and what was probably meant. */
export interface Explanation {
  readonly message: string
  readonly hint?: string | undefined
}

/** What is wrong with a node, and the node to point at. */
export interface Mistake extends Explanation {
  readonly node: Node
}

const shape = 'write "!env PORT", or "!env { name: PORT, default: 3000 }"'
const options = ['name', 'default', 'text']

/** Reads an `!env`, which is a name, or a mapping with `name`, `default` and `text`. */
export function envSpec(node: Node): EnvSpec | Mistake {
  if (node.kind === 'scalar') return named(node, node, {})
  if (node.kind !== 'mapping')
    return { node, message: `"!env" takes the name of a variable, but found a ${node.kind}: ${shape}` }
  for (const { key } of node.entries)
    if (key.kind !== 'scalar' || !options.includes(String(key.value))) return unknownOption(key)
  const text = optionOf(node, 'text')?.value
  if (text && (text.kind !== 'scalar' || typeof text.value !== 'boolean'))
    return { node: text, message: 'Option "text" of "!env" must be true or false' }
  const fallback = optionOf(node, 'default')?.value
  const isText = text?.kind === 'scalar' && text.value === true
  return named(optionOf(node, 'name')?.value, node, { default: fallback, isText })
}

function named(
  name: Node | undefined,
  node: Node,
  rest: { default?: Node | undefined; isText?: boolean },
): EnvSpec | Mistake {
  if (!name) return { node, message: `"!env" needs "name", the name of a variable: ${shape}` }
  const isName = name.kind === 'scalar' && (name === node || name.tag === undefined)
  const text = isName ? String(name.value ?? '') : ''
  if (text === '' || /[=\0]/.test(text))
    return { node: name, message: `"!env" needs the name of a variable here: ${shape}` }
  return { name: text, node: name, default: rest.default, isText: rest.isText ?? false }
}

function unknownOption(key: Node): Mistake {
  const name = key.kind === 'scalar' ? String(key.value) : ''
  const hint = nearest(name, options)
  const remedy =
    hint === undefined ? ': its options are "name", "default" and "text"' : `: did you mean "${hint}"?`
  return { node: key, message: `Option "${name.slice(0, 64)}" of "!env" is unknown${remedy}`, hint }
}

/** The value of an environment variable; `undefined` if there is none. */
export function variableOf(environment: Environment | undefined, name: string): string | undefined {
  return environment && Object.hasOwn(environment, name) ? environment[name] : undefined
}

/** Explains that there is no variable. Of the user's variables, only the most similar name is shown. */
export function missingVariable(
  name: string,
  environment: Environment | undefined,
  suggester: Suggester,
): Explanation {
  const written = `"${name.slice(0, 64)}"`
  if (!environment) {
    const message = `Variable ${written} is not visible: a text sees no environment variables unless the program passes "env: process.env"`
    return { message }
  }
  const meant = suggester.nearest(name, Object.keys(environment))
  const found = `There is no environment variable ${written}`
  if (meant !== undefined) return { message: `${found}: did you mean "${meant}"?`, hint: meant }
  const message = `${found}: set it, or write a default, as in "!env { name: PORT, default: 3000 }"`
  return { message }
}

/** No number, boolean or null is longer. */
const longestPlain = 1_000

/**
 * Makes the scalar that a variable stands for: a number, boolean or null of the core schema (of YAML 1.1 after `%YAML 1.1`),
 * apart from white space around it; every other value is a string, as it is.
 */
export function variableScalar(
  node: Node,
  text: string,
  { name, isText, isYaml11 }: { name: string; isText: boolean; isYaml11: boolean },
): ScalarNode {
  const value = isText ? text : plainValue(text, isYaml11)
  const { source, anchor, end } = node
  const scalar = scalarAt({ ...noProps, anchor }, startOf(node), end, value, typeof value !== 'string')
  const origin = { text: typeof value === 'string' ? text : text.trim(), variable: name }
  return { ...scalar, origin, ...(source && { source }) }
}

function plainValue(text: string, isYaml11: boolean): unknown {
  if (text.length > longestPlain) return text
  const plain = text.trim()
  if (plain === '') return text === '' ? null : text
  const value = isYaml11 ? yaml11Value(plain) : resolvePlain(plain)
  return typeof value === 'string' ? text : value
}

// Numbers, dates and words: nothing that could be a collection, a tag or an alias.
const scalarOnly = /^[-+.\w~][-+.:\w]*$/

function yaml11Value(text: string): unknown {
  if (!scalarOnly.test(text)) return text
  const root = parse(`%YAML 1.1\n--- ${text}\n`, '').documents[0]?.root
  return root?.kind === 'scalar' && root.tag === undefined ? root.value : text
}

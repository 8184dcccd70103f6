import type { Entry, MappingNode, Node, ScalarNode } from '../node.js'
import { didYouMean } from '../registry/suggest.js'
import type { Span } from '../source.js'
import { isEmpty, mergeSources } from './nodes.js'
import { valueOfVariable } from './problems.js'

/** One step of a path: into a mapping, or into a sequence, where a negative index counts from the end. */
export type Step =
  | { readonly kind: 'key'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }

/** A step and its part of the text. */
export type PathStep = Step & Span

/** What is wrong with the text of a path, and where in it. */
export interface PathMistake {
  readonly code: string
  readonly message: string
  readonly span: Span
}

/** A parsed path: with a mistake, `steps` are those before it. */
export interface ParsedPath {
  readonly steps: readonly PathStep[]
  readonly mistake?: PathMistake
}

/**
 * Parses a path: `optimizer.rate`, `layers[0]`, `layers[-1]`, `"a key.with dots"[2]`; the empty path is the root. Parts in double
 * quotes are JSON strings.
 */
export function parsePath(text: string): ParsedPath {
  return new PathParser(text).parse()
}

/** Prints a path; the inverse of {@link parsePath}. */
export function printPath(steps: readonly Step[]): string {
  return steps.map((step, depth) => (step.kind === 'key' && depth > 0 ? '.' : '') + printStep(step)).join('')
}

function printStep(step: Step): string {
  if (step.kind === 'index') return `[${step.index}]`
  return isBare(step.name) ? step.name : JSON.stringify(step.name)
}

// What ends a name, what YAML or an override gives a meaning, white space, control characters and lone surrogates.
const special = /[.[\]"'={}#,:\s\p{Cc}\p{Cs}]/gu

function isBare(name: string): boolean {
  return name !== '' && !name.startsWith('~') && !name.endsWith('+') && name.search(special) === -1
}

class PathParser {
  readonly #steps: PathStep[] = []
  #offset = 0
  #mistake: PathMistake | undefined

  constructor(readonly text: string) {}

  parse(): ParsedPath {
    while (this.#offset < this.text.length && !this.#mistake) this.#step()
    return this.#mistake ? { steps: this.#steps, mistake: this.#mistake } : { steps: this.#steps }
  }

  #step(): void {
    const { text } = this
    if (text[this.#offset] === '[') this.#index()
    else if (this.#steps.length === 0 || this.#separator()) this.#name()
  }

  #name(): void {
    if (this.text[this.#offset] === '"') this.#quoted()
    else this.#bare()
  }

  // The "." between two parts.
  #separator(): boolean {
    const start = this.#offset
    if (this.text[start] !== '.') {
      this.#fail('Write "." before the next name', start, start + 1)
      return false
    }
    this.#offset++
    if (this.text[start + 1] !== '[') return true
    this.#fail('Write "[" without "." before it: "layers[0]"', start, start + 1)
    return false
  }

  #index(): void {
    const start = this.#offset
    const close = this.text.indexOf(']', start)
    const index = indexIn(this.text.slice(start + 1, close))
    if (close === -1) this.#fail('"[" is not closed: write "[0]"', start, this.text.length)
    else if (index === undefined) this.#notAnIndex(start, close + 1)
    else {
      this.#steps.push({ kind: 'index', index, start, end: close + 1 })
      this.#offset = close + 1
    }
  }

  #notAnIndex(start: number, end: number): void {
    const found = `"${shortened(this.text.slice(start, end))}" is not an index`
    const remedy = 'write "[0]" for the first item, "[-1]" for the last, or "." before the name of a key'
    this.#fail(`${found}: ${remedy}`, start, end)
  }

  #quoted(): void {
    const start = this.#offset
    const end = endOfQuoted(this.text, start)
    const name = end === -1 ? undefined : jsonString(this.text.slice(start, end))
    if (end === -1) this.#fail("The double quote is not closed: write '\"'", start, this.text.length)
    else if (name === undefined)
      this.#fail('A name in double quotes must be a JSON string: write "\\\\" for "\\"', start, end)
    else this.#push(name, start, end)
  }

  #bare(): void {
    const start = this.#offset
    special.lastIndex = start
    const end = special.exec(this.text)?.index ?? this.text.length
    const next = this.text[end]
    const name = this.text.slice(start, end)
    if (next !== undefined && next !== '.' && next !== '[') this.#refuse(start, end)
    else if (name === '') this.#missingName(start)
    else if (name.startsWith('~')) this.#refuse(start, start)
    else if (name.endsWith('+')) this.#refuse(start, end - 1)
    else this.#push(name, start, end)
  }

  #missingName(start: number): void {
    const end = start + (start < this.text.length ? 1 : 0)
    this.#fail('A name is missing here: remove the ".", or write \'""\' for an empty name', start, end)
  }

  // A character that a name may have only in quotes.
  #refuse(start: number, position: number): void {
    const char = String.fromCodePoint(this.text.codePointAt(position)!)
    const shown = char.trim() === '' || /\p{C}/u.test(char) ? JSON.stringify(char) : `"${char}"`
    const name = this.text.slice(start).split(/[.[]/, 1)[0]!
    const remedy = shortened(JSON.stringify(unquoted(name)))
    this.#fail(
      `A name with ${shown} must be in double quotes: write ${remedy}`,
      position,
      position + char.length,
    )
  }

  #push(name: string, start: number, end: number): void {
    this.#steps.push({ kind: 'key', name, start, end })
    this.#offset = end
    if (this.text[end] === '.' && end + 1 === this.text.length) this.#missingName(end)
  }

  #fail(message: string, start: number, end: number): void {
    this.#mistake = { code: 'BAD_PATH', message, span: { start, end } }
  }
}

/** The end of a JSON string that starts at `start`, after its quote; -1 if it is not closed. */
export function endOfQuoted(text: string, start: number): number {
  for (let offset = start + 1; offset < text.length; offset++) {
    const code = text.charCodeAt(offset)
    if (code === 92 /* \ */) offset++
    else if (code === 34 /* " */) return offset + 1
  }
  return -1
}

function indexIn(text: string): number | undefined {
  const index = Number(text)
  return /^(?:0|-?[1-9][0-9]*)$/.test(text) && Number.isSafeInteger(index) ? index : undefined
}

function jsonString(text: string): string | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

// 'a b' and a"b" as they were meant.
function unquoted(name: string): string {
  return name.replace(/^'(.*)'$/s, '$1').replace(/["']$/, '')
}

const longest = 64

function shortened(text: string): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}

/** A path for a message, in quotes and not too long. */
export function quotedPath(steps: readonly Step[]): string {
  return `"${shortened(printPath(steps.length > longest ? steps.slice(0, longest) : steps))}"`
}

/** Finds children of nodes: in a tree as it was parsed, or while it is edited. */
export interface ChildLookup {
  entry(mapping: MappingNode, name: string): Entry | undefined
  items(sequence: Node & { kind: 'sequence' }): readonly Node[]
}

const asParsed: ChildLookup = {
  entry: ({ entries }, name) => entries.find(({ key }) => keyText(key) === name),
  items: ({ items }) => items,
}

/** The text of a key; `undefined` if it is not a single value. */
export function keyText(key: Node): string | undefined {
  const node = key.kind === 'alias' ? key.target : key
  return node?.kind === 'scalar' ? String(node.value) : undefined
}

/** The node at a path. */
export interface FoundNode {
  readonly node: Node
  /** The nodes above it, from the root on. */
  readonly above: readonly Node[]
  readonly miss?: undefined
}

/** Why there is no node at a path. */
export type MissReason =
  | 'unknown-key'
  | 'out-of-range'
  | 'name-in-sequence'
  | 'index-in-mapping'
  | 'below-scalar'
  | 'through-alias'

/** Where a path leaves the tree: at the step with the number `depth`, which `node` does not have. */
export interface PathMiss {
  readonly node: Node
  readonly above: readonly Node[]
  readonly miss: MissReason
  readonly depth: number
}

/** Finds the node at a path. Aliases are not followed. */
export function nodeAt(
  root: Node,
  steps: readonly Step[],
  lookup: ChildLookup = asParsed,
): FoundNode | PathMiss {
  const above: Node[] = []
  let node = root
  for (const [depth, step] of steps.entries()) {
    const child = childAt(node, step, lookup)
    if (typeof child === 'string') return { node, above, miss: child, depth }
    above.push(node)
    node = child
  }
  return { node, above }
}

function childAt(node: Node, step: Step, lookup: ChildLookup): Node | MissReason {
  if (node.kind === 'alias') return 'through-alias'
  if (node.kind === 'mapping') {
    if (step.kind === 'index') return 'index-in-mapping'
    return lookup.entry(node, step.name)?.value ?? 'unknown-key'
  }
  if (node.kind !== 'sequence') return 'below-scalar'
  if (step.kind === 'key') return 'name-in-sequence'
  const items = lookup.items(node)
  return items[step.index < 0 ? items.length + step.index : step.index] ?? 'out-of-range'
}

/** The index that an index step means in a sequence of this length; `undefined` if it is out of range. */
export function absoluteIndex(index: number, length: number): number | undefined {
  const absolute = index < 0 ? length + index : index
  return absolute >= 0 && absolute < length ? absolute : undefined
}

/** The path from `root` to a node, without following aliases; `undefined` if the node is not below `root`. */
export function pathOf(root: Node, node: Node): string | undefined {
  const steps = stepsTo(root, node)
  return steps && printPath(steps)
}

function stepsTo(from: Node, node: Node): Step[] | undefined {
  if (from === node) return []
  for (const [step, child] of stepsOf(from)) {
    const rest = stepsTo(child, node)
    if (rest) return [step, ...rest]
  }
  return undefined
}

/** Yields the children of a node, each with the step that leads to it; an alias has none. */
export function* stepsOf(node: Node): Generator<[step: Step, child: Node]> {
  if (node.kind === 'sequence')
    for (const [index, item] of node.items.entries()) yield [{ kind: 'index', index }, item]
  if (node.kind === 'mapping')
    for (const { key, value } of node.entries) yield [{ kind: 'key', name: keyText(key) ?? '' }, value]
}

/** Where a path was looked up, for messages. */
export interface PathContext {
  readonly root: Node
  /** What the root is called in a message: "document", "template". */
  readonly rootName: string
  /** The most similar of some names, if one is similar enough. */
  readonly suggest?: (name: string, known: Iterable<string>) => string
}

/** Explains why there is no node at a path, with the nearest name and what to type. */
export function explainMiss(steps: readonly Step[], miss: PathMiss, context: PathContext): string {
  const parent = steps.slice(0, miss.depth)
  const step = steps[miss.depth]!
  const owner = miss.depth === 0 ? `The ${context.rootName}` : quotedPath(parent)
  if (miss.miss === 'through-alias') return throughAlias(miss.node, steps, { depth: miss.depth, context })
  if (miss.miss === 'unknown-key')
    return unknownKey(miss.node as MappingNode, step, { owner, parent, context })
  if (miss.miss === 'below-scalar')
    return `${owner} is ${describeScalar(miss.node)}, so it has no ${quotedPath([step])}`
  if (miss.miss === 'index-in-mapping')
    return `${owner} is a mapping: write the name of a key, not ${quotedPath([step])}`
  const { length } = (miss.node as { items: readonly Node[] }).items
  if (miss.miss === 'name-in-sequence') return nameInSequence({ owner, parent, length }, step)
  const count = length === 1 ? '1 item' : length === 0 ? 'no items' : `${length} items`
  return `${owner} has ${count}, so there is no ${quotedPath([step])}`
}

function nameInSequence(
  { owner, parent, length }: { owner: string; parent: readonly Step[]; length: number },
  step: Step,
): string {
  const first = quotedPath([...parent, { kind: 'index', index: 0 }])
  const remedy = length === 0 ? 'it is empty' : `write ${first} for its first item`
  return `${owner} is a sequence, so it has no key ${quotedPath([step])}: ${remedy}`
}

function throughAlias(
  alias: Node,
  steps: readonly Step[],
  { depth, context }: { depth: number; context: PathContext },
): string {
  const { name, target } = alias as Node & { kind: 'alias' }
  const own = target && stepsTo(context.root, target)
  const remedy = own ? `: write ${quotedPath([...own, ...steps.slice(depth)])}, the path of its anchor` : ''
  return `${quotedPath(steps.slice(0, depth))} is the alias "*${name}"${remedy}`
}

function unknownKey(
  mapping: MappingNode,
  step: Step,
  { owner, parent, context }: { owner: string; parent: readonly Step[]; context: PathContext },
): string {
  const name = step.kind === 'key' ? step.name : ''
  const merged = mergedEntry(mapping, name)
  if (merged) return comesByMerge(merged, [...parent, step], context)
  const names = mapping.entries.flatMap(({ key, merge }) => (merge ? [] : [keyText(key) ?? '']))
  const found = `${owner} has no key ${quotedPath([step])}`
  const meant = (context.suggest ?? didYouMean)(name, names)
  if (meant !== '') return found + meant
  if (names.length === 0) return `${found}: it has none`
  const listed = names.slice(0, 5).map((known) => quotedPath([{ kind: 'key', name: known }]))
  return `${found}: it has ${listed.join(', ')}${names.length > 5 ? ', …' : ''}`
}

function comesByMerge({ value }: Entry, steps: readonly Step[], { root }: PathContext): string {
  const own = stepsTo(root, value)
  const remedy = own ? `: write ${quotedPath(own)}, the path of its own` : ''
  return `${quotedPath(steps)} comes from "<<"${remedy}`
}

/** The entry that "<<" merges into a mapping for a key that the mapping does not have itself. */
export function mergedEntry(mapping: MappingNode, name: string, seen = new Set<Node>()): Entry | undefined {
  if (seen.has(mapping)) return undefined
  seen.add(mapping)
  for (const { merge, value } of mapping.entries) {
    if (!merge) continue
    for (const source of mergeSources(value)) {
      const target = source.kind === 'alias' ? source.target : source
      if (target?.kind !== 'mapping') continue
      const found =
        target.entries.find((entry) => !entry.merge && keyText(entry.key) === name) ??
        mergedEntry(target, name, seen)
      if (found) return found
    }
  }
  return undefined
}

function describeScalar(node: Node): string {
  if (isEmpty(node)) return 'null'
  const { value, origin } = node as ScalarNode
  if (origin?.variable !== undefined) return valueOfVariable(origin.variable)
  if (typeof value === 'string') return `the string "${shortened(value)}"`
  if (value instanceof Date) return 'a date'
  return typeof value === 'object' ? 'one value' : `the ${typeof value} ${shortened(String(value))}`
}

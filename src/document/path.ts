import {
  type AliasNode,
  type Entry,
  isApplicationTag,
  type MappingNode,
  type Node,
  type SequenceNode,
} from '../node.js'
import { Suggester } from '../registry/suggest.js'
import type { Span } from '../source.js'
import { maxMerged, mergeSources, targetOf } from './nodes.js'
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
  /** What was probably meant. */
  readonly hint?: string | undefined
  /** The name that must be in quotes, and how it is written. */
  readonly quoted?: Span & { readonly text: string }
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
    const quoted = { start, end: start + name.length, text: JSON.stringify(unquoted(name)) }
    const message = `A name with ${shown} must be in double quotes: write ${shortened(quoted.text)}`
    this.#fail(message, position, position + char.length)
    this.#mistake = { ...this.#mistake!, quoted }
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
  entries(mapping: MappingNode): Iterable<Entry>
  items(sequence: SequenceNode): readonly Node[]
}

const asParsed: ChildLookup = {
  entry: ({ entries }, name) => entries.find(({ key }) => keyText(key) === name),
  entries: ({ entries }) => entries,
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
  return lookup.items(node).at(step.index) ?? 'out-of-range'
}

/** The path from `root` to a node, without following aliases; `undefined` if the node is not below `root`. */
export function pathOf(root: Node, node: Node): string | undefined {
  const steps = stepsTo(root, node)
  return steps && printPath(steps)
}

/** The steps from a node down to another, without following aliases. */
export function stepsTo(from: Node, node: Node, lookup: ChildLookup = asParsed): Step[] | undefined {
  if (from === node) return []
  for (const [step, child] of stepsOf(from, lookup)) {
    const rest = stepsTo(child, node, lookup)
    if (rest) return [step, ...rest]
  }
  return undefined
}

/** Yields the children of a node, each with the step that leads to it; an alias has none. */
export function* stepsOf(node: Node, lookup: ChildLookup = asParsed): Generator<[step: Step, child: Node]> {
  if (node.kind === 'sequence')
    for (const [index, item] of lookup.items(node).entries()) yield [{ kind: 'index', index }, item]
  if (node.kind === 'mapping')
    for (const { key, value } of lookup.entries(node))
      yield [{ kind: 'key', name: keyText(key) ?? '' }, value]
}

/** Where a path was looked up, for messages. */
export interface PathContext {
  readonly root: Node
  /** What the root is called in a message: "document", "template". */
  readonly rootName: string
  readonly lookup?: ChildLookup
  /** Finds the name that was probably meant. */
  readonly suggester?: Suggester
}

/** Explains why there is no node at a path, with the nearest name and what to type. */
export function explainMiss(steps: readonly Step[], miss: PathMiss, context: PathContext): string {
  return new MissExplanation(steps, miss, context).message
}

/** The step that was probably meant where a path has an unknown key, as it is written. */
export function meantStep(steps: readonly Step[], miss: PathMiss, context: PathContext): string | undefined {
  return new MissExplanation(steps, miss, context).meant
}

class MissExplanation {
  readonly #lookup: ChildLookup
  readonly #parent: readonly Step[]
  readonly #step: string

  constructor(
    readonly steps: readonly Step[],
    readonly found: PathMiss,
    readonly context: PathContext,
  ) {
    this.#lookup = context.lookup ?? asParsed
    this.#parent = steps.slice(0, found.depth)
    this.#step = quotedPath(steps.slice(found.depth, found.depth + 1))
  }

  get message(): string {
    const { node, miss } = this.found
    const referred = node.tag === '!ref' && !node.source ? this.#throughReference(node) : undefined
    if (referred !== undefined) return referred
    if (node.kind === 'alias') return this.#throughAlias(node)
    if (node.kind === 'sequence') return this.#ofSequence(this.#lookup.items(node).length)
    if (node.kind !== 'mapping')
      return `${this.#owner} is ${describeSingle(node)}, so it has no ${this.#step}`
    return miss === 'unknown-key'
      ? this.#unknownKey(node)
      : `${this.#owner} is a mapping: write the name of a key, not ${this.#step}`
  }

  get meant(): string | undefined {
    const { node, miss } = this.found
    const name = node.kind === 'mapping' && miss === 'unknown-key' ? this.#nearestKey(node) : undefined
    return name === undefined ? undefined : printPath([{ kind: 'key', name }])
  }

  get #owner(): string {
    return this.#parent.length === 0 ? `The ${this.context.rootName}` : quotedPath(this.#parent)
  }

  #ofSequence(length: number): string {
    const count = length === 1 ? '1 item' : length === 0 ? 'no items' : `${length} items`
    if (this.found.miss === 'out-of-range') return `${this.#owner} has ${count}, so there is no ${this.#step}`
    const first = quotedPath([...this.#parent, { kind: 'index', index: 0 }])
    const remedy = length === 0 ? 'it has no items' : `write ${first} for its first item`
    return `${this.#owner} is a sequence, so it has no key ${this.#step}: ${remedy}`
  }

  // Overrides are applied before references are resolved.
  #throughReference(node: Node): string | undefined {
    const { steps, mistake } = parsePath(node.kind === 'scalar' ? String(node.value) : '')
    if (mistake || steps.length === 0 || nodeAt(this.context.root, steps, this.#lookup).miss) return undefined
    const own = [...steps, ...this.steps.slice(this.found.depth)]
    return `${this.#owner} is a "!ref" to ${quotedPath(steps)}: write ${quotedPath(own)}`
  }

  #throughAlias({ name, target }: AliasNode): string {
    const own = target && stepsTo(this.context.root, target, this.#lookup)
    const rest = this.steps.slice(this.found.depth)
    const remedy = own ? `: write ${quotedPath([...own, ...rest])}, the path of its anchor` : ''
    return `${this.#owner} is the alias "*${name}"${remedy}`
  }

  #unknownKey(mapping: MappingNode): string {
    const name = nameOf(this.steps[this.found.depth])
    const merged = mergedEntry(mapping, name)
    if (merged) return this.#comesByMerge(merged)
    const names = this.#names(mapping)
    const message = `${this.#owner} has no key ${this.#step}`
    const meant = this.#nearestKey(mapping)
    if (meant !== undefined) return `${message}: did you mean ${quotedPath([{ kind: 'key', name: meant }])}?`
    if (names.length === 0) return message
    const listed = names.slice(0, 5).map((known) => quotedPath([{ kind: 'key', name: known }]))
    return `${message}: it has ${listed.join(', ')}${names.length > 5 ? ', …' : ''}`
  }

  #names(mapping: MappingNode): string[] {
    return [...this.#lookup.entries(mapping)].flatMap(({ key, merge }) => (merge ? [] : [keyText(key)!]))
  }

  #nearestKey(mapping: MappingNode): string | undefined {
    const name = nameOf(this.steps[this.found.depth])
    if (mergedEntry(mapping, name)) return undefined
    return (this.context.suggester ?? new Suggester()).suggest(this.#names(mapping), name)
  }

  #comesByMerge({ value }: Entry): string {
    const rest = this.steps.slice(this.found.depth + 1)
    const own = stepsTo(this.context.root, value, this.#lookup)
    const remedy = own ? `: write ${quotedPath([...own, ...rest])}, its own path` : ''
    return `${quotedPath(this.steps.slice(0, this.found.depth + 1))} comes from "<<"${remedy}`
  }
}

function nameOf(step: Step | undefined): string {
  return step?.kind === 'key' ? step.name : ''
}

/** The entry that "<<" merges into a mapping for a key that the mapping does not have itself. */
export function mergedEntry(mapping: MappingNode, name: string): Entry | undefined {
  const walk = new MergeWalk(mapping)
  for (let node = walk.next(), count = 0; node && count < maxMerged; node = walk.next(), count++) {
    const source = walk.enter(targetOf(node))
    const own = source?.entries.find(({ key, merge }) => !merge && keyText(key) === name)
    if (own) return own
  }
  return undefined
}

/** Walks over what "<<" merges into a mapping, depth first in the order of the sources: the first one that has a key wins. */
export class MergeWalk {
  readonly #seen: Set<Node>
  // "<<" may be nested deeper than functions can call each other. The next one is the last.
  readonly #rest: Node[]

  constructor(mapping: MappingNode) {
    this.#seen = new Set([mapping])
    this.#rest = mergedInto(mapping)
  }

  /** The next value to follow to what it is an alias for. */
  next(): Node | undefined {
    return this.#rest.pop()
  }

  /** Goes on below what a value led to; returns it if it is a mapping that was not met before. */
  enter(target: Node | undefined): MappingNode | undefined {
    if (target?.kind === 'sequence') for (const item of [...target.items].reverse()) this.#rest.push(item)
    if (target?.kind !== 'mapping' || this.#seen.has(target)) return undefined
    this.#seen.add(target)
    for (const source of mergedInto(target)) this.#rest.push(source)
    return target
  }
}

function mergedInto({ entries }: MappingNode): Node[] {
  return entries
    .filter(({ merge }) => merge)
    .flatMap(({ value }) => mergeSources(value))
    .reverse()
}

/** Describes a single value for a message: `the number 5`, `null`. */
export function describeSingle(node: Node): string {
  if (isApplicationTag(node.tag)) return `a "${node.tag}"`
  if (node.kind !== 'scalar') return `a ${node.kind}`
  const { value, origin } = node
  if (origin?.variable !== undefined) return valueOfVariable(origin.variable)
  if (value === null) return 'null'
  if (typeof value === 'string') return `the string "${shortened(value)}"`
  if (value instanceof Date) return 'a date'
  return typeof value === 'object' ? 'bytes' : `the ${typeof value} ${shortened(String(value))}`
}

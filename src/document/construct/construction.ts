import { DocumentError, type Problem } from '../../errors.js'
import {
  aliasAt,
  coreTag,
  type Entry,
  type FormatNode,
  isApplicationTag,
  type LinkNode,
  type MappingNode,
  type Node,
  type ScalarNode,
  sourceOf,
  type ValueNode,
} from '../../node.js'
import { reportProblems } from '../../problem-report.js'
import { candidatesOf } from '../../registry/placeholder.js'
import { type Definition, optionName } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import type { Source } from '../../source.js'
import { setOwn } from '../../util/plain-object.js'
import { longestFormat, notText, programText, scalarText } from '../compose/format.js'
import { aliasTarget, mergeSources, resolveAlias, targetOf, textOfKey } from '../nodes.js'
import { keyText, mergedEntry } from '../path.js'
import { nodeProblem } from '../problems.js'
import { maxDepth, maxMerged, type ParsedDocument } from '../read/parsed.js'
import type { TapeDocument } from '../read/tape-document.js'
import type { ConstructContext, Options } from './construct-context.js'
import { replacedBy, Template } from './template.js'

/** Stands for a value that does not exist yet, or could not be constructed. */
export const unsettled = Symbol('unsettled')

/**
 * Constructs the values of nodes, children first, each node once. `make` decides what a tagged node becomes: the object itself
 * when loading, a stub when checking.
 */
export abstract class Construction implements ConstructContext {
  // Most documents need neither.
  #values: Map<Node, unknown> | undefined
  #merged: MergedEntries | undefined
  /** How many {@link unsettled} values were met: what contains one of them is not kept. */
  unsettledCount = 0

  /** Values that were constructed without nodes. */
  valuesByNumber: readonly unknown[] | undefined
  #isKeptByNode = true

  constructor(
    readonly source: Source,
    readonly registry: Registry,
    readonly document: ParsedDocument,
    readonly outer?: ConstructContext,
  ) {}

  protected abstract make(node: Node): unknown
  protected remember(_value: object, _node: Node): void {}
  /** The value that a link reads. */
  protected abstract follow(link: LinkNode): unknown
  /** Whether a value stands for one that is not known. */
  protected isUnknown(_value: unknown): boolean {
    return false
  }
  /** Handles a problem that is only found with the values: throws, or returns what stands for the value. */
  protected abstract refuse(problem: Problem): unknown

  construct(node: Node): unknown {
    if (node.kind === 'scalar' && !isApplicationTag(node.tag)) return this.#scalar(node)
    if (node.kind === 'value') return node.value
    if (node.kind === 'alias')
      return this.outer?.valueOf(aliasTarget(node)) ?? this.construct(aliasTarget(node))
    if (!this.#isKeptByNode) this.#keepByNode()
    if (this.#values?.has(node)) return this.#values.get(node)
    const before = this.unsettledCount
    const value = isApplicationTag(node.tag) ? this.make(node) : this.#untagged(node)
    if (this.unsettledCount === before) this.keep(node, value)
    return value
  }

  /** Keeps the value of a node. */
  keep(node: Node, value: unknown): void {
    this.#values ??= new Map()
    this.#values.set(node, value)
  }

  /** Takes values that are constructed without nodes, of which somebody may ask for one by its node. */
  protected takeValues(values: readonly unknown[]): void {
    this.valuesByNumber = values
    this.#isKeptByNode = false
  }

  // Some may still be missing: a constructor may look at what its children were loaded from.
  #keepByNode(): void {
    const values = this.valuesByNumber!
    const nodes = (this.document as TapeDocument).nodes.valued
    for (const [number, value] of values.entries()) if (value !== undefined) this.keep(nodes[number]!, value)
    this.#isKeptByNode = values.length === nodes.length && values[0] !== undefined
  }

  #untagged(node: Exclude<Node, { kind: 'alias' | 'value' }>): unknown {
    if (node.kind === 'link') return node.isReference ? this.#chosen(node) : this.follow(node)
    return node.kind === 'format' ? this.#format(node) : this.#plain(node)
  }

  #format(node: FormatNode): unknown {
    let text = ''
    for (const part of node.parts) {
      const value = typeof part === 'string' ? part : this.#textOf(part)
      if (value === undefined) return this.#notText(node, part as Node)
      text += value
      if (text.length > longestFormat) return this.#refuse(node, 'The text of "!format" is too long')
    }
    return text
  }

  // What a `!ref` through a placeholder leads to, in the value that was chosen.
  #chosen(link: LinkNode): unknown {
    const node = this.#chosenNode(link)
    if (node) return this.outer?.valueOf(node) ?? this.construct(node)
    return this.follow(link)
  }

  #chosenNode({ target, rest }: LinkNode): Node | undefined {
    let node = targetOf(this.substitute(targetOf(target) ?? target))
    if (node?.kind === 'value') node = this.#writtenChoice(node)
    for (const step of rest) node = node && targetOf(this.substitute(childOf(node, step) ?? nothing))
    return node
  }

  // The text of a value in a format, as it is written.
  #textOf(part: Node): string | undefined {
    const found = part.kind === 'link' && part.isReference ? this.#chosenNode(part) : undefined
    const node = found ?? resolveAlias(this.substitute(resolveAlias(part)))
    if (node.kind === 'link') return programText(this.construct(node))
    if (node.kind === 'scalar') return scalarText(node, this.source)
    if (node.kind === 'value') {
      const written = this.#writtenChoice(node)
      return written?.kind === 'scalar' ? scalarText(written, this.source) : programText(node.value)
    }
    const text = node.kind === 'format' ? this.construct(node) : undefined
    return typeof text === 'string' ? text : undefined
  }

  // The node of a value that `build` put in place of a placeholder, which may be written as 0.10.
  #writtenChoice(node: ValueNode): Node | undefined {
    const placeholder = replacedBy(node)
    const values = placeholder && candidatesOf(placeholder, this.registry.get(placeholder.tag ?? ''))
    return values?.map(targetOf).find((each) => {
      if (each?.kind === 'scalar' && !isApplicationTag(each.tag)) return Object.is(each.value, node.value)
      return each !== undefined && node.value !== undefined && this.outer?.valueOf(each) === node.value
    })
  }

  #notText(node: FormatNode, part: Node): unknown {
    const found = targetOf(this.substitute(targetOf(part) ?? part))
    // An unknown value has a problem of its own, and so has a format in a format.
    const value = found?.kind === 'link' ? this.construct(found) : undefined
    if (this.isUnknown(value)) return value
    if (!found || found.kind === 'format') return this.construct(found ?? part)
    return this.#refuse(node, notText('A value in it', found))
  }

  #refuse(node: Node, message: string): unknown {
    return this.refuse(nodeProblem(node, this.source, 'BAD_FORMAT', message))
  }

  substitute(node: Node): Node {
    return node
  }

  constructCopy(_copy: Node): unknown {
    throw new Error('Only what is loaded can be built from a template')
  }

  constructCopyAsync(copy: Node): Promise<unknown> {
    return Promise.resolve(this.constructCopy(copy))
  }

  valueOf(node: Node): unknown {
    if (!this.#isKeptByNode) this.#keepByNode()
    return this.#values?.get(node)
  }

  entriesOf(node: MappingNode): Iterable<Entry> {
    this.#merged ??= new MergedEntries(this.source)
    return this.#merged.of(node)
  }

  optionsOf(node: Node, definition: Definition): Options {
    const options: Options = { visible: {}, injected: {} }
    if (node.kind !== 'mapping') return options
    for (const { key, value } of this.entriesOf(node)) {
      const name = optionName(textOfKey(key), definition.keys)
      const target = definition.injected.includes(name) ? options.injected : options.visible
      setOwn(
        target,
        name,
        definition.templates.includes(name) ? this.#template(value) : this.construct(value),
      )
    }
    return options
  }

  #template(value: Node): unknown {
    const node = value.kind === 'alias' ? value.target : value
    // Only a check meets an alias without an anchor, and it constructs a stub.
    return node ? new Template(node, this) : this.construct(value)
  }

  // A copy: the program may change its date or bytes, the node keeps what is written.
  #scalar(node: ScalarNode): unknown {
    const { value } = node
    if (typeof value !== 'object' || value === null) return value
    if (!this.#values?.has(node)) this.keep(node, copyOf(value))
    return this.#values!.get(node)
  }

  #plain(node: Exclude<Node, { kind: 'alias' | 'value' }>): unknown {
    const core = constructCore(node, this)
    if (core !== undefined) {
      this.remember(core, node)
      return core
    }
    const value =
      node.kind === 'sequence' ? node.items.map((item) => this.construct(item)) : this.#object(node)
    this.remember(value, node)
    return value
  }

  #object(node: Node): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    if (node.kind !== 'mapping') return object
    for (const { key, value } of this.entriesOf(node)) setOwn(object, textOfKey(key), this.construct(value))
    return object
  }
}

function copyOf(value: object): object {
  if (value instanceof Date) return new Date(value)
  return value instanceof Uint8Array ? Buffer.from(value) : value
}

/** The value of a collection with one of YAML's own tags: `!!set`, `!!omap`, `!!pairs`; else `undefined`. */
function constructCore(node: Node, context: ConstructContext): object | undefined {
  if (node.tag === undefined || !node.tag.startsWith(coreTag)) return undefined
  switch (node.tag.slice(coreTag.length)) {
    case 'set':
      return node.kind === 'mapping'
        ? new Set(node.entries.map(({ key }) => context.construct(key)))
        : undefined
    case 'omap':
      return node.kind === 'sequence' ? new Map(pairsOf(node.items, context)) : undefined
    case 'pairs':
      return node.kind === 'sequence' ? pairsOf(node.items, context) : undefined
    default:
      return undefined
  }
}

function pairsOf(items: readonly Node[], context: ConstructContext): [unknown, unknown][] {
  return items
    .filter((item): item is MappingNode => item.kind === 'mapping')
    .flatMap((item) =>
      item.entries.map(({ key, value }): [unknown, unknown] => [
        context.construct(key),
        context.construct(value),
      ]),
    )
}

const tooMany = (): string =>
  `"<<" merges more than ${maxMerged.toLocaleString('en')} keys in this file: write some of them out`
const tooDeep = `"<<" merges through a chain of more than ${maxDepth} mappings: write some of them out`

/**
 * Merges mappings with `<<`: keys of the mapping itself win, then earlier sources over later ones
 * (http://yaml.org/type/merge.html).
 */
class MergedEntries {
  readonly #known = new Map<MappingNode, Map<string, Entry>>()
  #count = 0

  constructor(readonly source: Source) {}

  of(mapping: MappingNode, depth = 0): Iterable<Entry> {
    if (!mapping.entries.some((entry) => entry.merge)) return mapping.entries
    const known = this.#known.get(mapping)
    if (known) return known.values()
    const merged = this.#merge(mapping, depth)
    this.#known.set(mapping, merged)
    return merged.values()
  }

  #merge(mapping: MappingNode, depth: number): Map<string, Entry> {
    const own = new Set(mapping.entries.filter((entry) => !entry.merge).map((entry) => textOfKey(entry.key)))
    const merged = new Map<string, Entry>()
    for (const entry of mapping.entries) {
      if (!entry.merge) merged.set(textOfKey(entry.key), entry)
      else
        for (const [name, source] of this.#entriesToMerge(entry.value, depth))
          if (!own.has(name) && !merged.has(name)) merged.set(name, source)
    }
    return merged
  }

  *#entriesToMerge(value: Node, depth: number): Generator<[name: string, entry: Entry]> {
    for (const source of sourcesOf(value))
      for (const entry of this.of(source, depth + 1)) {
        if (++this.#count > maxMerged) throw this.#tooMuch(source, tooMany())
        if (depth > maxDepth) throw this.#tooMuch(source, tooDeep)
        yield [textOfKey(entry.key), entry]
      }
  }

  #tooMuch(node: Node, message: string): DocumentError {
    const problems = [sourceOf(node, this.source).problem('MERGE_LIMIT', message, node)]
    return new DocumentError(reportProblems(problems), { problems })
  }
}

const nothing: Node = aliasAt(-1, -1, '', undefined)

function childOf(node: Node, step: string | number): Node | undefined {
  if (node.kind === 'sequence' && typeof step === 'number') return node.items.at(step)
  if (node.kind !== 'mapping' || typeof step === 'number') return undefined
  return (node.entries.find(({ key }) => keyText(key) === step) ?? mergedEntry(node, step))?.value
}

function sourcesOf(value: Node): MappingNode[] {
  return mergeSources(value)
    .map(targetOf)
    .filter((source): source is MappingNode => source?.kind === 'mapping')
}

import { type Entry, isApplicationTag, type MappingNode, type Node, type ScalarNode } from '../../node.js'
import { optionName } from '../../registry/option-names.js'
import type { Registry } from '../../registry/registry.js'
import type { Definition } from '../../registry/types.js'
import type { Source } from '../../source.js'
import { target, textOf } from '../nodes.js'
import { setOwn } from '../plain-data.js'
import type { ParsedDocument } from '../read/parsed.js'
import type { Constructing, Options } from './constructing.js'
import { constructCore } from './core-tags.js'
import { MergedEntries } from './merged-entries.js'
import { Template } from './template.js'

/**
 * Makes values of nodes, children first, each node once. What a tagged node becomes is said by `make`:
 * the object itself when loading, a stand-in when checking.
 */
export abstract class Construction implements Constructing {
  readonly #values = new Map<Node, unknown>()
  readonly #merged: MergedEntries

  constructor(
    readonly source: Source,
    readonly registry: Registry,
    readonly document: ParsedDocument,
    readonly outer?: Constructing,
  ) {
    this.#merged = new MergedEntries(source)
  }

  protected abstract make(node: Node): unknown
  protected remember(_value: object, _node: Node): void {}

  construct(node: Node): unknown {
    if (node.kind === 'scalar' && !isApplicationTag(node.tag)) return this.#scalar(node)
    if (node.kind === 'value') return node.value
    if (node.kind === 'alias') return this.outer?.valueOf(target(node)) ?? this.construct(target(node))
    if (this.#values.has(node)) return this.#values.get(node)
    const value = isApplicationTag(node.tag) ? this.make(node) : this.#plain(node)
    this.#values.set(node, value)
    return value
  }

  written(node: Node): Node {
    return node
  }

  constructCopy(_copy: Node): unknown {
    throw new Error('Only what is loaded can be built from a template')
  }

  valueOf(node: Node): unknown {
    return this.#values.get(node)
  }

  entriesOf(node: MappingNode): Iterable<Entry> {
    return this.#merged.of(node)
  }

  optionsOf(node: Node, definition: Definition): Options {
    const options: Options = { seen: {}, injected: {} }
    if (node.kind !== 'mapping') return options
    for (const { key, value } of this.entriesOf(node)) {
      const name = optionName(textOf(key), definition.keys)
      const to = definition.injected.includes(name) ? options.injected : options.seen
      setOwn(to, name, definition.templates.includes(name) ? this.#template(value) : this.construct(value))
    }
    return options
  }

  #template(value: Node): unknown {
    const node = value.kind === 'alias' ? value.target : value
    // What has no anchor is only met by a check, which has something to stand for it.
    return node ? new Template(node, this) : this.construct(value)
  }

  // The node keeps what is written, whatever the program does to its date or bytes.
  #scalar(node: ScalarNode): unknown {
    const { value } = node
    if (typeof value !== 'object' || value === null) return value
    if (!this.#values.has(node)) this.#values.set(node, copyOf(value))
    return this.#values.get(node)
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
    for (const { key, value } of this.entriesOf(node)) setOwn(object, textOf(key), this.construct(value))
    return object
  }
}

function copyOf(value: object): object {
  if (value instanceof Date) return new Date(value)
  return value instanceof Uint8Array ? Buffer.from(value) : value
}

import { RegistrationError } from '../../errors.js'
import {
  coreTag,
  type Entry,
  type MappingNode,
  mappingNode,
  type Node,
  type SequenceNode,
  scalarNode,
  sequenceNode,
} from '../../node.js'
import { resolveAlias } from '../nodes.js'
import { typedKey } from '../read/key-check.js'
import type { Origin, RepresentContext } from './represent-context.js'

const [set, omap, pairs] = ['set', 'omap', 'pairs'].map((name) => coreTag + name)

/** Whether a collection is one that YAML has a tag for. */
export function isCoreCollection({ tag }: Node): boolean {
  return tag === set || tag === omap || tag === pairs
}

/**
 * The node of an object that YAML has a tag for: a Date, Map, Set, bytes of any kind, or pairs that were loaded as such;
 * else `undefined`. Keys keep the style and comments of `hint`, what the object was loaded from.
 */
export function representCore(
  value: object,
  representation: RepresentContext,
  origin: Origin | undefined,
): Node | undefined {
  if (value instanceof Date) return scalarNode(value, `${coreTag}timestamp`)
  const bytes = bytesOf(value)
  if (bytes) return scalarNode(bytes, `${coreTag}binary`)
  if (value instanceof Set) return new CoreWriter(representation, origin).set(value)
  if (value instanceof Map) return new CoreWriter(representation, origin).pairs([...value], omap!)
  if (origin?.node.tag === pairs && isPairs(value))
    return new CoreWriter(representation, origin).pairs(value, pairs!)
  return undefined
}

// Of a view only what it shows: the buffer below may hold other things.
function bytesOf(value: object): Buffer | undefined {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const isBuffer = value instanceof ArrayBuffer || value instanceof SharedArrayBuffer
  return isBuffer ? Buffer.from(value as ArrayBuffer) : undefined
}

function isPairs(value: object): value is [unknown, unknown][] {
  return (
    Array.isArray(value) &&
    value.every((pair) => Array.isArray(pair) && pair.length === 2 && !isCollection(pair[0]))
  )
}

function isCollection(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Date) && !bytesOf(value)
}

/** Whether a date can be written and read again: YAML has years of four digits, and its readers take 0099 for 1999. */
export function isWritableDate(date: Date): boolean {
  const year = date.getUTCFullYear()
  return year >= 100 && year <= 9999
}

/** Writes the entries of a set, an ordered map or pairs. */
class CoreWriter {
  /** The loaded entries of each key that were not written yet, each with the mapping that it stands in. */
  readonly #known = new Map<unknown, [entry: Entry, item: Node][]>()

  constructor(
    readonly representation: RepresentContext,
    readonly origin: Origin | undefined,
  ) {
    for (const item of itemsOf(origin?.node))
      if (item.kind === 'mapping') for (const entry of item.entries) this.#learn(entry, item)
  }

  #learn(entry: Entry, item: Node): void {
    const key = this.origin!.context.construct(entry.key)
    const known = this.#known.get(key)
    if (known) known.push([entry, item])
    else this.#known.set(key, [[entry, item]])
  }

  set(values: ReadonlySet<unknown>): Node {
    refuseTwins(values)
    const entries = [...values].map((item) => this.#entry(item, null)[0])
    return this.representation.recordOrigin(
      { ...this.#like(set!, mappingNode([])), entries } as MappingNode,
      this.#own(set!),
    )
  }

  pairs(values: readonly (readonly [unknown, unknown])[], tag: string): Node {
    if (tag === omap) refuseTwins(values.map(([key]) => key))
    const items = values.map(([key, value]) => this.#item(key, value))
    return this.representation.recordOrigin(
      { ...this.#like(tag, sequenceNode([])), items } as SequenceNode,
      this.#own(tag),
    )
  }

  #item(key: unknown, value: unknown): Node {
    const [entry, node] = this.#entry(key, value)
    const made = mappingNode([entry])
    return node?.kind === 'mapping'
      ? this.representation.recordOrigin(made, { node, context: this.origin!.context })
      : made
  }

  #entry(key: unknown, value: unknown): [Entry, Node | undefined] {
    const [before, item] = this.#known.get(key)?.shift() ?? []
    const context = this.origin?.context
    const name = this.representation.represent(key, before && { node: before.key, context: context! })
    if (resolveAlias(name).kind !== 'scalar') throw notAKey()
    const step = typeof key === 'object' ? '(key)' : String(key)
    const made = this.representation.within(step, () =>
      this.representation.represent(value, before && { node: before.value, context: context! }),
    )
    return [{ key: name, value: made, merge: false }, item]
  }

  #like(tag: string, bare: Node): Node {
    const own = this.#own(tag)?.node
    return own ? { ...own, tag, anchor: this.origin?.styleOnly ? undefined : own.anchor } : { ...bare, tag }
  }

  #own(tag: string): Origin | undefined {
    return this.origin?.node.tag === tag ? this.origin : undefined
  }
}

function itemsOf(node: Node | undefined): readonly Node[] {
  if (!node || !isCoreCollection(node)) return []
  return node.kind === 'sequence' ? node.items : [node]
}

function refuseTwins(keys: Iterable<unknown>): void {
  const seen = new Set<string>()
  for (const key of keys) {
    // Objects of classes may be written as anything; collections are refused where they stand.
    if (isCollection(key)) continue
    const name = typedKey(key)
    if (seen.has(name)) throw unwritable(`A Map or Set with the key ${name} twice`, 'YAML has each key once')
    seen.add(name)
  }
}

function notAKey(): RegistrationError {
  const what = 'A Map with a collection as a key, or a Set with one in it,'
  return unwritable(what, 'YAML takes single values; write a list instead')
}

function unwritable(what: string, why: string): RegistrationError {
  return new RegistrationError(`${what} cannot be written: ${why}`, { code: 'UNWRITABLE' })
}

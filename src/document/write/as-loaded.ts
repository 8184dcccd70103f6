import { coreTag, type Entry, isApplicationTag, type MappingNode, type Node } from '../../node.js'
import type { Constructing } from '../construct/constructing.js'
import { followed, textOf } from '../nodes.js'
import { isPlainObject } from '../plain-data.js'

/** Whether a value is the one that its node was loaded as, and holds what the node says. */
export function isAsLoaded(value: unknown, node: Node, by: Constructing): boolean {
  return new Comparison(by).isSame(value, node)
}

class Comparison {
  // What aliases repeat is compared once, however often it is repeated.
  readonly #compared = new Set<Node>()

  constructor(readonly by: Constructing) {}

  isSame(value: unknown, written: Node): boolean {
    if (!Object.is(this.by.construct(written), value)) return false
    const node = followed(written)
    if (typeof value !== 'object' || value === null) return true
    // An object of a class is written with what changed in it.
    if (isApplicationTag(node.tag) || this.#compared.has(node)) return true
    this.#compared.add(node)
    return node.kind === 'scalar' ? isSameScalar(value, node.value) : this.#sameCollection(value, node)
  }

  #sameCollection(value: object, node: Node): boolean {
    if (value instanceof Map || value instanceof Set || node.tag === `${coreTag}pairs`)
      return this.#samePairs([...(value as Iterable<unknown>)], pairsOf(node), value instanceof Set)
    if (Array.isArray(value)) return node.kind === 'sequence' && this.#sameItems(value, node.items)
    return isPlainObject(value) && node.kind === 'mapping' && this.#sameEntries(value, node)
  }

  #sameItems(values: readonly unknown[], nodes: readonly Node[]): boolean {
    return values.length === nodes.length && nodes.every((node, at) => this.isSame(values[at], node))
  }

  #sameEntries(value: Record<string, unknown>, node: MappingNode): boolean {
    const entries = [...this.by.entriesOf(node)]
    const same = ({ key, value: child }: Entry) =>
      Object.hasOwn(value, textOf(key)) && this.isSame(value[textOf(key)], child)
    return Object.keys(value).length === entries.length && entries.every(same)
  }

  #samePairs(values: readonly unknown[], entries: readonly Entry[], keysOnly: boolean): boolean {
    const same = ({ key, value: child }: Entry, value: unknown) => {
      if (keysOnly) return this.isSame(value, key)
      return Array.isArray(value) && this.isSame(value[0], key) && this.isSame(value[1], child)
    }
    return values.length === entries.length && entries.every((entry, at) => same(entry, values[at]))
  }
}

/** Whether the text of a scalar says this: of dates and bytes, which can be changed in place, the content. */
export function isSameScalar(value: unknown, written: unknown): boolean {
  if (value instanceof Date && written instanceof Date) return Object.is(value.getTime(), written.getTime())
  if (value instanceof Uint8Array && written instanceof Uint8Array)
    return Buffer.compare(value, written) === 0
  return Object.is(value, written)
}

function pairsOf(node: Node): Entry[] {
  const mappings = node.kind === 'sequence' ? node.items : [node]
  return mappings.flatMap((mapping) => (mapping.kind === 'mapping' ? mapping.entries : []))
}

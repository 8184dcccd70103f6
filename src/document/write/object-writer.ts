import type { Class, ResolvedTag } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import { isPlainObject } from '../../util/plain-object.js'
import { BAIL_OUT, unlessBailedOut } from '../bail-out.js'
import { provenanceOf } from '../construct/provenance.js'
import { maxDepth } from '../read/parsed.js'
import { type Block, BlockWriter, inlineScalar, keyText } from './block-writer.js'
import { optionsOf } from './instance-writer.js'
import { isWritableTag } from './quick-writer.js'

/**
 * Writes objects that were made in code; the text is the same as from their nodes. Returns `undefined` for values that need nodes:
 * loaded and repeated objects, dates and other core types, objects whose class has `toYaml` or snake-case keys, and values that cannot be
 * written.
 */
export function writeObject(value: unknown, registry: Registry): string | undefined {
  return unlessBailedOut(() => new ObjectWriter(registry).write(value))
}

/** The items of an array, or what an object has by each name. */
interface Collection extends Block {
  readonly items: readonly unknown[]
  readonly names: readonly string[]
  readonly values: Readonly<Record<string, unknown>>
}

class ObjectWriter extends BlockWriter<unknown, Collection> {
  /** The tag of each class. */
  readonly #tags = new Map<unknown, ResolvedTag>()
  /** An object that occurs twice needs an anchor. */
  readonly #seen = new Set<object>()

  constructor(readonly registry: Registry) {
    super()
  }

  protected blockOf(value: unknown): Collection | undefined {
    if (typeof value !== 'object' || value === null) return undefined
    if (this.#seen.size === this.#seen.add(value).size) throw BAIL_OUT
    const provenance = provenanceOf(value)
    if (provenance && (provenance.loaded || provenance.edits)) throw BAIL_OUT
    if (Array.isArray(value))
      return value.length > 0 ? { props: '', items: value, names: [], values: {} } : undefined
    if (isPlainObject(value)) return mappingOf('', value)
    const resolved = this.#resolved(value)
    return mappingOf(resolved.tag, optionsOf(value, provenance ?? noProvenance, resolved))
  }

  #resolved(object: object): ResolvedTag {
    const Class = object.constructor
    const known = this.#tags.get(Class)
    if (known) return known
    const tag = typeof Class === 'function' ? this.registry.tagOf(Class as unknown as Class) : undefined
    const resolved = tag === undefined ? undefined : this.registry.get(tag)
    if (!resolved || !isWritableTag(resolved.tag) || isWrittenAsData(object)) throw BAIL_OUT
    const { toYaml, keys } = resolved.definition
    if (toYaml || keys !== 'as-written') throw BAIL_OUT
    this.#tags.set(Class, resolved)
    return resolved
  }

  protected children({ items, names, values }: Collection, indent: number): void {
    if (indent > 2 * maxDepth) throw BAIL_OUT
    for (const item of items) this.item(item, indent)
    for (const name of names) {
      const value = values[name]
      if (value !== undefined) this.entry(this.#key(name), value, indent)
    }
  }

  #key(name: string): string {
    const text = keyText(name)
    if (text === undefined) throw BAIL_OUT
    return text
  }

  protected inline(value: unknown, indent: number): string {
    if (typeof value === 'function' || typeof value === 'symbol') throw BAIL_OUT
    if (typeof value !== 'object' || value === null) return inlineScalar(value ?? null, indent)
    if (Array.isArray(value)) return '[]'
    return isPlainObject(value) ? '{}' : `${this.#resolved(value).tag} {}`
  }
}

const noProvenance = {}

function mappingOf(props: string, object: object): Collection | undefined {
  const values = object as Record<string, unknown>
  const names = Object.keys(values)
  return names.some((name) => values[name] !== undefined) ? { props, items: [], names, values } : undefined
}

// Even if its class has a tag.
function isWrittenAsData(object: object): boolean {
  return (
    object instanceof Date ||
    object instanceof Map ||
    object instanceof Set ||
    ArrayBuffer.isView(object) ||
    object instanceof ArrayBuffer ||
    object instanceof SharedArrayBuffer
  )
}

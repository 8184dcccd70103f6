import { isPlainObject, setOwn } from '../../util/plain-object.js'
import { provenanceOf } from './provenance.js'

/** A copy of data as it is now; `undefined` for what is no data. Objects of classes, and what was loaded, stay themselves. */
export function snapshotOf(value: object): object | undefined {
  const copy = new Snapshot().copy(value)
  return copy === value ? undefined : (copy as object)
}

class Snapshot {
  readonly #seen = new Set<unknown>()

  of(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || this.#seen.has(value) || provenanceOf(value))
      return value
    return this.copy(value)
  }

  copy(value: object): object {
    this.#seen.add(value)
    if (value instanceof Date) return new Date(value)
    if (value instanceof Uint8Array) return Buffer.from(value)
    switch (Object.getPrototypeOf(value)) {
      case Array.prototype:
        return (value as unknown[]).map((item) => this.of(item))
      case Set.prototype:
        return new Set([...(value as Set<unknown>)].map((item) => this.of(item)))
      case Map.prototype:
        return new Map(
          [...(value as Map<unknown, unknown>)].map(([key, item]) => [this.of(key), this.of(item)]),
        )
      default:
        return isPlainObject(value) ? this.#object(value) : value
    }
  }

  #object(value: Record<string, unknown>): object {
    const copy = Object.create(Object.getPrototypeOf(value))
    for (const [name, child] of Object.entries(value)) setOwn(copy, name, this.of(child))
    return copy
  }
}

/** Whether the text of a scalar says this: of dates and bytes, which can be changed in place, the content. */
export function isSameScalar(value: unknown, written: unknown): boolean {
  if (value instanceof Date && written instanceof Date) return Object.is(value.getTime(), written.getTime())
  if (value instanceof Uint8Array && written instanceof Uint8Array)
    return Buffer.compare(value, written) === 0
  return Object.is(value, written)
}

/** Whether data is still what {@link snapshotOf} saw. */
export function isSameData(value: unknown, snapshot: unknown): boolean {
  if (isSameScalar(value, snapshot)) return true
  if (typeof value !== 'object' || typeof snapshot !== 'object' || !value || !snapshot) return false
  if (Object.getPrototypeOf(value) !== Object.getPrototypeOf(snapshot)) return false
  const [now, then] = [partsOf(value), partsOf(snapshot)]
  if (!now || now.length !== then?.length) return false
  return now.every((part, index) => isSameData(part, then[index]))
}

// Keys, too: their order is part of what was made.
function partsOf(value: object): unknown[] | undefined {
  if (Array.isArray(value) || value instanceof Set) return [...value]
  if (value instanceof Map) return [...value].flat()
  return isPlainObject(value) ? Object.entries(value).flat() : undefined
}

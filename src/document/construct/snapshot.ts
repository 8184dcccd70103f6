import { isPlainObject, setOwn } from '../plain-data.js'
import { recordOf } from './records.js'

/** A copy of data as it is now; `undefined` for what is no data. Objects of classes, and what was loaded, stay themselves. */
export function snapshotOf(value: object): object | undefined {
  const copy = new Snapshot().copy(value)
  return copy === value ? undefined : (copy as object)
}

class Snapshot {
  readonly #seen = new Set<unknown>()

  of(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || this.#seen.has(value) || recordOf(value)) return value
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

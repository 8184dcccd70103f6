import { isPlainObject } from '../plain-data.js'

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
  return now.every((part, at) => isSameData(part, then[at]))
}

// Keys, too: their order is part of what was made.
function partsOf(value: object): unknown[] | undefined {
  if (Array.isArray(value) || value instanceof Set) return [...value]
  if (value instanceof Map) return [...value].flat()
  return isPlainObject(value) ? Object.entries(value).flat() : undefined
}

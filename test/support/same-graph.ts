/** Whether two values have the same shape, the same values and the same sharing; where they differ first, if not. */
export function difference(
  a: unknown,
  b: unknown,
  path = '$',
  pairs = new Map<unknown, unknown>(),
): string | undefined {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null)
    return Object.is(a, b) ? undefined : `${path}: ${String(a)} is ${String(b)}`
  if (pairs.has(a)) return pairs.get(a) === b ? undefined : `${path}: shared with another`
  if ([...pairs.values()].includes(b)) return `${path}: shared, but was not`
  pairs.set(a, b)
  if (nameOf(a) !== nameOf(b)) return `${path}: ${nameOf(a)} is ${nameOf(b)}`
  const [left, right] = [partsOf(a), partsOf(b)]
  if (left.length !== right.length) return `${path}: ${left.length} parts are ${right.length}`
  for (const [index, [key, value]] of left.entries()) {
    const [otherKey, other] = right[index]!
    const found = Object.is(key, otherKey)
      ? difference(value, other, `${path}.${String(key)}`, pairs)
      : `${path}: ${String(key)} is ${String(otherKey)}`
    if (found !== undefined) return found
  }
  return undefined
}

function partsOf(value: object): [unknown, unknown][] {
  if (value instanceof Date) return [['time', value.getTime()]]
  if (value instanceof Map) return [...value]
  if (value instanceof Set) return [...value].map((item) => [item, true])
  if (value instanceof Uint8Array) return [['bytes', Buffer.from(value).toString('hex')]]
  return Object.entries(value)
}

// A Buffer is a Uint8Array, which is what is promised.
function nameOf(value: object): string | undefined {
  return value instanceof Uint8Array ? 'Uint8Array' : value.constructor?.name
}

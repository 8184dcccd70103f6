/**
 * Writes JSON that keeps a bigint: as an integer in full. A number of that size has an exponent, so that the two are told
 * apart. Returns `undefined` for what JSON has no text for.
 */
export function toJson(value: unknown, indent?: number): string | undefined {
  const json = plainJson(value, indent)
  if (json !== undefined && !longInteger.test(json)) return json
  const mark = crypto.randomUUID()
  const marked: string | undefined = JSON.stringify(value, (_, part) => marks(part, mark), indent)
  return marked?.replace(new RegExp(`"${mark}([^"]+)"`, 'g'), '$1')
}

/** The value of a JSON text: an integer that no number can hold is a bigint. */
export function fromJson(text: string): any {
  if (!longInteger.test(text)) return JSON.parse(text)
  const mark = crypto.randomUUID()
  const marked = text.replace(token, (found) => (isLong(found) ? `"${mark}${found}"` : found))
  return JSON.parse(marked, (_, part) =>
    typeof part === 'string' && part.startsWith(mark) ? BigInt(part.slice(mark.length)) : part,
  )
}

const longInteger = /\d{16}/
const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g

function plainJson(value: unknown, indent: number | undefined): string | undefined {
  try {
    return JSON.stringify(value, null, indent)
  } catch (error) {
    if (!/BigInt/.test(String(error))) throw error
    return undefined
  }
}

function marks(part: unknown, mark: string): unknown {
  if (typeof part === 'bigint') return mark + String(part)
  const long = typeof part === 'number' && Number.isInteger(part) && !Number.isSafeInteger(part)
  return long ? mark + part.toExponential() : part
}

function isLong(found: string): boolean {
  return /^-?\d+$/.test(found) && !Number.isSafeInteger(Number(found))
}

/** A copy of a value as JSON can hold it. Throws for a cycle and for a bigint. */
export function jsonCopy(value: unknown): unknown {
  const json: string | undefined = JSON.stringify(value)
  return json === undefined ? undefined : JSON.parse(json)
}

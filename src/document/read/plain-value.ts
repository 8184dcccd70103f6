import { resolvePlain } from './core-schema.js'
import { PLAIN, QUOTED, type Tape } from './tape.js'

const mostDigits = 15
const powersOfTen = Float64Array.from({ length: mostDigits + 1 }, (_, exponent) => 10 ** exponent)

/** The value of a scalar without a tag that is on a tape. */
export function scalarValue(tape: Tape, record: number): unknown {
  const kind = tape.kindOf(record)
  if (kind === PLAIN) return plainValue(tape.text, tape.startOf(record), tape.endOf(record))
  if (kind === QUOTED) return tape.text.slice(tape.startOf(record) + 1, tape.endOf(record) - 1)
  return tape.blockOf(record)
}

/** The value of the plain scalar between two offsets, as `resolvePlain` resolves it: most are words or short numbers. */
export function plainValue(text: string, start: number, end: number): unknown {
  if (start === end) return null
  const first = text.charCodeAt(start)
  if (first < 58 && first > 42) return numberAt(text, start, end) ?? resolvePlain(text.slice(start, end))
  const length = end - start
  // The words with a meaning have at most five letters.
  if (first > 57 && first !== 126 && length > 5) return text.slice(start, end)
  return resolvePlain(text.slice(start, end))
}

/** A decimal number that is exact as a quotient of two integers; `undefined` for others. */
function numberAt(text: string, start: number, end: number): number | undefined {
  if (end - start > mostDigits + 2) return undefined
  const sign = text.charCodeAt(start)
  let offset = sign === 45 || sign === 43 ? start + 1 : start
  let digits = 0
  let point = -1
  let value = 0
  for (; offset < end; offset++) {
    const code = text.charCodeAt(offset)
    if (code === 46 && point < 0) point = offset
    else if (code < 48 || code > 57) return undefined
    else {
      value = value * 10 + (code - 48)
      digits++
    }
  }
  if (digits === 0 || digits > mostDigits) return undefined
  if (point >= 0) value /= powersOfTen[end - point - 1]!
  return sign === 45 ? -value : value
}

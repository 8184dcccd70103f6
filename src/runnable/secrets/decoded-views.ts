import { boundary } from './pattern-matcher.js'

/** The bytes of a plain or decoded text, and where in the text each of them starts and ends. */
export interface View {
  readonly units: Uint16Array
  readonly starts: Int32Array
  readonly ends: Int32Array
}

/** How many encodings can be nested, such as base64 in JSON. */
const maxEncodings = 2

/**
 * Yields a text as it is, then decoded by each encoding: percent-encoding, form-encoding, backslashes and base64 at any
 * alignment, within longer texts and nested. `least` is the smallest number of bytes in base64 that is of interest.
 */
export function decodedViews(text: string, least: number): Generator<View> {
  return withDecoded(plainView(text), least, maxEncodings)
}

function* withDecoded(view: View, least: number, encodings: number): Generator<View> {
  yield view
  if (encodings === 0) return
  for (const decode of [percentDecoded, formDecoded, unescaped, base64Decoded])
    for (const decoded of decode(view, least)) yield* withDecoded(decoded, least, encodings - 1)
}

class ViewBuilder {
  readonly #units: Uint16Array
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  #length = 0

  constructor(capacity: number) {
    this.#units = new Uint16Array(capacity)
    this.#starts = new Int32Array(capacity)
    this.#ends = new Int32Array(capacity)
  }

  add(unit: number, start: number, end: number): void {
    this.#units[this.#length] = unit
    this.#starts[this.#length] = start
    this.#ends[this.#length++] = end
  }

  addCharacter(code: number, start: number, end: number): void {
    if (code < 0x80) this.add(code, start, end)
    else for (const byte of Buffer.from(String.fromCodePoint(code))) this.add(byte, start, end)
  }

  view(): View {
    const length = this.#length
    return {
      units: this.#units.subarray(0, length),
      starts: this.#starts.subarray(0, length),
      ends: this.#ends.subarray(0, length),
    }
  }
}

function plainView(text: string): View {
  const builder = new ViewBuilder(text.length * 3)
  for (let index = 0; index < text.length; ) {
    const code = text.codePointAt(index)!
    const end = index + (code > 0xffff ? 2 : 1)
    builder.addCharacter(code, index, end)
    index = end
  }
  return builder.view()
}

const [percent, plus, space, backslash, letterU] = [0x25, 0x2b, 0x20, 0x5c, 0x75]

/** `%2F`, in upper or lower case. */
function* percentDecoded(view: View): Generator<View> {
  if (view.units.includes(percent)) yield replaced(view, percentAt)
}

/** Percent-encoding with `+` for a space. */
function* formDecoded(view: View): Generator<View> {
  if (!view.units.includes(plus)) return
  yield replaced(view, (units, index) =>
    units[index] === plus ? { code: space, length: 1 } : percentAt(units, index),
  )
}

/** The escapes of JSON, JavaScript, YAML and Python in quotes. */
function* unescaped(view: View): Generator<View> {
  if (view.units.includes(backslash)) yield replaced(view, escapeAt)
}

/** The character or byte that some units encode. */
interface Encoded {
  readonly code: number
  readonly length: number
  /** Whether the code is a byte, not a character. */
  readonly isByte?: true
}

function replaced(
  { units, starts, ends }: View,
  decodeAt: (units: Uint16Array, index: number) => Encoded | undefined,
): View {
  // The capacity suffices: no escape is shorter than the bytes of its character.
  const builder = new ViewBuilder(units.length)
  for (let index = 0; index < units.length; ) {
    const { code, length, isByte } = decodeAt(units, index) ?? {
      code: units[index]!,
      length: 1,
      isByte: true,
    }
    const end = ends[index + length - 1]!
    if (isByte) builder.add(code, starts[index]!, end)
    else builder.addCharacter(code, starts[index]!, end)
    index += length
  }
  return builder.view()
}

function percentAt(units: Uint16Array, index: number): Encoded | undefined {
  const code = units[index] === percent ? hexAt(units, index + 1, 2) : undefined
  return code === undefined ? undefined : { code, length: 3, isByte: true }
}

const letters: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, b: 8, f: 12, v: 11, 0: 0 }

function escapeAt(units: Uint16Array, index: number): Encoded | undefined {
  if (units[index] !== backslash || index + 1 >= units.length) return undefined
  const letter = String.fromCharCode(units[index + 1]!)
  const code = letter === 'x' ? hexAt(units, index + 2, 2) : undefined
  if (code !== undefined) return { code, length: 4 }
  return unicodeAt(units, index) ?? { code: letters[letter] ?? units[index + 1]!, length: 2, isByte: true }
}

// A character above U+FFFF has two escapes.
function unicodeAt(units: Uint16Array, index: number): Encoded | undefined {
  const [high, low] = [codeUnitAt(units, index), codeUnitAt(units, index + 6)]
  if (high === undefined) return undefined
  const isPair = high >> 10 === 0x36 && low !== undefined && low >> 10 === 0x37
  if (!isPair) return { code: high, length: 6 }
  return { code: 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff), length: 12 }
}

function codeUnitAt(units: Uint16Array, index: number): number | undefined {
  return units[index] === backslash && units[index + 1] === letterU ? hexAt(units, index + 2, 4) : undefined
}

function hexAt(units: Uint16Array, index: number, digits: number): number | undefined {
  const text = String.fromCharCode(...units.subarray(index, index + digits))
  return text.length === digits && /^[\da-f]+$/i.test(text) ? Number.parseInt(text, 16) : undefined
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const sextets = new Int8Array(boundary + 1).fill(-1)
for (const [sextet, letter] of [...alphabet].entries()) sextets[letter.charCodeAt(0)] = sextet
// The last two of base64, and those of base64url.
for (const [letter, sextet] of Object.entries({ '+': 62, '/': 63, '-': 62, _: 63 }))
  sextets[letter.charCodeAt(0)] = sextet

/** One view for each of the four alignments of the groups of base64. */
function* base64Decoded(view: View, least: number): Generator<View> {
  const runs = [...base64Runs(view, Math.ceil((least * 8) / 6))]
  for (let offset = 0; offset < 4 && runs.length > 0; offset++) {
    const builder = new ViewBuilder(view.units.length)
    for (const run of runs) decodeRun(view, run.slice(offset), builder)
    yield builder.view()
  }
}

const [carriageReturn, lineFeed] = [13, 10]

/** The indexes of the letters of base64, run by run; a run may continue on the next line. */
function* base64Runs({ units }: View, least: number): Generator<number[]> {
  let run: number[] = []
  for (let index = 0; index < units.length; index++) {
    const unit = units[index]!
    if (sextets[unit]! >= 0) run.push(index)
    else if (unit !== lineFeed && unit !== carriageReturn) {
      if (run.length >= least) yield run
      run = []
    }
  }
  if (run.length >= least) yield run
}

function decodeRun({ units, starts, ends }: View, run: readonly number[], builder: ViewBuilder): void {
  for (let bit = 0; Math.floor((bit + 7) / 6) < run.length; bit += 8) {
    const [first, last] = [run[Math.floor(bit / 6)]!, run[Math.floor((bit + 7) / 6)]!]
    const shift = bit % 6
    const byte = (sextets[units[first]!]! << (2 + shift)) | (sextets[units[last]!]! >> (4 - shift))
    builder.add(byte & 0xff, starts[first]!, ends[last]!)
  }
  builder.add(boundary, 0, 0)
}

import { boundary } from './pattern-matcher.js'

/** The bytes of a text, as it stands or decoded, and where in the text each of them begins and ends. */
export interface View {
  readonly units: Uint16Array
  readonly from: Int32Array
  readonly to: Int32Array
}

/** So many encodings may lie on top of one another: base64 in JSON, say. */
const mostEncodings = 2

/**
 * A text as it stands, then as each encoding would have it: percent-encoding, form-encoding, backslashes and base64 at
 * any alignment, within longer texts and on top of one another. `least` is how many bytes in base64 are of interest.
 */
export function decodedViews(text: string, least: number): Generator<View> {
  return withDecoded(plainView(text), least, mostEncodings)
}

function* withDecoded(view: View, least: number, encodings: number): Generator<View> {
  yield view
  if (encodings === 0) return
  for (const decode of [percentDecoded, formDecoded, unescaped, base64Decoded])
    for (const decoded of decode(view, least)) yield* withDecoded(decoded, least, encodings - 1)
}

class ViewBuilder {
  readonly #units: Uint16Array
  readonly #from: Int32Array
  readonly #to: Int32Array
  #length = 0

  constructor(capacity: number) {
    this.#units = new Uint16Array(capacity)
    this.#from = new Int32Array(capacity)
    this.#to = new Int32Array(capacity)
  }

  add(unit: number, from: number, to: number): void {
    this.#units[this.#length] = unit
    this.#from[this.#length] = from
    this.#to[this.#length++] = to
  }

  addCharacter(code: number, from: number, to: number): void {
    if (code < 0x80) this.add(code, from, to)
    else for (const byte of Buffer.from(String.fromCodePoint(code))) this.add(byte, from, to)
  }

  view(): View {
    const end = this.#length
    return {
      units: this.#units.subarray(0, end),
      from: this.#from.subarray(0, end),
      to: this.#to.subarray(0, end),
    }
  }
}

function plainView(text: string): View {
  const builder = new ViewBuilder(text.length * 3)
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at)!
    const end = at + (code > 0xffff ? 2 : 1)
    builder.addCharacter(code, at, end)
    at = end
  }
  return builder.view()
}

const [percent, plus, space, backslash, letterU] = [0x25, 0x2b, 0x20, 0x5c, 0x75]

/** `%2F`, in upper or lower case. */
function* percentDecoded(view: View): Generator<View> {
  if (view.units.includes(percent)) yield replaced(view, percentAt)
}

/** `+` for a space, besides. */
function* formDecoded(view: View): Generator<View> {
  if (!view.units.includes(plus)) return
  yield replaced(view, (units, at) =>
    units[at] === plus ? { code: space, length: 1 } : percentAt(units, at),
  )
}

/** Escapes of JSON, JavaScript, YAML and Python within quotes. */
function* unescaped(view: View): Generator<View> {
  if (view.units.includes(backslash)) yield replaced(view, escapeAt)
}

/** What some units stand for. */
interface Encoded {
  readonly code: number
  readonly length: number
  /** The code is a byte, and no character. */
  readonly isByte?: true
}

function replaced(
  { units, from, to }: View,
  encodedAt: (units: Uint16Array, at: number) => Encoded | undefined,
): View {
  // An escape is at least as long as the bytes of its character, but for those of one letter: they are one byte.
  const builder = new ViewBuilder(units.length)
  for (let at = 0; at < units.length; ) {
    const { code, length, isByte } = encodedAt(units, at) ?? { code: units[at]!, length: 1, isByte: true }
    const end = to[at + length - 1]!
    if (isByte) builder.add(code, from[at]!, end)
    else builder.addCharacter(code, from[at]!, end)
    at += length
  }
  return builder.view()
}

function percentAt(units: Uint16Array, at: number): Encoded | undefined {
  const code = units[at] === percent ? hexAt(units, at + 1, 2) : undefined
  return code === undefined ? undefined : { code, length: 3, isByte: true }
}

const letters: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, b: 8, f: 12, v: 11, 0: 0 }

function escapeAt(units: Uint16Array, at: number): Encoded | undefined {
  if (units[at] !== backslash || at + 1 >= units.length) return undefined
  const letter = String.fromCharCode(units[at + 1]!)
  const code = letter === 'x' ? hexAt(units, at + 2, 2) : undefined
  if (code !== undefined) return { code, length: 4 }
  return unicodeAt(units, at) ?? { code: letters[letter] ?? units[at + 1]!, length: 2, isByte: true }
}

// A character above U+FFFF is two escapes.
function unicodeAt(units: Uint16Array, at: number): Encoded | undefined {
  const [high, low] = [codeUnitAt(units, at), codeUnitAt(units, at + 6)]
  if (high === undefined) return undefined
  const isPair = high >> 10 === 0x36 && low !== undefined && low >> 10 === 0x37
  if (!isPair) return { code: high, length: 6 }
  return { code: 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff), length: 12 }
}

function codeUnitAt(units: Uint16Array, at: number): number | undefined {
  return units[at] === backslash && units[at + 1] === letterU ? hexAt(units, at + 2, 4) : undefined
}

function hexAt(units: Uint16Array, at: number, digits: number): number | undefined {
  const text = String.fromCharCode(...units.subarray(at, at + digits))
  return text.length === digits && /^[\da-f]+$/i.test(text) ? Number.parseInt(text, 16) : undefined
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const sextets = new Int8Array(boundary + 1).fill(-1)
for (const [sextet, letter] of [...alphabet].entries()) sextets[letter.charCodeAt(0)] = sextet
// Those of base64, and those of base64url.
for (const [letter, sextet] of Object.entries({ '+': 62, '/': 63, '-': 62, _: 63 }))
  sextets[letter.charCodeAt(0)] = sextet

/** One view for each of the four places of a run of letters at which a group of base64 may begin. */
function* base64Decoded(view: View, least: number): Generator<View> {
  const runs = [...base64Runs(view, Math.ceil((least * 8) / 6))]
  for (let offset = 0; offset < 4 && runs.length > 0; offset++) {
    const builder = new ViewBuilder(view.units.length)
    for (const run of runs) decodeRun(view, run.slice(offset), builder)
    yield builder.view()
  }
}

const [carriageReturn, lineFeed] = [13, 10]

/** The places of letters of base64, run by run; a run may go on in the next line. */
function* base64Runs({ units }: View, least: number): Generator<number[]> {
  let run: number[] = []
  for (let at = 0; at < units.length; at++) {
    const unit = units[at]!
    if (sextets[unit]! >= 0) run.push(at)
    else if (unit !== lineFeed && unit !== carriageReturn) {
      if (run.length >= least) yield run
      run = []
    }
  }
  if (run.length >= least) yield run
}

function decodeRun({ units, from, to }: View, run: readonly number[], builder: ViewBuilder): void {
  for (let bit = 0; Math.floor((bit + 7) / 6) < run.length; bit += 8) {
    const [first, last] = [run[Math.floor(bit / 6)]!, run[Math.floor((bit + 7) / 6)]!]
    const shift = bit % 6
    const byte = (sextets[units[first]!]! << (2 + shift)) | (sextets[units[last]!]! >> (4 - shift))
    builder.add(byte & 0xff, from[first]!, to[last]!)
  }
  builder.add(boundary, 0, 0)
}

import { BAIL_OUT } from '../bail-out.js'
import { resolvePlain } from './core-schema.js'

const longestProbe = 64
// Names of earlier texts stay, since most programs read files with the same keys: so many at most.
const mostKept = 4096
const usualTag = /^!(?:[A-Za-z][A-Za-z0-9_-]*\.)*[A-Za-z][A-Za-z0-9_-]*$/
// Without it, nobody can choose names that collide.
const multiplier = (Math.floor(Math.random() * 2 ** 30) << 1) | 1

/** The distinct keys and tags of texts, by number: each is resolved once, and objects share the string of its name. */
export class NameTable {
  /** The value of each as a key: a number for `1`. */
  readonly values: unknown[] = []
  /** The name that it is in an object. */
  readonly names: string[] = []
  /** The first with the same name: `1` and `"1"` are one key. */
  readonly firsts: number[] = []
  /** Whether it was written without quotes. */
  readonly plain: boolean[] = []
  readonly #texts: string[] = []
  readonly #tags: (boolean | undefined)[] = []
  readonly #hashes: number[] = []
  readonly #byName = new Map<string, number>()
  /** The number of each plus one, at the position of its hash or after it. */
  #slots = new Int32Array(256)

  /** A table for another text: that of the texts before, unless it is large. */
  static take(): NameTable {
    if (shared.names.length > mostKept) shared = new NameTable()
    return shared
  }

  /** The number of the name from `start` to `end` of a text. */
  find(text: string, start: number, end: number, plain: boolean): number {
    let hash = plain ? 0 : 1
    for (let offset = start; offset < end; offset++)
      hash = Math.imul(hash ^ text.charCodeAt(offset), multiplier)
    hash ^= hash >>> 15
    const slots = this.#slots
    const mask = slots.length - 1
    for (let probe = 0; probe < longestProbe; probe++) {
      const slot = (hash + probe) & mask
      const number = slots[slot]! - 1
      if (number < 0) return this.#add(text.slice(start, end), plain, hash, slot)
      if (this.#hashes[number] !== hash || this.plain[number] !== plain) continue
      if (isAt(text, start, end, this.#texts[number]!)) return number
    }
    // The exact reader compares keys in another way.
    throw BAIL_OUT
  }

  #add(text: string, plain: boolean, hash: number, slot: number): number {
    const number = this.names.length
    const value = plain ? resolvePlain(text) : text
    const name = internalized(String(value))
    const first = this.#byName.get(name) ?? number
    if (first === number) this.#byName.set(name, number)
    this.values.push(value)
    this.names.push(name)
    this.firsts.push(first)
    this.plain.push(plain)
    this.#texts.push(text)
    this.#tags.push(undefined)
    this.#hashes.push(hash)
    this.#slots[slot] = number + 1
    if (number * 2 > this.#slots.length) this.#grow()
    return number
  }

  /** Whether a name is a usual tag: without escapes, and not one of YAML itself. */
  isTag(number: number): boolean {
    this.#tags[number] ??= usualTag.test(this.names[number]!)
    return this.#tags[number]
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 4)
    const mask = slots.length - 1
    for (const [number, hash] of this.#hashes.entries()) {
      let slot = hash & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = number + 1
    }
    this.#slots = slots
  }
}

let shared = new NameTable()

function isAt(text: string, start: number, end: number, other: string): boolean {
  const length = end - start
  if (other.length !== length) return false
  for (let offset = 0; offset < length; offset++)
    if (text.charCodeAt(start + offset) !== other.charCodeAt(offset)) return false
  return true
}

// The string that V8 keeps for this name: setting a property with another one looks it up each time.
function internalized(name: string): string {
  return Object.keys({ [name]: 0 })[0]!
}

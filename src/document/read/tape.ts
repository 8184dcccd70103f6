import { BAIL_OUT } from '../bail-out.js'
import { NameTable } from './name-table.js'

// What a record is. Quoted scalars have no escapes: their value is the text between the quotes.
export const PLAIN = 0
export const QUOTED = 1
export const BLOCK = 2
export const ALIAS = 3
export const SEQUENCE = 4
export const MAPPING = 5
export const KEY = 6
export const TAG = 7
export const ANCHOR = 8

const stride = 3
const kindBits = 0b1111
const linkShift = 4
// Links have 28 bits.
const mostRecords = 2 ** 28

// Most texts are small: their tapes are parts of the same memory, as small buffers of Node are.
const poolLength = stride * 4096
const leastFree = stride * 256
let pool = new Int32Array(poolLength)
let pooled = 0
// So much unused memory costs nothing, since it was never written.
const untouched = stride * 100_000
// So many tags are compared one by one.
const fewTags = 16

/**
 * The nodes of a text as numbers, in file order. Most values are constructed from them; nodes are made when somebody looks. (Compare the
 * tape of simdjson, https://arxiv.org/abs/1902.08318.)
 *
 * A record has the offsets of the start and the end of its content, its kind, and a link: of a collection, the record after its last
 * child; of a key, its number in `names`; of a tag, its number in `tags`; of an alias, its target plus one, or zero. An anchor
 * and a tag precede their node. A mapping is followed by its keys, each followed by its value.
 */
export class Tape {
  /** The number of records. */
  count = 0
  /** The number of nodes whose values are kept: collections, and scalars with a tag. */
  valueCount = 0
  readonly names = NameTable.take()
  /** The distinct tags. */
  readonly tags: string[] = []
  /** For each tag, whether it is on a node that is neither a mapping nor empty. */
  readonly isTagOfOther: boolean[] = []
  /** Whether a mapping has a key `<<`. */
  hasMerges = false
  /** Whether a key is a number, a boolean or null. */
  hasOtherKeys = false
  #data: Int32Array
  /** Where the records begin in `#data`. */
  #base: number
  #blocks: Map<number, string> | undefined
  /** The name of each tag. */
  readonly #tagNames: number[] = []
  #manyTags: Map<number, number> | undefined

  constructor(readonly text: string) {
    if (pool.length - pooled < leastFree) {
      pool = new Int32Array(poolLength)
      pooled = 0
    }
    this.#data = pool
    this.#base = pooled
  }

  /** Adds a record; returns its number. */
  add(kind: number, start: number, end: number, link: number): number {
    const record = this.count++
    if (this.#base + record * stride >= this.#data.length) this.#grow()
    const data = this.#data
    const offset = this.#base + record * stride
    data[offset] = start
    data[offset + 1] = end
    data[offset + 2] = (link << linkShift) | kind
    return record
  }

  #grow(): void {
    if (this.count > mostRecords) throw BAIL_OUT
    const before = this.#data.subarray(this.#base)
    this.#data = new Int32Array(Math.max(before.length * 2, poolLength))
    this.#data.set(before)
    this.#base = 0
  }

  /** Ends the tape: its memory is not written any more. */
  complete(): void {
    const length = this.count * stride
    if (this.#data === pool) pooled = this.#base + length
    else if (this.#data.length < untouched) this.#data = this.#data.slice(0, length)
  }

  kindOf(record: number): number {
    return this.#data[this.#base + record * stride + 2]! & kindBits
  }

  startOf(record: number): number {
    return this.#data[this.#base + record * stride]!
  }

  endOf(record: number): number {
    return this.#data[this.#base + record * stride + 1]!
  }

  linkOf(record: number): number {
    return this.#data[this.#base + record * stride + 2]! >>> linkShift
  }

  /** Ends a collection whose last child was added. */
  close(record: number, end: number): void {
    this.#data[this.#base + record * stride + 1] = end
    this.#data[this.#base + record * stride + 2] = (this.count << linkShift) | this.kindOf(record)
  }

  /** Whether a node is a collection whose children are being added. */
  isOpen(record: number): boolean {
    const kind = this.kindOf(record)
    return (kind === SEQUENCE || kind === MAPPING) && this.linkOf(record) === 0
  }

  addBlock(start: number, end: number, value: string): number {
    this.#blocks ??= new Map()
    this.#blocks.set(this.count, value)
    return this.add(BLOCK, start, end, 0)
  }

  /** The text of a block scalar. */
  blockOf(record: number): string {
    return this.#blocks!.get(record)!
  }

  addKey(start: number, end: number, quoted: boolean): number {
    const number = quoted
      ? this.names.find(this.text, start + 1, end - 1, false)
      : this.names.find(this.text, start, end, true)
    const value = this.names.values[number]
    if (typeof value !== 'string') this.hasOtherKeys = true
    else if (value === '<<' && !quoted) this.hasMerges = true
    return this.add(KEY, start, end, number)
  }

  isMerge(key: number): boolean {
    return this.hasMerges && this.names.names[this.linkOf(key)] === '<<' && this.isPlain(key)
  }

  /** Whether a key is written without quotes. */
  isPlain(key: number): boolean {
    return this.names.plain[this.linkOf(key)]!
  }

  /** The number of a tag; bails out if it is an unusual one. */
  tagNumber(start: number, end: number): number {
    const name = this.names.find(this.text, start, end, false)
    const known = this.#manyTags ? this.#manyTags.get(name) : this.#tagNames.indexOf(name)
    return known === undefined || known < 0 ? this.#addTag(name) : known
  }

  #addTag(name: number): number {
    if (!this.names.isTag(name)) throw BAIL_OUT
    const number = this.tags.push(this.names.names[name]!) - 1
    this.isTagOfOther.push(false)
    this.#tagNames.push(name)
    if (this.#manyTags) this.#manyTags.set(name, number)
    else if (number >= fewTags) this.#manyTags = new Map(this.#tagNames.map((each, index) => [each, index]))
    return number
  }

  /** The tag of a node. */
  tagOf(record: number): string | undefined {
    return record > 0 && this.kindOf(record - 1) === TAG ? this.tags[this.linkOf(record - 1)] : undefined
  }

  /** The node itself, or the one that it is an alias for. */
  targetOf(record: number): number | undefined {
    if (this.kindOf(record) !== ALIAS) return record
    const link = this.linkOf(record)
    return link === 0 ? undefined : link - 1
  }

  /** Yields the items of a sequence. */
  *itemsOf(sequence: number): Generator<number> {
    for (let record = sequence + 1; record < this.linkOf(sequence); record++) {
      const kind = this.kindOf(record)
      if (kind === TAG || kind === ANCHOR) continue
      yield record
      if (kind === SEQUENCE || kind === MAPPING) record = this.linkOf(record) - 1
    }
  }
}

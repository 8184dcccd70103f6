/** A unit that no pattern contains, so that no match reaches across it. */
export const boundary = 256

/**
 * Finds many byte strings at once, in a time that depends on the length of the searched text and not on their number
 * (Aho and Corasick, "Efficient string matching", 1975).
 */
export class PatternMatcher {
  // A tree of all prefixes of the patterns. The root is node 0; it is no child of a node, so 0 means "none".
  readonly #byte = [boundary]
  readonly #firstChild = [0]
  readonly #sibling = [0]
  /** The longest suffix of a node that is a prefix of a pattern, too. */
  readonly #fallback = [0]
  /** The length of the longest pattern that ends at a node; 0 where none does. */
  readonly #matched = [0]
  readonly #fromRoot = new Int32Array(boundary + 1)

  constructor(patterns: Iterable<Uint8Array>) {
    for (const pattern of patterns) this.#add(pattern)
    this.#link()
  }

  /** Calls `found` for each position at which a pattern ends, with the bounds of the longest one. */
  search(units: Uint16Array, found: (start: number, end: number) => void): void {
    let node = 0
    for (let index = 0; index < units.length; index++) {
      node = this.#step(node, units[index]!)
      const length = this.#matched[node]!
      if (length > 0) found(index + 1 - length, index + 1)
    }
  }

  #step(start: number, unit: number): number {
    let node = start
    let next = this.#child(node, unit)
    while (next === 0 && node !== 0) {
      node = this.#fallback[node]!
      next = this.#child(node, unit)
    }
    return next
  }

  #child(node: number, unit: number): number {
    if (node === 0) return this.#fromRoot[unit]!
    let child = this.#firstChild[node]!
    while (child !== 0 && this.#byte[child] !== unit) child = this.#sibling[child]!
    return child
  }

  #add(pattern: Uint8Array): void {
    let node = 0
    for (const byte of pattern) node = this.#child(node, byte) || this.#append(node, byte)
    this.#matched[node] = pattern.length
  }

  #append(parent: number, byte: number): number {
    const node = this.#byte.push(byte) - 1
    this.#sibling.push(this.#firstChild[parent]!)
    this.#firstChild.push(0)
    this.#fallback.push(0)
    this.#matched.push(0)
    this.#firstChild[parent] = node
    if (parent === 0) this.#fromRoot[byte] = node
    return node
  }

  // Level by level: the fallback of a node is shorter, so it is complete already.
  #link(): void {
    const queue = [0]
    for (const parent of queue)
      for (let node = this.#firstChild[parent]!; node !== 0; node = this.#sibling[node]!) {
        if (parent !== 0) this.#fallback[node] = this.#step(this.#fallback[parent]!, this.#byte[node]!)
        this.#matched[node] ||= this.#matched[this.#fallback[node]!]!
        queue.push(node)
      }
  }
}

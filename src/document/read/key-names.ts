/** The keys of one mapping: few in most, so that looking at each is quicker than hashing. */
export class KeyNames {
  readonly #few: string[] = []
  #many: Set<string> | undefined

  /** Whether the key is new here. */
  add(key: string): boolean {
    if (this.#many) return this.#many.size < this.#many.add(key).size
    if (this.#few.includes(key)) return false
    this.#few.push(key)
    if (this.#few.length > 16) this.#many = new Set(this.#few)
    return true
  }
}

/** A tag as it is written. */
export interface TagToken {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** Tags in the order of the text. */
export class TagQueue {
  readonly #tags: TagToken[] = []
  #next = 0

  add(tag: TagToken): void {
    this.#tags.push(tag)
  }

  peek(): TagToken | undefined {
    return this.#tags[this.#next]
  }

  take(): TagToken | undefined {
    return this.#tags[this.#next++]
  }
}

/** Pieces are put together by so many: each would cost more than the bytes in it, and hold on to what it was cut from. */
const mostPieces = 1024
const batchSize = 1 << 16

/** What came in pieces of any size, or its end. */
export class Chunks {
  #batches: Buffer[] = []
  #pieces: Buffer[] = []
  #size = 0
  /** How many bytes are in `#pieces`. */
  #waiting = 0

  constructor(readonly most = Infinity) {}

  /** In bytes. */
  get size(): number {
    return this.#size
  }

  add(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#waiting += piece.length
    this.#size += piece.length
    if (this.#waiting >= batchSize || this.#pieces.length >= mostPieces) this.#gather()
    while (this.#size - (this.#batches[0]?.length ?? Infinity) >= this.most)
      this.#size -= this.#batches.shift()!.length
  }

  join(): Buffer {
    const all = Buffer.concat([...this.#batches, ...this.#pieces])
    return all.subarray(Math.max(0, all.length - this.most))
  }

  #gather(): void {
    this.#batches.push(Buffer.concat(this.#pieces))
    this.#pieces = []
    this.#waiting = 0
  }
}

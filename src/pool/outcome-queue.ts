/** Outcomes that wait for whoever takes them, and whoever waits for outcomes. */
export class OutcomeQueue<T> {
  readonly #waiting: T[] = []
  #error: { readonly thrown: unknown } | undefined
  #wake: (() => void) | undefined

  push(outcome: T): void {
    this.#waiting.push(outcome)
    this.#wake?.()
  }

  fail(thrown: unknown): void {
    this.#error ??= { thrown }
    this.#wake?.()
  }

  /** Wakes whoever waits, to look whether anything will come at all. */
  wake(): void {
    this.#wake?.()
  }

  /** The next outcome; `undefined` when there is none, and `isOver` says that none will come. */
  async next(isOver: () => boolean): Promise<T | undefined> {
    for (;;) {
      if (this.#error) throw this.#error.thrown
      const outcome = this.#waiting.shift()
      if (outcome !== undefined || isOver()) return outcome
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }
}

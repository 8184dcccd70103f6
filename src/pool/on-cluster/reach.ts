/** How often each factory may fail to reach Redis: twice straight, and twice through SSH. */
const mostFailures = 4

/** Knows whether any factory ever reached Redis: when none did, and all have tried enough, nobody will do the tasks. */
export class Reach {
  readonly #failures = new Map<string, number>()
  #reached = false

  constructor(
    readonly factories: number,
    readonly onNone: (why: string) => void,
  ) {}

  reached(): void {
    this.#reached = true
  }

  failed(factory: string, why: string): void {
    this.#failures.set(factory, (this.#failures.get(factory) ?? 0) + 1)
    const failures = [...this.#failures.values()]
    const all = failures.length === this.factories && failures.every((count) => count >= mostFailures)
    if (all && !this.#reached) this.onNone(why)
  }
}

/** So many tasks in a row that took less than so many milliseconds make a worker quick: sending takes as long. */
const quickTasks = 100
const quickMs = 5
/** How many tasks a quick worker has at hand, the one that runs included. */
const atHand = 32

/** How fast a worker is through with its tasks, and how many it should therefore be given. */
export class Pace {
  #quickInARow = 0

  ended(milliseconds: number): void {
    this.#quickInARow = milliseconds < quickMs ? this.#quickInARow + 1 : 0
  }

  /** How many tasks a worker should have at hand. */
  get wants(): number {
    return this.#quickInARow < quickTasks ? 1 : atHand
  }

  /** How many more tasks a worker should be given that has so many: a quick one is filled up when it is half empty. */
  room(held: number): number {
    if (held === 0) return 1
    return held > this.wants / 2 ? 0 : this.wants - held
  }
}

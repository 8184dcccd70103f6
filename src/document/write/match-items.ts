import type { Node } from '../../node.js'
import type { ConstructContext } from '../construct/construct-context.js'

/**
 * The loaded node of each item: of the same object or an equal value, wherever that stands now, so that comments and
 * style follow it; else of what the item took the place of. Equal values are told apart by what stands around them.
 */
export function matchItems(
  items: readonly unknown[],
  nodes: readonly Node[],
  context: ConstructContext,
): (Node | undefined)[] {
  const before = nodes.map((node) => sameness(context.construct(node)))
  const now = items.map(sameness)
  const matched = new ItemMatching(now, before).match()
  return matched.map((index) => (index === undefined ? undefined : nodes[index]))
}

class ItemMatching {
  readonly #matched: (number | undefined)[]

  constructor(
    readonly now: readonly unknown[],
    readonly before: readonly unknown[],
  ) {
    this.#matched = new Array(now.length).fill(undefined)
  }

  match(): readonly (number | undefined)[] {
    const start = this.#common((index) => index, 0)
    const shorter = Math.min(this.now.length, this.before.length)
    const ending = this.#common((index, length) => length - 1 - index, start)
    if (start < shorter) this.#between(start, ending)
    this.#fillGaps()
    return this.#matched
  }

  // How many items are the same from one end on; they are matched.
  #common(indexFrom: (index: number, length: number) => number, taken: number): number {
    const { now, before } = this
    const most = Math.min(now.length, before.length) - taken
    let count = 0
    for (; count < most; count++) {
      const [left, right] = [indexFrom(count, now.length), indexFrom(count, before.length)]
      if (!Object.is(now[left], before[right])) break
      this.#matched[left] = right
    }
    return count
  }

  #between(start: number, ending: number): void {
    const free = new Map<unknown, number[]>()
    for (let index = this.before.length - ending - 1; index >= start; index--) {
      const places = free.get(this.before[index])
      if (places) places.push(index)
      else free.set(this.before[index], [index])
    }
    for (let index = start; index < this.now.length - ending; index++)
      this.#matched[index] = free.get(this.now[index])?.pop()
  }

  // As many new ones as there were old ones between the same neighbours have taken their places.
  #fillGaps(): void {
    const used = new Set(this.#matched)
    for (let index = 0; index < this.now.length; index++) {
      if (this.#matched[index] !== undefined) continue
      const from = index
      while (index + 1 < this.now.length && this.#matched[index + 1] === undefined) index++
      this.#fillGap(from, index + 1, used)
    }
  }

  #fillGap(start: number, end: number, used: ReadonlySet<number | undefined>): void {
    const first = start === 0 ? 0 : this.#matched[start - 1]! + 1
    const next = end === this.now.length ? this.before.length : this.#matched[end]!
    if (next - first !== end - start) return
    for (let index = first; index < next; index++) if (used.has(index)) return
    for (let index = start; index < end; index++) this.#matched[index] = first + index - start
  }
}

// Dates and bytes, as objects, are the same only when they are one.
function sameness(value: unknown): unknown {
  return value ?? null
}

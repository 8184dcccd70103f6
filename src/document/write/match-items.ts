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
  return matched.map((at) => (at === undefined ? undefined : nodes[at]))
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
    const start = this.#common((at) => at, 0)
    const shorter = Math.min(this.now.length, this.before.length)
    const ending = this.#common((at, length) => length - 1 - at, start)
    if (start < shorter) this.#between(start, ending)
    this.#fillPlaces()
    return this.#matched
  }

  // How many items are the same from one end on; they are matched.
  #common(place: (at: number, length: number) => number, taken: number): number {
    const { now, before } = this
    const most = Math.min(now.length, before.length) - taken
    let count = 0
    for (; count < most; count++) {
      const [left, right] = [place(count, now.length), place(count, before.length)]
      if (!Object.is(now[left], before[right])) break
      this.#matched[left] = right
    }
    return count
  }

  #between(start: number, ending: number): void {
    const free = new Map<unknown, number[]>()
    for (let at = this.before.length - ending - 1; at >= start; at--) {
      const places = free.get(this.before[at])
      if (places) places.push(at)
      else free.set(this.before[at], [at])
    }
    for (let at = start; at < this.now.length - ending; at++)
      this.#matched[at] = free.get(this.now[at])?.pop()
  }

  // As many new ones as there were old ones between the same neighbours have taken their places.
  #fillPlaces(): void {
    const used = new Set(this.#matched)
    for (let at = 0; at < this.now.length; at++) {
      if (this.#matched[at] !== undefined) continue
      const from = at
      while (at + 1 < this.now.length && this.#matched[at + 1] === undefined) at++
      this.#fillGap(from, at + 1, used)
    }
  }

  #fillGap(from: number, to: number, used: ReadonlySet<number | undefined>): void {
    const first = from === 0 ? 0 : this.#matched[from - 1]! + 1
    const next = to === this.now.length ? this.before.length : this.#matched[to]!
    if (next - first !== to - from) return
    for (let at = first; at < next; at++) if (used.has(at)) return
    for (let at = from; at < to; at++) this.#matched[at] = first + at - from
  }
}

// Dates and bytes, as objects, are the same only when they are one.
function sameness(value: unknown): unknown {
  return value ?? null
}

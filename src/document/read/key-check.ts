import type { Node } from '../../node.js'
import { mergeSources } from '../nodes.js'
import type { ReportProblem } from '../problems.js'

/** Looks at the keys of one mapping as they come: no key twice, and no collection as a key. */
export class KeyCheck {
  readonly #seen = new KeyNames()

  /** `typed`: `1` and `"1"` are two keys, as in a set, where they name nothing. */
  constructor(
    readonly report: ReportProblem,
    readonly typed = false,
  ) {}

  check(written: Node, merge: boolean): void {
    const key = written.kind === 'alias' ? written.target : written
    if (!key) return
    if (key.kind !== 'scalar')
      this.report(
        written,
        'KEY_NOT_SCALAR',
        'A key must be a single value: a collection cannot name anything',
      )
    else if (!merge) this.#checkName(key.value, written)
  }

  /** What stands behind `<<` must be a mapping, an alias of one, or a sequence of these. */
  checkMerge(value: Node): void {
    for (const source of mergeSources(value)) {
      const target = source.kind === 'alias' ? source.target : source
      if (target && target.kind !== 'mapping')
        this.report(
          source.start < value.start ? value : source,
          'BAD_MERGE',
          '"<<" takes in a mapping, an alias of one, or a sequence of these',
        )
    }
  }

  #checkName(value: unknown, key: Node): void {
    const name = String(value)
    if (!this.#seen.add(this.typed ? typedKey(value) : name))
      this.report(key, 'DUPLICATE_KEY', `Key "${name}" stands here twice: remove one of them`)
  }
}

/** The name of a value in a set, where the text "1" and the number are two. */
export function typedKey(value: unknown): string {
  if (value instanceof Date) return `date ${value.getTime()}`
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('base64')}`
  return `${typeof value} ${String(value)}`
}

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

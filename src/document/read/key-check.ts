import type { Node } from '../../node.js'
import { isCompositionTag } from '../../registry/tag.js'
import { mergeSources } from '../nodes.js'
import type { ReportProblem } from '../problems.js'

/** Checks the keys of one mapping: no duplicates, and no collections. */
export class KeyCheck {
  readonly #seen = new KeyNames()

  /** `typed`: `1` and `"1"` are two keys, as in a set. */
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
        'A key must be a single value, not a mapping or sequence: put it in quotes if it is a string',
      )
    else if (!merge) this.#checkName(key.value, written)
  }

  /** The value of `<<` must be a mapping, an alias to one, or a sequence of these. */
  checkMerge(value: Node): void {
    for (const source of mergeSources(value)) {
      const target = source.kind === 'alias' ? source.target : source
      if (target && target.kind !== 'mapping' && !isCompositionTag(target.tag))
        this.report(
          source.start < value.start ? value : source,
          'BAD_MERGE',
          '"<<" takes a mapping, an alias to one, or a sequence of these',
        )
    }
  }

  #checkName(value: unknown, key: Node): void {
    const name = String(value)
    if (!this.#seen.add(this.typed ? typedKey(value) : name))
      this.report(key, 'DUPLICATE_KEY', duplicateKey(name))
  }
}

export function duplicateKey(name: string): string {
  return `Duplicate key "${name}": remove one of them`
}

/** The message for an alias without an anchor; `meant` is the anchor with the most similar name. */
export function unknownAlias(name: string, meant: string | undefined): string {
  const remedy =
    meant === undefined
      ? `: write "&${name}" before the node that it refers to`
      : `: did you mean "*${meant}"?`
  return `Alias "*${name}" has no anchor before it${remedy}`
}

/** The identity of a value in a set, where the string "1" and the number 1 differ. */
export function typedKey(value: unknown): string {
  if (value instanceof Date) return `date ${value.getTime()}`
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('base64')}`
  return `${typeof value} ${String(value)}`
}

/** The keys of one mapping. Most mappings have few, so that a linear search is faster than hashing. */
export class KeyNames {
  readonly #few: string[] = []
  #many: Set<string> | undefined

  /** Adds a key; returns whether it is new. */
  add(key: string): boolean {
    if (this.#many) return this.#many.size < this.#many.add(key).size
    if (this.#few.includes(key)) return false
    this.#few.push(key)
    if (this.#few.length > 16) this.#many = new Set(this.#few)
    return true
  }
}

import type { Node } from '../../node.js'
import type { Report } from '../problems.js'
import { KeyNames } from './key-names.js'

/** Looks at the keys of one mapping as they come: no key twice, and no collection as a key. */
export class KeyCheck {
  readonly #seen = new KeyNames()

  constructor(readonly report: Report) {}

  see(written: Node, merge: boolean): void {
    const key = written.kind === 'alias' ? written.target : written
    if (!key) return
    if (key.kind !== 'scalar')
      this.report(
        written,
        'KEY_NOT_SCALAR',
        'A key must be a single value: a collection cannot name anything',
      )
    else if (!merge) this.#seeName(String(key.value), written)
  }

  /** What stands behind `<<` must be a mapping, an alias of one, or a sequence of these. */
  checkMerge(value: Node): void {
    const sources = value.kind === 'sequence' ? value.items : [value]
    for (const source of sources) {
      const target = source.kind === 'alias' ? source.target : source
      if (target && target.kind !== 'mapping')
        this.report(source, 'BAD_MERGE', '"<<" takes in a mapping, an alias of one, or a sequence of these')
    }
  }

  #seeName(name: string, key: Node): void {
    if (!this.#seen.add(name))
      this.report(key, 'DUPLICATE_KEY', `Key "${name}" stands here twice: remove one of them`)
  }
}

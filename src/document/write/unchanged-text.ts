import type { Registry } from '../../registry/registry.js'
import { isPlainObject } from '../../util/plain-object.js'
import { BAIL_OUT, unlessBailedOut } from '../bail-out.js'
import { provenanceOf, type TapeContext, TapeProvenance } from '../construct/provenance.js'
import { planOf, type TapePlan } from '../construct/tape-construction.js'
import { scalarValue } from '../read/plain-value.js'
import { ALIAS, ANCHOR, MAPPING, SEQUENCE, TAG, type Tape } from '../read/tape.js'

/**
 * The text of a document that a value was loaded from as a whole, if nothing in the value has changed and the document was constructed
 * from its tape; else `undefined`.
 */
export function unchangedText(value: unknown, registry: Registry): string | undefined {
  const provenance = typeof value === 'object' && value !== null ? provenanceOf(value) : undefined
  if (!(provenance instanceof TapeProvenance) || provenance.number !== 0) return undefined
  const { context } = provenance
  const plan = planOf(context.document, registry, true)
  if (!plan || !isWrittenByTag(plan.document.tape, registry)) return undefined
  const { tape, start, end } = plan.document
  const text = tape.text.slice(start, end)
  // A line end that is added may become part of a block scalar.
  if (!text.endsWith('\n')) return undefined
  return unlessBailedOut(() => new Comparison(plan, context).isUnchanged()) ? text : undefined
}

function isWrittenByTag({ tags }: Tape, registry: Registry): boolean {
  return tags.every((tag) => registry.get(tag)?.definition.toYaml === undefined)
}

/** Compares the values of a document with its tape; bails out at the first change. */
class Comparison {
  readonly #tape: Tape
  readonly #anchored = new Map<number, unknown>()
  readonly #anchors = new Set<string>()
  #record: number
  #number = 0

  constructor(
    readonly plan: TapePlan,
    readonly context: TapeContext,
  ) {
    this.#tape = plan.document.tape
    this.#record = plan.document.first
  }

  isUnchanged(): true {
    this.#option()
    return true
  }

  /** Compares an option that an object was constructed with. A scalar needs no comparison: it is written as it was loaded. */
  #option(): unknown {
    const record = this.#record++
    switch (this.#tape.kindOf(record)) {
      case MAPPING:
      case SEQUENCE:
        return this.#data(record)
      case TAG:
        return this.#object(record)
      case ANCHOR:
        return this.#named(record, () => this.#option())
      default:
        return undefined
    }
  }

  /** Compares a value of plain data. */
  #item(value: unknown): unknown {
    const record = this.#record
    switch (this.#tape.kindOf(record)) {
      case MAPPING:
      case SEQUENCE:
      case TAG:
        return same(value, this.#option())
      case ANCHOR:
        this.#record++
        return this.#named(record, () => this.#item(value))
      default:
        this.#record++
        return same(value, this.#scalar(record))
    }
  }

  #named(anchor: number, compare: () => unknown): unknown {
    const tape = this.#tape
    const name = tape.text.slice(tape.startOf(anchor), tape.endOf(anchor))
    // Of two equal names, one is written in another way.
    if (this.#anchors.size === this.#anchors.add(name).size) throw BAIL_OUT
    const record = tape.kindOf(anchor + 1) === TAG ? anchor + 2 : anchor + 1
    const value = compare() ?? this.#scalar(record)
    this.#anchored.set(record, value)
    return value
  }

  #scalar(record: number): unknown {
    const tape = this.#tape
    if (tape.kindOf(record) === ALIAS) return this.#anchored.get(tape.linkOf(record) - 1)
    return scalarValue(tape, record)
  }

  /** The next value, if it is still the one that was loaded there. */
  #loaded(): object {
    const number = this.#number++
    const value = this.context.valuesByNumber?.[number]
    const provenance = typeof value === 'object' && value !== null ? provenanceOf(value) : undefined
    if (!(provenance instanceof TapeProvenance)) throw BAIL_OUT
    if (provenance.number !== number || provenance.context !== this.context) throw BAIL_OUT
    return value as object
  }

  #object(tag: number): object {
    const object = this.#loaded()
    if (object.constructor !== this.plan.classes[this.#tape.linkOf(tag)]?.Class) throw BAIL_OUT
    const record = this.#record++
    const next = this.#tape.linkOf(record)
    // A tagged scalar is empty, and has no link.
    while (this.#record < next) {
      this.#record++
      this.#option()
    }
    return object
  }

  #data(record: number): object {
    const data = this.#loaded()
    const next = this.#tape.linkOf(record)
    const isSequence = this.#tape.kindOf(record) === SEQUENCE
    if (isSequence !== Array.isArray(data) || (!isSequence && !isPlainObject(data))) throw BAIL_OUT
    if (isSequence) this.#items(data as unknown[], next)
    else this.#entries(data as Record<string, unknown>, next)
    return data
  }

  #items(items: readonly unknown[], next: number): void {
    let index = 0
    while (this.#record < next) this.#item(items[index++] ?? null)
    if (index !== items.length) throw BAIL_OUT
  }

  #entries(object: Readonly<Record<string, unknown>>, next: number): void {
    const tape = this.#tape
    const names = Object.keys(object)
    let index = 0
    while (this.#record < next) {
      const name = tape.names.names[tape.linkOf(this.#record++)]!
      if (names[index++] !== name) throw BAIL_OUT
      this.#item(object[name])
    }
    if (index !== names.length) throw BAIL_OUT
  }
}

function same(value: unknown, loaded: unknown): unknown {
  if (!Object.is(value, loaded)) throw BAIL_OUT
  return value
}

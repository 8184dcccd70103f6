import { isApplicationTag } from '../../node.js'
import { type Class, constructsOwnClass, schemaOf } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import type { StandardSchema } from '../../registry/standard-schema.js'
import { setOwn } from '../../util/plain-object.js'
import type { ParsedDocument } from '../read/parsed.js'
import { scalarValue } from '../read/plain-value.js'
import { ALIAS, ANCHOR, MAPPING, SEQUENCE, TAG, type Tape } from '../read/tape.js'
import { TapeDocument } from '../read/tape-document.js'

/** The class of a tag, and the schema of its options. */
export interface TapeClass {
  readonly Class: Class
  readonly schema: StandardSchema | undefined
}

/** A document that can be constructed from its tape, with the class of each tag. */
export interface TapePlan {
  readonly document: TapeDocument
  readonly classes: readonly TapeClass[]
}

/**
 * How a document is constructed from its tape, if it has one, no tag in the text is wrong, and every tagged mapping is the options of a
 * class that constructs itself. Else `undefined`: then nodes are made, and checked. `allowsSchemas`: classes may have schemas.
 */
export function planOf(
  document: ParsedDocument,
  registry: Registry,
  allowsSchemas: boolean,
): TapePlan | undefined {
  const classes = document instanceof TapeDocument ? classesOf(document.tape, registry) : undefined
  if (!classes || (!allowsSchemas && classes.some(({ schema }) => schema))) return undefined
  return { document: document as TapeDocument, classes }
}

function classesOf(tape: Tape, registry: Registry): TapeClass[] | undefined {
  if (tape.hasMerges || (tape.hasOtherKeys && tape.tags.length > 0)) return undefined
  const classes: TapeClass[] = []
  for (const [number, tag] of tape.tags.entries()) {
    const found = tape.isTagOfOther[number] ? undefined : classOf(tag, registry)
    if (!found) return undefined
    classes.push(found)
  }
  return classes
}

function classOf(tag: string, registry: Registry): TapeClass | undefined {
  const resolved = isApplicationTag(tag) ? registry.get(tag) : undefined
  if (!resolved || resolved.abstract || resolved.deprecated !== undefined) return undefined
  const { keys, templates, injected } = resolved.definition
  const takesAll = keys === 'as-written' && templates.length === 0 && injected.length === 0
  if (!takesAll || !constructsOwnClass(resolved)) return undefined
  return { Class: resolved.Class, schema: schemaOf(resolved) }
}

/** What receives the objects of a tape. */
export interface TapeObjects {
  /** Constructs an object; `number`: that of its value. */
  make(tapeClass: TapeClass, options: Record<string, unknown>, number: number): object
  /** Takes what a constructor has thrown; if it returns, the others are constructed. */
  fail(error: unknown, number: number): void
  /** Takes plain data. */
  keep(value: object, number: number): void
}

/** Constructs the values of a document from its tape, without making nodes: each child before what contains it. */
export class TapeConstruction {
  /** The values of collections and of tagged scalars, in file order. */
  readonly values: unknown[] = []
  readonly #tape: Tape
  #anchored: Map<number, unknown> | undefined
  #record: number
  /** How many objects could not be constructed. */
  #failed = 0

  constructor(
    readonly plan: TapePlan,
    readonly objects: TapeObjects,
  ) {
    const { tape, first } = plan.document
    this.#tape = tape
    this.#record = first
  }

  /** Constructs the value at the current record. */
  construct(): unknown {
    const tape = this.#tape
    const record = this.#record++
    switch (tape.kindOf(record)) {
      case MAPPING:
        return this.#mapping(record)
      case SEQUENCE:
        return this.#sequence(record)
      case TAG:
        return this.#tagged(this.plan.classes[tape.linkOf(record)]!)
      case ALIAS:
        return this.#alias(tape.linkOf(record) - 1)
      case ANCHOR:
        return this.#named(record)
      default:
        return scalarValue(tape, record)
    }
  }

  #named(anchor: number): unknown {
    const isTagged = this.#tape.kindOf(anchor + 1) === TAG
    const failed = this.#failed
    const value = this.construct()
    this.#anchored ??= new Map()
    if (this.#failed === failed) this.#anchored.set(isTagged ? anchor + 2 : anchor + 1, value)
    return value
  }

  #alias(target: number): unknown {
    const value = this.#anchored?.get(target)
    if (value === undefined) this.#failed++
    return value
  }

  #tagged(tapeClass: TapeClass): unknown {
    const number = this.values.push(undefined) - 1
    const record = this.#record++
    const failed = this.#failed
    const options = this.#tape.kindOf(record) === MAPPING ? this.#entries(record) : {}
    // What uses an object that could not be constructed is not constructed.
    if (this.#failed !== failed) return undefined
    try {
      const made = this.objects.make(tapeClass, options, number)
      this.values[number] = made
      return made
    } catch (error) {
      this.#failed++
      this.objects.fail(error, number)
      return undefined
    }
  }

  #mapping(record: number): unknown {
    const number = this.values.push(undefined) - 1
    const object = this.#entries(record)
    this.values[number] = object
    this.objects.keep(object, number)
    return object
  }

  #entries(record: number): Record<string, unknown> {
    const tape = this.#tape
    const { names } = tape.names
    const next = tape.linkOf(record)
    const object: Record<string, unknown> = {}
    while (this.#record < next) {
      const name = names[tape.linkOf(this.#record++)]!
      setOwn(object, name, this.construct())
    }
    return object
  }

  #sequence(record: number): unknown {
    const number = this.values.push(undefined) - 1
    const next = this.#tape.linkOf(record)
    const items: unknown[] = []
    while (this.#record < next) items.push(this.construct())
    this.values[number] = items
    this.objects.keep(items, number)
    return items
  }
}

import { RegistrationError } from '../../errors.js'
import type { Node } from '../../node.js'
import { isMapping, omitUndefined } from '../../util/plain-object.js'
import type { ConstructContext } from './construct-context.js'

/** A loaded node, and the context that has the values of the nodes below. */
interface LoadedFrom {
  readonly node: Node
  readonly context: ConstructContext
}

/** Where an object comes from: `dump` writes it from this. */
export interface Provenance {
  /** The node that it was loaded from. */
  readonly loaded?: LoadedFrom
  /** A copy of plain data that a `fromYaml` or factory returned, to see whether the data changed since. */
  readonly snapshot?: object
  /** The options that it was constructed with in code. */
  readonly options?: object
  /** The attributes that `setSerializableAttr` has set since. */
  readonly edits?: Map<string, unknown>
}

const key = Symbol.for('flambeau.record')
const ofFrozen = new WeakMap<object, Provenance>()

/** The provenance of an object that was loaded, or whose options were recorded. */
export function provenanceOf(object: object): Provenance | undefined {
  // An object that was frozen after its first record has the later one in the map.
  const later = Object.isExtensible(object) ? undefined : ofFrozen.get(object)
  return later ?? (Object.hasOwn(object, key) ? (object as { [key]?: Provenance })[key] : undefined)
}

// One for all objects: another one for each would cost as much as the definition.
const property = { value: undefined as unknown, writable: true, configurable: true, enumerable: false }

// On the object itself, under a symbol: a WeakMap would cost more than reading the text.
function record(object: object, value: Provenance): void {
  property.value = value
  if (!Object.isExtensible(object)) ofFrozen.set(object, value)
  else Object.defineProperty(object, key, property)
  property.value = undefined
}

/** The provenance of a value whose node is made when somebody looks. */
export class TapeProvenance implements Provenance, LoadedFrom {
  constructor(
    readonly context: TapeContext,
    /** Its number among the values of the document. */
    readonly number: number,
  ) {}

  get loaded(): LoadedFrom {
    return this
  }

  get node(): Node {
    return this.context.nodeOf(this.number)
  }
}

/** What constructed a document from its tape. */
export interface TapeContext extends ConstructContext {
  /** The values of collections and of tagged scalars, in file order. */
  readonly valuesByNumber: readonly unknown[] | undefined
  /** The node of a value. */
  nodeOf(number: number): Node
}

/** Records what a new object was loaded from, by its number among the values of the document. */
export function recordNumber(object: object, context: TapeContext, number: number): void {
  record(object, new TapeProvenance(context, number))
}

/** Records what an object was loaded from. */
export function recordLoaded(object: object, loaded: LoadedFrom, snapshot?: object): void {
  record(object, snapshot ? { loaded, snapshot } : { loaded })
}

/** Records the options that an object was constructed with, as they are now. */
export function recordOptions(object: object, options: object): void {
  const before = provenanceOf(object)
  if (!before?.options && !before?.loaded) record(object, { ...before, options: { ...options } })
}

/**
 * Sets an attribute of an object and makes it part of what `dump` writes; an option of this name is replaced in `options`, too.
 *
 * ```ts
 * setSerializableAttr(train, 'rate', 0.01)
 * dump(train)   // the file that it was loaded from, with this one value changed
 * ```
 */
export function setSerializableAttr(object: object, name: string, value: unknown): void {
  setAttribute(object as Record<string, unknown>, name, value)
  const { loaded, snapshot, options, edits } = provenanceOf(object) ?? {}
  const known = omitUndefined({ loaded, snapshot, options })
  record(object, { ...known, edits: new Map(edits).set(name, value) })
}

// All or nothing. An attribute with only a getter is fine if the getter reads the option.
function setAttribute(object: Record<string, unknown>, name: string, value: unknown): void {
  const { options } = object
  const isOption = isMapping(options) && Object.hasOwn(options, name)
  if (isOption) Reflect.set(object, 'options', { ...options, [name]: value })
  if (Reflect.set(object, name, value) || Object.is(object[name], value)) return
  if (isOption) Reflect.set(object, 'options', options)
  const message = `"${name}" of class "${object.constructor?.name}" cannot be set`
  throw new RegistrationError(`${message}: give it a setter, or let its getter read "this.options.${name}"`, {
    code: 'NOT_SETTABLE',
  })
}

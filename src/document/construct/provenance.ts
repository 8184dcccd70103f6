import { RegistrationError } from '../../errors.js'
import type { Node } from '../../node.js'
import type { ConstructContext } from './construct-context.js'

/** What an object is dumped from. */
export interface Provenance {
  /** The node that it was loaded from, and the loading that knows what the nodes below became. */
  readonly loaded?: { readonly node: Node; readonly context: ConstructContext }
  /** Of plain data that a `fromYaml` or a factory made: a copy, which says whether it changed since. */
  readonly snapshot?: object
  /** The options that it was made with in code. */
  readonly options?: object
  /** What `setSerializableAttr` has set since. */
  readonly edits?: Map<string, unknown>
}

const key = Symbol.for('flambeau.record')
const ofFrozen = new WeakMap<object, Provenance>()

/** The record of an object, if it was loaded or made with recorded options. */
export function provenanceOf(object: object): Provenance | undefined {
  // What was frozen since it had a record has its later one there.
  const later = Object.isExtensible(object) ? undefined : ofFrozen.get(object)
  return later ?? (Object.hasOwn(object, key) ? (object as { [key]?: Provenance })[key] : undefined)
}

// On the object itself, where only who has the symbol sees it: a WeakMap would cost more than reading the text.
function record(object: object, value: Provenance): void {
  if (!Object.isExtensible(object)) ofFrozen.set(object, value)
  else Object.defineProperty(object, key, { value, writable: true, configurable: true, enumerable: false })
}

/** Remembers what an object was loaded from. */
export function recordLoaded(object: object, node: Node, context: ConstructContext, snapshot?: object): void {
  record(object, snapshot ? { loaded: { node, context }, snapshot } : { loaded: { node, context } })
}

/** Remembers the options that an object was made with, as they are now. */
export function recordOptions(object: object, options: object): void {
  const before = provenanceOf(object)
  if (!before?.options && !before?.loaded) record(object, { ...before, options: { ...options } })
}

/**
 * Sets an attribute of an object and makes it part of what `dump` writes; in `options` it is replaced where it is there.
 *
 * ```ts
 * setSerializableAttr(train, 'rate', 0.01)
 * dump(train)   // the file that it was loaded from, with this one value changed
 * ```
 */
export function setSerializableAttr(object: object, name: string, value: unknown): void {
  setAttribute(object as Record<string, unknown>, name, value)
  const before = provenanceOf(object) ?? {}
  record(object, { ...before, edits: new Map(before.edits).set(name, value) })
}

// All of it or nothing: an attribute that only has a getter may still take what is in the options.
function setAttribute(object: Record<string, unknown>, name: string, value: unknown): void {
  const { options } = object
  const isOption = isOptions(options) && Object.hasOwn(options, name)
  if (isOption) Reflect.set(object, 'options', { ...options, [name]: value })
  if (Reflect.set(object, name, value) || Object.is(object[name], value)) return
  if (isOption) Reflect.set(object, 'options', options)
  const message = `"${name}" of class "${object.constructor?.name}" cannot be set`
  throw new RegistrationError(`${message}: give it a setter, or let its getter read "this.options.${name}"`, {
    code: 'NOT_SETTABLE',
  })
}

function isOptions(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

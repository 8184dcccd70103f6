import type { Node } from '../../node.js'
import type { Constructing } from './constructing.js'

/** What an object is dumped from. */
export interface ObjectRecord {
  /** The node that it was loaded from, and the loading that knows what the nodes below became. */
  readonly loaded?: { readonly node: Node; readonly by: Constructing }
  /** The options that it was made with in code. */
  readonly given?: object
  /** What `setSerializableAttr` has set since. */
  readonly edits?: Map<string, unknown>
}

const key = Symbol.for('flambeau.record')
const ofFrozen = new WeakMap<object, ObjectRecord>()

/** The record of an object, if it was loaded or made with recorded options. */
export function recordOf(object: object): ObjectRecord | undefined {
  // What was frozen since it had a record has its later one there.
  const later = Object.isExtensible(object) ? undefined : ofFrozen.get(object)
  return later ?? (Object.hasOwn(object, key) ? (object as { [key]?: ObjectRecord })[key] : undefined)
}

// On the object itself, where only who has the symbol sees it: a WeakMap would cost more than reading the text.
function record(object: object, value: ObjectRecord): void {
  if (!Object.isExtensible(object)) ofFrozen.set(object, value)
  else Object.defineProperty(object, key, { value, writable: true, configurable: true, enumerable: false })
}

/** Remembers what an object was loaded from. */
export function recordLoaded(object: object, node: Node, by: Constructing): void {
  record(object, { loaded: { node, by } })
}

/** Remembers the options that an object was made with, as they are now. */
export function recordGiven(object: object, options: object): void {
  const before = recordOf(object)
  if (!before?.given && !before?.loaded) record(object, { ...before, given: { ...options } })
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
  const attributes = object as Record<string, unknown>
  const options = attributes['options']
  if (isOptions(options) && Object.hasOwn(options, name))
    attributes['options'] = { ...options, [name]: value }
  attributes[name] = value
  const before = recordOf(object) ?? {}
  record(object, { ...before, edits: new Map(before.edits).set(name, value) })
}

function isOptions(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

import { RegistrationError } from '../../errors.js'
import { coreTag, type Entry, mappingNode, type Node, scalarNode, sequenceNode } from '../../node.js'
import { followed } from '../nodes.js'
import type { Representing } from './representing.js'

/** The node of an object that YAML has a tag for: a Date, Map, Set or Uint8Array; else `undefined`. */
export function representCore(value: object, to: Representing): Node | undefined {
  if (value instanceof Date) return scalarNode(value, `${coreTag}timestamp`)
  if (value instanceof Uint8Array) return scalarNode(value, `${coreTag}binary`)
  if (value instanceof Set)
    return mappingNode(
      [...value].map((item) => entry(item, null, to)),
      `${coreTag}set`,
    )
  if (value instanceof Map)
    return sequenceNode(
      [...value].map((pair) => mappingNode([entry(...(pair as [unknown, unknown]), to)])),
      `${coreTag}omap`,
    )
  return undefined
}

/** Whether a date can be written and read again: YAML has years of four digits, and its readers take 0099 for 1999. */
export function isWritableDate(date: Date): boolean {
  const year = date.getUTCFullYear()
  return year >= 100 && year <= 9999
}

function entry(key: unknown, value: unknown, to: Representing): Entry {
  const name = to.represent(key)
  if (followed(name).kind !== 'scalar') throw notAKey()
  const step = typeof key === 'object' ? '(key)' : String(key)
  return { key: name, value: to.at(step, () => to.represent(value)), merge: false }
}

function notAKey(): RegistrationError {
  const message =
    'A Map with a collection as a key, or a Set with one in it, cannot be written: YAML takes single values'
  return new RegistrationError(`${message}; write a list instead`, { code: 'UNWRITABLE' })
}

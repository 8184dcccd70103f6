import { type Entry, mappingNode, type Node, scalarNode, sequenceNode } from '../node.js'
import type { Representing } from './representing.js'

const core = 'tag:yaml.org,2002:'

/** The node of an object that YAML has a tag for: a Date, Map, Set or Uint8Array; else `undefined`. */
export function representCore(value: object, to: Representing): Node | undefined {
  if (value instanceof Date) return scalarNode(value, `${core}timestamp`)
  if (value instanceof Uint8Array) return scalarNode(value, `${core}binary`)
  if (value instanceof Set)
    return mappingNode(
      [...value].map((item) => entry(item, null, to)),
      `${core}set`,
    )
  if (value instanceof Map)
    return sequenceNode(
      [...value].map((pair) => mappingNode([entry(...(pair as [unknown, unknown]), to)])),
      `${core}omap`,
    )
  return undefined
}

function entry(key: unknown, value: unknown, to: Representing): Entry {
  return { key: to.represent(key), value: to.at(String(key), () => to.represent(value)), merge: false }
}

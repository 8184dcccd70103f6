import { coreTag, type MappingNode, type Node } from '../../node.js'
import type { Constructing } from './constructing.js'

/** The value of a collection with one of YAML's own tags: `!!set`, `!!omap`, `!!pairs`; else `undefined`. */
export function constructCore(node: Node, by: Constructing): object | undefined {
  if (node.tag === undefined || !node.tag.startsWith(coreTag)) return undefined
  switch (node.tag.slice(coreTag.length)) {
    case 'set':
      return node.kind === 'mapping' ? new Set(node.entries.map(({ key }) => by.construct(key))) : undefined
    case 'omap':
      return node.kind === 'sequence' ? new Map(pairsOf(node.items, by)) : undefined
    case 'pairs':
      return node.kind === 'sequence' ? pairsOf(node.items, by) : undefined
    default:
      return undefined
  }
}

function pairsOf(items: readonly Node[], by: Constructing): [unknown, unknown][] {
  return items
    .filter((item): item is MappingNode => item.kind === 'mapping')
    .flatMap((item) =>
      item.entries.map(({ key, value }): [unknown, unknown] => [by.construct(key), by.construct(value)]),
    )
}

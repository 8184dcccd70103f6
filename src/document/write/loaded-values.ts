import { isApplicationTag, type MappingNode, type Node } from '../../node.js'
import { optionName } from '../../registry/option-names.js'
import type { Definition } from '../../registry/types.js'
import type { Constructing } from '../construct/constructing.js'
import { followed, textOf } from '../nodes.js'
import type { Hint } from './representing.js'

/** Stands for what was not constructed, as what is in a template: its node is all there is. */
export class Unmade implements Hint {
  constructor(
    readonly node: Node,
    readonly by: Constructing,
  ) {}
}

/** The values of a loaded mapping as it is read, with what `<<` brings along; for an object, by the names of options. */
export function valuesOf(node: MappingNode, by: Constructing, definition?: Definition): Map<string, unknown> {
  const values = new Map<string, unknown>()
  for (const { key, value } of by.entriesOf(node)) {
    const name = definition ? optionName(textOf(key), definition.keys) : textOf(key)
    values.set(name, currentOf(value, by))
  }
  return values
}

function currentOf(written: Node, by: Constructing): unknown {
  const node = followed(written)
  if (node.kind === 'value') return node.value
  if (node.kind === 'scalar' && !isApplicationTag(node.tag) && !isObject(node.value)) return node.value
  return by.valueOf(node) ?? new Unmade(node, by)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

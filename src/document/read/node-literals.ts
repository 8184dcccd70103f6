import type { AliasNode, Entry, MappingNode, Node, ScalarNode, SequenceNode } from '../../node.js'

/** What stands before the content of a node. */
export interface NodeProps {
  tag: string | undefined
  tagStart: number
  tagEnd: number
  anchor: string | undefined
}

// The properties are written out below: spreading them would cost a reader as much as reading.

export function scalarAt(
  props: NodeProps,
  start: number,
  end: number,
  value: unknown,
  plain: boolean,
): ScalarNode {
  const { tag, tagStart, tagEnd, anchor } = props
  return { kind: 'scalar', tag, tagStart, tagEnd, anchor, start, end, value, plain }
}

export function aliasAt(start: number, end: number, name: string, target: Node | undefined): AliasNode {
  return {
    kind: 'alias',
    tag: undefined,
    tagStart: -1,
    tagEnd: -1,
    anchor: undefined,
    start,
    end,
    name,
    target,
  }
}

export function sequenceAt(
  { tag, tagStart, tagEnd, anchor }: NodeProps,
  start: number,
  items: Node[],
): SequenceNode {
  return { kind: 'sequence', tag, tagStart, tagEnd, anchor, start, end: start, items }
}

export function mappingAt(
  { tag, tagStart, tagEnd, anchor }: NodeProps,
  start: number,
  entries: Entry[],
): MappingNode {
  return { kind: 'mapping', tag, tagStart, tagEnd, anchor, start, end: start, entries }
}

/**
 * The node tree: what a text is parsed into, and what objects are written from. Offsets count UTF-16 units of the
 * text; a node that was made and not parsed has -1.
 */
export type Node = ScalarNode | SequenceNode | MappingNode | AliasNode | ValueNode

/** What the tags of YAML itself begin with: `!!str` is `tag:yaml.org,2002:str`. */
export const coreTag = 'tag:yaml.org,2002:'

interface NodeBase {
  /** As YAML resolves it: `!Train`, `tag:yaml.org,2002:str`; absent when nothing is written. */
  readonly tag: string | undefined
  /** Where the tag stands, as it is written. */
  readonly tagStart: number
  readonly tagEnd: number
  /** The name after `&`. */
  readonly anchor: string | undefined
  /** Where the content begins, after tag and anchor. */
  readonly start: number
  /** Where the content ends, exclusive. */
  readonly end: number
}

/** One value. Of a scalar with an application's tag, `value` is its text. */
export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar'
  readonly value: unknown
  /** Written without quotes and not as a block. */
  readonly plain: boolean
}

/** A list of nodes. */
export interface SequenceNode extends NodeBase {
  readonly kind: 'sequence'
  readonly items: readonly Node[]
}

/** Keys and values in the order of writing. */
export interface MappingNode extends NodeBase {
  readonly kind: 'mapping'
  readonly entries: readonly Entry[]
}

/** One key and its value; `merge` when the key is `<<`. */
export interface Entry {
  readonly key: Node
  readonly value: Node
  readonly merge: boolean
}

/** `*name`: the node that has the anchor; absent when there is none. */
export interface AliasNode extends NodeBase {
  readonly kind: 'alias'
  readonly name: string
  readonly target: Node | undefined
}

/** A value of the program in place of a node: what `setSerializableAttr` or `template.build` put there. */
export interface ValueNode extends NodeBase {
  readonly kind: 'value'
  readonly value: unknown
}

// Written out: objects that are made in one go are cheaper than spread ones, and writers make one a value.

/** A node for a value that no text has. */
export function valueNode(value: unknown): ValueNode {
  return {
    kind: 'value',
    tag: undefined,
    tagStart: -1,
    tagEnd: -1,
    anchor: undefined,
    start: -1,
    end: -1,
    value,
  }
}

/** A scalar that no text has. */
export function scalarNode(value: unknown, tag?: string, plain = false): ScalarNode {
  return {
    kind: 'scalar',
    tag,
    tagStart: -1,
    tagEnd: -1,
    anchor: undefined,
    start: -1,
    end: -1,
    value,
    plain,
  }
}

/** A sequence that no text has. */
export function sequenceNode(items: readonly Node[], tag?: string): SequenceNode {
  return { kind: 'sequence', tag, tagStart: -1, tagEnd: -1, anchor: undefined, start: -1, end: -1, items }
}

/** A mapping that no text has. */
export function mappingNode(entries: readonly Entry[], tag?: string): MappingNode {
  return { kind: 'mapping', tag, tagStart: -1, tagEnd: -1, anchor: undefined, start: -1, end: -1, entries }
}

/** An alias that no text has. */
export function aliasNode(target: Node): AliasNode {
  const unwritten = { tag: undefined, tagStart: -1, tagEnd: -1, anchor: undefined, start: -1, end: -1 }
  return { kind: 'alias', ...unwritten, name: '', target }
}

/** Whether a tag is an application's own: `!Train`, not `!!str`. */
export function isApplicationTag(tag: string | undefined): tag is `!${string}` {
  return tag !== undefined && tag.length > 1 && tag.charCodeAt(0) === 33 /* ! */
}

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

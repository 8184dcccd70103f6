import type { Source } from './source.js'

/**
 * The node tree: texts are parsed into it, and objects are written from it. Offsets count UTF-16 units of the text; they are -1
 * in nodes that were not parsed.
 */
export type Node = ScalarNode | SequenceNode | MappingNode | AliasNode | ValueNode | LinkNode | FormatNode

/** The prefix of core tags: `!!str` is `tag:yaml.org,2002:str`. */
export const coreTag = 'tag:yaml.org,2002:'

interface NodeBase {
  /** The resolved tag: `!Train`, `tag:yaml.org,2002:str`; `undefined` if there is none. */
  readonly tag: string | undefined
  /** The offset of the tag as it is written. */
  readonly tagStart: number
  readonly tagEnd: number
  /** The name after `&`. */
  readonly anchor: string | undefined
  /** The start of the content, after tag and anchor. */
  readonly start: number
  /** The end of the content, exclusive. */
  readonly end: number
  /** @internal The text that the offsets are in; absent in nodes of the text of the document itself. */
  readonly source?: Source
}

/** One value. With an application tag, `value` is the text. */
export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar'
  readonly value: unknown
  /** Whether it is written without quotes and not as a block. */
  readonly plain: boolean
  /** @internal What `!env` and `!format` made it of; absent in scalars that are written. */
  readonly origin?: ScalarOrigin
}

/** Where the value of a scalar comes from that is not written in the file. */
export interface ScalarOrigin {
  /** The value as it would be written. */
  readonly text: string
  /** The environment variable that it contains: its value is masked in messages of schemas and classes. */
  readonly variable?: string | undefined
}

/** A list of nodes. */
export interface SequenceNode extends NodeBase {
  readonly kind: 'sequence'
  readonly items: readonly Node[]
}

/** Keys and values in file order. */
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

/** An alias `*name`; `target` is `undefined` if no node has the anchor. */
export interface AliasNode extends NodeBase {
  readonly kind: 'alias'
  readonly name: string
  readonly target: Node | undefined
}

/** A value of the program in place of a node, from `setSerializableAttr` or `template.build`. */
export interface ValueNode extends NodeBase {
  readonly kind: 'value'
  readonly value: unknown
}

/** `!link`: what an object has at a path, read after the object of `target` is constructed. */
export interface LinkNode extends NodeBase {
  readonly kind: 'link'
  /** The whole path, as it is written. */
  readonly path: string
  /** The node that the longest leading part of the path leads to. */
  readonly target: Node
  /** The names and indices that follow, which are read from the object. */
  readonly rest: readonly (string | number)[]
  /** Whether it is a `!ref` into a placeholder of a template: what follows is a path in the chosen node. */
  readonly isReference?: boolean
}

/** `!format` in a template: a text with the values of other nodes, which are known when the template is built. */
export interface FormatNode extends NodeBase {
  readonly kind: 'format'
  /** The text with the paths in braces, as it is written. */
  readonly text: string
  /** Texts, and the nodes whose values stand between them. */
  readonly parts: readonly (string | Node)[]
}

/** The text that a node is in: its own source, else that of its document. */
export function sourceOf(node: Node, document: Source): Source {
  return node.source ?? document
}

// Object literals without spreads are faster, and writers make one node for each value.

/** Makes a node for a value of the program. */
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

/** Makes a scalar that is not from a text. */
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

/** Makes a sequence that is not from a text. */
export function sequenceNode(items: readonly Node[], tag?: string): SequenceNode {
  return { kind: 'sequence', tag, tagStart: -1, tagEnd: -1, anchor: undefined, start: -1, end: -1, items }
}

/** Makes a mapping that is not from a text. */
export function mappingNode(entries: readonly Entry[], tag?: string): MappingNode {
  return { kind: 'mapping', tag, tagStart: -1, tagEnd: -1, anchor: undefined, start: -1, end: -1, entries }
}

/** Makes an alias that is not from a text. */
export function aliasNode(target: Node): AliasNode {
  return { kind: 'alias', ...noProps, start: -1, end: -1, name: '', target }
}

/** Whether a tag is an application tag: `!Train`, not `!!str`. */
export function isApplicationTag(tag: string | undefined): tag is `!${string}` {
  return tag !== undefined && tag.length > 1 && tag.charCodeAt(0) === 33 /* ! */
}

/** The properties before the content of a node. */
export interface NodeProps {
  tag: string | undefined
  tagStart: number
  tagEnd: number
  anchor: string | undefined
}

/** The properties of a node that has neither a tag nor an anchor. */
export const noProps: Readonly<NodeProps> = { tag: undefined, tagStart: -1, tagEnd: -1, anchor: undefined }

// The literals below have no spreads: these would cost as much as reading.

export function scalarAt(
  props: Readonly<NodeProps>,
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
  { tag, tagStart, tagEnd, anchor }: Readonly<NodeProps>,
  start: number,
  items: Node[],
): SequenceNode {
  return { kind: 'sequence', tag, tagStart, tagEnd, anchor, start, end: start, items }
}

export function mappingAt(
  { tag, tagStart, tagEnd, anchor }: Readonly<NodeProps>,
  start: number,
  entries: Entry[],
): MappingNode {
  return { kind: 'mapping', tag, tagStart, tagEnd, anchor, start, end: start, entries }
}

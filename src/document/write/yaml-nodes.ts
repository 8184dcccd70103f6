import type { Alias, Pair, Scalar, YAMLMap, YAMLSeq, Node as YamlNode } from 'yaml'
import { yaml } from '#yaml'
import { coreTag, type MappingNode, type Node, type ScalarNode, type SequenceNode } from '../../node.js'
import { paddedCollections } from './padded-collections.js'
import { needsQuotes } from './scalar-text.js'
import { Verbatim } from './verbatim.js'

/** What the nodes of one document are written with. */
export interface Writing {
  /** The names of anchors. */
  readonly anchors: ReadonlyMap<Node, string>
  /** The written form of the loaded node that a node repeats or takes the place of. */
  original(node: Node): YamlNode | undefined
  /** What stands behind the bracket of a flow collection: a space, or nothing. */
  padding(original: YamlNode | undefined): string | undefined
  /** The loaded node itself. */
  origin(node: Node): Node | undefined
}

/** A node of the `yaml` package for a node of ours, in the style and with the comments of its original. */
export function toYamlNode(node: Node, by: Writing): YamlNode {
  if (node.kind === 'alias') return aliasTo(node, by)
  const original = by.original(node)
  const anchor = by.anchors.get(node)
  if (node.kind === 'scalar' && isNothing(node)) return withComments(nothing(node.tag, anchor), original)
  const made = bare(node, original, by)
  if (node.tag !== undefined) addTag(made, node.tag)
  if (anchor !== undefined) made.anchor = anchor
  return withComments(made, original)
}

// The package would write the value of one of its own tags anew.
function addTag(made: YamlNode, tag: string): void {
  const { value } = made as Scalar
  if (value instanceof Verbatim && tag.startsWith(coreTag))
    (made as Scalar).value = value.tagged(shortTag(tag))
  else made.tag = tag
}

function isNothing(node: ScalarNode): boolean {
  return node.plain && node.value === '' && node.tag !== undefined
}

// The package would leave a space behind a tag with nothing after it.
function nothing(tag: string | undefined, anchor: string | undefined): Scalar {
  const text = [anchor && `&${anchor}`, tag && shortTag(tag)].filter(Boolean).join(' ')
  return scalarOf(new Verbatim(text, true))
}

function shortTag(tag: string): string {
  return tag.startsWith(coreTag) ? `!!${tag.slice(coreTag.length)}` : tag
}

function bare(node: Exclude<Node, { kind: 'alias' }>, original: YamlNode | undefined, by: Writing) {
  if (node.kind === 'sequence') return sequence(node, original, by)
  return node.kind === 'mapping' ? mapping(node, original, by) : scalar(node as ScalarNode, original, by)
}

function aliasTo(node: Extract<Node, { kind: 'alias' }>, by: Writing): Alias {
  const alias = new (yaml().Alias)(by.anchors.get(node.target!) ?? node.name)
  return withComments(alias, by.original(node))
}

function withComments<N extends YamlNode>(made: N, original: YamlNode | undefined): N {
  if (!original) return made
  if (original.comment) made.comment = original.comment
  if (original.commentBefore) made.commentBefore = original.commentBefore
  if (original.spaceBefore) made.spaceBefore = true
  return made
}

function sequence(node: SequenceNode, original: YamlNode | undefined, by: Writing): YAMLSeq {
  const { PaddedSeq } = paddedCollections()
  const made = new PaddedSeq(by.padding(original))
  if (isFlow(original)) made.flow = true
  made.items = node.items.map((item) => toYamlNode(item, by))
  return made
}

function mapping(node: MappingNode, original: YamlNode | undefined, by: Writing): YAMLMap {
  const { PaddedMap } = paddedCollections()
  const made = new PaddedMap(by.padding(original))
  if (isFlow(original)) made.flow = true
  made.items = node.entries.map(({ key, value }) => pairOf(toYamlNode(key, by), toYamlNode(value, by)))
  return made
}

function scalar(node: ScalarNode, original: YamlNode | undefined, by: Writing): Scalar {
  const origin = by.origin(node)
  const same = origin?.kind === 'scalar' && Object.is(origin.value, node.value)
  if (!yaml().isScalar(original)) return quoted(scalarOf(node.value), node)
  if (!same) return restyled(scalarOf(node.value), original)
  if (origin.plain && typeof node.value !== 'string') return scalarOf(new Verbatim(original.source ?? ''))
  const made = restyled(scalarOf(node.value), original)
  if (original.format !== undefined) made.format = original.format
  return made
}

// The package has a block for most strings, and `<<` without quotes would be a merge key.
function quoted(made: Scalar, { value, plain }: ScalarNode): Scalar {
  if (typeof value === 'string' && !plain && needsQuotes(value)) made.type = 'QUOTE_DOUBLE'
  return made
}

// A number in place of a quoted string needs no quotes, a string in place of a string keeps them.
function restyled(made: Scalar, { type, value }: Scalar): Scalar {
  if (type !== undefined && typeof made.value === typeof value) made.type = type
  // What can be plain or a block in one place need not be in another.
  const free = made.type === undefined || made.type === 'PLAIN'
  if (free && typeof made.value === 'string' && made.value !== value && needsQuotes(made.value))
    made.type = 'QUOTE_DOUBLE'
  return made
}

function scalarOf(value: unknown): Scalar {
  return new (yaml().Scalar)(value)
}

function pairOf(key: YamlNode, value: YamlNode): Pair {
  return new (yaml().Pair)(key, value)
}

function isFlow(original: YamlNode | undefined): boolean {
  return yaml().isCollection(original) && original.flow === true
}

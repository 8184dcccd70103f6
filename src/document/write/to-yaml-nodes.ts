import type { Alias, Pair, Scalar, YAMLMap, YAMLSeq, Node as YamlNode } from 'yaml'
import { yaml } from '#yaml'
import {
  type AliasNode,
  coreTag,
  type Entry,
  type MappingNode,
  type Node,
  type ScalarNode,
  type SequenceNode,
} from '../../node.js'
import { isSameScalar } from '../construct/snapshot.js'
import {
  endsInFlow,
  isPrintable,
  literalBlock,
  quotedText,
  type ScalarContext,
  scalarText,
} from './scalar-text.js'
import type { SourceDocument } from './source-document.js'
import { paddedCollections, Verbatim } from './yaml-extensions.js'

/** What the nodes of one document are written with. */
export interface WriteContext {
  /** The names of anchors. */
  readonly anchors: ReadonlyMap<Node, string>
  /** Whether plain scalars will be read as YAML 1.1. */
  readonly isYaml11: boolean
  /** The written form of a loaded node, and the text that it stands in. */
  original(node: Node): [YamlNode, SourceDocument] | undefined
  /** The loaded node that a made one repeats. */
  origin(node: Node): Node | undefined
  /** The loaded node that stood in the place of a made one. */
  replacedBy(node: Node): Node | undefined
  /** Whether the comments of a written node are not taken yet: each is written once. */
  claim(written: YamlNode): boolean
}

/** A node of the `yaml` package for a node of ours, in the style and with the comments of its original. */
export function toYamlNode(node: Node, context: WriteContext, inFlow = false): YamlNode {
  const made = node.kind === 'alias' ? aliasTo(node, context) : withProps(node, context, inFlow)
  for (const loaded of [context.origin(node), context.replacedBy(node)])
    addComments(made, loaded && context.original(loaded)?.[0], context)
  return made
}

function withProps(node: Exclude<Node, AliasNode>, context: WriteContext, inFlow: boolean): YamlNode {
  const anchor = context.anchors.get(node)
  if (node.kind === 'scalar' && isNothing(node)) return nothing(node.tag, anchor)
  const origin = context.origin(node)
  const made = bare(node, origin && context.original(origin), context, inFlow)
  // In the other version of YAML a date needs a tag to be one.
  const tag = node.kind === 'scalar' && node.value instanceof Date && !node.tag ? isoTag(made) : node.tag
  if (tag !== undefined) addTag(made, tag)
  if (anchor !== undefined) made.anchor = anchor
  return made
}

function isoTag(made: YamlNode): string | undefined {
  return (made as Scalar).value instanceof Verbatim && ((made as Scalar).value as Verbatim).asItStood
    ? undefined
    : `${coreTag}timestamp`
}

function addComments(made: YamlNode, original: YamlNode | undefined, context: WriteContext): void {
  if (!original || !context.claim(original)) return
  if (original.commentBefore) made.commentBefore ??= original.commentBefore
  if (original.spaceBefore) made.spaceBefore = true
  if (!original.comment) return
  const [was, is] = [isBlock(original), isBlock(made)]
  if (was === is) made.comment ??= original.comment
  // Behind a block there is no room for the comment of one line, and what is at the end of a block goes with it.
  else if (is) (made as Block).lineComment ??= original.comment
}

type Block = YAMLMap & { lineComment?: string }

function joined(above: string | null | undefined, comment: string): string {
  return above ? `${above}\n${comment}` : comment
}

function isBlock(node: YamlNode): boolean {
  return yaml().isCollection(node) && !node.flow && node.items.length > 0
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

function bare(
  node: Exclude<Node, AliasNode>,
  original: [YamlNode, SourceDocument] | undefined,
  context: WriteContext,
  inFlow: boolean,
) {
  if (node.kind === 'sequence') return sequence(node, original, context, inFlow)
  if (node.kind === 'mapping') return mapping(node, original, context, inFlow)
  return scalar(node as ScalarNode, original, context, inFlow)
}

function aliasTo(node: AliasNode, context: WriteContext): Alias {
  return new (yaml().Alias)(context.anchors.get(node.target!) ?? node.name)
}

function sequence(
  node: SequenceNode,
  original: [YamlNode, SourceDocument] | undefined,
  context: WriteContext,
  inFlow: boolean,
): YAMLSeq {
  const { PaddedSeq } = paddedCollections()
  const made = new PaddedSeq(paddingOf(original))
  if (isFlow(original)) made.flow = true
  made.items = node.items.map((item) => toItem(item, context, inFlow || made.flow === true))
  return made
}

// Above the dash: behind it the comment of a first key would be taken for that of the item.
function toItem(node: Node, context: WriteContext, flow: boolean): YamlNode {
  const item = toYamlNode(node, context, flow)
  if (flow && isEmptyText(item)) item.value = new Verbatim('null')
  if (!isBlock(item)) return item
  const line = lineComment(item as Block)
  if (line) item.commentBefore = joined(item.commentBefore, line)
  const first = yaml().isMap(item) ? (item.items[0]?.key as YamlNode | undefined) : undefined
  if (!first?.commentBefore || item.tag || (item as YAMLMap).anchor) return item
  item.commentBefore = joined(item.commentBefore, first.commentBefore)
  first.commentBefore = null
  return item
}

// Between commas there must be something.
function isEmptyText(item: YamlNode): item is Scalar {
  return yaml().isScalar(item) && item.value instanceof Verbatim && item.value.text === '' && !item.anchor
}

/** Stands for a space behind a tag, where the package would take one for the begin of a value; no text has it. */
export const standInSpace = '\u0001'

// Behind a tag there is room for it; else it is returned.
function lineComment(block: Block, comment = block.lineComment): string | undefined {
  if (!comment || !block.tag?.startsWith('!') || comment.includes('\n')) return comment
  block.tag += ` #${comment}`.replaceAll(' ', standInSpace)
  return undefined
}

function mapping(
  node: MappingNode,
  original: [YamlNode, SourceDocument] | undefined,
  context: WriteContext,
  inFlow: boolean,
): YAMLMap {
  const { PaddedMap } = paddedCollections()
  const made = new PaddedMap(paddingOf(original))
  if (isFlow(original)) made.flow = true
  const flow = inFlow || made.flow === true
  made.items = node.entries.map((entry) => pairOf(entry, context, flow))
  return made
}

function scalar(
  node: ScalarNode,
  original: [YamlNode, SourceDocument] | undefined,
  context: WriteContext,
  flow: boolean,
): Scalar {
  const where = { flow, isYaml11: context.isYaml11 }
  const [written, whole] = original ?? []
  if (!yaml().isScalar(written)) return fresh(node, where)
  const origin = context.origin(node)
  const same =
    origin?.kind === 'scalar' &&
    isSameScalar(node.value, origin.value) &&
    whole!.isYaml11 === context.isYaml11
  if (!same) return restyled(node, written, where)
  return unchanged(node, written, whole!.lineOf(written), where)
}

function unchanged(
  node: ScalarNode,
  written: Scalar,
  text: string | undefined,
  where: ScalarContext,
): Scalar {
  const free = node.plain && typeof node.value === 'string' && endsInFlow(node.value)
  if (where.flow && (text === undefined || free)) return fresh(node, where)
  return text === undefined ? withType(node.value, written.type) : scalarOf(new Verbatim(text, false, true))
}

// A number in place of a quoted string needs no quotes, a string in place of a string keeps them.
function restyled(node: ScalarNode, { type, value: before }: Scalar, where: ScalarContext): Scalar {
  const { value } = node
  if (typeof value !== 'string' || typeof before !== 'string') return fresh(node, where)
  if (type === 'QUOTE_DOUBLE') return scalarOf(new Verbatim(quotedText(value)))
  if (type === 'QUOTE_SINGLE' && isPrintable(value)) return withType(value, type)
  const block = type?.startsWith('B') && !where.flow && literalBlock(value) !== undefined
  return block && !/^\s/m.test(value) ? withType(value, type) : fresh(node, where)
}

function fresh({ value, plain }: ScalarNode, where: ScalarContext): Scalar {
  if (value instanceof Uint8Array) return scalarOf(value)
  // `<<` without quotes is the merge key itself.
  if (plain && value === '<<') return scalarOf(new Verbatim(value))
  if (!where.flow && typeof value === 'string' && literalBlock(value))
    return withType(value, yaml().Scalar.BLOCK_LITERAL)
  return scalarOf(new Verbatim(scalarText(value, where)))
}

function withType(value: unknown, type: Scalar['type']): Scalar {
  const made = scalarOf(value)
  if (type !== undefined) made.type = type
  return made
}

function scalarOf(value: unknown): Scalar {
  return new (yaml().Scalar)(value)
}

function pairOf({ key: name, value: of }: Entry, context: WriteContext, inFlow: boolean): Pair {
  const [key, value] = [toKey(name, context), toYamlNode(of, context, inFlow)]
  if (isBlock(value))
    key.comment = lineComment(value as Block, key.comment ?? (value as Block).lineComment) ?? null
  else if (key.comment) {
    value.comment ??= key.comment
    key.comment = null
  }
  return new (yaml().Pair)(key, value)
}

// On one line in any case.
function toKey(name: Node, context: WriteContext): YamlNode {
  return toYamlNode(name, context, true)
}

function paddingOf([written, whole]: [YamlNode?, SourceDocument?] = []): string | undefined {
  return isFlow(written && [written, whole!]) ? whole!.padding(written!) : undefined
}

function isFlow([written]: [YamlNode?, SourceDocument?] = []): boolean {
  return yaml().isCollection(written) && written.flow === true
}

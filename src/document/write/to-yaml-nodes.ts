import type { Pair, Scalar, YAMLMap, YAMLSeq, Node as YamlNode } from 'yaml'
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

/** The node of the `yaml` package for a loaded node, and the document that it is in. */
export interface Original {
  readonly written: YamlNode
  readonly document: SourceDocument
}

/** What {@link toYamlNode} needs to know about a document. */
export interface WriteContext {
  /** The names of anchors. */
  readonly anchors: ReadonlyMap<Node, string>
  /** Whether plain scalars will be read as YAML 1.1. */
  readonly isYaml11: boolean
  /** What the `yaml` package read for a loaded node. */
  original(node: Node): Original | undefined
  /** The loaded node that a made one comes from. */
  origin(node: Node): Node | undefined
  /** The loaded nodes that a made one replaces, the last first. */
  replacedBy(node: Node): readonly Node[]
  /** The node of the text in whose place a loaded node was composed. */
  inText(loaded: Node): Node | undefined
  /** Claims the comments of a node; returns whether they were free: each comment is written once. */
  claim(written: YamlNode): boolean
}

/** Converts a node of ours to one of the `yaml` package, in the style and with the comments of its original. */
export function toYamlNode(node: Node, context: WriteContext): YamlNode {
  return new YamlNodeMaker(context).make(node, false)
}

class YamlNodeMaker {
  constructor(readonly context: WriteContext) {}

  make(node: Node, inFlow: boolean): YamlNode {
    const made = node.kind === 'alias' ? this.#alias(node) : this.#withProps(node, inFlow)
    for (const loaded of this.#commented(node))
      this.#addComments(made, this.context.original(loaded)?.written)
    return made
  }

  /** The loaded nodes whose comments a made one has. */
  #commented(node: Node): Node[] {
    const origin = this.context.origin(node)
    const written = origin && this.context.inText(origin)
    // What replaces an included part keeps the comment beside the `!include`, and none of the file.
    const isOther = written && (node.kind !== origin.kind || node.tag !== origin.tag)
    const replaced = this.context.replacedBy(node).map((each) => this.context.inText(each) ?? each)
    return [isOther ? undefined : origin, written, ...replaced].filter((each) => each !== undefined)
  }

  #alias(node: AliasNode): YamlNode {
    return new (yaml().Alias)(this.context.anchors.get(node.target!) ?? node.name)
  }

  #withProps(node: Exclude<Node, AliasNode>, inFlow: boolean): YamlNode {
    const anchor = this.context.anchors.get(node)
    if (node.kind === 'scalar' && isNothing(node)) return nothing(node.tag, anchor)
    const made = this.#bare(node, inFlow)
    // In YAML 1.2 a date needs a tag.
    const tag = node.kind === 'scalar' && node.value instanceof Date && !node.tag ? isoTag(made) : node.tag
    if (tag !== undefined) addTag(made, tag)
    if (anchor !== undefined) made.anchor = anchor
    return made
  }

  #bare(node: Exclude<Node, AliasNode>, inFlow: boolean): Scalar | YAMLSeq | YAMLMap {
    if (node.kind === 'sequence') return this.#sequence(node, inFlow)
    if (node.kind === 'mapping') return this.#mapping(node, inFlow)
    return this.#scalar(node as ScalarNode, inFlow)
  }

  #sequence(node: SequenceNode, inFlow: boolean): YAMLSeq {
    const original = this.#originalOf(node)
    const made = new (paddedCollections().PaddedSeq)(paddingOf(original))
    if (isFlow(original)) made.flow = true
    made.items = node.items.map((item) => this.#item(item, inFlow || made.flow === true))
    return made
  }

  // Above the dash: after it, the comment of a first key would be read as that of the item.
  #item(node: Node, inFlow: boolean): YamlNode {
    const item = this.make(node, inFlow)
    if (inFlow && isEmptyText(item)) item.value = new Verbatim('null')
    if (!isBlock(item)) return item
    const line = lineComment(item as Block)
    if (line) item.commentBefore = joined(item.commentBefore, line)
    const first = yaml().isMap(item) ? (item.items[0]?.key as YamlNode | undefined) : undefined
    if (!first?.commentBefore || item.tag || (item as YAMLMap).anchor) return item
    item.commentBefore = joined(item.commentBefore, first.commentBefore)
    first.commentBefore = null
    return item
  }

  #mapping(node: MappingNode, inFlow: boolean): YAMLMap {
    const original = this.#originalOf(node)
    const made = new (paddedCollections().PaddedMap)(paddingOf(original))
    if (isFlow(original)) made.flow = true
    made.items = node.entries.map((entry) => this.#pair(entry, inFlow || made.flow === true))
    return made
  }

  // Keys are on one line.
  #pair(entry: Entry, inFlow: boolean): Pair {
    const [key, value] = [this.make(entry.key, true), this.make(entry.value, inFlow)]
    if (isBlock(value))
      key.comment = lineComment(value as Block, key.comment ?? (value as Block).lineComment) ?? null
    else if (key.comment) {
      value.comment ??= key.comment
      key.comment = null
    }
    return new (yaml().Pair)(key, value)
  }

  #scalar(node: ScalarNode, flow: boolean): Scalar {
    const { isYaml11 } = this.context
    const { written, document } = this.#originalOf(node) ?? {}
    if (!yaml().isScalar(written)) return fresh(node, { flow, isYaml11 })
    const origin = this.context.origin(node)
    const same =
      origin?.kind === 'scalar' &&
      !origin.origin &&
      isSameScalar(node.value, origin.value) &&
      document!.isYaml11 === isYaml11
    if (!same) return restyled(node, written, { flow, isYaml11 })
    return unchanged(node, { written, document: document! }, { flow, isYaml11 })
  }

  #originalOf(node: Node): Original | undefined {
    const origin = this.context.origin(node)
    return origin && this.context.original(origin)
  }

  #addComments(made: YamlNode, original: YamlNode | undefined): void {
    if (!original || !this.context.claim(original)) return
    if (original.commentBefore) made.commentBefore ??= original.commentBefore
    if (original.spaceBefore) made.spaceBefore = true
    if (!original.comment) return
    const [was, is] = [isBlock(original), isBlock(made)]
    if (was === is) made.comment ??= original.comment
    // A one-line comment has no room after a block, and a comment at the end of a block is removed with it.
    else if (is) (made as Block).lineComment ??= original.comment
  }
}

type Block = YAMLMap & { lineComment?: string }

function isoTag(made: YamlNode): string | undefined {
  return (made as Scalar).value instanceof Verbatim && ((made as Scalar).value as Verbatim).asItStood
    ? undefined
    : `${coreTag}timestamp`
}

function joined(above: string | null | undefined, comment: string): string {
  return above ? `${above}\n${comment}` : comment
}

function isBlock(node: YamlNode): boolean {
  return yaml().isCollection(node) && !node.flow && node.items.length > 0
}

// The package would write values with core tags in its own form.
function addTag(made: YamlNode, tag: string): void {
  const { value } = made as Scalar
  if (value instanceof Verbatim && tag.startsWith(coreTag))
    (made as Scalar).value = value.tagged(shortTag(tag))
  else made.tag = tag
}

function isNothing(node: ScalarNode): boolean {
  return node.plain && node.value === '' && node.tag !== undefined
}

// The package would leave a space after a tag without a value.
function nothing(tag: string | undefined, anchor: string | undefined): Scalar {
  const text = [anchor && `&${anchor}`, tag && shortTag(tag)].filter(Boolean).join(' ')
  return scalarOf(new Verbatim(text, true))
}

function shortTag(tag: string): string {
  return tag.startsWith(coreTag) ? `!!${tag.slice(coreTag.length)}` : tag
}

// An empty item is not possible between commas.
function isEmptyText(item: YamlNode): item is Scalar {
  return yaml().isScalar(item) && item.value instanceof Verbatim && item.value.text === '' && !item.anchor
}

/** Stands for a space after a tag, where the package would read a space as the start of a value; no text contains it. */
export const standInSpace = '\u0001'

// After a tag there is room for the comment; otherwise it is returned.
function lineComment(block: Block, comment = block.lineComment): string | undefined {
  if (!comment || !block.tag?.startsWith('!') || comment.includes('\n')) return comment
  block.tag += ` #${comment}`.replaceAll(' ', standInSpace)
  return undefined
}

function unchanged(
  node: ScalarNode,
  { written, document }: Original & { written: Scalar },
  where: ScalarContext,
): Scalar {
  const text = document.lineOf(written)
  const endsEarly = node.plain && typeof node.value === 'string' && endsInFlow(node.value)
  if (where.flow && (text === undefined || endsEarly)) return fresh(node, where)
  return text === undefined ? withType(node.value, written.type) : scalarOf(new Verbatim(text, false, true))
}

// A string that replaces a quoted string keeps its quotes; other values need none.
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

function paddingOf(original: Original | undefined): string | undefined {
  return isFlow(original) ? original!.document.padding(original!.written) : undefined
}

function isFlow(original: Original | undefined): boolean {
  return yaml().isCollection(original?.written) && original?.written.flow === true
}

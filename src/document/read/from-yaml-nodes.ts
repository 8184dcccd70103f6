import type { Alias, Pair, Scalar, YAMLMap, YAMLSeq, Node as YamlNode } from 'yaml'
import { yaml } from '#yaml'
import {
  aliasAt,
  coreTag,
  type Entry,
  isApplicationTag,
  type MappingNode,
  mappingAt,
  type Node,
  type NodeProps,
  noProps,
  type SequenceNode,
  scalarAt,
  sequenceAt,
} from '../../node.js'
import type { Suggester } from '../../registry/suggest.js'
import type { Span } from '../../source.js'
import { type ReportProblem, spanOf } from '../problems.js'
import { floatOrText } from './core-schema.js'
import { KeyCheck, unknownAlias } from './key-check.js'

type YamlPair = Pair<YamlNode, YamlNode | null>

/** Converts the nodes of the `yaml` package of one document into ours, and resolves aliases. */
export class NodeConverter {
  readonly tagged: Node[] = []
  readonly report: ReportProblem
  readonly suggester: Suggester
  readonly #yaml = yaml()
  readonly #anchors = new Map<string, Node>()
  readonly #open = new Set<Node>()

  /** `tags` are the unresolved tags in text order, which is the order of conversion. */
  constructor(
    readonly tags: TagQueue,
    { report, suggester }: { report: ReportProblem; suggester: Suggester },
  ) {
    this.report = report
    this.suggester = suggester
  }

  /** Converts a node; `offset` is the position of a missing one. */
  convert(from: YamlNode | null, offset = 0): Node {
    if (this.#yaml.isAlias(from)) return this.#alias(from)
    if (this.#yaml.isScalar(from)) return this.#scalar(from)
    const props = this.#props(from)
    const start = from?.range?.[0] ?? offset
    if (this.#yaml.isMap(from))
      return this.#mapping(from.items as YamlPair[], mappingAt(props, start, []), from)
    if (this.#yaml.isSeq(from))
      return this.#sequence(from.items as YamlNode[], sequenceAt(props, start, []), from)
    return this.#opened(scalarAt(props, start, start, null, true))
  }

  #props(from: YamlNode | null): NodeProps {
    const tag = from?.tag
    const token = tag === undefined ? undefined : this.#takeTag(tag)
    const anchor = (from as { anchor?: string } | null)?.anchor
    return { tag, tagStart: token ? token.start : -1, tagEnd: token ? token.end : -1, anchor }
  }

  #takeTag(name: string): TagToken | undefined {
    return this.tags.peek()?.name === name ? this.tags.take() : undefined
  }

  #scalar(from: Scalar): Node {
    const [start, end] = from.range!
    const props = this.#props(from)
    const value = scalarValue(from)
    // The package does not resolve these two: `!!float` without a point, and `!!merge`.
    const resolved = isWholeFloat(from) || (from.tag === mergeTag && value === '<<')
    const node = scalarAt(
      resolved ? { ...props, tagStart: -1 } : props,
      start,
      end,
      value,
      from.type === 'PLAIN',
    )
    if (from.tag !== undefined && !holdsValue(from, value))
      this.report(
        node,
        'BAD_CORE_TAG',
        `"!!${from.tag.slice(coreTag.length)}" cannot be made from ${JSON.stringify(from.source ?? value)}`,
      )
    return this.#opened(node)
  }

  #sequence(from: YamlNode[], node: SequenceNode, { flow, range }: YAMLSeq | YAMLMap): Node {
    const items = node.items as Node[]
    this.#opened(node)
    for (const item of drained(from))
      if (!this.#yaml.isPair(item)) items.push(this.convert(item))
      else if ((item.key as YamlNode).range) items.push(this.#single(item as never))
      else this.report(node, 'BAD_COLLECTION_TYPE', emptyPair)
    return this.#closed(node, flow ? range![1] : (items.at(-1)?.end ?? range![1]))
  }

  // A pair in a sequence: `!!omap [a: 1]`.
  #single(pair: YamlPair): Node {
    const [start, end] = pair.key.range!
    const node = mappingAt(noProps, start, [])
    ;(node.entries as Entry[]).push(this.#entry(pair, new KeyCheck(this.report)))
    return this.#closed(node, lastEnd(node) ?? end)
  }

  #mapping(from: YamlPair[], node: MappingNode, { flow, range }: YAMLSeq | YAMLMap): Node {
    const entries = node.entries as Entry[]
    this.#opened(node)
    const keys = new KeyCheck(this.report, node.tag === setTag)
    for (const pair of drained(from)) {
      const entry = this.#entry(pair, keys)
      if (node.tag === undefined && isApplicationTag(entry.key.tag)) this.#refuseTag(entry.key)
      if (!isUnknown(entry.key)) entries.push(entry)
    }
    return this.#closed(node, flow ? range![1] : (lastEnd(node) ?? range![1]))
  }

  // One problem is enough: the tag is not reported as unknown, too.
  #refuseTag(key: Node): void {
    this.tagged.splice(this.tagged.indexOf(key), 1)
    this.report(spanOf(key), 'TAGGED_KEY', `The key of a mapping cannot have a tag: remove "${key.tag}"`)
  }

  #entry(pair: YamlPair, keys: KeyCheck): Entry {
    const key = this.convert(pair.key)
    const untagged = key.tag === undefined || key.tag === mergeTag
    const merge = key.kind === 'scalar' && key.plain && key.value === '<<' && untagged
    keys.check(key, merge)
    const value = this.convert(pair.value, key.end)
    if (merge) keys.checkMerge(value)
    return { key, value, merge }
  }

  #alias({ source: name, range }: Alias): Node {
    const target = this.#anchors.get(name)
    const alias = aliasAt(range![0], range![1], name, target)
    if (!target) this.#refuseAlias(alias, name)
    else if (this.#open.has(target))
      this.report(
        alias,
        'CYCLE',
        `Alias "*${name}" is inside the node that it refers to: write that part out`,
      )
    return alias
  }

  #refuseAlias(alias: Span, name: string): void {
    const meant = this.suggester.nearest(name, this.#anchors.keys())
    this.report(alias, 'UNKNOWN_ALIAS', unknownAlias(name, meant), meant && `*${meant}`)
  }

  #opened(node: Node): Node {
    if (node.anchor !== undefined) {
      this.#anchors.set(node.anchor, node)
      if (node.kind !== 'scalar') this.#open.add(node)
    }
    if (node.tagStart >= 0) this.tagged.push(node)
    return node
  }

  // Not the end of the composer, which includes the comments and line ends after a block.
  #closed(node: Node, end: number): Node {
    if (node.anchor !== undefined) this.#open.delete(node)
    ;(node as { end: number }).end = Math.max(end, node.start)
    return node
  }
}

// Releases each item as it is taken: otherwise a large text would be in memory as two trees.
function* drained<T>(items: T[]): Generator<T> {
  for (let index = 0; index < items.length; index++) {
    const item = items[index]!
    items[index] = undefined as T
    yield item
  }
}

const floatTag = `${coreTag}float`
const setTag = `${coreTag}set`
const mergeTag = `${coreTag}merge`
const emptyPair = 'Each item of "!!pairs" and "!!omap" must be one "key: value", but found an empty one'
// An alias without an anchor was reported, and has no text for later steps.
function isUnknown(key: Node): boolean {
  return key.kind === 'alias' && !key.target
}

function lastEnd({ entries }: MappingNode): number | undefined {
  const last = entries.at(-1)
  return last && Math.max(last.value.end, last.key.end)
}

function scalarValue(from: Scalar): unknown {
  const { value, source = '' } = from
  if (typeof value === 'symbol') return source
  if (typeof value === 'bigint') return integerOrBigint(value, source)
  if (isWholeFloat(from)) return Number(value)
  if (typeof value === 'number' && /[0-9]/.test(source)) return floatOrText(source, value)
  return value instanceof Date && from.tag === undefined && !isDay(source) ? source : value
}

// A bigint has no negative zero.
function integerOrBigint(value: bigint, source: string): number | bigint {
  if (value === 0n) return source.startsWith('-') ? -0 : 0
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function isWholeFloat({ tag, value }: Scalar): boolean {
  return tag === floatTag && typeof value === 'string' && /^[-+]?[0-9]+$/.test(value)
}

/** Whether the value of a scalar with a core tag is valid: the package accepts a few that are not. */
function holdsValue({ tag, value, source = '' }: Scalar, made: unknown): boolean {
  if (value instanceof Date) return isDay(source)
  if (value instanceof Uint8Array) return isBase64(source)
  return tag !== floatTag || typeof made === 'number' || typeof value !== 'number'
}

// `Date` accepts the 45th of a month.
function isDay(source: string): boolean {
  const parts =
    dateParts
      .exec(source)
      ?.slice(1)
      .map((part) => Number(part ?? 0)) ?? []
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
  if (month < 1 || day < 1) return false
  const last = new Date(Date.UTC(2000, 0, 1))
  last.setUTCFullYear(year, month, 0)
  return month <= 12 && day <= last.getUTCDate() && hour < 24 && minute < 60 && second < 60
}

const dateParts = /^(\d{4})-(\d\d?)-(\d\d?)(?:(?:t|T|[ \t]+)(\d\d?):(\d\d?):(\d\d?))?/

function isBase64(source: string): boolean {
  const digits = source.replace(/\s/g, '')
  return digits.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(digits)
}

/** A tag as it is written. */
interface TagToken {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** The unresolved tags in text order. */
export class TagQueue {
  readonly #tags: TagToken[] = []
  #next = 0

  add(tag: TagToken): void {
    this.#tags.push(tag)
  }

  peek(): TagToken | undefined {
    return this.#tags[this.#next]
  }

  take(): TagToken | undefined {
    return this.#tags[this.#next++]
  }
}

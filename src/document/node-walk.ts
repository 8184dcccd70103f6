import { isAlias, isMap, isPair, isScalar, isSeq, type Pair, type Scalar, type Node as YamlNode } from 'yaml'
import type { AliasNode, Entry, Node } from '../node.js'
import { nearest } from '../registry/suggest.js'
import { KeyCheck } from './key-check.js'
import type { Report } from './problems.js'

/** A tag as it is written. */
export interface TagToken {
  readonly name: string
  readonly start: number
  readonly end: number
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
interface Props {
  tag: string | undefined
  tagStart: number
  tagEnd: number
  anchor: string | undefined
  start: number
  end: number
}

/** Tags in the order of the text. */
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

/** Turns the composed nodes of one document into our nodes; aliases are resolved on the way. */
export class NodeWalk {
  readonly tagged: Node[] = []
  readonly #anchors = new Map<string, Node>()
  readonly #open = new Set<Node>()

  /** `tags` are the unresolved ones in the order of the text, which is the order of the walk. */
  constructor(
    readonly tags: TagQueue,
    readonly report: Report,
  ) {}

  walk(from: YamlNode | null): Node {
    if (isAlias(from)) return this.#alias(from.source, this.#props(from))
    if (isScalar(from)) return this.#scalar(from)
    const props = this.#props(from)
    if (isMap(from))
      return this.#mapping(from.items as Pair<YamlNode, YamlNode | null>[], props, from.flow === true)
    if (isSeq(from)) return this.#sequence(from.items as YamlNode[], props, from.flow === true)
    return this.#opened({ kind: 'scalar', ...props, value: null, plain: true })
  }

  #props(from: YamlNode | null): Props {
    const [start, end] = from?.range ?? [0, 0]
    const token = this.#takeTag(from?.tag)
    const anchor = from && 'anchor' in from ? from.anchor : undefined
    return { tag: from?.tag, tagStart: token?.start ?? -1, tagEnd: token?.end ?? -1, anchor, start, end }
  }

  #takeTag(name: string | undefined): TagToken | undefined {
    return name !== undefined && this.tags.peek()?.name === name ? this.tags.take() : undefined
  }

  #scalar(from: Scalar): Node {
    const value = typeof from.value === 'symbol' ? from.source : from.value
    return this.#opened({ kind: 'scalar', ...this.#props(from), value, plain: from.type === 'PLAIN' })
  }

  #sequence(items: YamlNode[], props: Props, flow: boolean): Node {
    const nodes: Node[] = []
    const node: Node = { kind: 'sequence', ...props, items: nodes }
    this.#opened(node)
    for (const item of items) nodes.push(isPair(item) ? this.#single(item as never) : this.walk(item))
    return this.#closed(node, flow, nodes.at(-1))
  }

  // A pair in a sequence: `!!omap [a: 1]`.
  #single(pair: Pair<YamlNode, YamlNode | null>): Node {
    const [start, end] = pair.key.range ?? [0, 0]
    const props = { tag: undefined, tagStart: -1, tagEnd: -1, anchor: undefined, start, end }
    return this.#mapping([pair], props, false)
  }

  #mapping(pairs: Pair<YamlNode, YamlNode | null>[], props: Props, flow: boolean): Node {
    const entries: Entry[] = []
    const node: Node = { kind: 'mapping', ...props, entries }
    this.#opened(node)
    const keys = new KeyCheck(this.report)
    for (const pair of pairs) entries.push(this.#entry(pair, keys))
    const last = entries.at(-1)
    return this.#closed(node, flow, last && (last.value.end > last.key.end ? last.value : last.key))
  }

  #entry(pair: Pair<YamlNode, YamlNode | null>, keys: KeyCheck): Entry {
    const key = this.walk(pair.key)
    const merge = key.kind === 'scalar' && key.plain && key.value === '<<' && key.tag === undefined
    keys.see(key, merge)
    const value = this.walk(pair.value)
    if (merge) keys.checkMerge(value)
    return { key, value, merge }
  }

  #alias(name: string, props: Props): Node {
    const target = this.#anchors.get(name)
    const alias: AliasNode = { kind: 'alias', ...props, name, target }
    if (!target) this.report(alias, 'UNKNOWN_ALIAS', unknownAlias(name, this.#anchors.keys()))
    else if (this.#open.has(target))
      this.report(alias, 'CYCLE', `Alias "*${name}" stands inside what it repeats`)
    return alias
  }

  #opened(node: Node): Node {
    if (node.anchor !== undefined) {
      this.#anchors.set(node.anchor, node)
      if (node.kind !== 'scalar') this.#open.add(node)
    }
    if (node.tagStart >= 0) this.tagged.push(node)
    return node
  }

  // The composer counts the comments and line ends behind a block as part of it.
  #closed(node: Node, flow: boolean, last: Node | undefined): Node {
    this.#open.delete(node)
    if (!flow && last) (node as Mutable<Node>).end = Math.max(last.end, node.start)
    return node
  }
}

function unknownAlias(name: string, known: Iterable<string>): string {
  const meant = nearest(name, known)
  const remedy =
    meant === undefined ? `: write "&${name}" before the node that it repeats` : `: did you mean "*${meant}"?`
  return `Alias "*${name}" has no anchor before it${remedy}`
}

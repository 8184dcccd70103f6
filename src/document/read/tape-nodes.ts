import {
  aliasAt,
  type Entry,
  mappingAt,
  type Node,
  type NodeProps,
  noProps,
  scalarAt,
  sequenceAt,
} from '../../node.js'
import { scalarValue } from './plain-value.js'
import { ALIAS, ANCHOR, MAPPING, PLAIN, SEQUENCE, TAG, type Tape } from './tape.js'

/** The nodes of one document of a tape. */
export interface TapeNodes {
  readonly root: Node
  /** Every node with a tag, in file order. */
  readonly tagged: readonly Node[]
  /** The nodes whose values are kept: collections, and scalars with a tag. */
  readonly valued: readonly Node[]
}

/** Makes the nodes of the document that starts at a record. */
export function nodesOf(tape: Tape, first: number): TapeNodes {
  const maker = new NodeMaker(tape, first)
  const root = maker.node()
  return { root, tagged: maker.tagged, valued: maker.valued }
}

class NodeMaker {
  readonly tagged: Node[] = []
  readonly valued: Node[] = []
  readonly #anchored = new Map<number, Node>()

  constructor(
    readonly tape: Tape,
    public record: number,
  ) {}

  node(): Node {
    const { tape } = this
    const props = this.#props()
    const record = this.record++
    const kind = tape.kindOf(record)
    if (kind === SEQUENCE) return this.#sequence(record, props)
    if (kind === MAPPING) return this.#mapping(record, props)
    if (kind === ALIAS) return this.#alias(record)
    const [start, end] = [tape.startOf(record), tape.endOf(record)]
    const node = scalarAt(props, start, end, this.#valueOf(record, props.tag), kind === PLAIN)
    return this.#register(record, node)
  }

  #props(): Readonly<NodeProps> {
    const { tape } = this
    let kind = tape.kindOf(this.record)
    if (kind !== ANCHOR && kind !== TAG) return noProps
    const props = {
      tag: undefined as string | undefined,
      tagStart: -1,
      tagEnd: -1,
      anchor: undefined as string | undefined,
    }
    if (kind === ANCHOR) {
      props.anchor = tape.text.slice(tape.startOf(this.record), tape.endOf(this.record))
      kind = tape.kindOf(++this.record)
    }
    if (kind !== TAG) return props
    props.tag = tape.tags[tape.linkOf(this.record)]
    props.tagStart = tape.startOf(this.record)
    props.tagEnd = tape.endOf(this.record++)
    return props
  }

  #valueOf(record: number, tag: string | undefined): unknown {
    const { tape } = this
    const isText = tag !== undefined && tape.kindOf(record) === PLAIN
    return isText ? tape.text.slice(tape.startOf(record), tape.endOf(record)) : scalarValue(tape, record)
  }

  #alias(record: number): Node {
    const { tape } = this
    const [start, end] = [tape.startOf(record), tape.endOf(record)]
    const link = tape.linkOf(record)
    const target = link === 0 ? undefined : this.#anchored.get(link - 1)
    return aliasAt(start, end, tape.text.slice(start + 1, end), target)
  }

  #sequence(record: number, props: Readonly<NodeProps>): Node {
    const items: Node[] = []
    const node = this.#register(record, sequenceAt(props, this.tape.startOf(record), items))
    const next = this.tape.linkOf(record)
    while (this.record < next) items.push(this.node())
    return node
  }

  #mapping(record: number, props: Readonly<NodeProps>): Node {
    const entries: Entry[] = []
    const node = this.#register(record, mappingAt(props, this.tape.startOf(record), entries))
    const next = this.tape.linkOf(record)
    while (this.record < next) entries.push(this.#entry(this.record++))
    return node
  }

  #entry(record: number): Entry {
    const { tape } = this
    const number = tape.linkOf(record)
    const value = tape.names.values[number]
    const key = scalarAt(noProps, tape.startOf(record), tape.endOf(record), value, tape.isPlain(record))
    return { key, value: this.node(), merge: tape.isMerge(record) }
  }

  #register(record: number, node: Node): Node {
    const isCollection = node.kind === 'sequence' || node.kind === 'mapping'
    if (isCollection) (node as { end: number }).end = this.tape.endOf(record)
    if (node.anchor !== undefined) this.#anchored.set(record, node)
    if (node.tag !== undefined) this.tagged.push(node)
    if (node.tag !== undefined || isCollection) this.valued.push(node)
    return node
  }
}

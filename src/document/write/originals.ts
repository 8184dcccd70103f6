import type { Pair, Scalar, YAMLMap, YAMLSeq, Node as YamlNode } from 'yaml'
import { yaml } from '#yaml'
import type { Entry, Node } from '../../node.js'
import type { Constructing } from '../construct/constructing.js'
import { moveComments } from './comment-places.js'

/** The text of a loaded document again, with all that nodes do not hold: comments, quotes, empty lines. */
export class Original {
  readonly root: Node
  readonly nodes = new Map<Node, YamlNode>()
  /** What stands before the first node, as it is written: comments, directives, `---`. */
  readonly header: string
  /** The comment behind the last node. */
  readonly comment: string | null
  /** Whether its plain scalars are read as YAML 1.1. */
  readonly old: boolean
  /** Whether its lines end as on Windows. */
  readonly crlf: boolean
  readonly #body: string
  readonly #yaml = yaml()

  constructor({ source, document }: Constructing) {
    const whole = source.text.slice(document.start, document.end)
    this.crlf = /^[^\n]*\r\n/.test(whole)
    const text = whole.replaceAll('\r\n', '\n')
    const body = bodyStart(text)
    this.header = text.slice(0, body).replace(/^\ufeff/, '')
    this.old = document.old === true
    this.#body = text.slice(body)
    const parsed = this.#yaml.parseDocument(this.#body, {
      uniqueKeys: false,
      logLevel: 'silent',
      prettyErrors: false,
      version: this.old ? '1.1' : '1.2',
    })
    this.comment = parsed.comment
    this.root = document.root
    if (parsed.contents) moveComments(parsed.contents, this.#body)
    this.#pair(document.root, parsed.contents)
  }

  /** What stands behind the bracket of a flow collection: a space, or nothing. */
  padding({ range }: YamlNode): string {
    return this.#body[range![0] + 1] === ' ' ? ' ' : ''
  }

  /** A scalar as it is written, if that is on one line and no block (`BLOCK_LITERAL` and `BLOCK_FOLDED`). */
  written({ range, type }: Scalar): string | undefined {
    const text = this.#body.slice(range![0], range![1])
    return type?.startsWith('B') || text.includes('\n') ? undefined : text
  }

  // Both trees were made of the same text by the same parser: they have the same shape.
  #pair(node: Node, written: YamlNode | null): void {
    if (!written) return
    this.nodes.set(node, written)
    if (node.kind === 'sequence' && this.#yaml.isSeq(written)) this.#pairItems(node.items, written)
    if (node.kind === 'mapping' && this.#yaml.isMap(written)) this.#pairEntries(node.entries, written)
  }

  #pairItems(items: readonly Node[], { items: written }: YAMLSeq): void {
    for (const [index, item] of items.entries()) this.#pairItem(item, written[index])
  }

  #pairEntries(entries: readonly Entry[], { items: written }: YAMLMap): void {
    for (const [index, entry] of entries.entries()) this.#pairEntry(entry, written[index] as Pair)
  }

  #pairItem(node: Node, written: unknown): void {
    if (!this.#yaml.isPair(written)) this.#pair(node, written as YamlNode | null)
    else if (node.kind === 'mapping') this.#pairEntry(node.entries[0]!, written)
  }

  #pairEntry(entry: Entry, written: Pair): void {
    this.#pair(entry.key, written.key as YamlNode | null)
    this.#pair(entry.value, written.value as YamlNode | null)
  }
}

/** Where the content of a document begins: behind comments, empty lines and the marker `---`. */
function bodyStart(text: string): number {
  const lead = /^\ufeff?(?:%[^\n]*\n|[ \t]*(?:#[^\n]*)?\n)*/.exec(text)![0]
  const marker =
    /^---(?=[ \t\n]|$)(?:[ \t]+(?=[^\s#]))?(?:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*)?/.exec(
      text.slice(lead.length),
    )
  return lead.length + (marker?.[0].length ?? 0)
}

import type { Pair, Node as YamlNode } from 'yaml'
import { yaml } from '#yaml'
import type { Node } from '../../node.js'
import type { Constructing } from '../construct/constructing.js'

/** The text of a loaded document again, with all that nodes do not hold: comments, quotes, empty lines. */
export class Original {
  readonly root: Node
  readonly nodes = new Map<Node, YamlNode>()
  /** What stands behind the bracket of each flow collection: a space, or nothing. */
  readonly paddings = new Map<YamlNode, string>()
  /** What stands before the first node, as it is written: comments, directives, `---`. */
  readonly header: string
  /** The comment behind the last node. */
  readonly comment: string | null
  readonly #body: string
  readonly #yaml = yaml()

  constructor({ source, document }: Constructing) {
    const text = source.text.slice(document.start, document.end)
    const body = bodyStart(text)
    this.header = text.slice(0, body).replace(/^\ufeff/, '')
    this.#body = text.slice(body)
    const parsed = this.#yaml.parseDocument(this.#body, {
      uniqueKeys: false,
      logLevel: 'silent',
      prettyErrors: false,
    })
    this.comment = parsed.comment
    this.root = document.root
    this.#pair(document.root, parsed.contents)
  }

  // Both trees were made of the same text by the same parser: they have the same shape.
  #pair(node: Node, written: YamlNode | null): void {
    if (!written) return
    this.nodes.set(node, written)
    if (this.#yaml.isCollection(written) && written.flow)
      this.paddings.set(written, this.#body[written.range![0] + 1] === ' ' ? ' ' : '')
    if (node.kind === 'sequence' && this.#yaml.isSeq(written))
      for (const [index, item] of node.items.entries()) this.#pairItem(item, written.items[index])
    if (node.kind === 'mapping' && this.#yaml.isMap(written))
      for (const [index, entry] of node.entries.entries())
        this.#pairEntry(entry, written.items[index] as Pair)
  }

  #pairItem(node: Node, written: unknown): void {
    if (!this.#yaml.isPair(written)) this.#pair(node, written as YamlNode | null)
    else if (node.kind === 'mapping') this.#pairEntry(node.entries[0]!, written)
  }

  #pairEntry(entry: { key: Node; value: Node }, written: Pair): void {
    this.#pair(entry.key, written.key as YamlNode | null)
    this.#pair(entry.value, written.value as YamlNode | null)
  }
}

/** Where the content of a document begins: behind comments, empty lines and the marker `---`. */
function bodyStart(text: string): number {
  const lead = /^\ufeff?(?:[ \t]*(?:#[^\n]*)?(?:\r?\n))*/.exec(text)![0]
  const marker =
    /^---(?=[ \t\r\n]|$)(?:[ \t]+(?=[^\s#]))?(?:[ \t]*(?:#[^\n]*)?\r?\n(?:[ \t]*(?:#[^\n]*)?(?:\r?\n))*)?/.exec(
      text.slice(lead.length),
    )
  return lead.length + (marker?.[0].length ?? 0)
}

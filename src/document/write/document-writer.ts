import type { ScalarTag, Node as YamlNode } from 'yaml'
import { yaml } from '#yaml'
import { coreTag, type Node } from '../../node.js'
import { anchorNames } from './anchor-names.js'
import type { Representation } from './represent.js'
import { SourceDocument } from './source-document.js'
import { type Original, standInSpace, toYamlNode, type WriteContext } from './to-yaml-nodes.js'
import { verbatimTag } from './yaml-extensions.js'

/** How many characters of included texts are parsed again for their comments: a file may be included thousands of times. */
const maxStyled = 2_000_000

/** Writes a node tree with the `yaml` package, in the style and with the comments of the texts that it came from. */
export class DocumentWriter implements WriteContext {
  anchors: ReadonlyMap<Node, string> = new Map()
  isYaml11 = false
  readonly #documents = new Map<Node, SourceDocument>()
  readonly #claimed = new Set<YamlNode>()

  /** `plainly`: without the loaded comments and styles. */
  constructor(
    readonly from: Pick<Representation, 'origins' | 'sources' | 'replacedBy' | 'writtenFor'>,
    plainly = false,
  ) {
    if (plainly) return
    for (const { source, document } of from.sources) {
      if (document.start < 0) continue
      this.#add(new SourceDocument({ source, document }))
      let length = 0
      for (const part of document.included ?? []) {
        length += part.source.text.length
        if (length <= maxStyled) this.#add(new SourceDocument(part))
      }
      for (const [copy, node] of document.copies ?? []) this.#addCopy(copy, node)
    }
  }

  #add(document: SourceDocument): void {
    for (const node of document.nodes.keys()) this.#documents.set(node, document)
  }

  // A copy has the style and the comments of what it was copied from.
  #addCopy(copy: Node, node: Node): void {
    const document = this.#documents.get(node)
    const written = document?.nodes.get(node)
    if (!document || !written) return
    document.nodes.set(copy, written)
    this.#documents.set(copy, document)
  }

  /** Writes a document; `isYaml11`: the documents before it leave YAML 1.1 in force. */
  write(root: Node, isYaml11: boolean): string {
    this.anchors = anchorNames(root)
    const document = new (yaml().Document)<YamlNode>(undefined, {
      customTags: (tags) => [verbatimTag, ...tags, 'timestamp', binaryTag],
    })
    const origin = this.origin(root)
    const source = origin && this.#documents.get(origin)
    const own = source && origin === source.root ? source : undefined
    const header = this.#headerOf(root, own)
    this.isYaml11 = /^%YAML/m.test(header) ? own!.isYaml11 : isYaml11
    document.contents = toYamlNode(root, this)
    document.comment = own?.comment ?? null
    const body = document
      .toString({ lineWidth: 0, verifyAliasOrder: false, doubleQuotedAsJSON: true })
      .replaceAll(standInSpace, ' ')
    const text = header + body
    return own?.crlf ? text.replaceAll('\n', '\r\n') : text
  }

  // A document that is another one as a whole has the comments above itself, too; those above the other are at its root.
  #headerOf(root: Node, own: SourceDocument | undefined): string {
    const origin = this.origin(root)
    const inText = origin && this.from.writtenFor(origin)
    const top = (inText && this.#documents.get(inText)) ?? own
    return top && !top.isIncluded ? top.header : ''
  }

  original(node: Node): Original | undefined {
    const document = this.#documents.get(node)
    const written = document?.nodes.get(node)
    return written && { written, document: document! }
  }

  origin(node: Node): Node | undefined {
    return this.from.origins.get(node)
  }

  replacedBy(node: Node): readonly Node[] {
    return this.from.replacedBy(node)
  }

  inText(loaded: Node): Node | undefined {
    return this.from.writtenFor(loaded)
  }

  claim(written: YamlNode): boolean {
    return !this.#claimed.has(written) && this.#claimed.add(written) !== undefined
  }
}

// The tag of the package breaks lines after twenty characters if no line is to be folded.
const binaryTag: ScalarTag = {
  tag: `${coreTag}binary`,
  default: false,
  identify: (value) => value instanceof Uint8Array,
  resolve: (text) => Buffer.from(text, 'base64'),
  stringify: ({ value }, { indent, inFlow, implicitKey }) => {
    const text = Buffer.from(value as Uint8Array).toString('base64')
    if (inFlow || implicitKey || text.length <= 76) return text === '' ? '""' : text
    const lines = text.match(/.{1,76}/g)!
    return ['|-', ...lines.map((line) => (indent || '  ') + line)].join('\n')
  },
}

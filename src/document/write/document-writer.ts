import type { Node as YamlNode } from 'yaml'
import { yaml } from '#yaml'
import type { Node } from '../../node.js'
import { anchorNames } from './anchor-names.js'
import { Original } from './originals.js'
import type { Representation } from './represent.js'
import { verbatimTag } from './verbatim.js'
import { toYamlNode, type Writing } from './yaml-nodes.js'

/** Writes a node tree with the `yaml` package, in the style and with the comments of the texts that it came from. */
export class DocumentWriter implements Writing {
  anchors: ReadonlyMap<Node, string> = new Map()
  readonly #originals = new Map<Node, Original>()
  readonly #written = new Map<Node, YamlNode>()
  readonly #paddings = new Map<YamlNode, string>()

  constructor(readonly from: Representation) {
    for (const source of from.sources) if (source.document.start >= 0) this.#add(new Original(source))
  }

  #add(original: Original): void {
    this.#originals.set(original.root, original)
    for (const [node, written] of original.nodes) this.#written.set(node, written)
    for (const [written, padding] of original.paddings) this.#paddings.set(written, padding)
  }

  write(root: Node): string {
    this.anchors = anchorNames(root)
    const document = new (yaml().Document)<YamlNode>(undefined, {
      customTags: (tags) => [verbatimTag, ...tags, 'timestamp', 'binary'],
    })
    document.contents = toYamlNode(root, this)
    const origin = this.origin(root)
    const whole = origin && this.#originals.get(origin)
    document.comment = whole?.comment ?? null
    return (
      (whole?.header ?? '') +
      document.toString({ lineWidth: 0, verifyAliasOrder: false, doubleQuotedAsJSON: true })
    )
  }

  original(node: Node): YamlNode | undefined {
    const origin = this.origin(node)
    return origin && this.#written.get(origin)
  }

  origin(node: Node): Node | undefined {
    return this.from.origins.get(node)
  }

  padding(original: YamlNode | undefined): string | undefined {
    return original && this.#paddings.get(original)
  }
}

import type { Node, ScalarNode } from '../../node.js'
import { BAIL_OUT, unlessBailedOut } from '../bail-out.js'
import { type Block, BlockWriter, inlineScalar, keyText } from './block-writer.js'
import { scalarText } from './scalar-text.js'

/**
 * Writes nodes that were not loaded, in block style, with `anchors` for repeated nodes. Returns `undefined` for what only the
 * `yaml` package should write: core tags, and keys that are not short strings.
 */
export function writeQuickly(root: Node, anchors: ReadonlyMap<Node, string>): string | undefined {
  return unlessBailedOut(() => new QuickWriter(anchors).write(root))
}

interface NodeBlock extends Block {
  readonly node: Node
}

class QuickWriter extends BlockWriter<Node, NodeBlock> {
  constructor(readonly anchors: ReadonlyMap<Node, string>) {
    super()
  }

  protected blockOf(node: Node): NodeBlock | undefined {
    const isBlock =
      (node.kind === 'sequence' && node.items.length > 0) ||
      (node.kind === 'mapping' && node.entries.length > 0)
    return isBlock ? { props: this.#props(node), node } : undefined
  }

  protected children({ node }: NodeBlock, indent: number): void {
    if (node.kind === 'sequence') for (const item of node.items) this.item(item, indent)
    if (node.kind !== 'mapping') return
    for (const { key, value, merge } of node.entries)
      this.entry(merge ? '<<:' : this.#key(key), value, indent)
  }

  #key(key: Node): string {
    if (key.kind !== 'scalar' || key.tag !== undefined || this.anchors.has(key)) throw BAIL_OUT
    const text = keyText(key.value)
    if (text === undefined) throw BAIL_OUT
    return text
  }

  protected inline(node: Node, indent: number): string {
    const props = this.#props(node)
    const content = this.#content(node, indent)
    return props === '' || content === '' ? props + content : `${props} ${content}`
  }

  #props(node: Node): string {
    if (node.kind === 'alias') return ''
    const { tag = '' } = node
    if (tag !== '' && !isWritableTag(tag)) throw BAIL_OUT
    const anchor = this.anchors.get(node)
    return anchor === undefined ? tag : `&${anchor} ${tag}`.trimEnd()
  }

  #content(node: Node, indent: number): string {
    if (node.kind === 'alias') return `*${this.anchors.get(node.target!)}`
    if (node.kind === 'mapping') return '{}'
    if (node.kind === 'sequence') return '[]'
    return node.kind === 'scalar' ? this.#scalar(node, indent) : ''
  }

  #scalar({ value, tag, plain }: ScalarNode, indent: number): string {
    if (typeof value === 'object' && value !== null) throw BAIL_OUT
    if (tag !== undefined && plain && value === '') return ''
    // The text of a tagged scalar is a string.
    return tag === undefined || typeof value === 'string'
      ? inlineScalar(value, indent)
      : scalarText(String(value))
  }
}

/** Whether a tag can be written as it is. */
export function isWritableTag(tag: string): boolean {
  return /^![\w.-]+$/.test(tag)
}

import type { Entry, Node, ScalarNode } from '../../node.js'
import { BAIL_OUT, unlessBailedOut } from '../bail-out.js'
import { literalBlock, scalarText } from './scalar-text.js'

/**
 * Writes nodes that were not loaded, in block style, with `anchors` for repeated nodes. Returns `undefined` for what only the
 * `yaml` package should write: core tags, and keys that are not short strings.
 */
export function writeQuickly(root: Node, anchors: ReadonlyMap<Node, string>): string | undefined {
  return unlessBailedOut(() => new QuickWriter(anchors).write(root))
}

const longestKey = 1000

class QuickWriter {
  #text = ''

  constructor(readonly anchors: ReadonlyMap<Node, string>) {}

  write(root: Node): string {
    const props = this.#props(root)
    if (isBlock(root)) this.#block(root, props, 0)
    else this.#text += `${joined(props, this.#inline(root, 0))}\n`
    return this.#text
  }

  /** Writes the value after `key:` or `-`, up to the end of its last line. */
  #value(node: Node, indent: number): void {
    const props = this.#props(node)
    if (isBlock(node)) this.#block(node, ` ${props}`.trimEnd(), indent)
    else this.#text += spaced(joined(props, this.#inline(node, indent)))
  }

  /** Writes a collection below the line that `lead` ends. */
  #block(node: Node, lead: string, indent: number): void {
    if (lead !== '' || indent > 0) this.#text += `${lead}\n`
    this.#children(node, indent, false)
  }

  #children(node: Node, indent: number, begun: boolean): void {
    const space = ' '.repeat(indent)
    let lead = begun ? '' : space
    const children = node.kind === 'mapping' ? node.entries : node.kind === 'sequence' ? node.items : []
    for (const child of children) {
      this.#text += lead
      if ('key' in child) this.#entry(child, indent)
      else this.#item(child, indent)
      lead = space
    }
  }

  #entry({ key, value, merge }: Entry, indent: number): void {
    this.#text += `${merge ? '<<' : this.#key(key)}:`
    this.#value(value, indent + 2)
  }

  // `- a: 1`: an untagged collection starts on the line of its dash.
  #item(item: Node, indent: number): void {
    this.#text += '-'
    if (!isBlock(item) || this.#props(item) !== '') this.#value(item, indent + 2)
    else {
      this.#text += ' '
      this.#children(item, indent + 2, true)
    }
  }

  #key(key: Node): string {
    if (key.kind !== 'scalar' || key.tag !== undefined || this.anchors.has(key)) throw BAIL_OUT
    const text = scalarText(key.value)
    if (text.length > longestKey) throw BAIL_OUT
    return text
  }

  #props(node: Node): string {
    if (node.kind === 'alias') return ''
    const { tag = '' } = node
    if (tag !== '' && !/^![\w.-]+$/.test(tag)) throw BAIL_OUT
    const anchor = this.anchors.get(node)
    return anchor === undefined ? tag : `&${anchor} ${tag}`.trimEnd()
  }

  #inline(node: Node, indent: number): string {
    if (node.kind === 'alias') return `*${this.anchors.get(node.target!)}`
    if (node.kind === 'mapping') return '{}'
    if (node.kind === 'sequence') return '[]'
    return node.kind === 'scalar' ? this.#scalar(node, indent) : ''
  }

  #scalar({ value, tag, plain }: ScalarNode, indent: number): string {
    if (typeof value === 'object' && value !== null) throw BAIL_OUT
    if (tag !== undefined && plain && value === '') return ''
    const block = typeof value === 'string' && indent > 0 ? literalBlock(value) : undefined
    if (!block) return tag !== undefined ? scalarText(String(value)) : scalarText(value)
    const space = ' '.repeat(indent)
    return [block.header, ...block.lines.map((line) => (line === '' ? '' : space + line))].join('\n')
  }
}

function spaced(content: string): string {
  return content === '' ? '\n' : ` ${content}\n`
}

function joined(props: string, content: string): string {
  return props === '' || content === '' ? props + content : `${props} ${content}`
}

function isBlock(node: Node): boolean {
  return (
    (node.kind === 'mapping' && node.entries.length > 0) ||
    (node.kind === 'sequence' && node.items.length > 0)
  )
}

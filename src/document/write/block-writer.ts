import { literalBlock, scalarText } from './scalar-text.js'

const longestKey = 1000
const chunkLength = 4096
const spaces = Array.from({ length: 64 }, (_, count) => ' '.repeat(count))

/** A collection that is written in block style. */
export interface Block {
  /** Its anchor and its tag. */
  readonly props: string
}

/** Writes a tree in block style; a subclass knows what the tree is made of. */
export abstract class BlockWriter<Value, Collection extends Block> {
  #text = ''
  readonly #chunks: string[] = []
  /** Whether the line of the next entry or item has begun, after the dash of a sequence. */
  #isBegun = false

  /** The collection that a value is; `undefined` for scalars, aliases and empty collections. */
  protected abstract blockOf(value: Value): Collection | undefined
  /** What stands for any other value, with its anchor and tag, on one line or as a block scalar. */
  protected abstract inline(value: Value, indent: number): string
  /** Writes each child with `entry` or `item`. */
  protected abstract children(collection: Collection, indent: number): void

  write(root: Value): string {
    const block = this.blockOf(root)
    if (!block) return `${this.inline(root, 0)}\n`
    if (block.props !== '') this.#add(`${block.props}\n`)
    this.children(block, 0)
    this.#chunks.push(this.#text)
    return this.#chunks.join('')
  }

  // V8 joins strings when one is read: millions of parts would survive several collections of garbage until then.
  #add(text: string): void {
    this.#text += text
    if (this.#text.length < chunkLength) return
    this.#text.charCodeAt(0)
    this.#chunks.push(this.#text)
    this.#text = ''
  }

  /** Writes a key, as `keyText` makes it, and its value. */
  protected entry(key: string, value: Value, indent: number): void {
    this.#begin(indent)
    this.#add(key)
    this.#value(value, indent + 2)
  }

  protected item(value: Value, indent: number): void {
    this.#begin(indent)
    const block = this.blockOf(value)
    // `- a: 1`: an untagged collection starts on the line of its dash.
    if (block?.props === '') {
      this.#add('- ')
      this.#isBegun = true
      this.children(block, indent + 2)
    } else {
      this.#add('-')
      this.#after(block, value, indent + 2)
    }
  }

  #begin(indent: number): void {
    if (!this.#isBegun) this.#add(spaces[indent] ?? ' '.repeat(indent))
    this.#isBegun = false
  }

  #value(value: Value, indent: number): void {
    this.#after(this.blockOf(value), value, indent)
  }

  // Up to the end of the last line of the value.
  #after(block: Collection | undefined, value: Value, indent: number): void {
    if (block) {
      this.#add(block.props === '' ? '\n' : ` ${block.props}\n`)
      this.children(block, indent)
    } else {
      const content = this.inline(value, indent)
      this.#add(content === '' ? '\n' : ` ${content}\n`)
    }
  }
}

// Programs write the same keys again and again.
const keyTexts = new Map<string, string>()
const mostKeys = 4096

/** A key and its colon; `undefined` if it is too long for a line. */
export function keyText(name: unknown): string | undefined {
  const known = typeof name === 'string' ? keyTexts.get(name) : undefined
  if (known !== undefined) return known
  const text = scalarText(name)
  if (text.length > longestKey) return undefined
  if (typeof name === 'string') {
    if (keyTexts.size >= mostKeys) keyTexts.clear()
    keyTexts.set(name, `${text}:`)
  }
  return `${text}:`
}

/** A scalar that is not an object, indented if it is a block. */
export function inlineScalar(value: unknown, indent: number): string {
  if (typeof value !== 'string') return scalarText(value)
  const block = indent > 0 ? literalBlock(value) : undefined
  if (!block) return scalarText(value)
  const space = ' '.repeat(indent)
  return [block.header, ...block.lines.map((line) => (line === '' ? '' : space + line))].join('\n')
}

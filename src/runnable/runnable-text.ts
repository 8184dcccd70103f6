import { inFileOrder } from '../document/problem-list.js'
import { documentError } from '../document/problems.js'
import { parse } from '../document/read/parse.js'
import type { Parsed } from '../document/read/parsed.js'
import { readText } from '../document/read/read-text.js'
import { type RunnableFile, takeApart } from './runnable-file.js'

/** A runnable file: its path or URL, or `{ content }`, a text that is at hand and that errors call by `filename`. */
export type RunnableSource = string | URL | { content: string; filename?: string }

/** The text of a runnable file: read and parsed once, when it is first needed. */
export class RunnableText {
  #parsed: Parsed | undefined

  constructor(private readonly from: RunnableSource) {}

  async parsed(): Promise<Parsed> {
    if (this.#parsed) return this.#parsed
    const { text, filename } = await this.#read()
    this.#parsed = parse(text, filename)
    return this.#parsed
  }

  /** Its parts: what can be told of a file even if something in it is wrong. */
  async takenApart(): Promise<RunnableFile> {
    const parsed = await this.parsed()
    if (parsed.documents.length === 0 && parsed.problems.length > 0) throw documentError(parsed.problems)
    return takeApart(parsed)
  }

  /** @throws {@link DocumentError} when the syntax of a document is wrong. */
  async refuseBadSyntax(): Promise<void> {
    const { problems } = await this.parsed()
    if (problems.length > 0) throw documentError(inFileOrder(problems))
  }

  /** Whether the document of its runnable is this text. */
  async hasContent(content: string): Promise<boolean> {
    const parsed = await this.parsed()
    if (parsed.source.text === content) return true
    return parsed.documents.length > 0 && takeApart(parsed).content === content
  }

  async #read(): Promise<{ text: string; filename: string }> {
    if (typeof this.from === 'string' || this.from instanceof URL) return readText(this.from)
    return { text: this.from.content, filename: this.from.filename ?? '<text>' }
  }
}

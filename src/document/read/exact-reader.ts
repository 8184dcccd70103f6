import type { CST, Document, ParsedNode } from 'yaml'
import { yaml } from '#yaml'
import { Source, type Span } from '../../source.js'
import { ProblemList } from '../problem-list.js'
import { maxDepth } from './limits.js'
import { NodeWalk } from './node-walk.js'
import type { Parsed, ParsedDocument } from './parsed.js'
import { syntaxMessage } from './syntax-messages.js'
import { TagQueue } from './tag-queue.js'
import { tokenParser } from './token-parser.js'

/** Reads any YAML 1.2 text with the `yaml` package: gives every diagnosis there is. */
export function readExactly(text: string, filename: string): Parsed {
  return new ExactReader(new Source(text, filename)).read()
}

class ExactReader {
  readonly #list = new ProblemList()
  // Of all documents: the composer is one ahead of the walk.
  readonly #tags = new TagQueue()

  constructor(readonly source: Source) {}

  read(): Parsed {
    const documents: ParsedDocument[] = []
    try {
      for (const document of this.#compose()) {
        const start = this.#startOf(document, documents)
        documents.push(this.#walk(document, start))
      }
    } catch (error) {
      if (!(error instanceof TooDeep)) throw error
      this.#report({ start: error.offset, end: error.offset + 1 }, 'TOO_DEEP', tooDeep)
    }
    const last = documents.at(-1)
    if (last) documents[documents.length - 1] = { ...last, end: this.source.text.length }
    return { source: this.source, documents, problems: this.#list.problems }
  }

  // White space before a marker belongs to the document above it, whatever its last node is.
  #startOf({ range }: Document.Parsed, before: ParsedDocument[]): number {
    const last = before.at(-1)
    if (!last) return 0
    const between = this.source.text.slice(last.end, range[0])
    const start = between.trim() === '' ? range[0] : last.end
    before[before.length - 1] = { ...last, end: start }
    return start
  }

  #compose(): Generator<Document.Parsed> {
    // Keys are compared by the walk: the composer compares each with each.
    const composer = new (yaml().Composer)({ uniqueKeys: false, intAsBigInt: true })
    // The composer would make an Error with a stack for every tag that it does not know, which is every tag of ours.
    Object.assign(composer, { onError: this.#onError })
    return composer.compose(tokensOf(this.source.text))
  }

  #walk(document: Document.Parsed, start: number): ParsedDocument {
    for (const { pos, code, message } of document.errors) this.#report(spanOf(pos), code, message)
    const walk = new NodeWalk(this.#tags, {
      report: (span, code, message) => this.#report(span, code, message),
      near: this.#list.near,
    })
    const root = walk.walk(document.contents as ParsedNode)
    const old = document.directives.yaml.version === '1.1'
    return { root, start, end: document.range[2], tagged: walk.tagged, ...(old && { old }) }
  }

  readonly #onError = (at: ErrorPlace, code: string, message: string, warning?: boolean): void => {
    const span = spanOf(at)
    if (code === 'TAG_RESOLVE_FAILED' && warning)
      this.#tags.add({ name: message.slice(unresolved.length), ...span })
    else if (!warning || code === 'BAD_COLLECTION_TYPE') this.#report(span, code, message)
  }

  #report(span: Span, code: string, message: string): void {
    this.#list.add(() => this.source.problem(code, syntaxMessage(code, message), span))
  }
}

/** How `yaml` begins its warning about a tag; the tag's name follows. */
const unresolved = 'Unresolved tag: '

const tooDeep = `More than ${maxDepth} collections stand in one another: write it flatter, or split it into files`

type ErrorPlace = number | readonly number[] | { offset: number; source: string }

function spanOf(at: ErrorPlace): Span {
  if (typeof at === 'number') return { start: at, end: at + 1 }
  if ('offset' in at) return { start: at.offset, end: at.offset + Math.max(1, at.source?.length ?? 1) }
  return { start: at[0]!, end: at[1]! }
}

class TooDeep extends Error {
  constructor(readonly offset: number) {
    super()
  }
}

// The lexer and the parser do not recurse, the composer does: depth is counted before it begins.
function* tokensOf(text: string): Generator<CST.Token> {
  const { Lexer } = yaml()
  const parser = tokenParser()
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme)
    if (parser.stack.length > maxDepth) throw new TooDeep(parser.offset)
  }
  yield* parser.end()
}

import type { CST, Document, ParsedNode } from 'yaml'
import { yaml } from '#yaml'
import type { Problem } from '../../errors.js'
import { Suggester } from '../../registry/suggest.js'
import { Source, type Span } from '../../source.js'
import { ProblemList } from '../problems.js'
import { diagnose, syntaxMessage } from './diagnose/diagnose.js'
import type { Finding } from './diagnose/repair.js'
import { NodeConverter, TagQueue } from './from-yaml-nodes.js'
import { maxDepth, type ParsedDocument, type ParsedText } from './parsed.js'
import { tokenParser } from './token-parser.js'

/** Reads any YAML 1.2 text with the `yaml` package: gives every diagnosis there is. */
export function readExactly(text: string, filename: string): ParsedText {
  const source = new Source(text, filename)
  const { findings, ...read } = new ExactReader(source).read()
  if (findings.length === 0) return { ...read, problems: [] }
  if (!findings.some(({ code }) => code === 'TOO_DEEP')) {
    const parsed = diagnosed(source, read)
    // Where no cause was found in time, the parser has the word: no mistake is passed over.
    return parsed.problems.length > 0 ? parsed : { ...read, problems: problemsOf(findings, source) }
  }
  const causes = causesAbove(source.text)
  const problems = causes.map(({ span, code, message }) => source.problem(code, message, span))
  return { ...read, problems: problems.length > 0 ? problems : problemsOf(findings, source) }
}

const headLines = 100

// Lines that are wrong nest in one another, too: then the first of them are what is said.
function causesAbove(text: string): readonly Finding[] {
  const head = text.split('\n', headLines).join('\n')
  if (inspect(head).some(({ code }) => code === 'TOO_DEEP')) return []
  return diagnose(head, inspect).findings.filter(({ span }) => span.end < head.length / 2)
}

// What was meant is read in place of the text, so that what else is wrong is found, too.
function diagnosed(source: Source, read: Omit<ParsedText, 'problems'>): ParsedText {
  const { findings, repaired, origin, reliableUntil } = diagnose(source.text, inspect)
  const problems = findings.map(({ span, code, message }) => source.problem(code, message, span))
  if (repaired === undefined)
    return {
      ...read,
      documents: read.documents.map((document) => withTagsBefore(document, reliableUntil)),
      problems,
    }
  const copy = new RepairedSource(repaired, source, origin)
  const again = new ExactReader(copy).read()
  return { ...again, problems: [...problems, ...problemsOf(again.findings, copy)] }
}

function inspect(text: string): readonly Finding[] {
  return new ExactReader(new Source(text, '')).read().findings
}

function problemsOf(findings: readonly Finding[], source: Source): readonly Problem[] {
  const list = new ProblemList()
  for (const { code, message, span } of findings)
    list.add(() => source.problem(code, syntaxMessage(code, message), span))
  return list.problems
}

function withTagsBefore(document: ParsedDocument, end: number): ParsedDocument {
  return { ...document, tagged: document.tagged.filter(({ tagStart }) => tagStart < end) }
}

class ExactReader {
  readonly #findings: Finding[] = []
  // Where each begins, by its end.
  readonly #openQuotes = new Map<number, number>()
  readonly #suggester = new Suggester()
  // Of all documents: the composer is one ahead of the walk.
  readonly #tags = new TagQueue()

  constructor(readonly source: Source) {}

  read(): Omit<ParsedText, 'problems'> & { findings: readonly Finding[] } {
    const documents: ParsedDocument[] = []
    try {
      for (const document of this.#compose()) {
        const start = this.#startOf(document, documents)
        documents.push(this.#convert(document, start))
      }
    } catch (error) {
      if (!(error instanceof TooDeep)) throw error
      this.#report({ start: error.offset, end: error.offset + 1 }, 'TOO_DEEP', tooDeep)
    }
    const last = documents.at(-1)
    if (last) documents[documents.length - 1] = { ...last, end: this.source.text.length }
    return { source: this.source, documents, findings: this.#findings }
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
    return composer.compose(tokensOf(this.source.text, this.#onOpenQuote))
  }

  #convert(document: Document.Parsed, start: number): ParsedDocument {
    for (const { pos, code, message } of document.errors) this.#report(toSpan(pos), code, message)
    const converter = new NodeConverter(this.#tags, {
      report: (span, code, message) => this.#report(span, code, message),
      suggester: this.#suggester,
    })
    const root = converter.convert(document.contents as ParsedNode)
    const isYaml11 = document.directives.yaml.version === '1.1'
    return { root, start, end: document.range[2], tagged: converter.tagged, ...(isYaml11 && { isYaml11 }) }
  }

  readonly #onError = (position: ErrorPosition, code: string, message: string, warning?: boolean): void => {
    const span = toSpan(position)
    if (code === 'TAG_RESOLVE_FAILED' && warning)
      this.#tags.add({ name: message.slice(unresolved.length), ...span })
    else if (!warning || code === 'BAD_COLLECTION_TYPE') this.#report(span, code, message)
  }

  // The lexer ends an open text with its line, and the composer takes an escaped quote there for its end.
  readonly #onOpenQuote: OnOpenQuote = ({ start, end }, isEscaped) => {
    this.#openQuotes.set(end, start)
    if (isEscaped) this.#report({ start: end, end: end + 1 }, 'MISSING_CHAR', 'Missing closing "quote')
  }

  #report(span: Span, code: string, message: string): void {
    const opened = this.#openQuotes.get(span.start)
    this.#findings.push({ code, message, span, ...(opened === undefined ? {} : { opened }) })
  }
}

/** How `yaml` begins its warning about a tag; the tag's name follows. */
const unresolved = 'Unresolved tag: '

const tooDeep = `More than ${maxDepth} collections stand in one another: write it flatter, or split it into files`

type ErrorPosition = number | readonly number[] | { offset: number; source: string }

function toSpan(position: ErrorPosition): Span {
  if (typeof position === 'number') return { start: position, end: position + 1 }
  if ('offset' in position)
    return { start: position.offset, end: position.offset + Math.max(1, position.source?.length ?? 1) }
  return { start: position[0]!, end: position[1]! }
}

class TooDeep extends Error {
  constructor(readonly offset: number) {
    super()
  }
}

type OnOpenQuote = (span: Span, isEscaped: boolean) => void

// Behind it comes the text of a plain or block scalar.
const scalarMarker = '\u001f'

function isOpenQuote(lexeme: string): boolean {
  const [quote] = lexeme
  if (quote !== '"' && quote !== "'") return false
  if (lexeme.length === 1 || !lexeme.endsWith(quote)) return true
  const escapes = quote === '"' ? /\\*(?="$)/ : /'*(?='$)/
  return escapes.exec(lexeme.slice(1))![0].length % 2 === 1
}

// The lexer and the parser do not recurse, the composer does: depth is counted before it begins.
function* tokensOf(text: string, onOpenQuote: OnOpenQuote): Generator<CST.Token> {
  const { Lexer } = yaml()
  const parser = tokenParser()
  let before = ''
  for (const lexeme of new Lexer().lex(text)) {
    if (before !== scalarMarker && isOpenQuote(lexeme))
      onOpenQuote({ start: parser.offset, end: parser.offset + lexeme.length }, lexeme.endsWith('\\"'))
    before = lexeme
    yield* parser.next(lexeme)
    if (parser.stack.length > maxDepth) throw new TooDeep(parser.offset)
  }
  yield* parser.end()
}

/** A text as it was meant, whose problems point at their places in the text as it is written. */
class RepairedSource extends Source {
  constructor(
    text: string,
    readonly written: Source,
    readonly origin: (offset: number) => number,
  ) {
    super(text, written.filename)
  }

  override position(offset: number): { line: number; column: number } {
    return this.written.position(this.origin(offset))
  }

  override problem(code: string, message: string, span: Span, hint?: string): Problem {
    return this.written.problem(code, message, this.#spanOf(span), hint)
  }

  override frame(span: Span): string {
    return this.written.frame(this.#spanOf(span))
  }

  #spanOf({ start, end }: Span): Span {
    const from = this.origin(start)
    return { start: from, end: Math.max(from, this.origin(end)) }
  }
}

import type { CST, Document, ParsedNode } from 'yaml'
import { yaml } from '#yaml'
import type { Problem } from '../../errors.js'
import { Suggester } from '../../registry/suggest.js'
import { Source, type Span } from '../../source.js'
import { ProblemList } from '../problems.js'
import type { Diagnosis } from './diagnose/changes.js'
import { Budget, diagnose, nodeCodes } from './diagnose/diagnose.js'
import { syntaxMessage } from './diagnose/messages.js'
import { PartsDiagnoser } from './diagnose/parts.js'
import type { Finding } from './diagnose/repair.js'
import { NodeConverter, TagQueue } from './from-yaml-nodes.js'
import { maxDepth, type ParsedDocument, type ParsedText } from './parsed.js'
import { readQuickly } from './quick-reader.js'
import { tokenParser } from './token-parser.js'

// Larger texts are diagnosed in parts.
const largeText = 5_000
const largeDraft = 1_000
// The exact reader takes about two seconds for so many characters.
const mostRead = 1_500_000
// A text with more entries that only the exact reader can read is probably valid, and is read as a whole first.
const fewUnusual = 2

/** How a text is read. */
export interface ReadingOptions {
  /**
   * Whether the text is being typed, and so probably broken: its diagnosis is tried before it is read as a whole, which takes longer
   * when it is valid.
   */
  readonly isDraft?: boolean | undefined
  /** The number of characters from which on a text is diagnosed in parts. */
  readonly large?: number | undefined
}

/** Reads any YAML 1.2 text with the `yaml` package, and diagnoses what is wrong with it. */
export function readExactly(text: string, filename: string, options: ReadingOptions = {}): ParsedText {
  const { isDraft = false, large = isDraft ? largeDraft : largeText } = options
  const source = new Source(text, filename)
  const budget = new Budget(mostRead)
  const parts = text.length < large ? undefined : new PartsDiagnoser(text, inspect, budget)
  const early = isDraft ? parts?.run(fewUnusual) : 'unusual'
  const inParts = typeof early === 'object' && readRepaired(source, early)
  if (inParts) return inParts
  const { findings, ...read } = new ExactReader(source).read()
  if (findings.length === 0) return { ...read, problems: [] }
  if (!findings.some(({ code }) => code === 'TOO_DEEP')) {
    const late = early === 'unusual' ? parts?.run(Number.POSITIVE_INFINITY) : undefined
    const parsed =
      (typeof late === 'object' && readRepaired(source, late)) ||
      diagnosed(source, read, diagnose(text, inspect, budget))
    // If no cause was found in time, the errors of the parser are reported: none is passed over.
    return parsed.problems.length > 0 ? parsed : { ...read, problems: problemsOf(findings, source) }
  }
  const causes = causesAbove(source.text)
  const problems = causes.map(({ span, code, message, hint }) => source.problem(code, message, span, hint))
  return { ...read, problems: problems.length > 0 ? problems : problemsOf(findings, source) }
}

/** Reads a text that was diagnosed in parts; returns `undefined` if syntax errors are left. */
function readRepaired(source: Source, diagnosis: Diagnosis): ParsedText | undefined {
  const { findings, repaired, origin } = diagnosis
  if (repaired === undefined) return diagnosed(source, new ExactReader(source).read(), diagnosis)
  const copy = new RepairedSource(repaired, source, origin)
  const again = quicklyAgain(copy) ?? new ExactReader(copy).read()
  if (again.findings.some(({ code }) => !nodeCodes.has(code))) return undefined
  const problems = findings.map(({ span, code, message, hint }) => source.problem(code, message, span, hint))
  return { ...again, problems: [...problems, ...problemsOf(again.findings, copy)] }
}

function quicklyAgain(source: Source): ReturnType<ExactReader['read']> | undefined {
  const findings: Finding[] = []
  const parsed = readQuickly(source.text, source.filename, (span, code, message, hint) =>
    findings.push({ span, code, message, hint }),
  )
  return parsed && { ...parsed, source, findings }
}

const headLines = 100

// Broken lines may look like deep nesting: then their causes in the first lines are reported.
function causesAbove(text: string): readonly Finding[] {
  const head = text.split('\n', headLines).join('\n')
  if (inspect(head).some(({ code }) => code === 'TOO_DEEP')) return []
  return diagnose(head, inspect, new Budget(mostRead)).findings.filter(
    ({ span }) => span.end < head.length / 2,
  )
}

// The repaired text is read in place of the original, so that other errors are found, too.
function diagnosed(source: Source, read: Omit<ParsedText, 'problems'>, diagnosis: Diagnosis): ParsedText {
  const { findings, repaired, origin, reliableUntil } = diagnosis
  const problems = findings.map(({ span, code, message, hint }) => source.problem(code, message, span, hint))
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
  for (const { code, message, span, hint } of findings)
    list.add(() => source.problem(code, syntaxMessage(code, message), span, hint))
  return list.problems
}

function withTagsBefore(document: ParsedDocument, end: number): ParsedDocument {
  return { ...document, tagged: document.tagged.filter(({ tagStart }) => tagStart < end) }
}

class ExactReader {
  readonly #findings: Finding[] = []
  // The start of each unclosed quote, by its end.
  readonly #openQuotes = new Map<number, number>()
  readonly #suggester = new Suggester()
  // For all documents: the composer is one document ahead of the converter.
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

  // White space before a marker belongs to the document above it.
  #startOf({ range }: Document.Parsed, before: ParsedDocument[]): number {
    const last = before.at(-1)
    if (!last) return 0
    const between = this.source.text.slice(last.end, range[0])
    const start = between.trim() === '' ? range[0] : last.end
    before[before.length - 1] = { ...last, end: start }
    return start
  }

  #compose(): Generator<Document.Parsed> {
    // The converter checks for duplicate keys: the composer would compare each key with each.
    const composer = new (yaml().Composer)({ uniqueKeys: false, intAsBigInt: true })
    // The composer would create an Error with a stack for every unknown tag, which is every application tag.
    Object.assign(composer, { onError: this.#onError })
    return composer.compose(tokensOf(this.source.text, this.#onOpenQuote))
  }

  #convert(document: Document.Parsed, start: number): ParsedDocument {
    for (const { pos, code, message } of document.errors) this.#report(toSpan(pos), code, message)
    const converter = new NodeConverter(this.#tags, {
      report: (span, code, message, hint) => this.#report(span, code, message, hint),
      suggester: this.#suggester,
    })
    const root = converter.convert(document.contents as ParsedNode)
    const isYaml11 = document.directives.yaml.version === '1.1'
    return { root, start, end: document.range[2], tagged: converter.tagged, isYaml11 }
  }

  readonly #onError = (position: ErrorPosition, code: string, message: string, warning?: boolean): void => {
    const span = toSpan(position)
    if (code === 'TAG_RESOLVE_FAILED' && warning)
      this.#tags.add({ name: message.slice(unresolved.length), ...span })
    else if (!warning || code === 'BAD_COLLECTION_TYPE') this.#report(span, code, message)
  }

  // The lexer ends an unclosed string with its line, and the composer takes an escaped quote there for its end.
  readonly #onOpenQuote: OnOpenQuote = ({ start, end }, isEscaped) => {
    this.#openQuotes.set(end, start)
    if (isEscaped) this.#report({ start: end, end: end + 1 }, 'MISSING_CHAR', 'Missing closing "quote')
  }

  #report(span: Span, code: string, message: string, hint?: string | undefined): void {
    const opened = this.#openQuotes.get(span.start)
    this.#findings.push({ code, message, span, opened, hint })
  }
}

/** The start of the warning of `yaml` about a tag; the name of the tag follows. */
const unresolved = 'Unresolved tag: '

const tooDeep = `Collections are nested more than ${maxDepth} levels deep: flatten them, or split the file`

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

// The text of a plain or block scalar follows it.
const scalarMarker = '\u001f'

function isOpenQuote(lexeme: string): boolean {
  const [quote] = lexeme
  if (quote !== '"' && quote !== "'") return false
  if (lexeme.length === 1 || !lexeme.endsWith(quote)) return true
  const escapes = quote === '"' ? /\\*(?="$)/ : /'*(?='$)/
  return escapes.exec(lexeme.slice(1))![0].length % 2 === 1
}

// The composer recurses, the lexer and the parser do not: so the depth is checked before composing.
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

/** A repaired text, whose problems point into the original text. */
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

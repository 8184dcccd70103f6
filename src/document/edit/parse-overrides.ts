import { yaml } from '#yaml'

import { type Problem, RegistrationError } from '../../errors.js'
import { type Entry, type Node, noProps, type ScalarNode, scalarAt, sourceOf } from '../../node.js'

import type { Registry } from '../../registry/registry.js'
import { Source, type Span } from '../../source.js'
import { isEmpty, partsOf } from '../nodes.js'
import { endOfQuoted, type PathMistake, type PathStep, parsePath } from '../path.js'
import { describeNode, nodeProblem, ProblemList, spanOf } from '../problems.js'
import { parse } from '../read/parse.js'
import { maxDepth } from '../read/parsed.js'
import { dump } from '../write/dump.js'
import { type Override, type Overrides, ValueSource } from './override.js'

/** Overrides that could be read, and the problems of the others. */
export interface ParsedOverrides {
  readonly overrides: readonly Override[]
  readonly problems: readonly Problem[]
}

/**
 * Reads overrides: texts are framed as `<argument 2>`, values as `<set "optimizer.rate">`. The registry has the tags of objects
 * in a record.
 */
export function parseOverrides(set: Overrides | null | undefined, registry: Registry): ParsedOverrides {
  if (set === undefined || set === null) return { overrides: [], problems: [] }
  return new OverrideParser(registry).parse(set)
}

/** Reads the entries of a mapping, or of each mapping in a sequence, as overrides: the `set` of an `!extends`. */
export function overridesOf(set: Node, document: Source): ParsedOverrides {
  const parser = new OverrideParser()
  for (const mapping of set.kind === 'sequence' ? set.items : [set])
    if (mapping.kind === 'mapping') for (const entry of mapping.entries) parser.addEntry(entry, document)
    else parser.refuseNode(mapping, document)
  return parser.result
}

/** A path with the operation that its first or last character selects. */
interface Target {
  readonly operation: Override['operation']
  readonly path: Span
}

class OverrideParser {
  readonly #overrides: Override[] = []
  readonly #list = new ProblemList()

  constructor(readonly registry?: Registry) {}

  get result(): ParsedOverrides {
    return { overrides: this.#overrides, problems: this.#list.problems }
  }

  parse(set: Overrides): ParsedOverrides {
    if (Array.isArray(set)) for (const [index, text] of set.entries()) this.#addText(text, index + 1)
    else if (typeof set === 'object')
      for (const [key, value] of Object.entries(set)) this.#addValue(key, value)
    else this.#refuseType(set, '<set>', 'an array of texts such as "optimizer.rate=0.01", or a record')
    return this.result
  }

  #refuseType(found: unknown, name: string, expected: string): void {
    const source = new Source(String(found), name)
    this.#refuse(source, wholeOf(source), `"set" takes ${expected}, but found a ${typeof found}`)
  }

  #refuse(source: Source, span: Span, message: string, code = 'BAD_OVERRIDE'): void {
    this.#list.add(() => source.problem(code, message, span))
  }

  refuseNode(node: Node, document: Source): void {
    const message = `"set" takes paths and values ("optimizer.rate: 0.01"), but found ${describeNode(node, document)}`
    this.#list.add(() => nodeProblem(node, document, 'BAD_OVERRIDE', message))
  }

  #addText(text: unknown, number: number): void {
    const name = `<argument ${number}>`
    if (typeof text === 'string') this.#addArgument(new Source(text, name))
    else this.#refuseType(text, name, 'texts such as "optimizer.rate=0.01"')
  }

  #addArgument(source: Source): void {
    const { text } = source
    const equals = operatorOf(text)
    if (text.startsWith("'")) this.#refuse(source, { start: 0, end: 1 }, singleQuote)
    else if (text.startsWith('~')) this.#addRemoval(source, equals)
    else if (equals === undefined) this.#refuseWithoutEquals(source)
    else this.#addAssignment(source, equals)
  }

  // A quote that is not closed hides the "=".
  #refuseWithoutEquals(source: Source): void {
    const { text } = source
    const { mistake } = parsePath(text)
    if (mistake && text.includes('=')) this.#refuse(source, mistake.span, mistake.message, mistake.code)
    else this.#refuse(source, wholeOf(source), missingEquals(text, mistake !== undefined))
  }

  #addRemoval(source: Source, equals: number | undefined): void {
    const end = source.text.length
    const target: Target = { operation: 'remove', path: { start: 1, end } }
    if (equals !== undefined)
      this.#refuse(source, { start: equals, end }, 'A removal has no value: write "~PATH" alone')
    else this.#addOverride(target, source, { source, span: wholeOf(source), value: undefined })
  }

  #addAssignment(source: Source, equals: number): void {
    const isAppend = source.text[equals - 1] === '+'
    const path = { start: 0, end: isAppend ? equals - 1 : equals }
    const target: Target = { operation: isAppend ? 'append' : 'set', path }
    const problems = this.#list.count
    const value = this.#valueOf(new ValueSource(source, equals + 1))
    if (this.#list.count > problems) this.#steps(source, target)
    else this.#addOverride(target, source, { source, span: wholeOf(source), value })
  }

  /** Adds an override whose path is in `text`, unless the path is wrong. */
  #addOverride(
    target: Target,
    text: Source,
    rest: Pick<Override, 'source' | 'span' | 'value'>,
    spanOfStep: (span: Span) => Span = (span) => span,
  ): void {
    const steps = this.#steps(text, target)?.map((step) => ({ ...step, ...spanOfStep(step) }))
    if (steps) this.#overrides.push({ operation: target.operation, steps, ...rest })
  }

  #steps(source: Source, { operation, path }: Target): readonly PathStep[] | undefined {
    const { steps, mistake } = parsePath(source.text.slice(path.start, path.end))
    const moved = ({ start, end }: Span) => ({ start: start + path.start, end: end + path.start })
    if (mistake) this.#refuse(source, moved(mistake.span), pathMessage(mistake, source, path), mistake.code)
    else if (steps.length === 0 && operation !== 'set')
      this.#refuse(source, wholeOf(source), emptyPath[operation])
    else if (steps.length > maxDepth) this.#refuse(source, wholeOf(source), tooDeep, 'TOO_DEEP')
    else return steps.map((step) => ({ ...step, ...moved(step) }))
    return undefined
  }

  /** Reads the value of a text; what is wrong with it is added to the problems. */
  #valueOf(source: ValueSource): Node {
    const { text } = source
    const comment = commentIn(text)
    if (comment !== undefined)
      this.#refuse(source, { start: comment, end: text.length }, commentMessage(text))
    const marker = comment === undefined ? markerIn(text) : undefined
    if (marker) this.#refuse(source, marker.span, marker.message)
    if (text.trim() === '' || comment !== undefined || marker) return withSource(emptyNode(0), source)
    const { documents, problems } = parse(text, source.filename)
    const [document, second] = documents
    const root = withSource(document?.root ?? emptyNode(0), source)
    if (second) this.#refuse(source, spanOf(second.root), 'A value is one document: remove "---"')
    const anchors = /[*&]/.test(text) ? [...anchorsIn(root)] : []
    for (const node of anchors) this.#refuseAnchor(node)
    const isSaid = ({ code }: Problem) => code === 'UNKNOWN_ALIAS' && anchors.length > 0
    for (const problem of problems) if (!isSaid(problem)) this.#list.add(() => moveProblem(problem, source))
    return root
  }

  #refuseAnchor(node: Node): void {
    const message =
      node.kind === 'alias'
        ? `"*${node.name}" is an alias, which an override cannot have: write "!ref PATH", or put a text in quotes`
        : `"&${node.anchor}" is an anchor, which an override cannot have: remove it, and write "!ref PATH" elsewhere`
    this.#list.add(() => nodeProblem(node, node.source!, 'BAD_OVERRIDE', message))
  }

  #addValue(key: string, value: unknown): void {
    const name = `<set ${JSON.stringify(key.length > 64 ? `${key.slice(0, 63)}…` : key)}>`
    const target = targetOf(key)
    const path = new Source(key, name)
    if (target.operation !== 'remove') this.#addWritten(target, path, value)
    else if ((value ?? null) !== null) this.#refuse(path, wholeOf(path), removalValue)
    else this.#addOverride(target, path, { source: path, span: wholeOf(path), value: undefined })
  }

  // The path is not in the text of the value: its problems point at the whole value.
  #addWritten(target: Target, path: Source, given: unknown): void {
    const text = this.#write(given, path)
    if (text === undefined) return
    const source = new Source(text, path.filename)
    const span = wholeOf(source)
    const value = withSource(parse(text, path.filename).documents[0]?.root ?? emptyNode(0), source)
    this.#addOverride(target, path, { source, span, value }, () => span)
  }

  #write(value: unknown, path: Source): string | undefined {
    try {
      return dump(value ?? null, this.registry ? { registry: this.registry } : {})
    } catch (error) {
      if (!(error instanceof RegistrationError)) throw error
      this.#refuse(path, wholeOf(path), error.message.replace(/^The dumped value/, 'The value'))
      return undefined
    }
  }

  addEntry({ key, value }: Entry, document: Source): void {
    if (key.kind === 'scalar' && key.value !== null) this.#addNamed(key, value, document)
    else this.refuseNode(key, document)
  }

  #addNamed(key: ScalarNode, value: Node, document: Source): void {
    const source = sourceOf(key, document)
    const path = new KeySource(source, key)
    const target = targetOf(path.text)
    const span = { start: key.start, end: Math.max(key.end, value.end) }
    const isRemoval = target.operation === 'remove'
    if (isRemoval && !isEmpty(value))
      this.#list.add(() => nodeProblem(value, document, 'BAD_OVERRIDE', removalValue))
    else
      this.#addOverride(target, path, { source, span, value: isRemoval ? undefined : value }, (step) =>
        path.spanInFile(step),
      )
  }
}

/** The text of a key, whose problems point into the file. */
class KeySource extends Source {
  readonly #isVerbatim: boolean

  constructor(
    readonly file: Source,
    readonly key: ScalarNode,
  ) {
    super(String(key.value), file.filename)
    this.#isVerbatim = file.text.startsWith(this.text, key.start)
  }

  spanInFile({ start, end }: Span): Span {
    const { key } = this
    return this.#isVerbatim ? { start: key.start + start, end: key.start + end } : spanOf(key)
  }

  override problem(code: string, message: string, span: Span, hint?: string): Problem {
    return this.file.problem(code, message, this.spanInFile(span), hint)
  }
}

function wholeOf({ text }: Source): Span {
  return { start: 0, end: text.trimEnd().length }
}

function targetOf(key: string): Target {
  if (key.startsWith('~')) return { operation: 'remove', path: { start: 1, end: key.length } }
  if (key.endsWith('+')) return { operation: 'append', path: { start: 0, end: key.length - 1 } }
  return { operation: 'set', path: { start: 0, end: key.length } }
}

/** The offset of the first "=" outside of quotes. */
function operatorOf(text: string): number | undefined {
  for (let offset = 0; offset < text.length; ) {
    const char = text[offset]
    if (char === '=') return offset
    const end = char === '"' ? endOfQuoted(text, offset) : offset + 1
    if (end === -1) return undefined
    offset = end
  }
  return undefined
}

/** The offset of the first comment of a YAML text. */
function commentIn(text: string): number | undefined {
  if (!text.includes('#')) return undefined
  let offset = 0
  let before = ''
  for (const lexeme of new (yaml().Lexer)().lex(text)) {
    // The text of a plain or block scalar follows a marker.
    if (lexeme.startsWith('#') && before !== scalarMarker) return offset
    if (!markers.has(lexeme)) offset += lexeme.length
    before = lexeme
  }
  return undefined
}

/** What is wrong with a text that has a directive, or a marker of a document. */
function markerIn(text: string): { span: Span; message: string } | undefined {
  const first = /^(?:\s*%|(?:\s*\n)?(?:---|\.\.\.)(?=\s|$))/.exec(text)?.[0].trim()
  if (first !== undefined) {
    const span = { start: text.indexOf(first), end: text.trimEnd().length }
    const message = `A value that begins with "${first}" is no YAML value: put it in quotes, ${inQuotes(text, `${first}…`)}`
    return { span, message: `${message}, and the argument in single quotes` }
  }
  const end = text.search(/^\.\.\.(?=\s|$)/m)
  return end === -1
    ? undefined
    : { span: { start: end, end: end + 3 }, message: 'A value is one document: remove "..."' }
}

const scalarMarker = '\u001f'
// Lexemes that are not in the text: byte order mark, start of a document, end of a flow collection that is not closed.
const markers = new Set(['\u0002', '\u0018', scalarMarker])

function emptyNode(offset: number): Node {
  return scalarAt(noProps, offset, offset, null, true)
}

/** Sets the source of all nodes of a tree that was just parsed. */
function withSource(node: Node, source: Source): Node {
  ;(node as { source: Source }).source = source
  for (const part of partsOf(node)) withSource(part, source)
  return node
}

function* anchorsIn(node: Node): Generator<Node> {
  if (node.kind === 'alias' || node.anchor !== undefined) yield node
  for (const part of partsOf(node)) yield* anchorsIn(part)
}

// A problem of a value that was parsed as a text of its own.
function moveProblem(problem: Problem, source: ValueSource): Problem {
  const own = new Source(source.text, source.filename)
  const start = own.offsetOf(problem.line, problem.column)
  const end = own.offsetOf(problem.endLine, problem.endColumn)
  const isFirstTab = problem.code === 'TAB_AS_INDENT' && problem.line === 1
  const message = isFirstTab ? 'A value cannot begin with a tab: remove it' : problem.message
  const moved = source.problem(problem.code, message, { start, end }, problem.hint)
  return problem.rest === undefined ? moved : { ...moved, rest: problem.rest }
}

const tooDeep = `A path has at most ${maxDepth} parts: collections are not nested deeper`
const singleQuote =
  'This starts with a single quote, which this shell (cmd.exe) does not remove: put the argument in double quotes'
const removalValue = 'A removal has no value: write nothing after ":", or null in code'
const emptyPath = {
  append: 'A path is missing before "+=": write the path of a sequence, such as "callbacks+=!Csv {}"',
  remove: 'A path is missing after "~": the document itself cannot be removed',
}

// A shell removes double quotes, except in single quotes.
function pathMessage({ message, quoted }: PathMistake, { text, filename }: Source, path: Span): string {
  if (!quoted || !filename.startsWith('<argument ')) return message
  const start = text.slice(0, path.start + quoted.start)
  const argument = start + quoted.text + text.slice(path.start + quoted.end)
  if (argument.length > 64 || /['\n]/.test(argument)) return `${message}, and the argument in single quotes`
  return `${message.replace(/: write .*$/s, '')}, and the argument in single quotes: write '${argument}'`
}

function missingEquals(text: string, isNoPath: boolean): string {
  const shown = text.length > 64 ? `${text.slice(0, 63)}…` : text
  if (text === '') return 'An override is empty: write "PATH=VALUE", "PATH+=VALUE" or "~PATH"'
  if (isNoPath) return `"${shown}" has no "=": write "PATH=VALUE" to set a value, or "~PATH" to remove one`
  return `"${shown}" has no "=": write "${shown}=VALUE" to set it, or "~${shown}" to remove it`
}

function commentMessage(text: string): string {
  return `"#" starts a comment in YAML: put the value in quotes, ${inQuotes(text, '…#…')}, and the argument in single quotes`
}

function inQuotes(text: string, otherwise: string): string {
  return JSON.stringify(text.length > 64 || text.trim().includes('\n') ? otherwise : text.trim())
}

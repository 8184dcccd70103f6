import { dialects } from './dialects.js'
import { FileProblems, type Line, quoted } from './secrets-errors.js'
import { defaultSection, SecretsTable } from './secrets-table.js'

/** An option while the file is read: its value may continue on the next lines. */
interface Option {
  readonly line: number
  readonly value: string[]
}

interface Section {
  readonly name: string
  readonly line: number
  readonly options: Map<string, Option>
}

/**
 * Reads a file as `configparser.ConfigParser` of Python 3.11 does, with its default settings.
 *
 * Python stops at the first duplicate; this goes on, so that the error has every problem.
 */
export function readPython(text: string, filename: string): SecretsTable {
  const reader = new PythonReader(filename)
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries())
    reader.read({ number: index + 1, text: line })
  return reader.table()
}

const bogusRemedy = 'write "key = value", or indent the line if it continues the value above'

class PythonReader {
  readonly #problems: FileProblems
  readonly #defaults: Section = { name: defaultSection, line: 0, options: new Map() }
  readonly #sections = new Map<string, Section>()
  #section: Section | undefined
  /** The value that an indented line continues. */
  #open: string[] | undefined
  #indent = 0

  constructor(filename: string) {
    this.#problems = new FileProblems(filename)
  }

  table(): SecretsTable {
    this.#problems.throwAny()
    const sections = new Map([...this.#sections].map(([name, { options }]) => [name, joined(options)]))
    const content = { sections, defaults: joined(this.#defaults.options) }
    return SecretsTable.ofFile(content, dialects.python, this.#problems.filename)
  }

  read(line: Line): void {
    const text = strip(line.text)
    if (text.startsWith('#') || text.startsWith(';')) return
    if (text === '') this.#open?.push('')
    else if (this.#open && indentOf(line.text) > this.#indent) this.#open.push(text)
    else this.#begin(line, text)
  }

  #begin(line: Line, text: string): void {
    this.#indent = indentOf(line.text)
    const name = headerOf(text)
    if (name !== undefined) this.#enter(name, line)
    else if (this.#section) this.#addOption(this.#section, line, text)
    else this.#failHeaderless(line)
  }

  #enter(name: string, line: Line): void {
    const known = name === defaultSection ? this.#defaults : this.#sections.get(name)
    if (known && known !== this.#defaults)
      this.#reportTwice('SECRETS_DUPLICATE_SECTION', `Section ${quoted(name)}`, { line, first: known.line })
    this.#section = known ?? { name, line: line.number, options: new Map() }
    if (!known) this.#sections.set(name, this.#section)
    this.#open = undefined
  }

  #addOption({ name, options }: Section, line: Line, text: string): void {
    const delimiter = text.search(/[=:]/)
    if (delimiter < 1) {
      this.#reportBogus(line, delimiter)
      return
    }
    const key = dialects.python.keyOf(stripEnd(text.slice(0, delimiter)))
    const known = options.get(key)
    this.#open = [strip(text.slice(delimiter + 1))]
    if (known) this.#reportTwice('SECRETS_DUPLICATE_KEY', keyIn(name, key), { line, first: known.line })
    else options.set(key, { line: line.number, value: this.#open })
  }

  #reportBogus(line: Line, delimiter: number): void {
    if (delimiter < 0) {
      this.#problems.add('SECRETS_BARE_KEY', `This line has no "=": ${bogusRemedy}`, line)
    } else {
      this.#open = undefined
      this.#problems.add('SECRETS_NO_KEY_NAME', `This line has no key before its "=": ${bogusRemedy}`, line)
    }
  }

  #reportTwice(code: string, what: string, { line, first }: { line: Line; first: number }): void {
    this.#problems.add(code, `${what} occurs twice, first on line ${first}: remove or rename one`, line)
  }

  // The file is probably not a secrets file: problems of its other lines would not help.
  #failHeaderless(line: Line): void {
    const message = 'This line is before the first section: add a line such as "[AWS]" above it'
    this.#problems.add('SECRETS_NO_HEADER', message, line)
    this.#problems.throwAny()
  }
}

function keyIn(section: string, key: string): string {
  return `Key ${quoted(key)} in section ${quoted(section)}`
}

// Everything between the first bracket and the last one: `[a]b]` is the section `a]b`.
function headerOf(text: string): string | undefined {
  const end = text.lastIndexOf(']')
  return text.startsWith('[') && end > 1 ? text.slice(1, end) : undefined
}

function joined(options: ReadonlyMap<string, Option>): Map<string, string> {
  return new Map([...options].map(([key, { value }]) => [key, stripEnd(value.join('\n'))]))
}

// The white space of Python's `str.strip` and `\s`, which differs from that of JavaScript's `trim`.
const whiteSpace: ReadonlySet<string> = new Set(
  '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000' +
    '\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a',
)

/** The number of white-space characters that a line begins with: `len(line) - len(line.lstrip())`. */
function indentOf(line: string): number {
  let length = 0
  while (length < line.length && whiteSpace.has(line[length]!)) length++
  return length
}

/** Python's `str.rstrip`. */
function stripEnd(text: string): string {
  let end = text.length
  while (end > 0 && whiteSpace.has(text[end - 1]!)) end--
  return text.slice(0, end)
}

/** Python's `str.strip`. */
function strip(text: string): string {
  return stripEnd(text.slice(indentOf(text)))
}

import { dialects } from './dialects.js'
import { FileProblems, type Line, quoted } from './secrets-errors.js'
import { SecretsTable } from './secrets-table.js'

type Parse = typeof import('ini').parse

/**
 * Reads a file as the npm package `ini` does, and refuses what that package would change silently.
 *
 * The package parses each line by itself, and its result is compared with what the line says.
 */
export async function readIni(text: string, filename: string): Promise<SecretsTable> {
  const { parse } = await import('ini')
  const reader = new IniReader(filename, parse)
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries())
    reader.read({ number: index + 1, text: line })
  return reader.table()
}

class IniReader {
  readonly #problems: FileProblems
  readonly #parse: Parse
  readonly #sections = new Map<string, Map<string, string>>()
  #section: Map<string, string> | undefined

  constructor(filename: string, parse: Parse) {
    this.#problems = new FileProblems(filename)
    this.#parse = parse
  }

  table(): SecretsTable {
    this.#problems.throwAny()
    const content = { sections: this.#sections, defaults: undefined }
    return SecretsTable.ofFile(content, dialects.ini, this.#problems.filename)
  }

  read(line: Line): void {
    if (/^\s*(?:[;#]|$)/.test(line.text)) return
    const header = /^\[([^\]]*)\]\s*$/.exec(line.text)?.[1]
    const delimiter = line.text.indexOf('=')
    if (header !== undefined) this.#enter(header, line)
    else if (!this.#section) this.#failHeaderless(line)
    else if (delimiter < 0) this.#report('SECRETS_BARE_KEY', bareMessage(line), line)
    else this.#addKey(this.#section, delimiter, line)
  }

  #enter(header: string, line: Line): void {
    const [name] = Object.keys(this.#parsed(line))
    const isMeant = name !== undefined && name === unquote(header)?.replaceAll('\\.', '.')
    this.#section = (isMeant && this.#sections.get(name)) || new Map()
    if (isMeant) this.#sections.set(name, this.#section)
    else this.#report('SECRETS_BAD_SECTION', sectionMessage, line)
  }

  #addKey(section: Map<string, string>, delimiter: number, line: Line): void {
    const [key, value] = Object.entries(this.#parsed(line))[0] ?? []
    const meant = unquote(line.text.slice(delimiter + 1))
    if (key === undefined || key === '' || key !== unquote(line.text.slice(0, delimiter)))
      this.#report('SECRETS_BAD_KEY', keyMessage, line)
    else if (meant === undefined || meant !== textOf(value))
      this.#report('SECRETS_ALTERED_VALUE', valueMessage(key), line)
    else if (section.has(key)) this.#report('SECRETS_DUPLICATE_KEY', twiceMessage(key), line)
    else section.set(key, meant)
  }

  // The package throws at some names, such as `'null'` in single quotes, which counts as dropping them.
  #parsed(line: Line): object {
    try {
      return this.#parse(line.text)
    } catch {
      return {}
    }
  }

  #report(code: string, message: string, line: Line): void {
    this.#problems.add(code, message, line)
  }

  // The file is probably not a secrets file: problems of its other lines would not help.
  #failHeaderless(line: Line): void {
    const message = 'This line is before the first section: add a line such as "[AWS]" above it'
    this.#report('SECRETS_NO_HEADER', message, line)
    this.#problems.throwAny()
  }
}

const sectionMessage =
  'The package "ini" would drop, rename or nest this section: use a plain name, or write "\\." for a ".", "\\;" for a ";", "\\#" for a "#"'

const keyMessage =
  'The package "ini" would drop or rename this key: give it a plain name before the "=", without "[]", "#", ";", quotes or "__proto__"'

function valueMessage(key: string): string {
  const found = `The package "ini" would cut or alter the value of ${quoted(key)}`
  return `${found}: put it in double quotes, with "\\\\" for a "\\" and "\\"" for a quote inside`
}

function twiceMessage(key: string): string {
  return `Key ${quoted(key)} occurs twice in its section: remove one`
}

function bareMessage({ text }: Line): string {
  const header = text.trimStart().startsWith('[')
  if (header) return 'This line is not a section header: write "[" as its first and "]" as its last character'
  return 'This line has no "=": write "key = value", with the value in double quotes if it has several lines'
}

// The text that its author means; `undefined` when its quotes are wrong.
function unquote(text: string): string | undefined {
  const raw = text.trim()
  if (isIn('"', raw)) return fromJson(raw)
  if (isIn("'", raw)) return raw.slice(1, -1)
  return raw.replace(/\\([;#])/g, '$1')
}

function isIn(quote: string, raw: string): boolean {
  return raw.length > 1 && raw.startsWith(quote) && raw.endsWith(quote)
}

function fromJson(text: string): string | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

// The package converts some values to booleans, null and numbers, whose text is what the file has.
function textOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? undefined : String(value)
}

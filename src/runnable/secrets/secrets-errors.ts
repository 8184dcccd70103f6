import { inFileOrder } from '../../document/problems.js'
import { scalarText } from '../../document/write/scalar-text.js'
import { MissingSecretsError, type Problem, SecretsFileError } from '../../errors.js'
import { nearest } from '../../registry/suggest.js'
import { defaultSection, type SecretsTable } from './secrets-table.js'

/** The error for a section, or a key of it, that a table does not have. */
export function missingSecret(table: SecretsTable, section: string, key?: string): MissingSecretsError {
  if (key === undefined || !table.hasSection(section)) return missingSection(table, section, key)
  const where = `No key ${quoted(key)} in section ${quoted(section)} of ${fileOf(table)}`
  const near = nearest(key, table.keys(section))
  const remedy = near === undefined ? `add a line ${line(key)} below ${header(section)}` : didYouMean(near)
  const message = table.withholdsDefaults() ? withheldKey(where, table, near) : `${where}: ${remedy}`
  return new MissingSecretsError(message, { code: 'SECRETS_NO_KEY' })
}

// Nobody knows here which keys those are: their names were not sent either.
function withheldKey(where: string, table: SecretsTable, near: string | undefined): string {
  const found = `${where}, and the keys of ${header(defaultSection)} were not sent to this machine`
  const orSend = near === undefined ? '' : `${didYouMean(near)} Otherwise `
  return `${found}: ${orSend}name ${quoted(defaultSection)} ${inCluster(table, defaultSection)}`
}

// What was sent is named, too: this line replaces the one in the file.
function inCluster(table: SecretsTable, section: string): string {
  const sent = table.hasDefaults() ? table.names() : table.sections()
  const names = [...sent, section].map((name) => scalarText(name, { flow: true, isYaml11: false }))
  return `in "secrets" of the file of the cluster, "secrets: [${names.join(', ')}]"`
}

function missingSection(table: SecretsTable, section: string, key: string | undefined): MissingSecretsError {
  const code = 'SECRETS_NO_SECTION'
  if (table.withheld.includes(section)) {
    const message = `Section ${header(section)} of ${fileOf(table)} was not sent to this machine`
    const remedy = `name it ${inCluster(table, section)}`
    return new MissingSecretsError(`${message}: ${remedy}`, { code: 'SECRETS_NOT_SENT' })
  }
  const lines = key === undefined ? header(section) : `${header(section)} and below it a line ${line(key)}`
  if (table.filename === undefined) {
    const message = `No secrets were given, but section ${quoted(section)} is asked for`
    return new MissingSecretsError(`${message}: name a secrets file that has a line ${lines}`, { code })
  }
  const near = nearest(section, table.names())
  const remedy = near === undefined ? `add a line ${lines}` : didYouMean(near)
  return new MissingSecretsError(`No section ${quoted(section)} in ${fileOf(table)}: ${remedy}`, { code })
}

/** The error for a value that is there, but cannot be read; `reason` follows the name of the key. */
export function unreadableSecret(
  { table, section, key }: { table: SecretsTable; section: string; key: string },
  code: string,
  reason: string,
): MissingSecretsError {
  const name = `Key ${quoted(key)} in section ${quoted(section)} of ${fileOf(table)}`
  return new MissingSecretsError(`${name} ${reason}`, { code })
}

function fileOf({ filename = 'secrets' }: SecretsTable): string {
  return quoted(filename)
}

function header(section: string): string {
  return quoted(`[${section}]`)
}

function line(key: string): string {
  return quoted(`${key} = ...`)
}

function didYouMean(name: string): string {
  return `did you mean ${quoted(name)}?`
}

// A file of another kind may be wrong on every line.
const mostInMessage = 20

/** One line of a secrets file. */
export interface Line {
  readonly number: number
  readonly text: string
}

/** Collects what is wrong with a secrets file: lines and names, never what a line says. */
export class FileProblems {
  readonly #found: Problem[] = []

  constructor(readonly filename: string) {}

  /** `message` must not repeat the line: it may be a secret. */
  add(code: string, message: string, { number: line, text }: Line): void {
    const endColumn = text.trimEnd().length + 1
    const column = Math.min(endColumn, text.length - text.trimStart().length + 1)
    const place = { file: this.filename, line, column, endLine: line, endColumn }
    this.#found.push({ code, message, ...place, frame: '' })
  }

  throwAny(): void {
    if (this.#found.length > 0) throw secretsFileError(this.#found)
  }
}

function secretsFileError(found: readonly Problem[]): SecretsFileError {
  const texts = found.slice(0, mostInMessage).map(describe)
  if (found.length > 1) texts.unshift(`${found.length} problems in ${found[0]!.file}`)
  if (found.length > mostInMessage) texts.push(`... and ${found.length - mostInMessage} more`)
  const problems = inFileOrder(found)
  return new SecretsFileError(texts.join('\n\n'), { problems })
}

function describe({ message, file, line, column }: Problem): string {
  return `${message}\n\n  ${file}:${line}:${column}`
}

const longest = 80

/** A name as a message shows it: in quotes, on one line, with nothing that a terminal would obey. */
export function quoted(name: string): string {
  const short = name.length > longest ? `${name.slice(0, longest - 1)}…` : name
  return `"${[...short].map(printable).join('')}"`
}

function printable(character: string): string {
  return /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(character) ? '\ufffd' : character
}

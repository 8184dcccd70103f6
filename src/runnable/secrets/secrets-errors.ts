import { inFileOrder } from '../../document/problems.js'
import { scalarText } from '../../document/write/scalar-text.js'
import { MissingSecretsError, type Problem, SecretsFileError } from '../../errors.js'
import { nearest } from '../../registry/suggest.js'
import { defaultSection, prefixOf, type SecretsTable, variableOf } from './secrets-table.js'

/** The error for a section that does not exist, or a key that its section does not have. */
export function missingSecret(table: SecretsTable, section: string, key?: string): MissingSecretsError {
  if (key === undefined || !table.hasSection(section))
    return missingSection(table, section, key === undefined ? [] : [key])
  const where = `No key ${quoted(key)} in section ${quoted(section)} of ${fileOf(table)}`
  const near = nearest(key, table.keys(section))
  const remedy = near === undefined ? toAdd(table, section, [key]) : didYouMean(near)
  const message = table.withholdsDefaults() ? withheldKey(where, table, near) : `${where}: ${remedy}`
  return new MissingSecretsError(message, { code: 'SECRETS_NO_KEY' })
}

/** An error for each of the `keys` that a section does not have, or one when the section does not exist. */
export function missingSecrets(
  table: SecretsTable,
  section: string,
  keys: readonly string[],
): MissingSecretsError[] {
  if (!table.hasSection(section)) return [missingSection(table, section, keys)]
  return keys.map((key) => missingSecret(table, section, key))
}

// The names of those keys were not sent either, so the key may be one of them.
function withheldKey(where: string, table: SecretsTable, near: string | undefined): string {
  const found = `${where}, and the keys of ${header(defaultSection)} were not sent to this machine`
  const orSend = near === undefined ? '' : `${didYouMean(near)} Otherwise `
  return `${found}: ${orSend}add ${quoted(defaultSection)} ${toCluster(table, defaultSection)}`
}

// The line has the names that are there already: it replaces the one in the file.
function toCluster(table: SecretsTable, section: string): string {
  const sent = table.hasDefaults() ? table.names() : table.sections()
  const names = [...sent, section].map((name) => scalarText(name, { flow: true, isYaml11: false }))
  return `to "secrets" in the cluster file: "secrets: [${names.join(', ')}]"`
}

function missingSection(table: SecretsTable, section: string, keys: readonly string[]): MissingSecretsError {
  const code = 'SECRETS_NO_SECTION'
  if (table.withheld.includes(section)) {
    const message = `Section ${header(section)} of ${fileOf(table)} was not sent to this machine`
    const remedy = `add it ${toCluster(table, section)}`
    return new MissingSecretsError(`${message}: ${remedy}`, { code: 'SECRETS_NOT_SENT' })
  }
  if (table.filename === undefined) {
    const message = `No secrets were given, but section ${quoted(section)} is needed`
    return new MissingSecretsError(`${message}: give a secrets file with ${newLines(section, keys)}`, {
      code,
    })
  }
  const near = nearest(section, table.names())
  const remedy = near === undefined ? toAdd(table, section, keys) : didYouMean(near)
  return new MissingSecretsError(`No section ${quoted(section)} in ${fileOf(table)}: ${remedy}`, { code })
}

/** What to type for keys that do not exist. */
function toAdd(table: SecretsTable, section: string, keys: readonly string[]): string {
  const prefix = prefixOf(table.filename ?? '')
  if (prefix !== undefined) {
    const variables = keys.map((key) => quoted(variableOf(prefix, section, key)))
    if (variables.length === 0)
      return `set a variable whose name starts with ${quoted(variableOf(prefix, section, ''))}`
    return `set the variable${variables.length > 1 ? 's' : ''} ${variables.join(', ')}`
  }
  if (!table.hasSection(section)) return `add ${newLines(section, keys)}`
  return `add ${linesOf(keys)} below ${header(section)}`
}

function newLines(section: string, keys: readonly string[]): string {
  const start = `a line ${header(section)}`
  return keys.length === 0 ? start : `${start} and below it ${linesOf(keys)}`
}

function linesOf(keys: readonly string[]): string {
  return `${keys.length > 1 ? 'lines' : 'a line'} ${keys.map(line).join(', ')}`
}

/** The error for a value that cannot be read; `reason` follows the name of the key. */
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

// In a file of another kind, every line may be wrong.
const maxShown = 20

/** One line of a secrets file. */
export interface Line {
  readonly number: number
  readonly text: string
}

/** Collects the problems of a secrets file: line numbers and names, never the text of a line. */
export class FileProblems {
  readonly #found: Problem[] = []

  constructor(readonly filename: string) {}

  /** `message` must not contain the line: it may be a secret. */
  add(code: string, message: string, { number: line, text }: Line): void {
    const endColumn = text.trimEnd().length + 1
    const column = Math.min(endColumn, text.length - text.trimStart().length + 1)
    const span = { line, column, endLine: line, endColumn }
    this.#found.push({ code, message, file: this.filename, ...span, frame: '' })
  }

  throwAny(): void {
    if (this.#found.length > 0) throw secretsFileError(this.#found)
  }
}

function secretsFileError(found: readonly Problem[]): SecretsFileError {
  const texts = found.slice(0, maxShown).map(describe)
  if (found.length > 1) texts.unshift(`${found.length} problems in ${found[0]!.file}`)
  if (found.length > maxShown) texts.push(`... and ${found.length - maxShown} more`)
  const problems = inFileOrder(found)
  return new SecretsFileError(texts.join('\n\n'), { problems })
}

function describe({ message, file, line, column }: Problem): string {
  return `${message}\n\n  ${file}:${line}:${column}`
}

const maxLength = 80

/** Quotes a name for a message: on one line, shortened, and without control characters. */
export function quoted(name: string): string {
  const short = name.length > maxLength ? `${name.slice(0, maxLength - 1)}…` : name
  return `"${[...short].map(printable).join('')}"`
}

function printable(character: string): string {
  return /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(character) ? '\ufffd' : character
}

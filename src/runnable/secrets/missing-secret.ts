import { scalarText } from '../../document/write/scalar-text.js'
import { MissingSecretsError } from '../../errors.js'
import { nearest } from '../../registry/suggest.js'
import { quoted } from './quoted.js'
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
  const names = [...sent, section].map((name) => scalarText(name, { flow: true }))
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

import { pythonRules } from './python-rules.js'
import { SecretValue } from './secret-value.js'
import { Secrets, type SecretsConfig, tableOf } from './secrets.js'
import { type DialectRules, defaultSection, SecretsTable } from './secrets-table.js'

/** Keys with their values: pairs, since one may be called as what every object has. */
type SharedKeys = readonly (readonly [key: string, value: string])[]

/** Some sections of secrets on their way to another process: plain data, with the values as a program gets them. */
export interface SharedSecrets {
  readonly filename?: string
  /** Whether keys are the same in any case. */
  readonly caseless: boolean
  readonly sections: readonly (readonly [section: string, keys: SharedKeys])[]
  /** Those of `DEFAULT`, where it is no section like any other. */
  readonly defaults?: SharedKeys
  /** Sections that stay at home. */
  readonly withheld: readonly string[]
}

/**
 * Those sections that may leave this process; one that is not there may be missed by who asks for it.
 *
 * @throws {@link MissingSecretsError} when a value in one of them cannot be read.
 */
export function shareSecrets(secrets: SecretsConfig, allowed: readonly string[]): SharedSecrets {
  const table = tableOf(secrets)
  const shared = table.sections().filter((section) => allowed.includes(section))
  const defaults = table.hasDefaults() && allowed.includes(defaultSection)
  const names = table.hasDefaults() ? table.names() : table.sections()
  return {
    ...(table.filename === undefined ? {} : { filename: table.filename }),
    caseless: table.rules.keyOf === pythonRules.keyOf,
    sections: shared.map((section) => [section, valuesOf(table, section)]),
    ...(defaults ? { defaults: valuesOf(table, defaultSection) } : {}),
    withheld: names.filter((section) => !allowed.includes(section)),
  }
}

/** The file that secrets were read from; it stays at home, wherever it lies. */
export function secretsFileOf(secrets: SecretsConfig): string | undefined {
  return tableOf(secrets).filename
}

function valuesOf(table: SecretsTable, section: string): [string, string][] {
  return table.keys(section).map((key) => [key, new SecretValue(table, section, key).text()!])
}

const asWritten: DialectRules = { keyOf: (key) => key, expand: (raw) => raw }

/** Secrets that another process has shared. */
export function sharedSecrets({ sections, defaults, caseless, ...rest }: SharedSecrets): SecretsConfig {
  const content = {
    sections: new Map(sections.map(([section, keys]) => [section, new Map(keys)])),
    ...(defaults ? { defaults: new Map(defaults) } : {}),
  }
  const rules = caseless ? { ...asWritten, keyOf: pythonRules.keyOf } : asWritten
  return Secrets.from(new SecretsTable({ content, rules, ...rest }))
}

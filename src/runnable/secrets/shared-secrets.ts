import { missingSecret } from './missing-secret.js'
import { pythonRules } from './python-rules.js'
import { SecretValue } from './secret-value.js'
import { Secrets, type SecretsConfig, tableOf } from './secrets.js'
import { type DialectRules, SecretsTable } from './secrets-table.js'

/** Some sections of secrets on their way to another process: plain data, with the values as a program gets them. */
export interface SharedSecrets {
  readonly filename?: string
  /** Whether keys are the same in any case. */
  readonly caseless: boolean
  /** Pairs, since a section may be called as what every object has. */
  readonly sections: readonly (readonly [
    section: string,
    keys: readonly (readonly [key: string, value: string])[],
  ])[]
  /** Sections that stay at home. */
  readonly withheld: readonly string[]
}

/**
 * The sections that may leave this process.
 *
 * @throws {@link MissingSecretsError} when one of them is not there, or a value in it cannot be read.
 */
export function shareSecrets(secrets: SecretsConfig, allowed: readonly string[]): SharedSecrets {
  const table = tableOf(secrets)
  for (const section of allowed) if (!table.hasSection(section)) throw missingSecret(table, section)
  return {
    ...(table.filename === undefined ? {} : { filename: table.filename }),
    caseless: table.rules === pythonRules,
    sections: allowed.map((section) => [section, valuesOf(table, section)]),
    withheld: table.sections().filter((section) => !allowed.includes(section)),
  }
}

function valuesOf(table: SecretsTable, section: string): [string, string][] {
  return table.keys(section).map((key) => [key, new SecretValue(table, section, key).text()!])
}

const asWritten: DialectRules = { keyOf: (key) => key, expand: (raw) => raw }

/** Secrets that another process has shared. */
export function sharedSecrets({ sections, caseless, ...rest }: SharedSecrets): SecretsConfig {
  const content = { sections: new Map(sections.map(([section, keys]) => [section, new Map(keys)])) }
  const rules = caseless ? { ...asWritten, keyOf: pythonRules.keyOf } : asWritten
  return Secrets.from(new SecretsTable({ content, rules, ...rest }))
}

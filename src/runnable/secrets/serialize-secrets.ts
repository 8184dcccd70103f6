import { type DialectName, dialects } from './dialects.js'
import { SecretValue } from './secret-value.js'
import { Secrets, type SecretsConfig, tableOf } from './secrets.js'
import { defaultSection, SecretsTable } from './secrets-table.js'

/** Keys with their values as a file has them: pairs, since a key may have the name of what every object has. */
type SerializedKeys = readonly (readonly [key: string, raw: string])[]

/**
 * Secrets on their way to another process or machine: plain data, and the only format in which they travel. The
 * receiver reads the values by the rules of the same dialect.
 */
export interface SerializedSecrets {
  readonly filename?: string
  readonly dialect: DialectName
  readonly sections: readonly (readonly [section: string, keys: SerializedKeys])[]
  /** The keys that all sections inherit; absent in a dialect without such, and where they were not sent. */
  readonly defaults?: SerializedKeys
  /** The sections that were not sent. */
  readonly withheld: readonly string[]
}

/** All secrets, for a process or machine that may have what this one has. */
export function serializeAllSecrets(secrets: SecretsConfig): SerializedSecrets {
  const table = tableOf(secrets)
  const sections = table.sections().map((section) => [section, table.own(section)] as const)
  return { ...headOf(table), sections, ...defaultsOf(table) }
}

/**
 * Only the sections that may leave this machine, each with what it says itself: inherited keys leave with `DEFAULT`
 * alone. A section that the file does not have is left out.
 *
 * @throws {@link MissingSecretsError} when a value in one of the sections cannot be read.
 */
export function serializeSecrets(secrets: SecretsConfig, allowed: readonly string[]): SerializedSecrets {
  const table = tableOf(secrets)
  const sections = table.sections().filter((section) => allowed.includes(section))
  const inherits = !table.hasDefaults() || allowed.includes(defaultSection)
  const keysOf = inherits ? checkedKeys : resolvedKeys
  return {
    ...headOf(table),
    sections: sections.map((section) => [section, keysOf(table, section)] as const),
    ...(inherits ? defaultsOf(table) : {}),
    withheld: [...table.withheld, ...sectionsWithKeys(table).filter((section) => !allowed.includes(section))],
  }
}

/** Secrets that another process has shared. */
export function deserializeSecrets({
  sections,
  defaults,
  dialect,
  ...rest
}: SerializedSecrets): SecretsConfig {
  const content = {
    sections: new Map(sections.map(([section, keys]) => [section, new Map(keys)])),
    ...(defaults ? { defaults: new Map(defaults) } : {}),
  }
  return Secrets.from(new SecretsTable({ content, rules: dialects[dialect], ...rest }))
}

/** The files that secrets were read from; they stay on this machine, wherever they lie. */
export function secretsFilesOf(secrets: SecretsConfig): string[] {
  const { filename = [], otherFiles } = tableOf(secrets)
  return [filename, otherFiles].flat()
}

function headOf({ filename, rules, withheld }: SecretsTable) {
  return { ...(filename === undefined ? {} : { filename }), dialect: rules.name, withheld }
}

function defaultsOf(table: SecretsTable): Pick<SerializedSecrets, 'defaults'> {
  return table.inherits() ? { defaults: table.own(defaultSection) } : {}
}

// A "DEFAULT" without keys says nothing that could be withheld.
function sectionsWithKeys(table: SecretsTable): string[] {
  return table.hasDefaults() ? table.names() : table.sections()
}

function checkedKeys(table: SecretsTable, section: string): SerializedKeys {
  resolvedKeys(table, section)
  return table.own(section)
}

// What a value refers to may stay on this machine, so it is filled in here.
function resolvedKeys(table: SecretsTable, section: string): SerializedKeys {
  return table.own(section).map(([key]) => {
    const value = new SecretValue(table, section, key).text()!
    return [key, table.rules.quote(value)] as const
  })
}

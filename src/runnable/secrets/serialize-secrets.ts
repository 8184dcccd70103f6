import { type DialectName, dialects } from './dialects.js'
import { SecretValue } from './secret-value.js'
import { Secrets, type SecretsConfig, tableOf } from './secrets.js'
import { defaultSection, prefixOf, SecretsTable } from './secrets-table.js'

/** Keys with their values as a file has them: pairs, since a key may be called `__proto__`. */
type SerializedKeys = readonly (readonly [key: string, raw: string])[]

/**
 * Secrets as plain data: the only format in which they are sent to another process or machine. The receiver reads the
 * values by the rules of the same dialect.
 */
export interface SerializedSecrets {
  readonly filename?: string | undefined
  readonly dialect: DialectName
  readonly sections: readonly (readonly [section: string, keys: SerializedKeys])[]
  /** The keys that all sections inherit; absent in a dialect without inheritance, and when they are withheld. */
  readonly defaults?: SerializedKeys | undefined
  /** The sections that are not sent. */
  readonly withheld: readonly string[]
}

/** Serializes all secrets, for a process or machine that may have what this one has. */
export function serializeAllSecrets(secrets: SecretsConfig): SerializedSecrets {
  const table = tableOf(secrets)
  const sections = table.sections().map((section) => [section, table.own(section)] as const)
  return { ...headOf(table), sections, defaults: defaultsOf(table), withheld: table.withheld }
}

/**
 * Serializes the sections that may leave this machine, each with its own keys: inherited keys are sent only when
 * `DEFAULT` is allowed. Sections that the file does not have are left out.
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
    defaults: inherits ? defaultsOf(table) : undefined,
    withheld: [...table.withheld, ...sectionsWithKeys(table).filter((section) => !allowed.includes(section))],
  }
}

/** The secrets that another process has serialized. */
export function deserializeSecrets(serialized: SerializedSecrets): SecretsConfig {
  const { sections, defaults, dialect, filename, withheld } = serialized
  const content = {
    sections: new Map(sections.map(([section, keys]) => [section, new Map(keys)])),
    defaults: defaults && new Map(defaults),
  }
  return Secrets.from(
    new SecretsTable({ content, rules: dialects[dialect], filename, otherFiles: [], withheld }),
  )
}

/** The files that secrets were read from; they are never sent to another machine. */
export function secretsFilesOf(secrets: SecretsConfig): string[] {
  const { filename = [], otherFiles } = tableOf(secrets)
  return [filename, otherFiles].flat().filter((name) => prefixOf(name) === undefined)
}

function headOf({ filename, rules }: SecretsTable): Pick<SerializedSecrets, 'filename' | 'dialect'> {
  return { filename, dialect: rules.name }
}

function defaultsOf(table: SecretsTable): SerializedKeys | undefined {
  return table.inherits() ? table.own(defaultSection) : undefined
}

// A "DEFAULT" without keys has nothing to withhold.
function sectionsWithKeys(table: SecretsTable): string[] {
  return table.hasDefaults() ? table.names() : table.sections()
}

function checkedKeys(table: SecretsTable, section: string): SerializedKeys {
  resolvedKeys(table, section)
  return table.own(section)
}

// A value may refer to a key that stays on this machine, so the reference is replaced here.
function resolvedKeys(table: SecretsTable, section: string): SerializedKeys {
  return table.own(section).map(([key]) => {
    const value = new SecretValue(table, section, key).text()!
    return [key, table.rules.quote(value)] as const
  })
}

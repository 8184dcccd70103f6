import { dialects } from './dialects.js'
import { redactor } from './redact.js'
import { hidden, inspection, openSection, type SecretSection, withProperties } from './secret-section.js'
import { SecretValue } from './secret-value.js'
import { missingSecret } from './secrets-errors.js'
import { defaultSection, type Keys, SecretsTable } from './secrets-table.js'

/** What to return when a section or key does not exist; a value that cannot be read is an error all the same. */
export interface SecretOptions<Value> {
  readonly fallback?: Value | undefined
}

/** {@link Secrets} that can be read by property, too: `config['AWS']['ACCESS_KEY']`, as in Python. */
export type SecretsConfig = Secrets & { readonly [section: string]: SecretSection }

// A property would be visible to whatever inspects objects.
const tables = new WeakMap<Secrets, SecretsTable>()

/** The table behind secrets; it must not leave this folder. */
export function tableOf(secrets: Secrets): SecretsTable {
  return tables.get(secrets)!
}

/**
 * Secrets that were read from an INI file: `config.get('AWS', 'ACCESS_KEY')`.
 *
 * Only these methods and properties return the values: `console.log`, JSON and errors do not contain them.
 * A section with the name of a method, such as `[get]`, can be read with the methods only; so can a key with the name of
 * a property that every object has, such as `constructor`.
 *
 * ```ts
 * const key = this.config.get('AWS', 'access_key')
 * const retries = this.config.getNumber('AWS', 'retries', { fallback: 3 })
 * ```
 */
export class Secrets {
  private constructor() {}

  /** @internal */
  static from(table: SecretsTable): SecretsConfig {
    const methods = new Secrets()
    const secrets = withProperties(methods, {
      enumerable: true,
      has: (section) => table.hasSection(section),
      list: () => table.names(),
      read: (section) => readSection(table, section),
    })
    tables.set(methods, table).set(secrets, table)
    return secrets as SecretsConfig
  }

  /**
   * Returns a value; references in it are replaced.
   *
   * @throws {@link MissingSecretsError} when it does not exist and there is no `fallback`.
   */
  get(section: string, key: string, { fallback }: SecretOptions<string> = {}): string {
    const value = new SecretValue(tables.get(this)!, section, key)
    return value.text() ?? fallback ?? value.missing()
  }

  /** Returns a value as a number: it must be a finite decimal number. */
  getNumber(section: string, key: string, { fallback }: SecretOptions<number> = {}): number {
    const value = new SecretValue(tables.get(this)!, section, key)
    return value.number() ?? fallback ?? value.missing()
  }

  /** Returns a value as a boolean: it must be one of 1, yes, true, on, 0, no, false and off, in any case. */
  getBoolean(section: string, key: string, { fallback }: SecretOptions<boolean> = {}): boolean {
    const value = new SecretValue(tables.get(this)!, section, key)
    return value.boolean() ?? fallback ?? value.missing()
  }

  /** Whether a section exists, or a key in it; `DEFAULT` counts as a section. */
  has(section: string, key?: string): boolean {
    const table = tables.get(this)!
    return key === undefined ? table.hasSection(section) : table.raw(section, key) !== undefined
  }

  /** The sections in file order, without `DEFAULT`. */
  sections(): string[] {
    return tables.get(this)!.sections()
  }

  /** The keys of a section: its own in file order, then those that it inherits from `DEFAULT`. */
  keys(section: string): string[] {
    const table = tables.get(this)!
    if (!table.hasSection(section)) throw missingSecret(table, section)
    return table.keys(section)
  }

  /**
   * Masks every value of four characters or more in a text, also percent-encoded, in base64 and escaped as in JSON, and
   * the passwords of URLs: for logs that may contain the errors of other libraries.
   */
  redact(text: string): string {
    return redactor(tables.get(this)!)(text)
  }

  /** The text that represents secrets in JSON. */
  toJSON(): string {
    return hidden
  }

  /** @internal */
  [inspection](): string {
    return `Secrets ${hidden}`
  }
}

const noContent = { sections: new Map(), defaults: new Map() }
const empty = Secrets.from(SecretsTable.ofFile(noContent, dialects.python, undefined))

/** The secrets of a run without a secrets file. */
export function emptySecrets(): SecretsConfig {
  return empty
}

function readSection(table: SecretsTable, section: string): SecretSection {
  if (!table.hasSection(section)) throw missingSecret(table, section)
  return openSection(table, section)
}

/** The keys that a runnable reads, by section: `{ AWS: ['ACCESS_KEY'] }`; an empty list means only the section. */
export type RequiredSecrets = Readonly<Record<string, readonly string[]>>

/** Secrets that a program provides: values by key, by section. */
export type SecretValues = Readonly<Record<string, Readonly<Record<string, string>>>>

/**
 * Makes secrets from values instead of a file. Keys ignore case, as in a file; values stay as they are.
 *
 * ```ts
 * const secrets = secretsOf({ MAIL: { KEY: 'k' } })
 * assert.equal(secrets.get('MAIL', 'key'), 'k')
 * ```
 */
export function secretsOf(values: SecretValues): SecretsConfig {
  const sections = Object.entries(values).map(([section, keys]) => [section, keysOf(keys)] as const)
  const content = { sections: new Map(sections), defaults: undefined }
  return Secrets.from(SecretsTable.ofFile(content, dialects.literal, undefined))
}

function keysOf(keys: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(Object.entries(keys).map(([key, value]) => [dialects.literal.keyOf(key), value]))
}

/**
 * Merges the secrets of two files, as a second `read` of Python's `ConfigParser` does: a section has the keys of both
 * files, and the later value of a key counts. The rules are those of the later file. If the first one has another
 * dialect, its values are converted, so that they read the same.
 *
 * @throws {@link MissingSecretsError} when a value that has to be converted cannot be read.
 */
export function mergeSecrets(before: SecretsConfig, later: SecretsConfig): SecretsConfig {
  if (before === emptySecrets() || before === later) return later
  const [first, second] = [tableOf(before), tableOf(later)]
  const names = new Set([...first.sections(), ...second.sections()])
  const inherits = first.inherits() || second.inherits()
  const content = {
    sections: new Map([...names].map((name) => [name, mergedKeys(first, second, name)])),
    defaults: inherits ? mergedKeys(first, second, defaultSection) : undefined,
  }
  const { rules, filename } = second
  return Secrets.from(
    new SecretsTable({
      content,
      rules,
      filename,
      otherFiles: [first.filename ?? [], first.otherFiles, second.otherFiles].flat(),
      withheld: [...first.withheld, ...second.withheld],
    }),
  )
}

function mergedKeys(first: SecretsTable, second: SecretsTable, section: string): Keys {
  const { keyOf, quote, name } = second.rules
  const converted = first.own(section).map(([key, raw]) => {
    const same = first.rules.name === name
    return [keyOf(key), same ? raw : quote(new SecretValue(first, section, key).text()!)] as const
  })
  return new Map([...converted, ...second.own(section)])
}

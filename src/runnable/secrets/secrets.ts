import { dialects } from './dialects.js'
import { redactor } from './redact.js'
import { hidden, inspection, openSection, type SecretSection, withProperties } from './secret-section.js'
import { SecretValue } from './secret-value.js'
import { missingSecret } from './secrets-errors.js'
import { defaultSection, type Keys, SecretsTable } from './secrets-table.js'

/** What to take when a section or key is not there; a value that is there but wrong is an error all the same. */
export interface SecretOptions<Value> {
  readonly fallback?: Value | undefined
}

/** {@link Secrets}, readable by property, too: `config['AWS']['ACCESS_KEY']`, as in Python. */
export type SecretsConfig = Secrets & { readonly [section: string]: SecretSection }

// Out of reach for whatever looks into objects.
const tables = new WeakMap<Secrets, SecretsTable>()

/** The table behind secrets; it must not leave this folder. */
export function tableOf(secrets: Secrets): SecretsTable {
  return tables.get(secrets)!
}

/**
 * Secrets that were read from an INI file: `config.get('AWS', 'ACCESS_KEY')`.
 *
 * The values show nowhere but where they are asked for: not in `console.log`, not in JSON, not in errors.
 * A section that is called as a method, such as `[get]`, can be read with the methods only; so can a key
 * that is called as what every object has, such as `constructor`.
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
   * A value; what it refers to is filled in.
   *
   * @throws {@link MissingSecretsError} when it is not there and there is no `fallback`.
   */
  get(section: string, key: string, { fallback }: SecretOptions<string> = {}): string {
    const value = new SecretValue(tables.get(this)!, section, key)
    return value.text() ?? fallback ?? value.missing()
  }

  /** A value that is a finite decimal number. */
  getNumber(section: string, key: string, { fallback }: SecretOptions<number> = {}): number {
    const value = new SecretValue(tables.get(this)!, section, key)
    return value.number() ?? fallback ?? value.missing()
  }

  /** A value that is one of 1, yes, true, on, 0, no, false and off, in any case. */
  getBoolean(section: string, key: string, { fallback }: SecretOptions<boolean> = {}): boolean {
    const value = new SecretValue(tables.get(this)!, section, key)
    return value.boolean() ?? fallback ?? value.missing()
  }

  /** Whether there is a section, or a key in it; `DEFAULT` is a section here. */
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
   * Masks every value of four characters or more in a text, also percent-encoded, in base64 and as JSON has it, and the
   * passwords of URLs: for logs of errors that others threw.
   */
  redact(text: string): string {
    return redactor(tables.get(this)!)(text)
  }

  /** What JSON has in place of secrets. */
  toJSON(): string {
    return hidden
  }

  /** @internal */
  [inspection](): string {
    return `Secrets ${hidden}`
  }
}

const noContent = { sections: new Map(), defaults: new Map() }
const empty = Secrets.from(new SecretsTable({ content: noContent, rules: dialects.python }))

/** Secrets without a section, for when none were given. */
export function emptySecrets(): SecretsConfig {
  return empty
}

function readSection(table: SecretsTable, section: string): SecretSection {
  if (!table.hasSection(section)) throw missingSecret(table, section)
  return openSection(table, section)
}

/** Secrets as a program writes them: values by key, by section. */
export type SecretValues = Readonly<Record<string, Readonly<Record<string, string>>>>

/**
 * Secrets that were not read from a file; keys have no case, as in one, and values are what they are.
 *
 * ```ts
 * const secrets = secretsOf({ MAIL: { KEY: 'k' } })
 * assert.equal(secrets.get('MAIL', 'key'), 'k')
 * ```
 */
export function secretsOf(values: SecretValues): SecretsConfig {
  const sections = Object.entries(values).map(([section, keys]) => [section, keysOf(keys)] as const)
  return Secrets.from(new SecretsTable({ content: { sections: new Map(sections) }, rules: dialects.literal }))
}

function keysOf(keys: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(Object.entries(keys).map(([key, value]) => [dialects.literal.keyOf(key), value]))
}

/**
 * Secrets of two files as one, as `read` of Python's `ConfigParser` adds a second file to a first: sections join, and of
 * a key in both the later value counts. The rules are those of the later file; values of a file in another dialect
 * keep what they read as.
 *
 * @throws {@link MissingSecretsError} when such a value cannot be read.
 */
export function mergeSecrets(before: SecretsConfig, later: SecretsConfig): SecretsConfig {
  if (before === emptySecrets() || before === later) return later
  const [first, second] = [tableOf(before), tableOf(later)]
  const names = new Set([...first.sections(), ...second.sections()])
  const sections = new Map([...names].map((name) => [name, joined(first, second, name)]))
  const inherits = first.inherits() || second.inherits()
  const content = { sections, ...(inherits && { defaults: joined(first, second, defaultSection) }) }
  const { rules, filename } = second
  return Secrets.from(
    new SecretsTable({
      content,
      rules,
      ...(filename === undefined ? {} : { filename }),
      otherFiles: [first.filename ?? [], first.otherFiles, second.otherFiles].flat(),
      withheld: [...first.withheld, ...second.withheld],
    }),
  )
}

function joined(first: SecretsTable, second: SecretsTable, section: string): Keys {
  const { keyOf, quote, name } = second.rules
  const converted = first.own(section).map(([key, raw]) => {
    const same = first.rules.name === name
    return [keyOf(key), same ? raw : quote(new SecretValue(first, section, key).text()!)] as const
  })
  return new Map([...converted, ...second.own(section)])
}

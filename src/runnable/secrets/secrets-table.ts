import type { DialectRules } from './dialects.js'

/** The section whose keys all other sections inherit, in Python's dialect. */
export const defaultSection = 'DEFAULT'

const scheme = 'env:'

/** What is between section and key in the name of a variable. */
export const separator = '__'

/** The prefix of `env:PREFIX_`; `undefined` for the path of a file. */
export function prefixOf(source: string): string | undefined {
  return source.startsWith(scheme) ? source.slice(scheme.length) : undefined
}

/** The name of the environment variable for a key. */
export function variableOf(prefix: string, section: string, key: string): string {
  return `${prefix}${section}${separator}${key}`
}

/** The keys of one section, with their values as the file has them. */
export type Keys = ReadonlyMap<string, string>

/** What a reader finds in a file. */
interface SecretsContent {
  readonly sections: ReadonlyMap<string, Keys>
  /** The keys that all sections inherit; `undefined` in a dialect without inheritance, or when they were not sent. */
  readonly defaults: Keys | undefined
}

interface SecretsTableParts {
  readonly content: SecretsContent
  readonly rules: DialectRules
  /** `undefined` when the secrets come from no file. */
  readonly filename: string | undefined
  /** The other files of a table that was merged from several. */
  readonly otherFiles: readonly string[]
  /** The sections of the file that were not sent to this machine. */
  readonly withheld: readonly string[]
}

/** All sections and values of a file. It never leaves this folder, so that nothing can show it. */
export class SecretsTable {
  readonly filename: string | undefined
  readonly otherFiles: readonly string[]
  readonly rules: DialectRules
  readonly withheld: readonly string[]
  readonly #content: SecretsContent

  constructor({ content, rules, filename, otherFiles, withheld }: SecretsTableParts) {
    this.otherFiles = otherFiles
    this.withheld = withheld
    this.#content = content
    this.rules = rules
    this.filename = filename
  }

  /** The whole table of one file. */
  static ofFile(content: SecretsContent, rules: DialectRules, filename: string | undefined): SecretsTable {
    return new SecretsTable({ content, rules, filename, otherFiles: [], withheld: [] })
  }

  /** The sections in file order, without `DEFAULT`. */
  sections(): string[] {
    return [...this.#content.sections.keys()]
  }

  /** Whether sections inherit keys, of which there may be none. */
  inherits(): boolean {
    return this.#content.defaults !== undefined
  }

  /** The names of all sections, with `DEFAULT` where sections inherit from it. */
  names(): string[] {
    return this.inherits() ? [defaultSection, ...this.sections()] : this.sections()
  }

  /** Whether there are keys that sections inherit. */
  hasDefaults(): boolean {
    return (this.#content.defaults?.size ?? 0) > 0
  }

  hasSection(name: string): boolean {
    const isDefault = this.inherits() && name === defaultSection
    return isDefault || this.#content.sections.has(name)
  }

  /** The keys of a section: its own, then those that it inherits. */
  keys(section: string): string[] {
    if (!this.hasSection(section)) return []
    const own = this.#content.sections.get(section)?.keys() ?? []
    const inherited = this.#content.defaults?.keys() ?? []
    return [...new Set([...own, ...inherited])]
  }

  /** The keys of a section, without inherited keys whose values are the same in every section. */
  ownAndVarying(section: string): string[] {
    const own = this.own(section).map(([key]) => key)
    const defaults = [...(this.#content.defaults ?? [])]
    const varying = defaults.filter(([, raw]) => raw.includes('%'))
    return [...new Set([...own, ...varying.map(([key]) => key)])]
  }

  /** The keys that a section itself has, with their values as the file has them. */
  own(section: string): [key: string, raw: string][] {
    const { sections, defaults } = this.#content
    const keys = sections.get(section) ?? (section === defaultSection ? defaults : undefined)
    return keys ? [...keys] : []
  }

  /** Whether sections inherit keys that were not sent to this machine. */
  withholdsDefaults(): boolean {
    return this.rules.name === 'python' && this.withheld.includes(defaultSection)
  }

  /** A value as the file has it. */
  raw(section: string, key: string): string | undefined {
    if (!this.hasSection(section)) return undefined
    const name = this.rules.keyOf(key)
    return this.#content.sections.get(section)?.get(name) ?? this.#content.defaults?.get(name)
  }
}

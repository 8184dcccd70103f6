/** The section whose keys all other sections have, too, in Python's dialect. */
export const defaultSection = 'DEFAULT'

/** The keys of one section, with their values as the file has them. */
export type Keys = ReadonlyMap<string, string>

/** What a reader finds in a file. */
interface SecretsContent {
  readonly sections: ReadonlyMap<string, Keys>
  /** The keys that all sections share; absent in a dialect that has no such thing. */
  readonly defaults?: Keys
}

/** What a value may need to become complete. */
export interface Expansion {
  /** The value of another key of the same section, as the file has it. */
  lookup(key: string): string | undefined
  /** Says why the value cannot be read: a code, and words that follow the name of the key. */
  fail(code: string, reason: string): never
}

/** How a dialect spells keys and completes values. */
export interface DialectRules {
  readonly name: 'python' | 'ini' | 'literal'
  /** The spelling under which a key is kept. */
  keyOf(key: string): string
  /** A value as a program gets it. */
  expand(raw: string, expansion: Expansion): string
  /** A value as a file would have it: `expand` gives it back, and refers to no other key. */
  quote(value: string): string
}

/** What {@link SecretsTable} is made of. */
interface SecretsTableParts {
  readonly content: SecretsContent
  readonly rules: DialectRules
  /** Absent when no secrets were given at all. */
  readonly filename?: string
  /** The other files of a table that was read from several. */
  readonly otherFiles?: readonly string[]
  /** Sections of the file that were not sent to this machine. */
  readonly withheld?: readonly string[]
}

/** All sections and values of a file. It never leaves this folder, so that nothing can show it. */
export class SecretsTable {
  readonly filename: string | undefined
  readonly otherFiles: readonly string[]
  readonly rules: DialectRules
  readonly withheld: readonly string[]
  readonly #content: SecretsContent

  constructor({ content, rules, filename, otherFiles = [], withheld = [] }: SecretsTableParts) {
    this.otherFiles = otherFiles
    this.withheld = withheld
    this.#content = content
    this.rules = rules
    this.filename = filename
  }

  /** The sections in file order, without the one that all others inherit from. */
  sections(): string[] {
    return [...this.#content.sections.keys()]
  }

  /** Whether this is a table in which sections inherit keys, of which there may be none. */
  inherits(): boolean {
    return this.#content.defaults !== undefined
  }

  /** All names that {@link hasSection} knows. */
  names(): string[] {
    return this.inherits() ? [defaultSection, ...this.sections()] : this.sections()
  }

  /** Whether there are keys that all sections share. */
  hasDefaults(): boolean {
    return (this.#content.defaults?.size ?? 0) > 0
  }

  hasSection(name: string): boolean {
    const inherited = this.inherits() && name === defaultSection
    return inherited || this.#content.sections.has(name)
  }

  /** The keys of a section: its own, then those that it inherits. */
  keys(section: string): string[] {
    if (!this.hasSection(section)) return []
    const own = this.#content.sections.get(section)?.keys() ?? []
    const inherited = this.#content.defaults?.keys() ?? []
    return [...new Set([...own, ...inherited])]
  }

  /** The keys of a section, but for those whose values are the same in every section. */
  ownAndVarying(section: string): string[] {
    const own = this.own(section).map(([key]) => key)
    const varying = [...(this.#content.defaults ?? [])].filter(([, raw]) => raw.includes('%'))
    return [...new Set([...own, ...varying.map(([key]) => key)])]
  }

  /** The keys that a section has itself, with their values as the file has them. */
  own(section: string): [key: string, raw: string][] {
    const { sections, defaults } = this.#content
    const keys = sections.get(section) ?? (section === defaultSection ? defaults : undefined)
    return [...(keys ?? [])]
  }

  /** Whether all sections inherit keys that were not sent to this machine. */
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

import { Secrets, type SecretsConfig } from '../../runnable/secrets/secrets.js'
import { SecretsTable } from '../../runnable/secrets/secrets-table.js'

/** Secrets as they travel to a process of the same user: their values, filled in. */
export type PackedSecrets = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Packs what can be read; of what cannot, the worker says that it is missing. */
export function packSecrets(secrets: SecretsConfig): PackedSecrets {
  const sections = secrets.has('DEFAULT') ? ['DEFAULT', ...secrets.sections()] : secrets.sections()
  return Object.fromEntries(sections.map((section) => [section, valuesOf(secrets, section)]))
}

/** The secrets that were packed. */
export function unpackSecrets(packed: PackedSecrets): SecretsConfig {
  const sections = new Map(
    Object.entries(packed).map(([section, values]) => [section, new Map(Object.entries(values))]),
  )
  return Secrets.from(new SecretsTable({ content: { sections }, rules: verbatim, filename: 'secrets' }))
}

// Keys were spelt, and values filled in, by the dialect of the file.
const verbatim = { keyOf: (key: string) => key.toLowerCase(), expand: (raw: string) => raw }

function valuesOf(secrets: SecretsConfig, section: string): Record<string, string> {
  const readable = secrets.keys(section).flatMap((key) => {
    try {
      return [[key.toLowerCase(), secrets.get(section, key)] as const]
    } catch {
      return []
    }
  })
  return Object.fromEntries(readable)
}

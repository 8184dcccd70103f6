import { dialects } from './dialects.js'
import { Secrets, type SecretsConfig } from './secrets.js'
import { SecretsTable } from './secrets-table.js'

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

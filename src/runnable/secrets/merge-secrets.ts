import { SecretValue } from './secret-value.js'
import { emptySecrets, Secrets, type SecretsConfig, tableOf } from './secrets.js'
import { defaultSection, type Keys, SecretsTable } from './secrets-table.js'

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

import { SecretsFileError } from '../../errors.js'
import { type DialectName, dialects } from './dialects.js'
import { Secrets, type SecretsConfig } from './secrets.js'
import { quoted } from './secrets-errors.js'
import { prefixOf, SecretsTable, separator, variableOf } from './secrets-table.js'

/**
 * Reads secrets from the environment variables `PREFIX_SECTION__KEY`, for a source `env:PREFIX_`. Sections have case, as in a file; so have keys in the
 * dialect `ini`. Values are taken as they are, and no section inherits keys. Other variables with the prefix are ignored.
 *
 * @throws {@link SecretsFileError} when there is no such variable, or two of them have the same key.
 */
export function secretsFromEnvironment(
  source: string,
  dialect: Exclude<DialectName, 'literal'>,
  environment: NodeJS.ProcessEnv = process.env,
): SecretsConfig {
  const prefix = prefixOf(source)
  if (!prefix) throw noPrefix()
  const rules = dialect === 'ini' ? dialects.ini : dialects.literal
  const names = Object.keys(environment).filter((name) => name.startsWith(prefix))
  const variables = names.flatMap((name) => variable(name, prefix)).sort(byName)
  if (variables.length === 0) throw noVariables(prefix, names)
  const sections = new Map<string, Map<string, string>>()
  const namesOfKeys = new Map<string, string>()
  for (const { name, section, key } of variables) {
    const keys = sections.get(section) ?? new Map<string, string>()
    const spelling = rules.keyOf(key)
    const id = variableOf(prefix, section, spelling)
    if (keys.has(spelling)) throw sameKey(namesOfKeys.get(id)!, name)
    namesOfKeys.set(id, name)
    sections.set(section, keys.set(spelling, environment[name]!))
  }
  return Secrets.from(SecretsTable.ofFile({ sections, defaults: undefined }, rules, source))
}

interface Variable {
  readonly name: string
  readonly section: string
  readonly key: string
}

function variable(name: string, prefix: string): Variable[] {
  const rest = name.slice(prefix.length)
  const end = rest.indexOf(separator)
  if (end < 1 || end + separator.length === rest.length) return []
  return [{ name, section: rest.slice(0, end), key: rest.slice(end + separator.length) }]
}

function byName({ name: a }: Variable, { name: b }: Variable): number {
  return a < b ? -1 : 1
}

function noPrefix(): SecretsFileError {
  const message = 'Secrets from the environment need a prefix: write "env:PREFIX_", such as "env:TRAIN_"'
  return new SecretsFileError(message, { code: 'SECRETS_NO_PREFIX' })
}

function noVariables(prefix: string, names: readonly string[]): SecretsFileError {
  const wanted = `${prefix}SECTION${separator}KEY`
  const [first] = names
  const without = first === undefined ? '' : `, and ${quoted(first)} does not name a section and a key`
  const example = `${prefix}AWS${separator}ACCESS_KEY`
  const message = `The environment has no variable ${quoted(wanted)}${without}: set one, such as ${quoted(example)}`
  return new SecretsFileError(message, { code: 'SECRETS_NO_VARIABLES' })
}

function sameKey(first: string, second: string): SecretsFileError {
  const message = `The variables ${quoted(first)} and ${quoted(second)} have the same key: unset one of them`
  return new SecretsFileError(message, { code: 'SECRETS_DUPLICATE_KEY' })
}

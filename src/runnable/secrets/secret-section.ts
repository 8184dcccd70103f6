import { withNames } from './named-access.js'
import { SecretValue } from './secret-value.js'
import type { SecretsTable } from './secrets-table.js'

/** What stands for secrets in JSON. */
export const hidden = '[hidden]'

/** The method that `console.log` and Node's `inspect` ask for a text. */
export const inspection: unique symbol = Symbol.for('nodejs.util.inspect.custom')

/**
 * One section of secrets: `config['AWS']['ACCESS_KEY']`, `'ACCESS_KEY' in config['AWS']`.
 *
 * `Object.keys`, spreading and loops do not see its keys, so that whatever writes out all that an object
 * has writes no secret; `config.keys('AWS')` has their names.
 */
export interface SecretSection {
  readonly [key: string]: string
}

// The methods that no key can replace: they keep the values out of JSON and `console.log`.
class HiddenSection {
  toJSON(): string {
    return hidden
  }

  [inspection](): string {
    return `SecretSection ${hidden}`
  }
}

/** A section of a table that can be read by property. */
export function openSection(table: SecretsTable, section: string): SecretSection {
  const view = withNames(new HiddenSection(), {
    enumerable: false,
    has: (key) => table.raw(section, key) !== undefined,
    list: () => table.keys(section),
    read: (key) => readKey(new SecretValue(table, section, key)),
  })
  return view as unknown as SecretSection
}

function readKey(value: SecretValue): string {
  return value.text() ?? value.missing()
}

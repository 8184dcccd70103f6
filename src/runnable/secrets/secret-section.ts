import { SecretValue } from './secret-value.js'
import type { SecretsTable } from './secrets-table.js'

/** The text that represents secrets in JSON. */
export const hidden = '[hidden]'

/** The name of the method that `console.log` and Node's `inspect` call. */
export const inspection: unique symbol = Symbol.for('nodejs.util.inspect.custom')

/**
 * One section of secrets: `config['AWS']['ACCESS_KEY']`, `'ACCESS_KEY' in config['AWS']`.
 *
 * `Object.keys`, spread syntax and loops do not see its keys, so that code which writes all properties of an object writes
 * no secret; `config.keys('AWS')` returns their names.
 */
export interface SecretSection {
  readonly [key: string]: string
}

// Methods that no key can replace: they keep the values out of JSON and `console.log`.
class HiddenSection {
  toJSON(): string {
    return hidden
  }

  [inspection](): string {
    return `SecretSection ${hidden}`
  }
}

/** Makes a section of a table readable by property. */
export function openSection(table: SecretsTable, section: string): SecretSection {
  const view = withProperties(new HiddenSection(), {
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

/** The properties that {@link withProperties} adds to an object. */
interface PropertyAccess {
  has(name: string): boolean
  list(): string[]
  /** The value of a property; throws when it does not exist. */
  read(name: string): unknown
  /** Whether `Object.keys`, spread syntax and loops see the properties. */
  readonly enumerable: boolean
}

// The properties that `await`, serializers and test tools read of any object, to see whether it is one of theirs.
const probes: ReadonlySet<string> = new Set([
  'then',
  'inspect',
  'length',
  'splice',
  'nodeType',
  'tagName',
  'asymmetricMatch',
  '$$typeof',
  '_isMockFunction',
  '@@__IMMUTABLE_ITERABLE__@@',
  '@@__IMMUTABLE_RECORD__@@',
  'toBSON',
  'toPostgres',
])

const refuse = () => false

const readOnly = {
  set: refuse,
  defineProperty: refuse,
  deleteProperty: refuse,
  setPrototypeOf: refuse,
  preventExtensions: refuse,
}

/** Adds read-only properties to `target`. Its own properties and methods take precedence. */
export function withProperties<Target extends object>(target: Target, names: PropertyAccess): Target {
  const read = (name: string) => (probes.has(name) && !names.has(name) ? undefined : names.read(name))
  return new Proxy(target, {
    ...readOnly,
    get: (_, name) => (typeof name === 'symbol' || name in target ? Reflect.get(target, name) : read(name)),
    has: (_, name) => (typeof name === 'symbol' ? name in target : names.has(name)),
    ownKeys: () => names.list(),
    getOwnPropertyDescriptor: (_, name) => (typeof name === 'symbol' ? undefined : describe(names, name)),
  })
}

// A getter: code that collects descriptors gets no values.
function describe(names: PropertyAccess, name: string): PropertyDescriptor | undefined {
  if (!names.has(name)) return undefined
  return { get: () => names.read(name), enumerable: names.enumerable, configurable: true }
}

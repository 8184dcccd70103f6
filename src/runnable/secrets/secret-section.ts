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

/** The names that an object has, besides its methods, and what they stand for. */
interface PropertyAccess {
  has(name: string): boolean
  list(): string[]
  /** What `name` stands for; throws when there is no such thing. */
  read(name: string): unknown
  /** Whether `Object.keys`, spreading and the like see the names. */
  readonly enumerable: boolean
}

// What `await`, serializers and test tools ask any object for, to see whether it is one of theirs.
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

/** `target`, with read-only properties by name. What `target` has itself, such as a method, goes first. */
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

// A getter: whoever collects descriptors gets no values.
function describe(names: PropertyAccess, name: string): PropertyDescriptor | undefined {
  if (!names.has(name)) return undefined
  return { get: () => names.read(name), enumerable: names.enumerable, configurable: true }
}

/** The names that an object has, besides its methods, and what they stand for. */
interface NamedAccess {
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
export function withNames<Target extends object>(target: Target, names: NamedAccess): Target {
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
function describe(names: NamedAccess, name: string): PropertyDescriptor | undefined {
  if (!names.has(name)) return undefined
  return { get: () => names.read(name), enumerable: names.enumerable, configurable: true }
}

import fc from 'fast-check'

/** One edit: numbers choose where and with what. */
export interface Edit {
  readonly where: number
  readonly how: number
  readonly at: number
  readonly value: number
}

export const edits: fc.Arbitrary<Edit> = fc.record({
  where: fc.nat(30),
  how: fc.nat(20),
  at: fc.nat(9),
  value: fc.nat(60),
})

const values: readonly (() => unknown)[] = [
  ...['', ' ', 'new', 'a\nb', ' a\n', 'a\nb\u00a0', 'a\nb\u3000\n', '\n', 'x\n\n', '# no', 'a: b', '- x'],
  ...['1_000', '0b1', 'yes', '12:30', '2001-01-01', '0777', '1e999', '<<', '=', 'a #b', '{', 'a, b', '...'],
  ...[
    '---',
    '\u00a0',
    'tab\t',
    "it's",
    'say "x"',
    'a\r\nb',
    'word\n  deeper\n',
    'x:',
    '!tag',
    '*a',
    '&a',
    '%',
  ],
  ...[0, -0, 1.5, NaN, Infinity, -Infinity, 1e21, 12345678901234567890n, true, false, null],
]
  .map(
    (value): (() => unknown) =>
      () =>
        value,
  )
  .concat([
    () => new Date(0),
    () => Buffer.from('bytes'),
    () => new Set(['s', 1]),
    () => new Map([['m', [1]]]),
    () => [],
    () => ({}),
    () => [1, 'x\ny', ['z']],
    () => ({ k: [1, {}], l: 'two\nlines\n' }),
    () => ({ '<<': 1, '': 2, '?': 3, 'a b': 4 }),
  ])

interface Root {
  value: unknown
}

/** Makes one edit; returns what was done, and the collections that are no longer what was loaded. */
export function change(root: Root, { where, how, at, value }: Edit): { what: string; fresh: object[] } {
  const all = [...collectionsOf(root.value)]
  const it = all[where % Math.max(1, all.length)]
  if (it === undefined) return { what: 'nothing', fresh: [] }
  const made = valueFor(it, value, all)
  if (Array.isArray(it)) return list(it, how, at, made)
  if (it instanceof Map) return act(`map.set ${at}`, () => it.set(at % 2 ? 'a' : 'k', made))
  if (it instanceof Set) return act(`set.add`, () => (at % 2 ? it.add('new') : it.delete('a')))
  if (it instanceof Date) return act('setTime', () => it.setTime(at * 86_400_000))
  if (it instanceof Uint8Array) return act('bytes', () => it.fill(at))
  return mapping(it as Record<string, unknown>, how, at, made)
}

function act(what: string, work: () => unknown, fresh: object[] = []): { what: string; fresh: object[] } {
  work()
  return { what, fresh }
}

function list(it: unknown[], how: number, at: number, made: unknown) {
  const place = at % Math.max(1, it.length)
  const shown = show(made)
  const ways: [string, () => unknown][] = [
    ['shift', () => it.shift()],
    ['pop', () => it.pop()],
    [`unshift ${shown}`, () => it.unshift(made)],
    [`push ${shown}`, () => it.push(made)],
    [`splice ${place} 1`, () => it.splice(place, 1)],
    [`splice ${place} 1 ${shown}`, () => it.splice(place, 1, made)],
    [`splice ${place} 0 ${shown}`, () => it.splice(place, 0, made)],
    ['reverse', () => it.reverse()],
    ['sort', () => it.sort((a, b) => String(show(a)).localeCompare(String(show(b))))],
    ['filter', () => it.splice(0, it.length, ...it.filter((_, index) => index % 2 === at % 2))],
    [`[${place}] = ${shown}`, () => (it[place] = made)],
  ]
  const [what, work] = ways[how % ways.length]!
  return act(`list ${show(it)}: ${what}`, work)
}

function mapping(it: Record<string, unknown>, how: number, at: number, made: unknown) {
  const keys = Object.keys(it)
  const key = keys[at % Math.max(1, keys.length)] ?? 'a'
  const shown = show(made)
  const old = it[key] ?? null
  const ways: [string, () => unknown, object[]?][] = [
    [`delete ${key}`, () => delete it[key]],
    [`${key} = ${shown}`, () => (it[key] = made)],
    [`new = ${shown}`, () => (it[`n${at}`] = made)],
    [`<< = ${shown}`, () => (it['<<'] = made)],
    [`copy of ${key}`, () => (it[key] = copyOf(old)), typeof old === 'object' && old ? [old] : []],
    [
      'again',
      () => {
        delete it[key]
        it[key] = old
      },
    ],
  ]
  const [what, work, fresh] = ways[how % ways.length]!
  return act(`mapping ${show(it)}: ${what}`, work, fresh)
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return [...value]
  return typeof value === 'object' && value && Object.getPrototypeOf(value) === Object.prototype
    ? { ...value }
    : value
}

// A collection of the document itself may stand in a second place, but not in itself.
function valueFor(it: object, choice: number, all: readonly object[]): unknown {
  if (choice < values.length) return values[choice]!()
  const other = all[(choice * 7) % all.length]!
  return [...collectionsOf(other)].includes(it) ? 'not itself' : other
}

function* collectionsOf(value: unknown, seen = new Set<unknown>()): Generator<object> {
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  seen.add(value)
  const plain = Object.getPrototypeOf(value) === Object.prototype
  if ('options' in value && !plain) {
    // An object of a class is changed in the lists and mappings that it was made with.
    for (const child of Object.values(value.options as object)) yield* collectionsOf(child, seen)
    return
  }
  yield value
  const children =
    value instanceof Map || value instanceof Set
      ? [...value.values()]
      : plain || Array.isArray(value)
        ? Object.values(value)
        : []
  for (const child of children) yield* collectionsOf(child, seen)
}

function show(value: unknown): string {
  return typeof value === 'bigint'
    ? `${value}n`
    : (JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one))?.slice(0, 80) ??
        String(value))
}

/** Random documents with random overrides, and what editing the plain data gives. */

/** The node that an anchor names, which a replacement takes over. */
interface Cell {
  readonly name: string
  node: Part
}

export interface Leaf {
  readonly kind: 'leaf'
  readonly text: string
  readonly value: unknown
  /** The word in its text by which it is found, if it has one. */
  readonly word?: string
  cell?: Cell
}

interface Alias {
  readonly kind: 'alias'
  readonly cell: Cell
}

interface List {
  readonly kind: 'list'
  readonly items: Part[]
  readonly flow: boolean
  cell?: Cell
}

interface Map {
  readonly kind: 'map'
  entries: [key: string, value: Part][]
  readonly flow: boolean
  readonly tag?: string
  cell?: Cell
}

export type Part = Leaf | Alias | List | Map

export type Step = string | number

/** The class of the tag `!Box`. */
export type Boxed = new (options: Record<string, unknown>) => unknown

/** Values as they are typed, and what they are. */
export const typedValues: readonly [text: string, value: unknown, tagged?: boolean][] = [
  ['5', 5],
  ['', null],
  ['x y', 'x y'],
  ['a, b', 'a, b'],
  ['[1, {a: b}]', [1, { a: 'b' }]],
  ['{ p: 1, q: [ ] }', { p: 1, q: [] }],
  ['"a # b"', 'a # b'],
  ["'it''s'", "it's"],
  ['b: 1\nc: [2]', { b: 1, c: [2] }],
  ['b:\n- 1\n- d: 2\n  e: 3', { b: [1, { d: 2, e: 3 }] }],
  ['- 1\n- b: 2\n  c: 3\n-\n  - 4', [1, { b: 2, c: 3 }, [4]]],
  ['|\n text\n   more\n', 'text\n  more\n'],
  ['>-\n a\n b\n', 'a b'],
  ['|+\n a\n\n', 'a\n\n'],
  ['http://x#y', 'http://x#y'],
  ['yes', 'yes'],
  ['12:30', '12:30'],
  ['0x10', 16],
  ['[\n  1,\n  2\n]', [1, 2]],
  ['"two\n  lines"', 'two lines'],
  ['-1.50', -1.5],
  ['{}', {}],
  ['- - 1\n  - 2', [[1, 2]]],
  ['!Box { r: 1 }', { r: 1 }, true],
  ['!Box\nr: 1\ns: |\n  t\n', { r: 1, s: 't\n' }, true],
]

export class RandomDocument {
  readonly root: Map
  readonly text: string
  readonly #cells: Cell[] = []
  readonly #next: () => number
  readonly #newline: string
  #count = 0
  // Empty lines after a block with "+" would belong to it.
  #isKept = false

  constructor(next: () => number) {
    this.#next = next
    this.#newline = this.#one(5) ? '\r\n' : '\n'
    this.root = this.#map(0, this.#one(12))
    const header = this.#pick(['', '', '', '# top\n\n', '---\n', '%YAML 1.1\n---\n', '\ufeff'])
    const body =
      this.root.flow || this.root.entries.length === 0 ? `${this.#flow(this.root)}\n` : this.#topText()
    const text = header + body + (this.#isKept ? '' : this.#pick(['', '', '# end\n', '\n']))
    this.text = (this.#one(8) && !this.#isKept ? text.replace(/\n$/, '') : text).replaceAll(
      '\n',
      this.#newline,
    )
  }

  below(limit: number): number {
    return Math.floor(this.#next() * limit)
  }

  #one(among: number): boolean {
    return this.below(among) === 0
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }

  #word(): string {
    return `v${++this.#count}w`
  }

  #part(depth: number, inFlow: boolean): Part {
    const kind = this.below(depth > 3 ? 6 : 10)
    if (kind === 0 && this.#cells.length > 0) return { kind: 'alias', cell: this.#pick(this.#cells) }
    const part =
      kind < 6
        ? this.#leaf(inFlow)
        : kind < 8
          ? this.#list(depth, inFlow)
          : this.#map(depth, inFlow || this.#one(4))
    if (this.#one(6)) {
      part.cell = { name: `a${this.#cells.length}`, node: part }
      this.#cells.push(part.cell)
    }
    return part
  }

  #leaf(inFlow: boolean): Leaf {
    const word = this.#word()
    const flowing: [string, unknown][] = [
      [word, word],
      [word, word],
      [`"${word}"`, word],
      [`'${word}'`, word],
      [`${word} of words`, `${word} of words`],
      [`!!str ${word}`, word],
    ]
    const block: [string, unknown][] = [
      [`|\n${word}\n  more`, `${word}\n  more\n`],
      [`>-\n${word}\nmore`, `${word} more`],
      [`|+\n${word}\n`, `${word}\n\n`],
      [`"${word}\nlines"`, `${word} lines`],
      ['', null],
    ]
    const [text, value] = this.#pick(inFlow ? flowing : [...flowing, ...block])
    return { kind: 'leaf', text, value, ...(text !== '' && { word }) }
  }

  #list(depth: number, inFlow: boolean): List {
    const flow = inFlow || this.#one(3)
    const items = Array.from({ length: this.below(4) }, () => this.#part(depth + 1, flow))
    return { kind: 'list', items, flow: flow || items.length === 0 }
  }

  #map(depth: number, inFlow: boolean): Map {
    const count = depth === 0 ? 1 + this.below(5) : this.below(4)
    const entries = Array.from({ length: count }, (): [string, Part] => {
      const key = this.#pick([this.#word(), this.#word(), `"${this.#word()} x"`])
      return [key, this.#part(depth + 1, inFlow)]
    })
    const tag = this.#one(4) ? '!Box' : undefined
    return { kind: 'map', entries, flow: inFlow || entries.length === 0, ...(tag && { tag }) }
  }

  #topText(): string {
    const props = propsOf(this.root)
    return `${props === '' ? '' : `${props}\n`}${this.#lines(this.root, 0).join('\n')}\n`
  }

  /** The lines of a block. */
  #lines(part: List | Map, indent: number): string[] {
    const pad = ' '.repeat(indent)
    const slots: [string, Part][] =
      part.kind === 'map'
        ? part.entries.map(([key, value]) => [`${key}:`, value])
        : part.items.map((item) => ['-', item])
    return slots.flatMap(([lead, value]) => {
      const above = this.#one(5) ? [`${pad}# above ${this.#word()}`] : []
      const gap = this.#one(10) && !this.#isKept ? [''] : []
      return [...gap, ...above, ...this.#slot(lead, value, indent)]
    })
  }

  #slot(lead: string, value: Part, indent: number): string[] {
    const pad = ' '.repeat(indent)
    this.#isKept = value.kind === 'leaf' && value.text.startsWith('|+')
    const comment = this.#one(4) ? ` # on ${this.#word()}` : ''
    const props = propsOf(value)
    const start = `${pad}${lead}${props === '' ? '' : ` ${props}`}`
    if (value.kind === 'leaf' && /^[|>]/.test(value.text)) {
      const [header, ...lines] = value.text.split('\n')
      return [`${start} ${header}`, ...lines.map((line) => (line === '' ? '' : `${pad}  ${line}`))]
    }
    if (value.kind === 'leaf' || value.kind === 'alias' || value.flow) {
      const text = this.#flow(value, false).replaceAll('\n', `\n${pad}    `)
      return `${start}${text === '' ? '' : ` ${text}`}${comment}`.split('\n')
    }
    if (lead === '-' && props === '' && this.#one(2)) {
      const lines = this.#lines(value, indent + 2)
      if (!/^ *#|^$/.test(lines[0]!)) return [`${pad}- ${lines[0]!.trimStart()}`, ...lines.slice(1)]
      return [`${pad}-`, ...lines]
    }
    const isFlat = value.kind === 'list' && lead !== '-' && this.#one(2)
    return [`${start}${comment}`, ...this.#lines(value, isFlat ? indent : indent + 2)]
  }

  #flow(part: Part, withProps = true): string {
    const props = withProps ? propsOf(part) : ''
    const lead = props === '' ? '' : `${props} `
    if (part.kind === 'leaf') return lead + part.text
    if (part.kind === 'alias') return `*${part.cell.name} `
    const items =
      part.kind === 'list'
        ? part.items.map((item) => this.#flow(item))
        : part.entries.map(([key, value]) => `${key}: ${this.#flow(value)}`)
    const [open, close] = part.kind === 'list' ? '[]' : '{}'
    const padding = this.#one(2) ? ' ' : ''
    if (!withProps && items.length > 0 && this.#one(3)) {
      const lines = items.map((item, index) => {
        const comma = index < items.length - 1 || this.#one(2) ? ',' : ''
        return `${item}${comma}${this.#one(3) ? ` # in ${this.#word()}` : ''}`
      })
      return `${open}\n${lines.join('\n')}\n${close}`
    }
    return `${lead}${open}${padding}${items.join(', ')}${padding}${close}`
  }
}

function propsOf(part: Part): string {
  if (part.kind === 'alias') return ''
  const anchor = part.cell ? `&${part.cell.name}` : ''
  const tag = part.kind === 'map' ? (part.tag ?? '') : ''
  return [anchor, tag].filter((each) => each !== '').join(' ')
}

/** The plain data of a part, and objects for tags. */
export function plain(part: Part, Box: Boxed, made = new globalThis.Map<Part, unknown>()): unknown {
  if (part.kind === 'alias') return plain(part.cell.node, Box, made)
  if (part.kind === 'leaf') return part.value
  if (made.has(part)) return made.get(part)
  const data =
    part.kind === 'list'
      ? part.items.map((item) => plain(item, Box, made))
      : Object.fromEntries(part.entries.map(([key, value]) => [nameOf(key), plain(value, Box, made)]))
  const value = part.kind === 'map' && part.tag ? new Box(data as Record<string, unknown>) : data
  made.set(part, value)
  return value
}

export function nameOf(key: string): string {
  return key.startsWith('"') ? JSON.parse(key) : key
}

/** Every part with its steps, except those behind aliases. */
export function* partsOf(part: Part, steps: Step[] = []): Generator<[Step[], Part]> {
  yield [steps, part]
  if (part.kind === 'list')
    for (const [index, item] of part.items.entries()) yield* partsOf(item, [...steps, index])
  if (part.kind === 'map')
    for (const [key, value] of part.entries) yield* partsOf(value, [...steps, nameOf(key)])
}

/** A value as a part. */
export function partOf(value: unknown, isTagged = false): Part {
  if (Array.isArray(value)) return { kind: 'list', items: value.map((each) => partOf(each)), flow: true }
  if (typeof value !== 'object' || value === null) return { kind: 'leaf', text: '', value }
  const entries = Object.entries(value).map(([key, each]): [string, Part] => [
    JSON.stringify(key),
    partOf(each),
  ])
  return { kind: 'map', entries, flow: true, ...(isTagged && { tag: '!Box' }) }
}

/** Puts a part in the place of another, with its anchor. */
export function put(root: Part, steps: readonly Step[], value: Part): void {
  const parent = partAt(root, steps.slice(0, -1)) as List | Map
  const step = steps.at(-1)!
  const before = partAt(root, steps)
  if (before && before.kind !== 'alias' && before.cell && value.kind !== 'alias') {
    value.cell = before.cell
    before.cell.node = value
  }
  if (parent.kind === 'list') parent.items[step as number] = value
  else {
    const entry = parent.entries.find(([key]) => nameOf(key) === step)
    if (entry) entry[1] = value
    else parent.entries.push([JSON.stringify(step), value])
  }
}

export function remove(root: Part, steps: readonly Step[]): void {
  const parent = partAt(root, steps.slice(0, -1)) as List | Map
  const step = steps.at(-1)!
  if (parent.kind === 'list') parent.items.splice(step as number, 1)
  else parent.entries = parent.entries.filter(([key]) => nameOf(key) !== step)
}

export function partAt(root: Part, steps: readonly Step[]): Part | undefined {
  let part: Part | undefined = root
  for (const step of steps)
    part =
      part?.kind === 'list'
        ? part.items[step as number]
        : part?.kind === 'map'
          ? part.entries.find(([key]) => nameOf(key) === step)?.[1]
          : undefined
  return part
}

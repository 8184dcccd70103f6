import fc from 'fast-check'

/** A document of which only the text is meant: what it has in it, and how that is written. */
export interface Model {
  readonly root: Part
  readonly newline: '\n' | '\r\n'
  readonly header: string
  readonly indented: boolean
}

export type Part =
  | { readonly kind: 'leaf'; readonly at: number; readonly text: string }
  | { readonly kind: 'repeat'; readonly which: number }
  | ListPart
  | MapPart

interface ListPart {
  readonly kind: 'list'
  readonly flow: boolean
  readonly anchor: boolean
  readonly above: boolean
  readonly items: readonly Part[]
}

interface MapPart {
  readonly kind: 'map'
  readonly flow: boolean
  readonly anchor: boolean
  readonly above: boolean
  readonly box: boolean
  readonly merges: readonly number[]
  readonly entries: readonly (readonly [key: string, value: Part])[]
}

// `v` becomes `v1`, `v2`, ... with comments of their own.
const leaves = [
  'v',
  'v',
  'v',
  'v',
  '"v"',
  "'v'",
  '1',
  '0x10',
  '1e3',
  '1.50',
  '-0',
  'true',
  'null',
  '~',
  '',
  '""',
  '"a: b"',
  'text of words',
  '12345678901234567890',
  '!!timestamp 2001-01-01',
  '!!binary aGFsbG8=',
  '!!str 5',
  '|\n  a\n  b\n',
  '|-\n  a\n\n  b\n',
  '|+\n  a\n\n',
  '>\n  a\n  b\n\n  c\n',
  '"a\n  b"',
  '!!set {a, b}',
  '!!omap [a: 1, b: v]',
  '!!pairs [a: 1, a: 2]',
]

const keys = ['a', 'b', 'c', 'd', '"e"', '1.5', 'yes no']

const flags = fc.record({ flow: weighted(1, 4), anchor: weighted(1, 2), above: weighted(1, 3) })

// The name of an option is a text.
function named({ box, entries }: Pick<MapPart, 'box' | 'entries'>): Pick<MapPart, 'entries'> {
  return {
    entries: box ? entries.map(([key, value]) => [key === '1.5' ? '"1.5"' : key, value] as const) : entries,
  }
}

function weighted(of: number, among: number): fc.Arbitrary<boolean> {
  return fc.integer({ min: 1, max: among }).map((n) => n > among - of)
}

const { map } = fc.letrec<{ part: Part; map: MapPart }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ kind: fc.constant('leaf' as const), at: fc.nat(0), text: fc.constantFrom(...leaves) }),
    fc.record({ kind: fc.constant('repeat' as const), which: fc.nat(9) }),
    fc
      .record({ items: fc.array(tie('part'), { maxLength: 4 }), flags })
      .map(({ flags, ...rest }) => ({ kind: 'list' as const, ...flags, ...rest })),
    tie('map'),
  ),
  map: fc
    .record({
      entries: fc.uniqueArray(fc.tuple(fc.constantFrom(...keys), tie('part')), {
        maxLength: 4,
        selector: ([key]) => key,
      }),
      merges: fc.oneof(fc.constant([]), fc.array(fc.nat(9), { maxLength: 2 })),
      box: weighted(1, 6),
      flags,
    })
    .map(({ flags, ...rest }) => ({ kind: 'map' as const, ...flags, ...rest, ...named(rest) })),
}))

export const model: fc.Arbitrary<Model> = fc.record({
  root: map,
  newline: fc.constantFrom('\n', '\n', '\n', '\r\n'),
  header: fc.constantFrom('', '', '# top\n\n', '---\n', '%YAML 1.1\n---\n'),
  indented: fc.boolean(),
})

/** The text of a model. */
export function rendered({ root, newline, header, indented }: Model): string {
  const text = header + new Rendering(indented).document(root)
  return text.replaceAll('\n', newline)
}

interface Known {
  readonly name: string
  readonly map: boolean
}

class Rendering {
  #count = 0
  #keys = 0
  readonly #known: Known[] = []

  constructor(readonly indented: boolean) {}

  document(root: Part): string {
    if (root.kind === 'map' && (root.flow || (root.entries.length === 0 && this.#mergesOf(root) === '')))
      return `${this.#flow(root)}\n`
    return root.kind === 'map' ? this.#topMap(root) : `${this.#flow(root)}\n`
  }

  #topMap(root: MapPart): string {
    return `${root.box ? '!Box\n' : ''}${this.#entries(root, 0)}`
  }

  /** What stands behind `key:` or `-`, up to the end of its last line. */
  #value(part: Part, indent: number, inSequence: boolean): string {
    if (part.kind === 'leaf') return this.#leaf(part.text, indent)
    if (part.kind === 'repeat') {
      const known = this.#known[part.which % Math.max(1, this.#known.length)]
      return known ? ` *${known.name} # ${known.name}r${++this.#keys}\n` : ' none\n'
    }
    const empty =
      part.kind === 'list' ? part.items.length === 0 : part.entries.length === 0 && part.merges.length === 0
    if (part.flow || empty) return ` ${this.#flow(part)}\n`
    const props = this.#props(part)
    const compact = inSequence && props === '' && !part.above
    const body =
      part.kind === 'list'
        ? this.#items(part, inSequence || this.indented ? indent + 2 : indent)
        : this.#entries(part, indent + 2)
    this.#close(part)
    if (body === '') return `${props} {}\n`
    return compact ? ` ${body.trimStart()}` : `${props}\n${body}`
  }

  #props(part: ListPart | MapPart): string {
    const anchor = part.anchor ? ` &n${this.#known.length + ++this.#keys}` : ''
    if (part.anchor) this.#names.set(part, anchor.slice(2))
    return `${anchor}${part.kind === 'map' && part.box ? ' !Box' : ''}`
  }

  readonly #names = new Map<Part, string>()

  #close(part: ListPart | MapPart): void {
    const name = this.#names.get(part)
    if (name !== undefined) this.#known.push({ name, map: part.kind === 'map' })
  }

  #items(part: ListPart, indent: number): string {
    const space = ' '.repeat(indent)
    return part.items
      .map((item) => `${this.#above(part, space)}${space}-${this.#value(item, indent, true)}`)
      .join('')
  }

  #entries(part: MapPart, indent: number): string {
    const space = ' '.repeat(indent)
    const merged = this.#mergesOf(part)
    const lines = part.entries.map(
      ([key, value]) => `${this.#above(part, space)}${space}${key}:${this.#value(value, indent, false)}`,
    )
    return (merged && `${space}<<: ${merged}\n`) + lines.join('')
  }

  #above(part: ListPart | MapPart, space: string): string {
    return part.above ? `${space}# above ${++this.#keys}\n` : ''
  }

  #mergesOf({ merges }: MapPart): string {
    const maps = this.#known.filter(({ map }) => map)
    const names = merges.flatMap((at) => maps[at % Math.max(1, maps.length)]?.name ?? [])
    if (names.length === 0) return ''
    return names.length === 1 ? `*${names[0]}` : `[${names.map((name) => `*${name}`).join(', ')}]`
  }

  #leaf(text: string, indent: number): string {
    const [first, ...rest] = text.split('\n')
    const own = /\bv\b/.test(first!) ? `v${++this.#count}` : ''
    const line = ` ${first!.replace(/\bv\b/, own)}`.trimEnd()
    const comment = /^["']?v["']?$/.test(text) ? ` # ${own}c` : ''
    if (rest.length === 0) return `${line}${comment}\n`
    const lines = rest.map((one) => (one === '' ? '' : ' '.repeat(indent) + one))
    return `${[line, ...lines].join('\n').replace(/\n$/, '')}\n`
  }

  #flow(part: Part): string {
    if (part.kind === 'leaf') {
      const own = `v${++this.#count}`
      return part.text.includes('\n') || part.text === '' ? own : part.text.replace(/\bv\b/, own)
    }
    if (part.kind === 'repeat') {
      const known = this.#known[part.which % Math.max(1, this.#known.length)]
      return known ? `*${known.name}` : 'none'
    }
    const props = this.#props(part).trimStart()
    const text = part.kind === 'list' ? this.#flowList(part) : this.#flowMap(part)
    this.#close(part)
    return props === '' ? text : `${props} ${text}`
  }

  #flowList({ items }: ListPart): string {
    return `[${items.map((item) => this.#flow(item)).join(', ')}]`
  }

  #flowMap(part: MapPart): string {
    const merged = this.#mergesOf(part)
    const all = part.entries.map(([key, value]) => `${key}: ${this.#flow(value)}`)
    return `{${[...(merged ? [`<<: ${merged}`] : []), ...all].join(', ')}}`
  }
}

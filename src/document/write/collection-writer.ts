import { RegistrationError } from '../../errors.js'
import {
  type Entry,
  type MappingNode,
  mappingNode,
  type Node,
  type SequenceNode,
  sequenceNode,
} from '../../node.js'
import { type KeyStyle, keyName, optionName } from '../../registry/registration.js'
import type { ConstructContext } from '../construct/construct-context.js'
import { mergeSources, resolveAlias, textOfKey } from '../nodes.js'
import { matchItems } from './match-items.js'
import type { Origin, RepresentContext } from './represent-context.js'

interface SequenceOptions {
  tag?: string | undefined
  /** What the collection was loaded from, if it was. */
  origin?: Origin | undefined
}

interface MappingOrigin extends Origin {
  readonly node: MappingNode
}

interface MappingOptions extends SequenceOptions {
  keys?: KeyStyle
}

/** The node of a sequence: items keep the style and comments that they were loaded with, wherever they stand now. */
export function sequenceOf(
  items: Iterable<unknown>,
  representation: RepresentContext,
  { tag, origin }: SequenceOptions,
): SequenceNode {
  const before = origin?.node.kind === 'sequence' ? origin.node : undefined
  const all = [...items]
  const matched = before ? matchItems(all, before.items, origin!.context) : []
  const nodes = all.map((item, index) => {
    const node = matched[index]
    return representation.within(`[${index}]`, () =>
      representation.represent(item, node && { node, context: origin!.context }),
    )
  })
  const made = before ? { ...before, ...restyled(origin, tag), items: nodes } : sequenceNode(nodes, tag)
  return representation.recordOrigin(made, origin)
}

/** The node of a mapping: keys that it was loaded with keep their place, style and comments. */
export function mappingOf(
  values: Iterable<readonly [name: string, value: unknown]>,
  representation: RepresentContext,
  { tag, origin, keys = 'as-written' }: MappingOptions,
): MappingNode {
  if (origin?.node.kind !== 'mapping')
    return representation.recordOrigin(mappingNode(newEntries(values, representation, keys), tag), origin)
  const present = new Map<string, unknown>()
  for (const [name, value] of values) if (value !== undefined) present.set(keyName(name, keys), value)
  const entries = entriesOf(present, representation, origin as MappingOrigin)
  return representation.recordOrigin({ ...origin.node, ...restyled(origin, tag), entries }, origin)
}

/**
 * The entries of a mapping that was loaded, with the values that it has now; of those that `<<` brings along only what
 * differs is written.
 */
export function entriesOf(
  values: ReadonlyMap<string, unknown>,
  representation: RepresentContext,
  { node, context }: MappingOrigin,
  keys: KeyStyle = 'as-written',
): Entry[] {
  const merges = new MergeWriter(values, representation, context, keys)
  const entries: Entry[] = []
  const own = new Set<string>()
  for (const entry of node.entries) {
    const name = optionName(textOfKey(entry.key), keys)
    if (entry.merge) entries.push(...merges.write(entry))
    else if (values.has(name)) {
      own.add(name)
      const key = representation.copy({ node: entry.key, context })
      const value = representation.within(name, () =>
        representation.represent(values.get(name), { node: entry.value, context }),
      )
      entries.push({ key, value, merge: false })
    }
  }
  if (own.size === values.size) return entries
  const added = [...values].filter(([name]) => !own.has(name) && !merges.written.has(name))
  return [...entries, ...newEntries(added, representation, keys)]
}

function newEntries(
  values: Iterable<readonly [string, unknown]>,
  representation: RepresentContext,
  keys: KeyStyle,
): Entry[] {
  const entries: Entry[] = []
  const taken = keys === 'snake_case' ? new Map<string, string>() : undefined
  for (const [name, value] of values) {
    if (value === undefined) continue
    const key = keyName(name, keys)
    if (taken) refuseTwin(name, key, taken)
    entries.push(newEntry(key, value, representation))
  }
  return entries
}

// Both would be read as one option.
function refuseTwin(name: string, key: string, taken: Map<string, string>): void {
  const option = optionName(key, 'snake_case')
  const other = taken.get(option) ?? (option === name ? undefined : option)
  taken.set(option, name)
  if (other === undefined) return
  const message = `Option "${name}" cannot be written in snake case: its key "${key}" is that of option "${other}"`
  throw new RegistrationError(`${message}; rename one of them`, { code: 'UNWRITABLE' })
}

function restyled(origin: Origin | undefined, tag: string | undefined): Pick<MappingNode, 'tag' | 'anchor'> {
  if (origin?.styleOnly) return { tag, anchor: undefined }
  return { tag: tag ?? origin?.node.tag, anchor: origin?.node.anchor }
}

function newEntry(name: string, value: unknown, representation: RepresentContext): Entry {
  return {
    key: representation.key(name),
    value: representation.within(name, () => representation.represent(value)),
    merge: false,
  }
}

/** Whether a value is the one that `<<` brings along under a name, when it is read again. */
type Brought = (value: unknown) => boolean

/**
 * Writes the merge keys of one mapping. What they will bring along when they are read decides: one that brings a name
 * which is gone is left out, and a value that differs is written beside it.
 */
class MergeWriter {
  /** The names that need not be written any more. */
  readonly written = new Set<string>()
  readonly #brought = new Set<string>()

  constructor(
    readonly values: ReadonlyMap<string, unknown>,
    readonly representation: RepresentContext,
    readonly context: ConstructContext,
    readonly keys: KeyStyle,
  ) {}

  write(entry: Entry): Entry[] {
    const brings = this.#bringsOf(entry.value)
    if (!brings) return []
    const named = [...brings].map(([key, is]) => [optionName(key, this.keys), is] as const)
    if (!named.every(([name]) => this.values.has(name))) return []
    for (const [name, is] of named) {
      // The first that brings a name counts; a later one cannot change that.
      if (!this.#brought.has(name) && is(this.values.get(name))) this.written.add(name)
      this.#brought.add(name)
    }
    return [this.representation.copyEntry(entry, this.context)]
  }

  // An alias brings what its anchor was written with; what stands here itself will be written as it is.
  #bringsOf(source: Node): Map<string, Brought> | undefined {
    if (source.kind === 'alias') {
      const made = this.representation.written(source, this.context)
      return made && this.#ofMade(made)
    }
    if (source.kind === 'sequence') return firstOf(source.items.map((item) => this.#bringsOf(item)))
    return source.kind === 'mapping' ? this.#ofLoaded(source) : undefined
  }

  #ofMade(made: Node): Map<string, Brought> {
    const brings = new Map<string, Brought>()
    for (const source of mergeSources(made))
      for (const [name, node] of this.representation.mergedEntries(resolveAlias(source)))
        if (!brings.has(name))
          brings.set(name, (value) => this.representation.isWrittenAs(value, node, this.context))
    return brings
  }

  #ofLoaded({ entries }: MappingNode): Map<string, Brought> | undefined {
    const own = entries.filter((entry) => !entry.merge)
    const brings = new Map(
      own.map(({ key, value }): [string, Brought] => [
        textOfKey(key),
        (now) => Object.is(this.context.construct(value), now),
      ]),
    )
    return firstOf([
      brings,
      ...entries.filter((entry) => entry.merge).map(({ value }) => this.#bringsOf(value)),
    ])
  }
}

function firstOf(all: readonly (Map<string, Brought> | undefined)[]): Map<string, Brought> | undefined {
  const first = new Map<string, Brought>()
  for (const brings of all) {
    if (!brings) return undefined
    for (const [name, is] of brings) if (!first.has(name)) first.set(name, is)
  }
  return first
}

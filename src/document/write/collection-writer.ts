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
import { type Origin, type RepresentContext, Unconstructed } from './represent-context.js'

interface SequenceOptions {
  tag?: string | undefined
  /** What the collection was loaded from. */
  origin?: Origin | undefined
}

interface MappingOrigin extends Origin {
  readonly node: MappingNode
  /** Of an object: how its keys are spelt. */
  readonly keys?: KeyStyle
}

interface MappingOptions extends SequenceOptions {
  keys?: KeyStyle
}

/** The node of a sequence: items keep their style and comments, even if they were moved. */
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

/** The node of a mapping: loaded keys keep their position, style and comments. */
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
 * The entries of a loaded mapping with their current values; of merged values, only those that differ are written.
 */
export function entriesOf(
  values: ReadonlyMap<string, unknown>,
  representation: RepresentContext,
  { node, context, keys = 'as-written' }: MappingOrigin,
): Entry[] {
  const merges = new MergeWriter(values, representation, { context, keys })
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

// They would be read as one option.
function refuseTwin(name: string, key: string, taken: Map<string, string>): void {
  const option = optionName(key, 'snake_case')
  const other = taken.get(option) ?? (option === name ? undefined : option)
  taken.set(option, name)
  if (other === undefined) return
  const message = `Option "${name}" cannot be written in snake case: its key "${key}" is also that of option "${other}"`
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

/** Whether a value is the one that `<<` will merge under a name when it is read again. */
type Brought = (value: unknown) => boolean

/**
 * Writes the merge keys of one mapping, by what they will merge when they are read again: a merge key with a name that was
 * removed is left out, and a value that differs is written next to it.
 */
class MergeWriter {
  /** The names that need no entry of their own. */
  readonly written = new Set<string>()
  readonly context: ConstructContext
  readonly keys: KeyStyle
  readonly #brought = new Set<string>()

  constructor(
    readonly values: ReadonlyMap<string, unknown>,
    readonly representation: RepresentContext,
    { context, keys }: { context: ConstructContext; keys: KeyStyle },
  ) {
    this.context = context
    this.keys = keys
  }

  write(entry: Entry): Entry[] {
    const brings = this.#bringsOf(entry.value)
    if (!brings) return []
    const named = [...brings].map(([key, is]) => [optionName(key, this.keys), is] as const)
    if (!named.every(([name]) => this.values.has(name))) return []
    for (const [name, is] of named) {
      // The first source of a name wins.
      if (!this.#brought.has(name) && is(this.values.get(name))) this.written.add(name)
      this.#brought.add(name)
    }
    return [this.representation.copyEntry(entry, this.context)]
  }

  // An alias brings what its anchor was written with; what stands here itself will be written as it is.
  #bringsOf(source: Node): Map<string, Brought> | undefined {
    if (source.kind === 'alias') {
      const made = this.representation.written(source, this.context)
      if (made) return this.#ofMade(made)
      // A reference may lead to a mapping that is written later.
      const target = this.context.document.written?.has(source) ? source.target : undefined
      return target?.kind === 'mapping' ? this.#ofLoaded(target) : undefined
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
      own.map(({ key, value }): [string, Brought] => [textOfKey(key), (now) => this.#isValueOf(value, now)]),
    )
    return firstOf([
      brings,
      ...entries.filter((entry) => entry.merge).map(({ value }) => this.#bringsOf(value)),
    ])
  }

  // What was not constructed, such as in a template, stays so.
  #isValueOf(node: Node, now: unknown): boolean {
    return now instanceof Unconstructed
      ? resolveAlias(now.node) === resolveAlias(node)
      : Object.is(this.context.construct(node), now)
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

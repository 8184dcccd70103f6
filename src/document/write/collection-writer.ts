import { type Entry, type MappingNode, mappingNode, type SequenceNode, sequenceNode } from '../../node.js'
import { keyName } from '../../registry/option-names.js'
import type { KeyStyle } from '../../registry/types.js'
import { textOf } from '../nodes.js'
import { isAsLoaded } from './as-loaded.js'
import type { Hint, Representing } from './representing.js'

interface SequenceOptions {
  tag?: string | undefined
  /** What the collection was loaded from, if it was. */
  hint?: Hint | undefined
}

interface MappingOptions extends SequenceOptions {
  keys?: KeyStyle
}

/** The node of a sequence: items keep the style and comments of what stood in their place. */
export function sequenceOf(
  items: Iterable<unknown>,
  to: Representing,
  { tag, hint }: SequenceOptions,
): SequenceNode {
  const before = hint?.node.kind === 'sequence' ? hint.node : undefined
  const nodes = Array.from(items, (item, index) => {
    const node = before?.items[index]
    return to.at(`[${index}]`, () => to.represent(item, node && { node, by: hint!.by }))
  })
  const made = before ? { ...before, ...restyled(hint, tag), items: nodes } : sequenceNode(nodes, tag)
  return to.from(made, hint)
}

/** The node of a mapping: keys that it was loaded with keep their place, style and comments. */
export function mappingOf(
  values: Iterable<readonly [name: string, value: unknown]>,
  to: Representing,
  { tag, hint, keys = 'as-written' }: MappingOptions,
): MappingNode {
  if (hint?.node.kind !== 'mapping') return to.from(mappingNode(newEntries(values, to, keys), tag), hint)
  const before = hint.node
  const left = new Map<string, unknown>()
  for (const [name, value] of values) if (value !== undefined) left.set(keyName(name, keys), value)
  const kept = keptEntries(before, left, to, hint)
  const entries = [...kept, ...newEntries(left, to, 'as-written')]
  return to.from({ ...before, ...restyled(hint, tag), entries }, hint)
}

function newEntries(values: Iterable<readonly [string, unknown]>, to: Representing, keys: KeyStyle): Entry[] {
  const entries: Entry[] = []
  for (const [name, value] of values)
    if (value !== undefined) entries.push(newEntry(keyName(name, keys), value, to))
  return entries
}

function restyled(hint: Hint | undefined, tag: string | undefined): Pick<MappingNode, 'tag' | 'anchor'> {
  if (hint?.styleOnly) return { tag, anchor: undefined }
  return { tag: tag ?? hint?.node.tag, anchor: hint?.node.anchor }
}

/** One entry that no file has. */
export function newEntry(name: string, value: unknown, to: Representing): Entry {
  return { key: to.key(name), value: to.at(name, () => to.represent(value)), merge: false }
}

function keptEntries(
  before: MappingNode,
  left: Map<string, unknown>,
  to: Representing,
  { by }: Hint,
): Entry[] {
  const merged = mergedInto(before, left, to, by)
  const kept: Entry[] = []
  for (const entry of before.entries) {
    const name = textOf(entry.key)
    if (entry.merge && merged) kept.push(to.copyEntry(entry, by))
    if (entry.merge || !left.has(name)) continue
    const value = to.at(name, () => to.represent(left.get(name), { node: entry.value, by }))
    kept.push({ key: to.copy({ node: entry.key, by }), value, merge: false })
    left.delete(name)
  }
  return kept
}

// `<<` stays as long as all that it brings along is there; what has not changed is then not written again.
function mergedInto(
  before: MappingNode,
  left: Map<string, unknown>,
  to: Representing,
  by: Hint['by'],
): boolean {
  if (!before.entries.some((entry) => entry.merge)) return false
  const own = new Set(before.entries.filter((entry) => !entry.merge))
  const brought = [...by.entriesOf(before)].filter((entry) => !own.has(entry))
  if (!brought.every((entry) => left.has(textOf(entry.key)))) return false
  const now = ({ key }: Entry) => left.get(textOf(key))
  const same = brought.filter((entry) => Object.is(now(entry), by.construct(entry.value)))
  // What changed inside is brought along only if it is written where it was merged from.
  if (!same.every((entry) => to.isMade(now(entry)) || isAsLoaded(now(entry), entry.value, by))) return false
  for (const { key } of same) left.delete(textOf(key))
  return true
}

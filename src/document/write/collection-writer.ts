import { RegistrationError } from '../../errors.js'
import { type Entry, type MappingNode, mappingNode, type SequenceNode, sequenceNode } from '../../node.js'
import { keyName, optionName } from '../../registry/option-names.js'
import type { KeyStyle } from '../../registry/types.js'
import { textOf } from '../nodes.js'
import { MergeWriter } from './merge-writer.js'
import type { Hint, Representing } from './representing.js'
import { matchItems } from './sequence-match.js'

interface SequenceOptions {
  tag?: string | undefined
  /** What the collection was loaded from, if it was. */
  hint?: Hint | undefined
}

interface MappingHint extends Hint {
  readonly node: MappingNode
}

interface MappingOptions extends SequenceOptions {
  keys?: KeyStyle
}

/** The node of a sequence: items keep the style and comments that they were loaded with, wherever they stand now. */
export function sequenceOf(
  items: Iterable<unknown>,
  to: Representing,
  { tag, hint }: SequenceOptions,
): SequenceNode {
  const before = hint?.node.kind === 'sequence' ? hint.node : undefined
  const all = [...items]
  const matched = before ? matchItems(all, before.items, hint!.by) : []
  const nodes = all.map((item, index) => {
    const node = matched[index]
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
  const present = new Map<string, unknown>()
  for (const [name, value] of values) if (value !== undefined) present.set(keyName(name, keys), value)
  const entries = entriesOf(present, to, hint as MappingHint)
  return to.from({ ...hint.node, ...restyled(hint, tag), entries }, hint)
}

/**
 * The entries of a mapping that was loaded, with the values that it has now; of those that `<<` brings along only what
 * differs is written.
 */
export function entriesOf(
  values: ReadonlyMap<string, unknown>,
  to: Representing,
  { node, by }: MappingHint,
  keys: KeyStyle = 'as-written',
): Entry[] {
  const merges = new MergeWriter(values, to, by, keys)
  const entries: Entry[] = []
  const own = new Set<string>()
  for (const entry of node.entries) {
    const name = optionName(textOf(entry.key), keys)
    if (entry.merge) entries.push(...merges.write(entry))
    else if (values.has(name)) {
      own.add(name)
      const key = to.copy({ node: entry.key, by })
      const value = to.at(name, () => to.represent(values.get(name), { node: entry.value, by }))
      entries.push({ key, value, merge: false })
    }
  }
  if (own.size === values.size) return entries
  const added = [...values].filter(([name]) => !own.has(name) && !merges.written.has(name))
  return [...entries, ...newEntries(added, to, keys)]
}

function newEntries(values: Iterable<readonly [string, unknown]>, to: Representing, keys: KeyStyle): Entry[] {
  const entries: Entry[] = []
  const taken = keys === 'snake_case' ? new Map<string, string>() : undefined
  for (const [name, value] of values) {
    if (value === undefined) continue
    const key = keyName(name, keys)
    if (taken) refuseTwin(name, key, taken)
    entries.push(newEntry(key, value, to))
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

function restyled(hint: Hint | undefined, tag: string | undefined): Pick<MappingNode, 'tag' | 'anchor'> {
  if (hint?.styleOnly) return { tag, anchor: undefined }
  return { tag: tag ?? hint?.node.tag, anchor: hint?.node.anchor }
}

function newEntry(name: string, value: unknown, to: Representing): Entry {
  return { key: to.key(name), value: to.at(name, () => to.represent(value)), merge: false }
}

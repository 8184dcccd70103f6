import type { Entry, MappingNode, Node } from '../../node.js'
import { optionName } from '../../registry/option-names.js'
import type { KeyStyle } from '../../registry/types.js'
import type { Constructing } from '../construct/constructing.js'
import { followed, mergeSources, textOf } from '../nodes.js'
import type { Representing } from './representing.js'

/** Whether a value is the one that `<<` brings along under a name, when it is read again. */
type Brought = (value: unknown) => boolean

/**
 * Writes the merge keys of one mapping. What they will bring along when they are read decides: one that brings a name
 * which is gone is left out, and a value that differs is written beside it.
 */
export class MergeWriter {
  /** The names that need not be written any more. */
  readonly written = new Set<string>()
  readonly #brought = new Set<string>()

  constructor(
    readonly values: ReadonlyMap<string, unknown>,
    readonly to: Representing,
    readonly by: Constructing,
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
    return [this.to.copyEntry(entry, this.by)]
  }

  // An alias brings what its anchor was written with; what stands here itself will be written as it is.
  #bringsOf(source: Node): Map<string, Brought> | undefined {
    if (source.kind === 'alias') {
      const made = this.to.written(source, this.by)
      return made && this.#ofMade(made)
    }
    if (source.kind === 'sequence') return firstOf(source.items.map((item) => this.#bringsOf(item)))
    return source.kind === 'mapping' ? this.#ofLoaded(source) : undefined
  }

  #ofMade(made: Node): Map<string, Brought> {
    const brings = new Map<string, Brought>()
    for (const source of mergeSources(made))
      for (const [name, node] of this.to.mergedEntries(followed(source)))
        if (!brings.has(name)) brings.set(name, (value) => this.to.isWrittenAs(value, node, this.by))
    return brings
  }

  #ofLoaded({ entries }: MappingNode): Map<string, Brought> | undefined {
    const own = entries.filter((entry) => !entry.merge)
    const brings = new Map(
      own.map(({ key, value }): [string, Brought] => [
        textOf(key),
        (now) => Object.is(this.by.construct(value), now),
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

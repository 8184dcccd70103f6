import { DocumentError } from '../../errors.js'
import type { Entry, MappingNode, Node } from '../../node.js'
import { reportProblems } from '../../report.js'
import type { Source } from '../../source.js'
import { mergeSources, textOf } from '../nodes.js'
import { maxDepth, maxMerged } from '../read/limits.js'

const tooMany = `"<<" brings along more than ${maxMerged.toLocaleString('en')} keys in this file`
const tooDeep = `"<<" leads through more than ${maxDepth} mappings with "<<" in them: write some of them out`

/**
 * Mappings with what `<<` brings along: keys of the mapping itself win, then earlier sources over later ones
 * (http://yaml.org/type/merge.html).
 */
export class MergedEntries {
  readonly #known = new Map<MappingNode, Map<string, Entry>>()
  #count = 0

  constructor(readonly source: Source) {}

  of(mapping: MappingNode, depth = 0): Iterable<Entry> {
    if (!mapping.entries.some((entry) => entry.merge)) return mapping.entries
    const known = this.#known.get(mapping)
    if (known) return known.values()
    const merged = this.#merge(mapping, depth)
    this.#known.set(mapping, merged)
    return merged.values()
  }

  #merge(mapping: MappingNode, depth: number): Map<string, Entry> {
    const own = new Set(mapping.entries.filter((entry) => !entry.merge).map((entry) => textOf(entry.key)))
    const merged = new Map<string, Entry>()
    for (const entry of mapping.entries) {
      if (!entry.merge) merged.set(textOf(entry.key), entry)
      else for (const source of sourcesOf(entry.value)) this.#take(source, own, merged, depth)
    }
    return merged
  }

  #take(source: MappingNode, own: Set<string>, merged: Map<string, Entry>, depth: number): void {
    for (const entry of this.of(source, depth + 1)) {
      if (++this.#count > maxMerged) throw this.#tooMuch(source, tooMany)
      if (depth > maxDepth) throw this.#tooMuch(source, tooDeep)
      const name = textOf(entry.key)
      if (!own.has(name) && !merged.has(name)) merged.set(name, entry)
    }
  }

  #tooMuch(at: Node, message: string): DocumentError {
    const problems = [this.source.problem('MERGE_LIMIT', message, at)]
    return new DocumentError(reportProblems(problems), { problems })
  }
}

function sourcesOf(value: Node): MappingNode[] {
  return mergeSources(value)
    .map((source) => (source.kind === 'alias' ? source.target : source))
    .filter((source): source is MappingNode => source?.kind === 'mapping')
}

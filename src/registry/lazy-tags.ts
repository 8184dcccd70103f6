import { createRequire } from 'node:module'
import type { Registrar } from './registration.js'
import type { Tag } from './tag.js'

/** The entry point that registers a tag, the name of its class, and those of the classes that it extends. */
export type TagOrigin = readonly [entryPoint: string, className: string, ...parents: string[]]

/** Imports each entry point. */
export type Importers = Readonly<Record<string, () => Promise<unknown>>>

/**
 * Tags whose entry points are imported when a file names them, or when all tags have to be known. To everything else it looks as if
 * they had been registered first.
 */
export class LazyTags {
  readonly #waiting: Map<string, TagOrigin>
  /** The tags that another class has taken, or that were removed. */
  readonly #replaced = new Set<string>()

  /** `registrar` is what the tags are added to. */
  constructor(
    origins: Readonly<Record<Tag, TagOrigin>>,
    readonly importers: Importers,
    readonly registrar: Registrar,
  ) {
    this.#waiting = new Map(Object.entries(origins))
  }

  has(tag: string): boolean {
    return this.#waiting.has(tag)
  }

  tags(): Tag[] {
    return [...this.#waiting.keys()] as Tag[]
  }

  /** The name of the class of a tag, then those of its parents; `undefined` when it is imported, or is no class of this package. */
  classesOf(tag: string): readonly string[] | undefined {
    return this.#waiting.get(tag)?.slice(1)
  }

  /** Imports the classes of tags, and of the factories of tags. Other tags are ignored. */
  async import(tags: Iterable<string>): Promise<void> {
    const found = new Set([...tags].flatMap((tag) => this.#originOf(tag)?.[0] ?? []))
    await Promise.all([...found].map((entryPoint) => this.importers[entryPoint]!()))
  }

  /** Imports the class of a tag at once, for code that cannot wait. */
  require(tag: string): void {
    createRequire(import.meta.url)(this.#waiting.get(tag)![0])
  }

  /** Takes a tag from its class, if that is not imported yet. */
  replace(tag: string): boolean {
    const isWaiting = this.#waiting.delete(tag)
    if (isWaiting) this.#replaced.add(tag)
    return isWaiting
  }

  /** The options with which the class of a tag is registered, now that it is imported. */
  claim(tag: string): { registry?: Registrar } {
    if (this.#replaced.has(tag)) return { registry: nowhere }
    // Wherever the import came from, such as an extension, whose own classes are registered later.
    return this.#waiting.delete(tag) ? { registry: this.registrar } : {}
  }

  #originOf(tag: string): TagOrigin | undefined {
    return this.#waiting.get(tag) ?? this.#waiting.get(tag.slice(0, tag.lastIndexOf('.')))
  }
}

const nowhere: Registrar = { add: (Class) => Class }

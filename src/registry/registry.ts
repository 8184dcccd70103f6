import { RegistrationError } from '../errors.js'
import { declarationOf, define } from './declaration.js'
import type { LazyTags } from './lazy-tags.js'
import {
  type Class,
  checkStatics,
  type Registrar,
  type Registration,
  type RegistrationOptions,
  type ResolvedTag,
} from './registration.js'
import { checkTag, factoryTag, type Tag } from './tag.js'

/**
 * A set of tags and their classes.
 *
 * ```ts
 * const registry = new Registry()
 * registry.add(Train, '!Train')
 * load('!Train {}', { registry })
 * ```
 *
 * A tag belongs to one class. A class may have several tags; `dump` writes the one that was added last.
 */
export class Registry implements Registrar {
  readonly #parent: Registry | undefined
  readonly #tags = new Map<string, Registration>()
  readonly #tagsOf = new Map<Class, Tag[]>()
  readonly #options = new Map<Tag, RegistrationOptions>()
  readonly #resolved = new Map<string, ResolvedTag>()
  #lazy: LazyTags | undefined

  constructor(parent?: Registry) {
    this.#parent = parent
  }

  /**
   * Registers `Class` under `tag`; without a tag, under the tags that its decorators declare, or `!ClassName`.
   *
   * @throws {@link RegistrationError} when the tag belongs to another class and `override` is not set, when it
   * clashes with a factory, or when it is not valid.
   */
  add<C extends Class>(Class: C, tag?: Tag, options: RegistrationOptions = {}): C {
    if (typeof Class !== 'function') throw noClass(Class, tag)
    if (tag !== undefined) this.#addOne(Class, checkTag(tag), options)
    else
      for (const declared of declaredTags(Class))
        this.#addOne(Class, declared.tag, { ...declared.options, ...options })
    return Class
  }

  /** Adds another tag to a registered class, which `dump` then writes. */
  alias<C extends Class>(Class: C, tag: Tag, options: RegistrationOptions = {}): C {
    const first = this.tagOf(Class)
    const known = first && this.get(first)?.definition
    return this.add(
      Class,
      tag,
      known ? { ...known, factories: [...known.factories.keys()], ...options } : options,
    )
  }

  /** The class with this tag, else the factory after its last dot of the class with the tag before the dot. */
  get(tag: string): ResolvedTag | undefined {
    if (this.#parent) return this.#find(tag)
    const known = this.#resolved.get(tag)
    if (known) return known
    const found = this.#find(tag)
    if (found) this.#resolved.set(tag, found)
    return found
  }

  /** The tag with which objects of exactly this class are written. */
  tagOf(Class: Class): Tag | undefined {
    return this.#tagsOf.get(Class)?.at(-1) ?? this.#inheritedTagsOf(Class).at(-1)
  }

  /** All tags of classes, sorted. */
  tags(): Tag[] {
    const own = this.#tags.keys() as Iterable<Tag>
    const all = new Set([...(this.#parent?.tags() ?? []), ...own, ...(this.#lazy?.tags() ?? [])])
    return [...all].sort()
  }

  /** All tags that can be constructed: those of classes that are not abstract, and those of factories. */
  *writableTags(): Generator<Tag> {
    for (const tag of this.tags()) {
      const { abstract, definition } = this.get(tag)!
      if (!abstract) yield tag
      for (const name of definition.factories.keys()) yield factoryTag(tag, name)
    }
  }

  has(tag: string): boolean {
    return this.#isLazy(tag) || this.get(tag) !== undefined
  }

  /** Removes a tag from this registry, but not from its parent. Returns whether it was there. */
  remove(tag: Tag): boolean {
    if (this.#lazy?.replace(tag)) return true
    const registration = this.#tags.get(tag)
    if (!registration) return false
    this.#forget(registration)
    return true
  }

  /** @internal Adds tags whose classes are imported when they are needed. */
  addLazily(tags: LazyTags): void {
    this.#lazy = tags
  }

  /** @internal The tags that were added lazily, here or to a parent. */
  get lazyTags(): LazyTags | undefined {
    return this.#lazy ?? this.#parent?.lazyTags
  }

  /** Creates a registry that has the tags of this one and adds to itself. */
  child(): Registry {
    return new Registry(this)
  }

  #find(tag: string): ResolvedTag | undefined {
    const exact = this.#own(tag)
    if (exact) return exact
    const dot = tag.lastIndexOf('.')
    if (dot < 2) return undefined
    const owner = this.#own(tag.slice(0, dot))
    const factory = tag.slice(dot + 1)
    return owner?.definition.factories.has(factory) ? { ...owner, factory } : undefined
  }

  #own(tag: string): Registration | undefined {
    if (this.#lazy?.has(tag)) this.#lazy.require(tag)
    return this.#tags.get(tag) ?? (this.#parent ? this.#parent.#own(tag) : undefined)
  }

  #isLazy(tag: string): boolean {
    return this.#lazy?.has(tag) ?? (this.#parent ? !this.#tags.has(tag) && this.#parent.#isLazy(tag) : false)
  }

  // Only its name is known of a class that is not imported yet.
  #holderOf(tag: string): { readonly name: string } | undefined {
    const [name] = this.#lazy?.classesOf(tag) ?? []
    const own = name === undefined ? this.#tags.get(tag)?.Class : { name }
    return own ?? (this.#parent ? this.#parent.#holderOf(tag) : undefined)
  }

  // The tags of the parent that no class has overridden here.
  #inheritedTagsOf(Class: Class): Tag[] {
    const parent = this.#parent
    if (!parent) return []
    const all = [...parent.#inheritedTagsOf(Class), ...(parent.#tagsOf.get(Class) ?? [])]
    return all.filter((tag) => !this.#tags.has(tag))
  }

  #addOne(Class: Class, tag: Tag, options: RegistrationOptions): void {
    const holder = this.#holderOf(tag)
    if (holder && holder !== Class && !options.override) {
      if (!options.twin) throw taken(tag, holder, Class)
      this.#noteTag(Class, tag)
      return
    }
    this.#lazy?.replace(tag)
    const own = this.#tags.get(tag)
    if (own?.Class === Class && !options.override) return
    ;(Class as { [checkStatics]?: () => void })[checkStatics]?.()
    const registration = this.#registration(Class, tag, options)
    checkFactories(registration)
    if (!options.override) this.#checkClashes(registration)
    if (own) this.#forget(own)
    this.#tags.set(tag, registration)
    this.#options.set(tag, options)
    this.#noteTag(Class, tag)
    this.#redefine(Class, tag)
    if (options.factories || options.keys || options.templates || options.create)
      this.#redefineSubclasses(Class)
    this.#resolved.clear()
  }

  #optionsOf(Class: Class): RegistrationOptions[] {
    const own = this.#tagsOf.get(Class)?.map((tag) => this.#options.get(tag) ?? {}) ?? []
    return this.#parent ? [...this.#parent.#optionsOf(Class), ...own] : own
  }

  #noteTag(Class: Class, tag: Tag): void {
    const tags = this.#tagsOf.get(Class)
    if (tags) tags.push(tag)
    else this.#tagsOf.set(Class, [tag])
  }

  // A decorator above another may add options of the class.
  #redefine(Class: Class, added?: Tag): void {
    for (const tag of this.#tagsOf.get(Class)!)
      if (tag !== added && this.#tags.get(tag)?.Class === Class)
        this.#tags.set(tag, this.#registration(Class, tag, this.#options.get(tag) ?? {}))
  }

  // A subclass may have been added before the class that it inherits from.
  #redefineSubclasses(Parent: Class): void {
    for (const Class of this.#tagsOf.keys()) if (Class.prototype instanceof Parent) this.#redefine(Class)
  }

  #registration(Class: Class, tag: Tag, options: RegistrationOptions): Registration {
    const { deprecated, abstract = false } = options
    const definition = define(Class, options, (parent) => this.#optionsOf(parent))
    const registration = { tag, Class, definition, abstract }
    return deprecated === undefined ? registration : { ...registration, deprecated }
  }

  // "!A.b" must have one meaning, whichever of "!A" and "!A.b" came first.
  #checkClashes({ tag, Class, definition }: Registration): void {
    for (const name of definition.factories.keys()) {
      const exact = this.#own(factoryTag(tag, name))
      if (exact) throw clash(exact, { Class, name })
    }
    const dot = tag.lastIndexOf('.')
    const owner = dot < 2 ? undefined : this.#own(tag.slice(0, dot))
    const name = tag.slice(dot + 1)
    if (owner?.definition.factories.has(name)) throw clash({ tag, Class }, { Class: owner.Class, name })
  }

  #forget({ tag, Class }: Registration): void {
    this.#tags.delete(tag)
    this.#options.delete(tag)
    const left = this.#tagsOf.get(Class)?.filter((other) => other !== tag) ?? []
    if (left.length > 0) this.#tagsOf.set(Class, left)
    else this.#tagsOf.delete(Class)
    this.#resolved.clear()
  }
}

function declaredTags(Class: Class): { tag: Tag; options: RegistrationOptions }[] {
  return declarationOf(Class)?.tags ?? [{ tag: checkTag(`!${Class.name}`), options: {} }]
}

function checkFactories({ Class, definition }: Registration): void {
  for (const name of definition.factories.keys())
    if (typeof (Class as any)[name] !== 'function') throw noSuchFactory(Class, name)
  const { create } = definition
  if (create !== undefined && typeof (Class as any)[create] !== 'function') throw noSuchFactory(Class, create)
}

function noClass(found: unknown, tag: Tag | undefined): RegistrationError {
  const name = tag === undefined ? 'A class' : `The class of "${tag}"`
  if (found !== undefined)
    return new RegistrationError(`${name} must be a class, but is ${typeof found}`, { code: 'NO_CLASS' })
  const message = `${name} is undefined: check the name of its import, and whether two modules import each other`
  return new RegistrationError(message, { code: 'NO_CLASS' })
}

function taken(tag: Tag, holder: { readonly name: string }, Class: Class): RegistrationError {
  const both = `"${tag}" is already the tag of class "${holder.name}", so class "${Class.name}" cannot use it`
  return new RegistrationError(`${both}: choose another tag, or pass { override: true }`, {
    code: 'TAG_TAKEN',
  })
}

function clash(
  { tag, Class }: { tag: Tag; Class: Class },
  factory: { Class: Class; name: string },
): RegistrationError {
  const both = `"${tag}" would mean both class "${Class.name}" and factory "${factory.name}" of class "${factory.Class.name}"`
  return new RegistrationError(`${both}: rename one of them`, { code: 'TAG_CLASH' })
}

function noSuchFactory(Class: Class, name: string): RegistrationError {
  const message = `Class "${Class.name}" has no static method "${name}" to use as a factory`
  return new RegistrationError(`${message}: write "static ${name}(options) { ... }"`, {
    code: 'NO_SUCH_FACTORY',
  })
}

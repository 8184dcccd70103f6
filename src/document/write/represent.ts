import { RegistrationError } from '../../errors.js'
import {
  type AliasNode,
  aliasNode,
  coreTag,
  type Entry,
  isApplicationTag,
  type Node,
  type ScalarNode,
  scalarNode,
} from '../../node.js'
import type { Registry } from '../../registry/registry.js'
import type { Constructing } from '../construct/constructing.js'
import { recordOf } from '../construct/records.js'
import { isTemplate } from '../construct/template.js'
import { followed, mergeSources, target, textOf } from '../nodes.js'
import { isPlainObject } from '../plain-data.js'
import { maxDepth } from '../read/limits.js'
import { isSameData, isSameScalar } from './as-loaded.js'
import { entriesOf, mappingOf, sequenceOf } from './collection-writer.js'
import { isCoreCollection, isWritableDate, representCore } from './core-values.js'
import { InstanceWriter } from './instance-writer.js'
import { Unmade, valuesOf } from './loaded-values.js'
import type { Hint, Representing } from './representing.js'

/** Makes nodes of values: what was loaded becomes the node that it was loaded from, as far as it did not change. */
export class Representation implements Representing {
  /** The loaded node that a made one repeats or takes the place of. */
  readonly origins = new Map<Node, Node>()
  /** The loaded node that stood where a made one stands, where that is not its origin. */
  readonly places = new Map<Node, Node>()
  /** Where loaded nodes came from. */
  readonly sources = new Set<Constructing>()
  /** Whether anything stands in two places, so that it needs a name. */
  repeats = false
  /** Nothing as long as the node is being made. */
  readonly #made = new Map<object, Node | undefined>()
  readonly #keys = new Map<string, ScalarNode>()
  readonly #copied = new Map<Node, Node>()
  readonly #merged = new Map<Node, ReadonlyMap<string, Node>>()
  readonly #path: string[] = []
  readonly #instances = new InstanceWriter(this)

  constructor(
    readonly registry: Registry,
    readonly defaults: boolean,
  ) {}

  represent(value: unknown, hint?: Hint): Node {
    if (hint && isUnchanged(value, hint)) return this.copy(hint)
    if (typeof value === 'object' && value !== null) return this.#inPlace(this.#object(value, hint), hint)
    if (typeof value === 'function' || typeof value === 'symbol') throw this.#unwritable(`a ${typeof value}`)
    return this.from(scalarNode(value ?? null), hint)
  }

  // What takes the place of something else keeps its comment.
  #inPlace(made: Node, hint: Hint | undefined): Node {
    if (!hint || this.origins.get(made) === hint.node) return made
    this.places.set(made, hint.node)
    this.sources.add(hint.by)
    return made
  }

  /** Says which loaded node a made one takes the place of, and returns the made one. */
  from<N extends Node>(made: N, hint: Hint | undefined): N {
    if (!hint) return made
    this.origins.set(made, hint.node)
    this.sources.add(hint.by)
    return made
  }

  written(written: Node, by: Constructing): Node | undefined {
    const node = followed(written)
    const value = by.valueOf(node)
    const made = typeof value === 'object' && value !== null ? this.#made.get(value) : this.#copied.get(node)
    return made && followed(made)
  }

  isWrittenAs(value: unknown, written: Node, by: Constructing): boolean {
    const made = followed(written)
    if (isUnmade(value)) return this.#isCopied(followed(value.node), made)
    if (typeof value === 'object' && value !== null) return this.#made.get(value) === made
    if (made.kind !== 'scalar') return false
    if (!isApplicationTag(made.tag)) return isSameScalar(value ?? null, made.value)
    const origin = this.origins.get(made)
    return origin?.tag === made.tag && Object.is(by.valueOf(origin), value)
  }

  #isCopied(node: Node, made: Node): boolean {
    if (node.kind !== 'scalar' || made.kind !== 'scalar') return this.#copied.get(node) === made
    return node.tag === made.tag && isSameScalar(node.value, made.value)
  }

  mergedEntries(made: Node): ReadonlyMap<string, Node> {
    const known = this.#merged.get(made)
    if (known) return known
    const merged = new Map<string, Node>()
    if (made.kind !== 'mapping') return merged
    for (const { key, value, merge } of made.entries) if (!merge) merged.set(textOf(key), value)
    for (const { value, merge } of made.entries)
      if (merge)
        for (const source of mergeSources(value))
          for (const [name, node] of this.mergedEntries(followed(source)))
            if (!merged.has(name)) merged.set(name, node)
    this.#merged.set(made, merged)
    return merged
  }

  key(name: string): ScalarNode {
    const known = this.#keys.get(name)
    if (known) return known
    const made = scalarNode(name)
    this.#keys.set(name, made)
    return made
  }

  at<T>(step: string, make: () => T): T {
    if (this.#path.length >= maxDepth)
      throw this.#mistake(`is nested more than ${maxDepth} times`, 'TOO_DEEP')
    this.#path.push(step)
    const made = make()
    this.#path.pop()
    return made
  }

  copy({ node, by }: Hint): Node {
    if (node.kind === 'value') return this.represent(node.value)
    if (node.kind === 'alias') return this.#copyAlias(node, by)
    const before = this.#copied.get(node)
    if (before) return this.#alias(before)
    const value = isSimple(node) ? undefined : by.valueOf(node)
    if (typeof value === 'object' && value !== null) return this.#loaded(value, { node, by })
    return this.#remember(node, this.#structure({ node, by }))
  }

  // Where its anchor is not written, what it repeats is.
  #copyAlias(node: AliasNode, by: Constructing): Node {
    const made = this.copy({ node: target(node), by })
    return made.kind === 'alias' ? this.from(made, { node, by }) : this.#inPlace(made, { node, by })
  }

  copyEntry({ key, value, merge }: Entry, by: Constructing): Entry {
    const step = key.kind === 'scalar' ? String(key.value) : ''
    return {
      key: this.copy({ node: key, by }),
      value: this.at(step, () => this.copy({ node: value, by })),
      merge,
    }
  }

  #loaded(value: object, hint: Hint): Node {
    const made = this.#made.get(value)
    if (made) return this.#alias(made)
    return this.#remember(hint.node, this.#object(value, hint))
  }

  #remember(from: Node, made: Node): Node {
    // Two equal scalars are one only where the file says so.
    const shared = from.kind !== 'scalar' || from.anchor !== undefined
    if (made.kind !== 'alias' && shared) this.#copied.set(from, made)
    return made
  }

  /** A loaded node, its children copied. */
  #structure({ node, by }: Hint): Node {
    if (node.kind === 'sequence') {
      const items = node.items.map((item, index) =>
        this.at(`[${index}]`, () => this.copy({ node: item, by })),
      )
      return this.from({ ...node, items }, { node, by })
    }
    if (node.kind !== 'mapping') return this.from({ ...node }, { node, by })
    const entries = node.entries.some(({ merge }) => merge)
      ? entriesOf(valuesOf(node, by), this, { node, by })
      : node.entries.map((entry) => this.copyEntry(entry, by))
    return this.from({ ...node, entries }, { node, by })
  }

  #object(value: object, hint?: Hint): Node {
    const made = this.#made.get(value)
    if (made) return this.from(this.#alias(made), hint?.node.kind === 'alias' ? hint : undefined)
    if (this.#made.has(value)) throw this.#mistake('contains itself', 'CYCLE')
    this.#made.set(value, undefined)
    const node = this.#make(value, hint)
    this.#made.set(value, node)
    return node
  }

  #make(value: object, place: Hint | undefined): Node {
    if (isUnmade(value)) return this.copy(value)
    const { loaded, made } = recordOf(value) ?? {}
    // What a "fromYaml" or a factory made as plain data stands as it stood, or anew.
    if (loaded && made !== undefined && isSameData(value, made)) return this.#structure(loaded)
    const hint = made === undefined ? (loaded ?? styleOf(place)) : undefined
    if (Array.isArray(value))
      return this.#pairs(value, hint) ?? sequenceOf(value, this, { hint: ofKind(hint, 'sequence') })
    if (isPlainObject(value)) return mappingOf(Object.entries(value), this, { hint: ofKind(hint, 'mapping') })
    return this.#core(value, hint, place) ?? this.#instances.represent(value)
  }

  #pairs(value: object, hint: Hint | undefined): Node | undefined {
    return hint && isCoreCollection(hint.node) ? representCore(value, this, hint) : undefined
  }

  #core(value: object, hint: Hint | undefined, place: Hint | undefined): Node | undefined {
    if (value instanceof Date && !isWritableDate(value))
      throw this.#unwritable('no date of the years 100 to 9999')
    const node = place && followed(place.node)
    if (node?.kind === 'scalar' && place!.by.valueOf(node) === value && isSameScalar(value, node.value))
      return this.#structure({ node, by: place!.by })
    return representCore(value, this, hint)
  }

  #alias(to: Node): AliasNode {
    this.repeats = true
    return aliasNode(to)
  }

  #unwritable(what: string): RegistrationError {
    return this.#mistake(`is ${what}, which YAML cannot hold`, 'UNWRITABLE')
  }

  #mistake(what: string, code: string): RegistrationError {
    const way = this.#path.map((step) => (step.startsWith('[') ? step : `.${step}`)).join('')
    const place = way === '' ? 'What is dumped' : `The value at "${way.replace(/^\./, '').slice(0, 400)}"`
    return new RegistrationError(`${place} ${what}`, { code })
  }
}

/** Whether a value is what the scalar in its place says. */
function isUnchanged(value: unknown, { node, by }: Hint): boolean {
  const loaded = followed(node)
  if (loaded.kind !== 'scalar') return false
  return isApplicationTag(loaded.tag)
    ? typeof value !== 'object' && Object.is(by.valueOf(loaded), value)
    : isSameScalar(value ?? null, loaded.value) && isSimple(loaded)
}

// Its node says all of it: no object was made of it.
function isSimple(node: Node): boolean {
  return (
    node.kind === 'scalar' &&
    (typeof node.value !== 'object' || node.value === null) &&
    !isApplicationTag(node.tag)
  )
}

function isUnmade(value: unknown): value is Hint {
  return typeof value === 'object' && value !== null && (value instanceof Unmade || isTemplate(value))
}

// What takes the place of a collection is written in its style, but is not what others repeat.
function styleOf(place: Hint | undefined): Hint | undefined {
  const node = place?.node
  if (node?.kind !== 'sequence' && node?.kind !== 'mapping') return undefined
  return isOwnTag(node.tag) ? undefined : { node, by: place!.by, styleOnly: true }
}

function isOwnTag(tag: string | undefined): boolean {
  return tag !== undefined && (isApplicationTag(tag) || tag.startsWith(coreTag))
}

function ofKind(hint: Hint | undefined, kind: Node['kind']): Hint | undefined {
  return hint?.node.kind === kind && !isCoreCollection(hint.node) ? hint : undefined
}

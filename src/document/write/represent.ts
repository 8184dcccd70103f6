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
import { isPlainObject } from '../../util/plain-object.js'
import type { ConstructContext } from '../construct/construct-context.js'
import { provenanceOf } from '../construct/provenance.js'
import { isSameData, isSameScalar } from '../construct/snapshot.js'
import { isTemplate } from '../construct/template.js'
import { aliasTarget, mergeSources, resolveAlias, textOfKey } from '../nodes.js'
import { maxDepth } from '../read/parsed.js'
import { entriesOf, mappingOf, sequenceOf } from './collection-writer.js'
import { isCoreCollection, isWritableDate, representCore } from './core-values.js'
import { InstanceWriter } from './instance-writer.js'
import { type Origin, type RepresentContext, Unconstructed, valuesOf } from './represent-context.js'

/** Makes nodes of values: what was loaded becomes the node that it was loaded from, as far as it did not change. */
export class Representation implements RepresentContext {
  /** The loaded node that a made one repeats or takes the place of. */
  readonly origins = new Map<Node, Node>()
  /** The loaded node that stood where a made one stands, where that is not its origin. */
  readonly replaced = new Map<Node, Node>()
  /** Where loaded nodes came from. */
  readonly sources = new Set<ConstructContext>()
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

  represent(value: unknown, origin?: Origin): Node {
    if (origin && isUnchanged(value, origin)) return this.copy(origin)
    if (typeof value === 'object' && value !== null) return this.#inPlace(this.#object(value, origin), origin)
    if (typeof value === 'function' || typeof value === 'symbol') throw this.#unwritable(`a ${typeof value}`)
    return this.recordOrigin(scalarNode(value ?? null), origin)
  }

  // What takes the place of something else keeps its comment.
  #inPlace(made: Node, origin: Origin | undefined): Node {
    if (!origin || this.origins.get(made) === origin.node) return made
    this.replaced.set(made, origin.node)
    this.sources.add(origin.context)
    return made
  }

  /** Says which loaded node a made one takes the place of, and returns the made one. */
  recordOrigin<N extends Node>(made: N, origin: Origin | undefined): N {
    if (!origin) return made
    this.origins.set(made, origin.node)
    this.sources.add(origin.context)
    return made
  }

  written(written: Node, context: ConstructContext): Node | undefined {
    const node = resolveAlias(written)
    const value = context.valueOf(node)
    const made = typeof value === 'object' && value !== null ? this.#made.get(value) : this.#copied.get(node)
    return made && resolveAlias(made)
  }

  isWrittenAs(value: unknown, written: Node, context: ConstructContext): boolean {
    const made = resolveAlias(written)
    if (isUnconstructed(value)) return this.#isCopied(resolveAlias(value.node), made)
    if (typeof value === 'object' && value !== null) return this.#made.get(value) === made
    if (made.kind !== 'scalar') return false
    if (!isApplicationTag(made.tag)) return isSameScalar(value ?? null, made.value)
    const origin = this.origins.get(made)
    return origin?.tag === made.tag && Object.is(context.valueOf(origin), value)
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
    for (const { key, value, merge } of made.entries) if (!merge) merged.set(textOfKey(key), value)
    for (const { value, merge } of made.entries)
      if (merge)
        for (const source of mergeSources(value))
          for (const [name, node] of this.mergedEntries(resolveAlias(source)))
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

  within<T>(step: string, make: () => T): T {
    if (this.#path.length >= maxDepth)
      throw this.#mistake(`is nested more than ${maxDepth} times`, 'TOO_DEEP')
    this.#path.push(step)
    const made = make()
    this.#path.pop()
    return made
  }

  copy({ node, context }: Origin): Node {
    if (node.kind === 'value') return this.represent(node.value)
    if (node.kind === 'alias') return this.#copyAlias(node, context)
    const before = this.#copied.get(node)
    if (before) return this.#alias(before)
    const value = isSimple(node) ? undefined : context.valueOf(node)
    if (typeof value === 'object' && value !== null) return this.#loaded(value, { node, context })
    return this.#remember(node, this.#structure({ node, context }))
  }

  // Where its anchor is not written, what it repeats is.
  #copyAlias(node: AliasNode, context: ConstructContext): Node {
    const made = this.copy({ node: aliasTarget(node), context })
    return made.kind === 'alias'
      ? this.recordOrigin(made, { node, context })
      : this.#inPlace(made, { node, context })
  }

  copyEntry({ key, value, merge }: Entry, context: ConstructContext): Entry {
    const step = key.kind === 'scalar' ? String(key.value) : ''
    return {
      key: this.copy({ node: key, context }),
      value: this.within(step, () => this.copy({ node: value, context })),
      merge,
    }
  }

  #loaded(value: object, origin: Origin): Node {
    const made = this.#made.get(value)
    if (made) return this.#alias(made)
    return this.#remember(origin.node, this.#object(value, origin))
  }

  #remember(from: Node, made: Node): Node {
    // Two equal scalars are one only where the file says so.
    const shared = from.kind !== 'scalar' || from.anchor !== undefined
    if (made.kind !== 'alias' && shared) this.#copied.set(from, made)
    return made
  }

  /** A loaded node, its children copied. */
  #structure({ node, context }: Origin): Node {
    if (node.kind === 'sequence') {
      const items = node.items.map((item, index) =>
        this.within(`[${index}]`, () => this.copy({ node: item, context })),
      )
      return this.recordOrigin({ ...node, items }, { node, context })
    }
    if (node.kind !== 'mapping') return this.recordOrigin({ ...node }, { node, context })
    const entries = node.entries.some(({ merge }) => merge)
      ? entriesOf(valuesOf(node, context), this, { node, context })
      : node.entries.map((entry) => this.copyEntry(entry, context))
    return this.recordOrigin({ ...node, entries }, { node, context })
  }

  #object(value: object, origin?: Origin): Node {
    const made = this.#made.get(value)
    if (made) return this.recordOrigin(this.#alias(made), origin?.node.kind === 'alias' ? origin : undefined)
    if (this.#made.has(value)) throw this.#mistake('contains itself', 'CYCLE')
    this.#made.set(value, undefined)
    const node = this.#make(value, origin)
    this.#made.set(value, node)
    return node
  }

  #make(value: object, replaced: Origin | undefined): Node {
    if (isUnconstructed(value)) return this.copy(value)
    const { loaded, snapshot: made } = provenanceOf(value) ?? {}
    // What a "fromYaml" or a factory made as plain data stands as it stood, or anew.
    if (loaded && made !== undefined && isSameData(value, made)) return this.#structure(loaded)
    const origin = made === undefined ? (loaded ?? styleOf(replaced)) : undefined
    if (Array.isArray(value))
      return this.#pairs(value, origin) ?? sequenceOf(value, this, { origin: ofKind(origin, 'sequence') })
    if (isPlainObject(value))
      return mappingOf(Object.entries(value), this, { origin: ofKind(origin, 'mapping') })
    return this.#core(value, origin, replaced) ?? this.#instances.represent(value)
  }

  #pairs(value: object, origin: Origin | undefined): Node | undefined {
    return origin && isCoreCollection(origin.node) ? representCore(value, this, origin) : undefined
  }

  #core(value: object, origin: Origin | undefined, replaced: Origin | undefined): Node | undefined {
    if (value instanceof Date && !isWritableDate(value))
      throw this.#unwritable('no date of the years 100 to 9999')
    const node = replaced && resolveAlias(replaced.node)
    if (
      node?.kind === 'scalar' &&
      replaced!.context.valueOf(node) === value &&
      isSameScalar(value, node.value)
    )
      return this.#structure({ node, context: replaced!.context })
    return representCore(value, this, origin)
  }

  #alias(node: Node): AliasNode {
    this.repeats = true
    return aliasNode(node)
  }

  #unwritable(what: string): RegistrationError {
    return this.#mistake(`is ${what}, which YAML cannot hold`, 'UNWRITABLE')
  }

  #mistake(what: string, code: string): RegistrationError {
    const way = this.#path.map((step) => (step.startsWith('[') ? step : `.${step}`)).join('')
    const subject = way === '' ? 'What is dumped' : `The value at "${way.replace(/^\./, '').slice(0, 400)}"`
    return new RegistrationError(`${subject} ${what}`, { code })
  }
}

/** Whether a value is what the scalar in its place says. */
function isUnchanged(value: unknown, { node, context }: Origin): boolean {
  const loaded = resolveAlias(node)
  if (loaded.kind !== 'scalar') return false
  return isApplicationTag(loaded.tag)
    ? typeof value !== 'object' && Object.is(context.valueOf(loaded), value)
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

function isUnconstructed(value: unknown): value is Origin {
  return typeof value === 'object' && value !== null && (value instanceof Unconstructed || isTemplate(value))
}

// What takes the place of a collection is written in its style, but is not what others repeat.
function styleOf(replaced: Origin | undefined): Origin | undefined {
  const node = replaced?.node
  if (node?.kind !== 'sequence' && node?.kind !== 'mapping') return undefined
  return isOwnTag(node.tag) ? undefined : { node, context: replaced!.context, styleOnly: true }
}

function isOwnTag(tag: string | undefined): boolean {
  return tag !== undefined && (isApplicationTag(tag) || tag.startsWith(coreTag))
}

function ofKind(origin: Origin | undefined, kind: Node['kind']): Origin | undefined {
  return origin?.node.kind === kind && !isCoreCollection(origin.node) ? origin : undefined
}

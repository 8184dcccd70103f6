import { RegistrationError } from '../../errors.js'
import {
  type AliasNode,
  aliasNode,
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
import { target } from '../nodes.js'
import { isPlainObject } from '../plain-data.js'
import { maxDepth } from '../read/limits.js'
import { isAsLoaded, isSameScalar } from './as-loaded.js'
import { mappingOf, sequenceOf } from './collection-writer.js'
import { isWritableDate, representCore } from './core-values.js'
import { InstanceWriter } from './instance-writer.js'
import type { Hint, Representing } from './representing.js'

/** Makes nodes of values: what was loaded becomes the node that it was loaded from, as far as it did not change. */
export class Representation implements Representing {
  /** The loaded node that a made one repeats or takes the place of. */
  readonly origins = new Map<Node, Node>()
  /** Where loaded nodes came from. */
  readonly sources = new Set<Constructing>()
  /** Whether anything stands in two places, so that it needs a name. */
  repeats = false
  /** Nothing as long as the node is being made. */
  readonly #made = new Map<object, Node | undefined>()
  readonly #keys = new Map<string, ScalarNode>()
  readonly #copied = new Map<Node, Node>()
  readonly #path: string[] = []
  readonly #instances = new InstanceWriter(this)

  constructor(
    readonly registry: Registry,
    readonly defaults: boolean,
  ) {}

  represent(value: unknown, hint?: Hint): Node {
    if (hint && isUnchanged(value, hint)) return this.copy(hint)
    if (typeof value === 'object' && value !== null) return this.#object(value, hint)
    if (typeof value === 'function' || typeof value === 'symbol') throw this.#unwritable(`a ${typeof value}`)
    return this.from(scalarNode(value ?? null), hint)
  }

  /** Says which loaded node a made one takes the place of, and returns the made one. */
  from<N extends Node>(made: N, hint: Hint | undefined): N {
    if (!hint) return made
    this.origins.set(made, hint.node)
    this.sources.add(hint.by)
    return made
  }

  isMade(value: unknown): boolean {
    return this.#made.has(value as object)
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
    const value = node.kind === 'scalar' && !isApplicationTag(node.tag) ? undefined : by.valueOf(node)
    if (typeof value === 'object' && value !== null) return this.#loaded(value, { node, by })
    return this.#remember(node, this.#structure({ node, by }))
  }

  // Where its anchor is not written, what it repeats is.
  #copyAlias(node: AliasNode, by: Constructing): Node {
    const made = this.copy({ node: target(node), by })
    return made.kind === 'alias' ? this.from(made, { node, by }) : made
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
    if (isApplicationTag(hint.node.tag)) return this.#remember(hint.node, this.#object(value))
    const node = this.#remember(hint.node, this.#structure(hint))
    this.#made.set(value, node)
    return node
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
    return this.from(
      { ...node, entries: node.entries.map((entry) => this.copyEntry(entry, by)) },
      { node, by },
    )
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
    if (isTemplate(value)) return this.copy({ node: value.node, by: value.by })
    const hint = recordOf(value)?.loaded ?? styleOf(place)
    if (Array.isArray(value)) return sequenceOf(value, this, { hint })
    if (isPlainObject(value)) return mappingOf(Object.entries(value), this, { hint })
    if (value instanceof Date && !isWritableDate(value))
      throw this.#unwritable('no date of the years 100 to 9999')
    const core = representCore(value, this)
    return core ? this.from(core, place) : this.#instances.represent(value)
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

/** Whether a value that has no record of its own is what the node in its place was loaded as. */
function isUnchanged(value: unknown, { node, by }: Hint): boolean {
  const loaded = node.kind === 'alias' ? node.target : node
  if (loaded?.kind === 'scalar' && !isApplicationTag(loaded.tag))
    return isSameScalar(value ?? null, loaded.value)
  if (!loaded || Array.isArray(value) || isPlainObject(value)) return false
  return by.valueOf(loaded) === value && isAsLoaded(value, loaded, by)
}

// What takes the place of a collection is written in its style, but is not what others repeat.
function styleOf(place: Hint | undefined): Hint | undefined {
  const node = place?.node
  if (node?.kind !== 'sequence' && node?.kind !== 'mapping') return undefined
  return isApplicationTag(node.tag) ? undefined : { node, by: place!.by, styleOnly: true }
}

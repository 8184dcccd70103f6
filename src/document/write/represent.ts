import { isDeepStrictEqual } from 'node:util'
import { RegistrationError } from '../../errors.js'
import {
  type AliasNode,
  aliasNode,
  coreTag,
  type Entry,
  type FormatNode,
  isApplicationTag,
  type LinkNode,
  type Node,
  type ScalarNode,
  scalarNode,
} from '../../node.js'
import type { Registry } from '../../registry/registry.js'
import type { Source } from '../../source.js'
import { isPlainObject } from '../../util/plain-object.js'
import { isSecretName } from '../../util/private-names.js'
import { type FormatPath, parseFormat, scalarText } from '../compose/format.js'
import type { ConstructContext } from '../construct/construct-context.js'
import { readLink } from '../construct/link.js'
import { provenanceOf } from '../construct/provenance.js'
import { isSameData, isSameScalar } from '../construct/snapshot.js'
import { isTemplate } from '../construct/template.js'
import { aliasTarget, mergeSources, resolveAlias, textOfKey } from '../nodes.js'
import { parsePath, type Step } from '../path.js'
import { maxDepth } from '../read/parsed.js'
import { entriesOf, mappingOf, sequenceOf } from './collection-writer.js'
import { isCoreCollection, isWritableDate, representCore } from './core-values.js'
import { InstanceWriter } from './instance-writer.js'
import { MadePaths } from './made-paths.js'
import { type Origin, type RepresentContext, Unconstructed, valuesOf } from './represent-context.js'

/** Makes the nodes of values: loaded values get their loaded nodes, as far as they did not change. */
export class Representation implements RepresentContext {
  /** The loaded node that a made one comes from. */
  readonly origins = new Map<Node, Node>()
  /** The loaded node that a made one replaces, where that is not its origin. */
  readonly replaced = new Map<Node, Node>()
  /** The contexts of the loaded nodes. */
  readonly sources = new Set<ConstructContext>()
  /** Those of them that were composed or edited: each node is looked for in these alone. */
  readonly #composed = new Set<ConstructContext>()
  /** Whether a value is repeated, so that it needs an anchor. */
  repeats = false
  /** The node of each object; `undefined` while it is being made. */
  readonly #made = new Map<object, Node | undefined>()
  readonly #keys = new Map<string, ScalarNode>()
  readonly #copied = new Map<Node, Node>()
  readonly #merged = new Map<Node, ReadonlyMap<string, Node>>()
  readonly #path: string[] = []
  readonly #instances = new InstanceWriter(this)

  /** `!ref` and `!link` scalars that were written, each with the node that it leads to. */
  readonly #references = new Map<Node, Reference>()
  /** Whether the node of a template that is not built is being copied: in it, references hold. */
  #inTemplate = false
  /** The texts of formats in such templates. */
  readonly #templateFormats = new Set<Node>()

  constructor(
    readonly registry: Registry,
    readonly options: RepresentOptions,
    /** Whether the objects that links gave can be written. */
    readonly writable = new Map<object, boolean>(),
  ) {}

  get defaults(): boolean {
    return this.options.defaults
  }

  /** The node of the text in whose place a loaded node was composed. */
  writtenFor(node: Node): Node | undefined {
    for (const { document } of this.#composed) {
      const written = document.written?.get(node)
      if (written) return written
    }
    return undefined
  }

  /** The loaded nodes whose place a made one takes: in the text, or by the `set` of an `!extends` or an override. */
  replacedBy(made: Node): readonly Node[] {
    const origin = this.origins.get(made)
    const replaced = this.replaced.get(made)
    if (replaced || !origin) return replaced ? [replaced] : []
    const before: Node[] = []
    for (const { document } of this.#composed)
      for (let node = document.replaced?.get(origin); node; node = document.replaced?.get(node))
        before.push(node)
    return before
  }

  /** The text of the loaded document that has composed nodes. */
  get topSource(): Source | undefined {
    return [...this.#composed].find(({ document }) => document.written)?.source
  }

  /** Records that a made node was made again. */
  replaceMade(before: Node, made: Node): void {
    for (const map of [this.origins, this.replaced]) {
      const loaded = map.get(before)
      if (loaded) map.set(made, loaded)
    }
  }

  represent(value: unknown, origin?: Origin): Node {
    if (origin && (isUnchanged(value, origin) || isReferred(value, origin))) return this.copy(origin)
    if (typeof value === 'object' && value !== null) return this.#inPlace(this.#object(value, origin), origin)
    if (typeof value === 'function' || typeof value === 'symbol') throw this.#unwritable(`a ${typeof value}`)
    return this.recordOrigin(scalarNode(value ?? null), origin)
  }

  // A value that replaces another keeps the comment.
  #inPlace(made: Node, origin: Origin | undefined): Node {
    if (!origin || this.origins.get(made) === origin.node) return made
    this.replaced.set(made, origin.node)
    this.#addSource(origin.context)
    return made
  }

  /** Records which loaded node a made one comes from, and returns the made one. */
  recordOrigin<N extends Node>(made: N, origin: Origin | undefined): N {
    if (!origin) return made
    this.origins.set(made, origin.node)
    this.#addSource(origin.context)
    return made
  }

  #addSource(context: ConstructContext): void {
    this.sources.add(context)
    if (context.document.written || context.document.replaced) this.#composed.add(context)
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
      throw this.#mistake(`is nested more than ${maxDepth} levels deep`, 'TOO_DEEP')
    this.#path.push(step)
    const made = make()
    this.#path.pop()
    return made
  }

  copy({ node, context }: Origin): Node {
    if (node.kind === 'value') return this.represent(node.value)
    if (node.kind === 'alias') return this.#reference(node, context) ?? this.#copyAlias(node, context)
    if (node.kind === 'link') return this.#link(node, context)
    if (node.kind === 'format') return this.#format(node, context)
    const before = this.#copied.get(node)
    if (before) return this.#alias(before)
    if (isSimple(node)) return this.#remember(node, this.#structure({ node, context }))
    const value = context.valueOf(node)
    if (typeof value === 'object' && value !== null) return this.#loaded(value, { node, context })
    if (value !== undefined) return this.#remember(node, this.#structure({ node, context }))
    // Outside templates, everything is constructed.
    return this.#remember(
      node,
      this.#asTemplate(() => this.#structure({ node, context })),
    )
  }

  // If its anchor is not written, its target is.
  #copyAlias(node: AliasNode, context: ConstructContext): Node {
    const made = this.copy({ node: aliasTarget(node), context })
    return made.kind === 'alias'
      ? this.recordOrigin(made, { node, context })
      : this.#inPlace(made, { node, context })
  }

  // `!ref` stays, as long as its path leads to the same value.
  #reference(node: AliasNode, context: ConstructContext): Node | undefined {
    const written = context.document.written?.get(node)
    if (!written || this.options.resolved || this.options.expanded) return undefined
    const made = this.recordOrigin({ ...written }, { node: written, context })
    this.#refer({ made, loaded: node, target: aliasTarget(node), context, rest: 0 })
    return made
  }

  #link(node: LinkNode, context: ConstructContext): Node {
    const value = context.valueOf(node)
    if (this.options.expanded && value !== undefined && this.#isWritable(value))
      return this.#inPlace(this.represent(value), { node, context })
    const written = context.document.written?.get(node)
    const made = written
      ? this.recordOrigin({ ...written }, { node: written, context })
      : scalarNode(node.path, '!link')
    this.#refer({ made, loaded: node, target: node.target, context, rest: node.rest.length })
    return made
  }

  // Otherwise, the link that gave the value stays.
  #isWritable(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return typeof value !== 'symbol'
    if (this.#made.get(value)) return true
    const known = this.writable.get(value)
    if (known !== undefined) return known
    // An object that contains itself through links is not.
    this.writable.set(value, false)
    try {
      new Representation(this.registry, this.options, this.writable).represent(value)
      this.writable.set(value, true)
      return true
    } catch {
      return false
    }
  }

  // In a template that is not built, it stays.
  #format(node: FormatNode, context: ConstructContext): Node {
    const value = context.valueOf(node)
    if (value !== undefined) return this.recordOrigin(scalarNode(value), { node, context })
    const written = context.document.written?.get(node)
    return written
      ? this.recordOrigin({ ...written }, { node: written, context })
      : scalarNode(node.text, node.tag ?? '!format')
  }

  #refer(reference: Reference): void {
    if (!this.#inTemplate) this.#references.set(reference.made, reference)
  }

  /** Whether every `!ref` and `!link` that was written leads to what it led to when it was loaded. */
  referencesHold(root: Node): boolean {
    if (this.#references.size === 0) return true
    const paths = this.pathsOf(root)
    return [...this.#references.values()].every((reference) => this.#leadsTo(reference, paths))
  }

  /** Whether the `!format` of a made scalar would give its text again. */
  formatHolds(made: ScalarNode, written: ScalarNode, paths: MadePaths): boolean {
    if (this.#templateFormats.has(made)) return true
    const { parts = [] } = parseFormat(String(written.value)) as { parts?: readonly (string | FormatPath)[] }
    const texts = parts.map((part) => (typeof part === 'string' ? part : this.#textAt(part.steps, paths)))
    return !texts.includes(undefined) && texts.join('') === made.value
  }

  #textAt(steps: readonly Step[], paths: MadePaths): string | undefined {
    const node = paths.follow(steps)
    return node?.kind === 'scalar' && this.topSource ? scalarText(node, this.topSource) : undefined
  }

  #leadsTo(reference: Reference, paths: MadePaths): boolean {
    const { loaded, context } = reference
    return this.#findsTarget(reference, paths) && (loaded.kind !== 'link' || givesAgain(loaded, context))
  }

  #findsTarget({ made, target, context, rest }: Reference, paths: MadePaths): boolean {
    const steps = stepsOf(made)
    const node = paths.follow(rest === 0 ? steps : steps.slice(0, -rest))
    const link = node && this.#references.get(node)
    if (link || target.kind === 'link') return link?.loaded === target
    const value = context.valueOf(target)
    if (typeof value === 'object' && value !== null) return this.#made.get(value) === node
    return node?.kind === 'scalar' && target.kind === 'scalar' && isSameScalar(node.value, target.value)
  }

  /** Follows paths in a made tree. */
  pathsOf(root: Node): MadePaths {
    return new MadePaths({
      root,
      stepsOf: (made) => (this.#references.get(made)?.rest === 0 ? stepsOf(made) : undefined),
      mergedEntries: (made) => this.mergedEntries(made),
    })
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
    // Equal scalars are shared only if the file does so with an anchor.
    const shared = from.kind !== 'scalar' || from.anchor !== undefined
    if (made.kind !== 'alias' && shared) this.#copied.set(from, made)
    return made
  }

  /** Copies a loaded node with its children. */
  #structure({ node, context }: Origin): Node {
    if (node.kind === 'sequence') {
      const items = node.items.map((item, index) =>
        this.within(`[${index}]`, () => this.copy({ node: item, context })),
      )
      return this.recordOrigin({ ...node, items }, { node, context })
    }
    if (node.kind !== 'mapping') return this.#leaf(node, context)
    const entries = node.entries.some(({ merge }) => merge)
      ? entriesOf(valuesOf(node, context), this, { node, context })
      : node.entries.map((entry) => this.copyEntry(entry, context))
    return this.recordOrigin({ ...node, entries }, { node, context })
  }

  #leaf(node: Node, context: ConstructContext): Node {
    const kept = this.#keptVariable(node, context)
    if (kept) return this.recordOrigin({ ...kept }, { node, context })
    const made = this.recordOrigin({ ...node }, { node, context })
    if (this.#inTemplate && node.kind === 'scalar' && node.origin) this.#templateFormats.add(made)
    return made
  }

  /** The `!env` or `!format` of a value that must not be written out. */
  #keptVariable(node: Node, { document }: ConstructContext): Node | undefined {
    if (!this.options.keepsSecretVariables || node.kind !== 'scalar') return undefined
    const variable = node.origin?.variable
    return variable !== undefined && isSecretName(variable) ? document.written?.get(node) : undefined
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
    if (isUnconstructed(value)) return this.#asTemplate(() => this.copy(value))
    const { loaded, snapshot } = provenanceOf(value) ?? {}
    // Plain data of a "fromYaml" or factory is written as it was loaded if it did not change.
    if (loaded && snapshot !== undefined && isSameData(value, snapshot)) return this.#structure(loaded)
    const origin = snapshot === undefined ? (loaded ?? styleOf(replaced)) : undefined
    if (Array.isArray(value))
      return this.#pairs(value, origin) ?? sequenceOf(value, this, { origin: ofKind(origin, 'sequence') })
    if (isPlainObject(value))
      return mappingOf(Object.entries(value), this, { origin: ofKind(origin, 'mapping') })
    return this.#core(value, origin, replaced) ?? this.#instances.represent(value)
  }

  #asTemplate(make: () => Node): Node {
    const before = this.#inTemplate
    this.#inTemplate = true
    const made = make()
    this.#inTemplate = before
    return made
  }

  #pairs(value: object, origin: Origin | undefined): Node | undefined {
    return origin && isCoreCollection(origin.node) ? representCore(value, this, origin) : undefined
  }

  #core(value: object, origin: Origin | undefined, replaced: Origin | undefined): Node | undefined {
    if (value instanceof Date && !isWritableDate(value))
      throw this.#unwritable('a date outside the years 100 to 9999')
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
    return this.#mistake(`is ${what}, which YAML cannot represent`, 'UNWRITABLE')
  }

  #mistake(what: string, code: string): RegistrationError {
    const way = this.#path.map((step) => (step.startsWith('[') ? step : `.${step}`)).join('')
    const subject = way === '' ? 'The dumped value' : `The value at "${way.replace(/^\./, '').slice(0, 400)}"`
    return new RegistrationError(`${subject} ${what}`, { code })
  }
}

/** How values are written. */
export interface RepresentOptions {
  readonly defaults: boolean
  /** Included parts and references are written out. */
  readonly resolved: boolean
  /** Only references are written out. */
  readonly expanded?: boolean
  /** The `!env` of a variable whose name looks like that of a secret stays, and so does a `!format` with it. */
  readonly keepsSecretVariables?: boolean
}

/** A reference that was written, and what it led to. */
interface Reference {
  readonly made: Node
  /** The alias or link that it was loaded as. */
  readonly loaded: Node
  readonly target: Node
  readonly context: ConstructContext
  /** The number of steps of its path that are read from an object. */
  readonly rest: number
}

function stepsOf(reference: Node): readonly Step[] {
  return parsePath(String((reference as ScalarNode).value)).steps
}

/** Whether the attribute that a link read has the same value still. */
function givesAgain(link: LinkNode, context: ConstructContext): boolean {
  const [value, object] = [context.valueOf(link), context.valueOf(resolveAlias(link.target))]
  if (value === undefined || object === undefined) return true
  try {
    return isDeepStrictEqual(readLink(link, object, context.source), value)
  } catch {
    return false
  }
}

/** Whether a value is still what a reference led to. */
function isReferred(value: unknown, { node, context }: Origin): boolean {
  if (node.kind === 'link' || node.kind === 'format') return Object.is(value, context.valueOf(node))
  if (node.kind !== 'alias' || !context.document.written?.has(node)) return false
  const target = aliasTarget(node)
  return (typeof value === 'object' || target.kind === 'link') && Object.is(value, context.valueOf(target))
}

/** Whether a value is still what its scalar says. */
function isUnchanged(value: unknown, { node, context }: Origin): boolean {
  const loaded = resolveAlias(node)
  if (loaded.kind !== 'scalar') return false
  return isApplicationTag(loaded.tag)
    ? typeof value !== 'object' && Object.is(context.valueOf(loaded), value)
    : isSameScalar(value ?? null, loaded.value) && isSimple(loaded)
}

// Whether the node has the whole value: no object was constructed from it.
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

// A value that replaces a collection gets its style, but not its anchor.
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

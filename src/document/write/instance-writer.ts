import { isDeepStrictEqual } from 'node:util'
import { RegistrationError } from '../../errors.js'
import { isApplicationTag, type Node, scalarNode } from '../../node.js'
import type { Representer } from '../../registry/hooks.js'
import { type Class, type ResolvedTag, schemaOf } from '../../registry/registration.js'
import { inputDefaults, knownKeys, type StandardSchema } from '../../registry/standard-schema.js'
import type { Tag } from '../../registry/tag.js'
import { isPlainObject, setOwn } from '../../util/plain-object.js'
import { type Provenance, provenanceOf } from '../construct/provenance.js'
import { validate } from '../construct/validation.js'
import { entriesOf, mappingOf, sequenceOf } from './collection-writer.js'
import { type Origin, type RepresentContext, valuesOf } from './represent-context.js'

interface Written {
  tag: Tag
  resolved: ResolvedTag
}

/** Makes the nodes of objects of registered classes. */
export class InstanceWriter {
  constructor(readonly representation: RepresentContext) {}

  represent(object: object): Node {
    const record = provenanceOf(object) ?? {}
    const written = this.#tagOf(object, record)
    const { toYaml } = written.resolved.definition
    return toYaml ? this.#custom(object, record, written) : this.#mapped(object, record, written)
  }

  #mapped(object: object, record: Provenance, written: Written): Node {
    return record.loaded ? this.#loaded(record, record.loaded, written) : this.#made(object, record, written)
  }

  // The very tag that it was loaded with, as long as this registry knows it for this class.
  #tagOf(object: object, { loaded }: Provenance): Written {
    const Class = object.constructor as Class
    const before = loaded?.node.tag
    const known = isApplicationTag(before) ? this.representation.registry.get(before) : undefined
    if (known && object instanceof known.Class) return { tag: before as Tag, resolved: known }
    const tag = typeof Class === 'function' ? this.representation.registry.tagOf(Class) : undefined
    if (tag === undefined) throw unregistered(Class)
    return { tag, resolved: this.representation.registry.get(tag)! }
  }

  #custom(object: object, record: Provenance, written: Written): Node {
    const { tag, resolved } = written
    const representer = new NodeRepresenter(this.representation, record.loaded, () =>
      this.#mapped(object, record, written),
    )
    const node = resolved.definition.toYaml!(representer, object, tag)
    if (typeof node === 'object' && node !== null && 'kind' in node) return node
    const message = `"toYaml" of class "${resolved.Class.name}" must return a node from a method of its representer`
    throw new RegistrationError(message, { code: 'BAD_TO_YAML' })
  }

  #loaded({ edits }: Provenance, origin: Origin, { tag, resolved }: Written): Node {
    const { definition } = resolved
    const extra = new Map([...this.#defaults(origin, resolved, edits), ...(edits ?? [])])
    const { node, context } = origin
    if (node.kind !== 'mapping')
      return extra.size === 0
        ? this.representation.recordOrigin({ ...node, tag }, origin)
        : mappingOf(extra, this.representation, { tag, origin, keys: definition.keys })
    const merges = node.entries.some(({ merge }) => merge)
    const entries =
      extra.size === 0 && !merges
        ? node.entries.map((entry) => this.representation.copyEntry(entry, context))
        : entriesOf(withEdits(valuesOf(node, context, definition), extra), this.representation, {
            node,
            context,
            keys: definition.keys,
          })
    return this.representation.recordOrigin({ ...node, tag, entries }, origin)
  }

  #made(object: object, record: Provenance, { tag, resolved }: Written): Node {
    const { keys } = resolved.definition
    const own = optionsOf(object, record, resolved)
    const edited = record.edits ? { ...own, ...Object.fromEntries(record.edits) } : own
    const options = this.representation.defaults ? { ...edited, ...fillIn(resolved, { ...edited }) } : edited
    return mappingOf(Object.entries(options), this.representation, { tag, keys })
  }

  #defaults(
    { node, context }: Origin,
    resolved: ResolvedTag,
    edits?: Map<string, unknown>,
  ): Iterable<[string, unknown]> {
    if (!this.representation.defaults) return []
    const { visible } = context.optionsOf(node, resolved.definition)
    return Object.entries(fillIn(resolved, { ...visible, ...Object.fromEntries(edits ?? []) }))
  }
}

function withEdits(values: Map<string, unknown>, edits: ReadonlyMap<string, unknown>): Map<string, unknown> {
  for (const [name, value] of edits)
    if (value === undefined) values.delete(name)
    else values.set(name, value)
  return values
}

export function optionsOf(object: object, { options: recorded }: Provenance, { Class }: ResolvedTag): object {
  if (recorded) return recorded
  const own = object as Record<string, unknown>
  if (isPlainObject(own['options'])) return own['options']
  if (Object.keys(own).length > 0 || Class.length === 0) return own
  const message = `An object of class "${Class.name}" cannot be dumped: the options that it was constructed with are unknown`
  const remedy = 'extend MappedRegistrable and call "super(options)", or give the class a static "toYaml"'
  throw new RegistrationError(`${message}; ${remedy}`, { code: 'NO_OPTIONS' })
}

function unregistered(Class: Class | undefined): RegistrationError {
  const name = Class?.name || 'Anonymous'
  const message = `An object of class "${name}" cannot be dumped: the class is not registered`
  return new RegistrationError(`${message}; write "@registrable('!${name}')" above it`, {
    code: 'UNREGISTERED_CLASS',
  })
}

/** The representer of one `toYaml` call: what it makes first of a kind keeps the style of what was loaded. */
class NodeRepresenter implements Representer {
  constructor(
    readonly representation: RepresentContext,
    readonly origin: Origin | undefined,
    /** Represents the object as if its class had no `toYaml`. */
    readonly representInherited: () => Node,
  ) {}

  represent(value: unknown): Node {
    return this.representation.represent(value)
  }

  representMapping(tag: Tag | undefined, mapping: object): Node {
    return mappingOf(Object.entries(mapping), this.representation, { tag, origin: this.#originOf(tag) })
  }

  representSequence(tag: Tag | undefined, items: Iterable<unknown>): Node {
    return sequenceOf(items, this.representation, { tag, origin: this.#originOf(tag) })
  }

  representScalar(tag: Tag | undefined, value: string | number | boolean | bigint | null): Node {
    const origin = this.#originOf(tag)
    const same = origin?.node.kind === 'scalar' && origin.node.value === value
    return this.representation.recordOrigin(
      same ? ({ ...origin.node, tag } as Node) : scalarNode(value, tag, true),
      origin,
    )
  }

  // Only the node with the tag of the object is the object's own.
  #originOf(tag: Tag | undefined): Origin | undefined {
    return this.origin && this.origin.node.tag === tag ? this.origin : undefined
  }
}

/**
 * The options in which a schema filled something in, with what it filled in: as far as the schema, given that, makes the
 * same of it. What it made by a transformation is not what it takes; then the default of the input is written, if the
 * schema can say it, or nothing.
 */
function fillIn(resolved: ResolvedTag, options: Record<string, unknown>): Record<string, unknown> {
  const schema = schemaOf(resolved)
  if (!schema) return {}
  return new DefaultFiller(schema, resolved.tag, options).fill()
}

class DefaultFiller {
  constructor(
    readonly schema: StandardSchema,
    readonly tag: string,
    readonly options: Record<string, unknown>,
  ) {}

  fill(): Record<string, unknown> {
    const filled: Record<string, unknown> = {}
    const made = this.#made({})
    if (!isPlainObject(made)) return filled
    const inputs = inputDefaults(this.schema)
    const known = new Set(knownKeys(this.schema))
    for (const [name, value] of Object.entries(made)) {
      // What a transformation added is no option.
      if (known.size > 0 && !known.has(name)) continue
      const found = this.#candidates(name, value, inputs).find((one) => this.#means(name, one, made))
      if (found !== undefined) setOwn(filled, name, found)
    }
    return isDeepStrictEqual(this.#made(filled), made) ? filled : {}
  }

  #candidates(name: string, value: unknown, inputs: Record<string, unknown>): unknown[] {
    const current = this.options[name]
    if (!Object.hasOwn(this.options, name)) return [value, inputs[name]].filter((one) => one !== undefined)
    const full = filledIn(current, value)
    return full === current ? [] : [full]
  }

  #means(name: string, value: unknown, made: unknown): boolean {
    return isDeepStrictEqual(this.#made({ [name]: value }), made)
  }

  #made(more: Record<string, unknown>): unknown {
    const result = validate(this.schema, { ...this.options, ...more })
    return result.issues ? undefined : result.value
  }
}

// What the user wrote stays as written, even where the schema made something else of it.
function filledIn(options: unknown, made: unknown): unknown {
  if (!isPlainObject(options) || !isPlainObject(made)) return options
  const missing = Object.keys(made).filter((name) => !Object.hasOwn(options, name))
  const full = missing.map((name) => [name, made[name]] as const)
  const deeper = Object.keys(options).map((name) => [name, filledIn(options[name], made[name])] as const)
  const changed = missing.length > 0 || deeper.some(([name, value]) => value !== options[name])
  return changed ? Object.fromEntries([...deeper, ...full]) : options
}

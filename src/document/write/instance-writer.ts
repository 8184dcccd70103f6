import { RegistrationError } from '../../errors.js'
import { isApplicationTag, type Node } from '../../node.js'
import type { Tag } from '../../registry/tag.js'
import type { Class, ResolvedTag } from '../../registry/types.js'
import { type ObjectRecord, recordOf } from '../construct/records.js'
import { isPlainObject } from '../plain-data.js'
import { entriesOf, mappingOf } from './collection-writer.js'
import { fillIn } from './defaults.js'
import { valuesOf } from './loaded-values.js'
import { NodeRepresenter } from './node-representer.js'
import type { Hint, Representing } from './representing.js'

interface Written {
  tag: Tag
  resolved: ResolvedTag
}

/** Makes the nodes of objects of registered classes. */
export class InstanceWriter {
  constructor(readonly to: Representing) {}

  represent(object: object): Node {
    const record = recordOf(object) ?? {}
    const written = this.#tagOf(object, record)
    const { toYaml } = written.resolved.definition
    return toYaml ? this.#custom(object, record, written) : this.#mapped(object, record, written)
  }

  #mapped(object: object, record: ObjectRecord, written: Written): Node {
    return record.loaded ? this.#loaded(record, record.loaded, written) : this.#made(object, record, written)
  }

  // The very tag that it was loaded with, as long as this registry knows it for this class.
  #tagOf(object: object, { loaded }: ObjectRecord): Written {
    const Class = object.constructor as Class
    const before = loaded?.node.tag
    const known = isApplicationTag(before) ? this.to.registry.get(before) : undefined
    if (known && object instanceof known.Class) return { tag: before as Tag, resolved: known }
    const tag = typeof Class === 'function' ? this.to.registry.tagOf(Class) : undefined
    if (tag === undefined) throw unregistered(Class)
    return { tag, resolved: this.to.registry.get(tag)! }
  }

  #custom(object: object, record: ObjectRecord, written: Written): Node {
    const { tag, resolved } = written
    const representer = new NodeRepresenter(this.to, record.loaded, () =>
      this.#mapped(object, record, written),
    )
    const node = resolved.definition.toYaml!(representer, object, tag)
    if (typeof node === 'object' && node !== null && 'kind' in node) return node
    const message = `"toYaml" of class "${resolved.Class.name}" must return what a method of its representer gave`
    throw new RegistrationError(message, { code: 'BAD_TO_YAML' })
  }

  #loaded({ edits }: ObjectRecord, hint: Hint, { tag, resolved }: Written): Node {
    const { definition } = resolved
    const extra = new Map([...this.#defaults(hint, resolved, edits), ...(edits ?? [])])
    const { node, by } = hint
    if (node.kind !== 'mapping')
      return extra.size === 0
        ? this.to.from({ ...node, tag }, hint)
        : mappingOf(extra, this.to, { tag, hint, keys: definition.keys })
    const merges = node.entries.some(({ merge }) => merge)
    const entries =
      extra.size === 0 && !merges
        ? node.entries.map((entry) => this.to.copyEntry(entry, by))
        : entriesOf(withEdits(valuesOf(node, by, definition), extra), this.to, { node, by }, definition.keys)
    return this.to.from({ ...node, tag, entries }, hint)
  }

  #made(object: object, record: ObjectRecord, { tag, resolved }: Written): Node {
    const { keys } = resolved.definition
    const own = optionsOf(object, record, resolved)
    const given = record.edits ? { ...own, ...Object.fromEntries(record.edits) } : own
    const options = this.to.defaults ? { ...given, ...fillIn(resolved, { ...given }) } : given
    return mappingOf(Object.entries(options), this.to, { tag, keys })
  }

  #defaults(
    { node, by }: Hint,
    resolved: ResolvedTag,
    edits?: Map<string, unknown>,
  ): Iterable<[string, unknown]> {
    if (!this.to.defaults) return []
    const { seen } = by.optionsOf(node, resolved.definition)
    return Object.entries(fillIn(resolved, { ...seen, ...Object.fromEntries(edits ?? []) }))
  }
}

function withEdits(values: Map<string, unknown>, edits: ReadonlyMap<string, unknown>): Map<string, unknown> {
  for (const [name, value] of edits)
    if (value === undefined) values.delete(name)
    else values.set(name, value)
  return values
}

function optionsOf(object: object, { given }: ObjectRecord, { Class }: ResolvedTag): object {
  if (given) return given
  const own = object as Record<string, unknown>
  if (isPlainObject(own['options'])) return own['options']
  if (Object.keys(own).length > 0 || Class.length === 0) return own
  const message = `An object of class "${Class.name}" cannot be dumped: nothing tells the options that it was made with`
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

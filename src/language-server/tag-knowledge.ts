import { scalarText } from '../document/write/scalar-text.js'
import { acceptedTags, anyTag, isSchemaObject, type JsonSchema } from '../registry/json-schema/keywords.js'
import type { Catalog, TagEntry } from './catalog.js'
import { compositionHelp } from './composition-tags.js'

/** An option that may be written in a mapping. */
export interface OptionEntry {
  readonly name: string
  readonly schema: JsonSchema
  readonly isRequired: boolean
}

/** What may stand as a value. */
export interface AcceptedValues {
  /** The tags of the classes; `undefined` when any may stand. */
  readonly tags: readonly string[] | undefined
  /** Values as they are written in YAML. */
  readonly values: readonly string[]
}

/** Answers questions about the tags of a {@link Catalog}. */
export class TagKnowledge {
  readonly #tags: ReadonlyMap<string, TagEntry>

  constructor(readonly catalog: Catalog) {
    this.#tags = new Map(catalog.tags.map((each) => [each.tag, each]))
  }

  has(tag: string): boolean {
    return this.#tags.has(tag)
  }

  get(tag: string): TagEntry | undefined {
    return this.#tags.get(tag)
  }

  get all(): readonly TagEntry[] {
    return this.catalog.tags
  }

  /** The schema of the options of a tag, if it has one. */
  schemaOf(tag: string): JsonSchema | undefined {
    if (Object.hasOwn(compositionHelp, tag)) return compositionHelp[tag]!.schema
    return Object.hasOwn(this.catalog.schemas, tag) ? this.catalog.schemas[tag] : undefined
  }

  /** The alternatives of a schema, each without references. */
  alternatives(schema: JsonSchema): JsonSchema[] {
    // A schema may refer to itself.
    const found = new Set<JsonSchema>()
    const met = new Set<JsonSchema>()
    const visit = (part: JsonSchema): void => {
      if (met.has(part) || met.size >= mostAlternatives) return
      met.add(part)
      const { $ref } = part
      if (typeof $ref === 'string') {
        const target = this.#resolve($ref)
        if (target) visit(target)
        return
      }
      found.add(part)
      for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
        const parts = part[keyword]
        if (Array.isArray(parts)) for (const inner of parts) if (isSchemaObject(inner)) visit(inner)
      }
    }
    visit(schema)
    return [...found]
  }

  // "#/definitions/!Train/properties/rate"
  #resolve(pointer: string): JsonSchema | undefined {
    const steps = pointer
      .split('/')
      .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
    const [hash, group, tag = '', ...rest] = steps
    if (hash !== '#' || group !== 'definitions') return undefined
    let found: unknown = this.schemaOf(tag)
    for (const step of rest) found = isSchemaObject(found) ? found[step] : undefined
    return isSchemaObject(found) ? found : undefined
  }

  /** The options of a mapping with one of some schemas. */
  options(schemas: readonly JsonSchema[]): OptionEntry[] {
    const found = new Map<string, OptionEntry>()
    for (const { properties, required } of schemas.flatMap((schema) => this.alternatives(schema))) {
      const names = isSchemaObject(properties) ? Object.entries(properties) : []
      for (const [name, schema] of names)
        if (!found.has(name))
          found.set(name, {
            name,
            schema: isSchemaObject(schema) ? schema : {},
            isRequired: Array.isArray(required) && required.includes(name),
          })
    }
    return [...found.values()]
  }

  /** The schemas of the value of a key, or of an item, in a value with one of some schemas. */
  below(schemas: readonly JsonSchema[], key: string | undefined): JsonSchema[] {
    return schemas
      .flatMap((schema) => this.alternatives(schema))
      .flatMap(({ properties, additionalProperties, items }) => {
        if (key === undefined) return isSchemaObject(items) ? [items] : []
        const own = isSchemaObject(properties) && Object.hasOwn(properties, key) ? properties[key] : undefined
        const found = own ?? additionalProperties
        return isSchemaObject(found) ? [found] : []
      })
  }

  /** What a value with one of some schemas may be. */
  accepted(schemas: readonly JsonSchema[]): AcceptedValues {
    const all = schemas.flatMap((schema) => this.alternatives(schema))
    const tags = new Set<string>()
    const values = new Set<string>()
    for (const schema of all) {
      for (const tag of tagsIn(schema)) tags.add(tag)
      for (const value of valuesIn(schema)) values.add(yamlOf(value))
    }
    const isAny = tags.has(anyTag) || all.length === 0
    return { tags: isAny ? undefined : [...tags], values: [...values] }
  }

  /** A schema as a type for people: `number > 0`, `"a" | "b"`, `!Sgd | null`. */
  typeText(schema: JsonSchema, depth = 0): string {
    if (depth > deepest) return '…'
    const texts = this.alternatives(schema).flatMap((each) => this.#typeOf(each, depth))
    return [...new Set(texts)].join(' | ') || 'anything'
  }

  #typeOf(schema: JsonSchema, depth: number): string[] {
    const { const: constant, enum: values, type, items } = schema
    const tags = tagsIn(schema)
    if (tags.includes(anyTag)) return ['anything']
    if (tags.length > 0) return tags
    if (constant !== undefined) return [yamlOf(constant)]
    if (Array.isArray(values)) return values.map(yamlOf)
    if (type === 'array')
      return [isSchemaObject(items) ? `list of ${this.typeText(items, depth + 1)}` : 'list']
    if (type === 'object') return ['mapping']
    const names = Array.isArray(type) ? type : typeof type === 'string' ? [type] : []
    return names.map((name) => `${name}${boundsOf(schema)}`)
  }
}

/** Lists in lists, as a type shows them. */
const deepest = 3
const mostAlternatives = 500

function tagsIn(schema: JsonSchema): string[] {
  const tags = schema[acceptedTags]
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : []
}

function valuesIn({ const: constant, enum: values, type, default: preset }: JsonSchema): unknown[] {
  const own =
    constant !== undefined
      ? [constant]
      : Array.isArray(values)
        ? values
        : type === 'boolean'
          ? [true, false]
          : []
  const isScalar = preset !== undefined && (typeof preset !== 'object' || preset === null)
  return isScalar ? [preset, ...own] : own
}

const bounds: Readonly<Record<string, string>> = {
  minimum: '≥',
  exclusiveMinimum: '>',
  maximum: '≤',
  exclusiveMaximum: '<',
}

function boundsOf(schema: JsonSchema): string {
  const shown = Object.entries(bounds).flatMap(([keyword, sign]) => {
    const value = schema[keyword]
    return typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER ? [`${sign} ${value}`] : []
  })
  return shown.length > 0 ? ` ${shown.join(', ')}` : ''
}

const inFlow = { flow: true, isYaml11: false }

/** The name of an option as a key is written, in a block or in braces. */
export function keyOf(name: string): string {
  return scalarText(name, inFlow)
}

/** A value as it is written in YAML. */
export function yamlOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : scalarText(value)
}

import type { Class } from '../registration.js'
import { issuePath, type SchemaIssue, type StandardSchema } from '../standard-schema.js'
import type { DescribedTag } from './described-tag.js'
import { isSchemaObject, isUnconstrained, type JsonSchema, reference } from './keywords.js'

/** Says in the JSON Schema of options where an object of which class may stand, as the schema itself decides it. */
export class ClassReferences {
  constructor(
    readonly schema: StandardSchema,
    readonly tags: readonly DescribedTag[],
  ) {}

  addTo(json: JsonSchema, position: Position = rootPosition): JsonSchema {
    if (isUnconstrained(json)) return { ...json, ...this.#classesAt(position) }
    return {
      ...json,
      ...this.#options(json, position),
      ...this.#items(json, position),
      ...this.#choices(json, position),
    }
  }

  #classesAt(position: Position): JsonSchema {
    if (acceptsAnything(this.schema, position)) return { anyOf: [reference('suggestions')] }
    const taken = this.tags.filter(({ resolved }) => accepts(this.schema, position, resolved.Class))
    const known = taken.filter(({ options }) => options !== undefined).map(({ tag }) => reference(tag))
    const unknown = known.length < taken.length ? [{ type: 'null' }] : []
    return taken.length === 0 ? {} : { anyOf: [...known, ...unknown] }
  }

  #options({ properties, additionalProperties: others }: JsonSchema, position: Position): JsonSchema {
    const filled = Object.entries(isSchemaObject(properties) ? properties : {}).map(([option, schema]) => [
      option,
      this.#part(schema, optionPosition(position, option)),
    ])
    return {
      ...(filled.length > 0 ? { properties: Object.fromEntries(filled) } : {}),
      ...(isSchemaObject(others)
        ? { additionalProperties: this.addTo(others, optionPosition(position, 'any')) }
        : {}),
    }
  }

  #items({ items }: JsonSchema, position: Position): JsonSchema {
    return isSchemaObject(items) ? { items: this.addTo(items, itemPosition(position)) } : {}
  }

  #choices(json: JsonSchema, position: Position): JsonSchema {
    const choices = ['anyOf', 'oneOf', 'allOf'].filter((keyword) => Array.isArray(json[keyword]))
    return Object.fromEntries(
      choices.map((keyword) => [
        keyword,
        (json[keyword] as unknown[]).map((part) => this.#part(part, position)),
      ]),
    )
  }

  #part(schema: unknown, position: Position): unknown {
    return isSchemaObject(schema) ? this.addTo(schema, position) : schema
  }
}

/** A place in the options of a class. */
interface Position {
  readonly path: readonly string[]
  /** Options that have nothing but a value at this place. */
  readonly wrap: (value: unknown) => unknown
}

/** The options as a whole. */
const rootPosition: Position = { path: [], wrap: (value) => value }

/** An option of what stands at a place. */
function optionPosition({ path, wrap: around }: Position, name: string): Position {
  return { path: [...path, name], wrap: (value) => around({ [name]: value }) }
}

/** The first item of what stands at a place. */
function itemPosition({ path, wrap: around }: Position): Position {
  return { path: [...path, '0'], wrap: (value) => around([value]) }
}

/** Whether a schema takes an object of a class at a place: it is asked with an empty one. */
function accepts(schema: StandardSchema, position: Position, { prototype }: Class): boolean {
  const issues = issuesWith(schema, position.wrap(Object.create(prototype)))
  return !issues.some((issue) => position.path.every((step, depth) => issuePath(issue)[depth] === step))
}

class UnknownClass {}

/** Whether a schema takes whatever stands at a place. */
function acceptsAnything(schema: StandardSchema, position: Position): boolean {
  return accepts(schema, position, UnknownClass)
}

// Who throws or answers later has said nothing against the object.
function issuesWith(schema: StandardSchema, options: unknown): readonly SchemaIssue[] {
  try {
    const result = schema['~standard'].validate(options)
    if (!(result instanceof Promise)) return result.issues ?? []
    result.catch(() => {})
  } catch {}
  return []
}

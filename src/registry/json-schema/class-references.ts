import { omitUndefined } from '../../util/plain-object.js'
import type { Class } from '../registration.js'
import { issuePath, type SchemaIssue, type StandardSchema } from '../standard-schema.js'
import type { DescribedTag } from './described-tag.js'
import {
  acceptedTags,
  anyTag,
  isSchemaObject,
  isUnconstrained,
  type JsonSchema,
  orFromElsewhere,
  reference,
} from './keywords.js'

/** Adds references to classes to the JSON Schema of options, where the schema itself accepts objects of these classes. */
export class ClassReferences {
  constructor(
    readonly schema: StandardSchema,
    readonly tags: readonly DescribedTag[],
    /** Whether the tags are named, in place of references that a validator of JSON Schema can follow. */
    readonly namesTags = false,
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
    if (acceptsAnything(this.schema, position))
      return this.namesTags ? { [acceptedTags]: [anyTag] } : { anyOf: [reference('suggestions')] }
    const taken = this.tags.filter(({ resolved }) => accepts(this.schema, position, resolved.Class))
    if (this.namesTags) return { [acceptedTags]: taken.map(({ tag }) => tag) }
    const known = taken.filter(({ options }) => options !== undefined).map(({ tag }) => reference(tag))
    const unknown = known.length < taken.length ? [{ type: 'null' }] : []
    return taken.length === 0 ? {} : { anyOf: [...known, ...unknown] }
  }

  #options({ properties, additionalProperties: others }: JsonSchema, position: Position): JsonSchema {
    const filled = Object.entries(isSchemaObject(properties) ? properties : {}).map(([option, schema]) => [
      option,
      this.#value(schema, optionPosition(position, option)),
    ])
    return omitUndefined({
      properties: filled.length > 0 ? Object.fromEntries(filled) : undefined,
      additionalProperties: isSchemaObject(others)
        ? this.#value(others, optionPosition(position, 'any'))
        : undefined,
    })
  }

  #items({ items }: JsonSchema, position: Position): JsonSchema {
    return isSchemaObject(items) ? { items: this.#value(items, itemPosition(position)) } : {}
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

  #value(schema: unknown, position: Position): unknown {
    if (!isSchemaObject(schema)) return schema
    const filled = this.addTo(schema, position)
    return this.namesTags ? filled : orFromElsewhere(filled)
  }

  #part(schema: unknown, position: Position): unknown {
    return isSchemaObject(schema) ? this.addTo(schema, position) : schema
  }
}

/** A position in the options of a class. */
interface Position {
  readonly path: readonly string[]
  /** Wraps a value in options that have only this value, at this position. */
  readonly wrap: (value: unknown) => unknown
}

/** The options as a whole. */
const rootPosition: Position = { path: [], wrap: (value) => value }

/** The position of an option in the value at a position. */
function optionPosition({ path, wrap }: Position, name: string): Position {
  return { path: [...path, name], wrap: (value) => wrap({ [name]: value }) }
}

/** The position of the first item of the value at a position. */
function itemPosition({ path, wrap }: Position): Position {
  return { path: [...path, '0'], wrap: (value) => wrap([value]) }
}

/** Whether a schema accepts an object of a class at a position: it validates an empty one. */
function accepts(schema: StandardSchema, position: Position, { prototype }: Class): boolean {
  const issues = issuesWith(schema, position.wrap(Object.create(prototype)))
  return !issues.some((issue) => position.path.every((step, depth) => issuePath(issue)[depth] === step))
}

class UnknownClass {}

/** Whether a schema accepts any value at a position. */
function acceptsAnything(schema: StandardSchema, position: Position): boolean {
  return accepts(schema, position, UnknownClass)
}

// A schema that throws or is asynchronous has not refused the object.
function issuesWith(schema: StandardSchema, options: unknown): readonly SchemaIssue[] {
  try {
    const result = schema['~standard'].validate(options)
    if (!(result instanceof Promise)) return result.issues ?? []
    result.catch(() => {})
  } catch {}
  return []
}

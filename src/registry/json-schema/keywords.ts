/** A JSON Schema, or a part of one that is an object. */
export interface JsonSchema {
  [keyword: string]: unknown
}

const annotations = new Set(
  'title description default deprecated deprecationMessage examples $comment readOnly writeOnly'.split(' '),
)

/** A keyword of our own: the tags of the classes whose objects are accepted. */
export const acceptedTags = 'x-tags'

/** In place of the accepted tags: all of them. */
export const anyTag = '*'

/** Whether a schema accepts everything, as for what its library cannot express, such as an object of a class. */
export function isUnconstrained(schema: JsonSchema): boolean {
  return Object.keys(schema).every((keyword) => annotations.has(keyword))
}

/** As what an editor validates a value from elsewhere, such as an `!include`: no other tag has this type. */
export const typeFromElsewhere = 'boolean'

// The type is only that of its tag: it is neither true nor false.
const fromElsewhere: JsonSchema = { type: typeFromElsewhere, not: { enum: [true, false] } }

/** Lets a value come from elsewhere: an editor does not know what it is. */
export function orFromElsewhere(schema: JsonSchema): JsonSchema {
  if (Object.keys(schema).length === 0) return schema
  const own = Object.entries(schema).filter(([keyword]) => annotations.has(keyword))
  return { ...Object.fromEntries(own), if: fromElsewhere, else: schema }
}

/** Whether a value is a schema object; `true` and `false` are schemas, too. */
export function isSchemaObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A reference to a definition, or to a part of it. */
export function reference(name: string, ...parts: readonly string[]): JsonSchema {
  return { $ref: ['#/definitions', ...[name, ...parts].map(pointerStep)].join('/') }
}

/** Rewrites the references of a schema to itself for the definition that it becomes. */
export function toDefinition(name: string, schema: JsonSchema): JsonSchema {
  const home = reference(name)['$ref']
  return JSON.parse(JSON.stringify(schema), (keyword, value) =>
    keyword === '$ref' && typeof value === 'string' ? value.replace(/^#/, () => String(home)) : value,
  )
}

// https://www.rfc-editor.org/rfc/rfc6901#section-6
function pointerStep(name: string): string {
  return encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))
}

/** A JSON Schema, or a part of one that is an object. */
export interface JsonSchema {
  [keyword: string]: unknown
}

const annotations = new Set(
  'title description default deprecated deprecationMessage examples $comment readOnly writeOnly'.split(' '),
)

/** Whether a schema accepts everything, as for what its library cannot express, such as an object of a class. */
export function isUnconstrained(schema: JsonSchema): boolean {
  return Object.keys(schema).every((keyword) => annotations.has(keyword))
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

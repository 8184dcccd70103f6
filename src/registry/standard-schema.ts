/**
 * The parts of Standard Schema (https://standardschema.dev, version 1) that flambeau uses, declared here so that no package is a
 * dependency. zod, valibot, arktype and others implement it.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    /** Standard JSON Schema, if the library implements it. */
    readonly jsonSchema?: JsonSchemaConverter | undefined
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** The part of Standard JSON Schema that flambeau uses: the JSON Schema of the input. */
export interface JsonSchemaConverter {
  readonly input: (options: {
    readonly target: 'draft-2020-12' | 'draft-07'
    readonly libraryOptions?: Record<string, unknown>
  }) => Record<string, unknown>
}

/** The result of validation: the output value, or the issues. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** An issue, and its path in the validated value. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The names along the path of an issue. */
export function issuePath(issue: SchemaIssue): string[] {
  return (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step))
}

/** The input type of a schema. */
export type InputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['input']

/** The output type of a schema. */
export type OutputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output']

/** The JSON Schema of the input of a schema; `undefined` if its library does not provide one. */
export function inputJsonSchema(schema: StandardSchema): Record<string, unknown> | undefined {
  try {
    // Without these options, zod and valibot refuse schemas for what JSON cannot represent, such as objects of a class.
    const libraryOptions = { unrepresentable: 'any', errorMode: 'ignore' }
    return schema['~standard'].jsonSchema?.input({ target: 'draft-07', libraryOptions })
  } catch {
    return undefined
  }
}

// Cached: a library creates it for each call.
const made = new WeakMap<StandardSchema, Record<string, unknown> | undefined>()

/** The names of the options of a schema, at a path in it, if its library provides a JSON Schema. */
export function knownKeys(schema: StandardSchema, path: readonly string[] = []): string[] {
  return Object.keys(property(partAt(schema, path), 'properties') ?? {})
}

/** The only names that a schema takes at a path in it; `undefined` if it takes others, or cannot say them. */
export function acceptedKeys(schema: StandardSchema, path: readonly string[]): string[] | undefined {
  const part = partAt(schema, path)
  const properties = property(part, 'properties')
  const takesOthers = ['additionalProperties', 'patternProperties', 'allOf', 'anyOf', 'oneOf', '$ref'].some(
    (keyword) => ((part as Record<string, unknown> | undefined)?.[keyword] ?? false) !== false,
  )
  return properties && !takesOthers ? Object.keys(properties) : undefined
}

function partAt(schema: StandardSchema, path: readonly string[]): unknown {
  if (!made.has(schema)) made.set(schema, inputJsonSchema(schema))
  let current: unknown = made.get(schema)
  for (const step of path) current = property(property(current, 'properties'), step)
  return current
}

function property(object: unknown, name: string): object | undefined {
  const value =
    isObject(object) && Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined
  return typeof value === 'object' && value !== null ? value : undefined
}

/** The input defaults of optional options, if the library of the schema provides a JSON Schema. */
export function inputDefaults(schema: StandardSchema): Record<string, unknown> {
  const properties = property(inputJsonSchema(schema), 'properties') ?? {}
  const found = Object.entries(properties).filter(([, option]) => isObject(option) && 'default' in option)
  return Object.fromEntries(found.map(([name, option]) => [name, (option as { default: unknown }).default]))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

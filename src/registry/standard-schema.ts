/**
 * The parts of Standard Schema (https://standardschema.dev, version 1) that are used here, written out
 * so that no schema library is a dependency: zod, valibot, arktype and others all have this shape.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    /** Standard JSON Schema, where the library has it. */
    readonly jsonSchema?: JsonSchemaConverter | undefined
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** The part of Standard JSON Schema that is used here: the JSON Schema of what may be written. */
export interface JsonSchemaConverter {
  readonly input: (options: {
    readonly target: 'draft-2020-12' | 'draft-07'
    readonly libraryOptions?: Record<string, unknown>
  }) => Record<string, unknown>
}

/** What a schema says of a value: the value it makes of it, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** One thing that is wrong, and the path to it from the value that was validated. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The names along the path of an issue. */
export function issuePath(issue: SchemaIssue): string[] {
  return (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step))
}

/** What may be written for a schema. */
export type InputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['input']

/** What a schema makes of its input. */
export type OutputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output']

/** The JSON Schema of what may be written for a schema; `undefined` where its library cannot say it. */
export function inputJsonSchema(schema: StandardSchema): Record<string, unknown> | undefined {
  try {
    // zod and valibot refuse what JSON cannot hold, such as objects of a class, unless told to let anything pass there.
    const libraryOptions = { unrepresentable: 'any', errorMode: 'ignore' }
    return schema['~standard'].jsonSchema?.input({ target: 'draft-07', libraryOptions })
  } catch {
    return undefined
  }
}

// A library makes it anew each time.
const made = new WeakMap<StandardSchema, Record<string, unknown> | undefined>()

/** The names of the options that a schema knows at a path in its options, where its library can say them. */
export function knownKeys(schema: StandardSchema, path: readonly string[] = []): string[] {
  if (!made.has(schema)) made.set(schema, inputJsonSchema(schema))
  let current: unknown = made.get(schema)
  for (const step of path) current = property(property(current, 'properties'), step)
  return Object.keys(property(current, 'properties') ?? {})
}

function property(object: unknown, name: string): object | undefined {
  const value =
    typeof object === 'object' && object !== null ? (object as Record<string, unknown>)[name] : undefined
  return typeof value === 'object' && value !== null ? value : undefined
}

/** The defaults of the options that may be left out, as they would be written, where the library of a schema can say them. */
export function inputDefaults(schema: StandardSchema): Record<string, unknown> {
  const properties = property(inputJsonSchema(schema), 'properties') ?? {}
  const found = Object.entries(properties).filter(([, option]) => isObject(option) && 'default' in option)
  return Object.fromEntries(found.map(([name, option]) => [name, (option as { default: unknown }).default]))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

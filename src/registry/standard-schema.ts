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
export function pathOf(issue: SchemaIssue): string[] {
  return (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step))
}

/** What may be written for a schema. */
export type InputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['input']

/** What a schema makes of its input. */
export type OutputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output']

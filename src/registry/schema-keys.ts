import type { StandardSchema } from './standard-schema.js'

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
  let at: unknown = made.get(schema)
  for (const step of path) at = property(property(at, 'properties'), step)
  return Object.keys(property(at, 'properties') ?? {})
}

function property(of: unknown, name: string): object | undefined {
  const value = typeof of === 'object' && of !== null ? (of as Record<string, unknown>)[name] : undefined
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

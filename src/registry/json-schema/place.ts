import { pathOf, type SchemaIssue, type StandardSchema } from '../standard-schema.js'
import type { Class } from '../types.js'

/** A place in the options of a class. */
export interface Place {
  readonly path: readonly string[]
  /** Options that have nothing but a value at this place. */
  readonly around: (value: unknown) => unknown
}

/** The options as a whole. */
export const theOptions: Place = { path: [], around: (value) => value }

/** An option of what stands at a place. */
export function inOption({ path, around }: Place, name: string): Place {
  return { path: [...path, name], around: (value) => around({ [name]: value }) }
}

/** The first item of what stands at a place. */
export function inItem({ path, around }: Place): Place {
  return { path: [...path, '0'], around: (value) => around([value]) }
}

/** Whether a schema takes an object of a class at a place: it is asked with an empty one. */
export function takes(schema: StandardSchema, place: Place, { prototype }: Class): boolean {
  const issues = issuesWith(schema, place.around(Object.create(prototype)))
  return !issues.some((issue) => place.path.every((step, depth) => pathOf(issue)[depth] === step))
}

class Stranger {}

/** Whether a schema takes whatever stands at a place. */
export function takesAnything(schema: StandardSchema, place: Place): boolean {
  return takes(schema, place, Stranger)
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

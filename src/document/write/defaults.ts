import { schemaOf } from '../../registry/schema-of.js'
import type { ResolvedTag } from '../../registry/types.js'
import { ask } from '../construct/validation.js'
import { isPlainObject, setOwn } from '../plain-data.js'

/** The options in which a schema filled something in, with what it filled in. */
export function fillIn(resolved: ResolvedTag, options: Record<string, unknown>): Record<string, unknown> {
  const schema = schemaOf(resolved)
  if (!schema) return {}
  const result = ask(schema, options)
  const filled: Record<string, unknown> = {}
  if (result.issues || !isPlainObject(result.value)) return filled
  for (const [name, value] of Object.entries(result.value)) {
    const full = Object.hasOwn(options, name) ? filledIn(options[name], value) : value
    if (full !== options[name]) setOwn(filled, name, full)
  }
  return filled
}

// What the user wrote stays as written, even where the schema made something else of it.
function filledIn(given: unknown, made: unknown): unknown {
  if (!isPlainObject(given) || !isPlainObject(made)) return given
  const missing = Object.keys(made).filter((name) => !Object.hasOwn(given, name))
  const full = missing.map((name) => [name, made[name]] as const)
  const deeper = Object.keys(given).map((name) => [name, filledIn(given[name], made[name])] as const)
  const changed = missing.length > 0 || deeper.some(([name, value]) => value !== given[name])
  return changed ? Object.fromEntries([...deeper, ...full]) : given
}

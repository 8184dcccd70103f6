import { isDeepStrictEqual } from 'node:util'
import { inputDefaults, knownKeys } from '../../registry/schema-keys.js'
import { schemaOf } from '../../registry/schema-of.js'
import type { StandardSchema } from '../../registry/standard-schema.js'
import type { ResolvedTag } from '../../registry/types.js'
import { ask } from '../construct/validation.js'
import { isPlainObject, setOwn } from '../plain-data.js'

/**
 * The options in which a schema filled something in, with what it filled in: as far as the schema, given that, makes the
 * same of it. What it made by a transformation is not what it takes; then the default of the input is written, if the
 * schema can say it, or nothing.
 */
export function fillIn(resolved: ResolvedTag, options: Record<string, unknown>): Record<string, unknown> {
  const schema = schemaOf(resolved)
  if (!schema) return {}
  return new Filling(schema, resolved.tag, options).fill()
}

class Filling {
  constructor(
    readonly schema: StandardSchema,
    readonly tag: string,
    readonly options: Record<string, unknown>,
  ) {}

  fill(): Record<string, unknown> {
    const filled: Record<string, unknown> = {}
    const made = this.#made({})
    if (!isPlainObject(made)) return filled
    const inputs = inputDefaults(this.schema)
    const known = new Set(knownKeys(this.schema))
    for (const [name, value] of Object.entries(made)) {
      // What a transformation added is no option.
      if (known.size > 0 && !known.has(name)) continue
      const found = this.#candidates(name, value, inputs).find((one) => this.#means(name, one, made))
      if (found !== undefined) setOwn(filled, name, found)
    }
    return isDeepStrictEqual(this.#made(filled), made) ? filled : {}
  }

  #candidates(name: string, value: unknown, inputs: Record<string, unknown>): unknown[] {
    const given = this.options[name]
    if (!Object.hasOwn(this.options, name)) return [value, inputs[name]].filter((one) => one !== undefined)
    const full = filledIn(given, value)
    return full === given ? [] : [full]
  }

  #means(name: string, value: unknown, made: unknown): boolean {
    return isDeepStrictEqual(this.#made({ [name]: value }), made)
  }

  #made(more: Record<string, unknown>): unknown {
    const result = ask(this.schema, { ...this.options, ...more })
    return result.issues ? undefined : result.value
  }
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

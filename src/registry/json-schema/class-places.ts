import type { StandardSchema } from '../standard-schema.js'
import type { DescribedTag } from './described-tag.js'
import { isOpen, isSchema, type JsonSchema, reference } from './keywords.js'
import { inItem, inOption, type Place, takes, takesAnything, theOptions } from './place.js'

/** Says in the JSON Schema of options where an object of which class may stand, as the schema itself decides it. */
export class ClassPlaces {
  constructor(
    readonly schema: StandardSchema,
    readonly tags: readonly DescribedTag[],
  ) {}

  fill(json: JsonSchema, place: Place = theOptions): JsonSchema {
    if (isOpen(json)) return { ...json, ...this.#classesAt(place) }
    return {
      ...json,
      ...this.#options(json, place),
      ...this.#items(json, place),
      ...this.#choices(json, place),
    }
  }

  #classesAt(place: Place): JsonSchema {
    if (takesAnything(this.schema, place)) return { anyOf: [reference('suggestions')] }
    const taken = this.tags.filter(({ resolved }) => takes(this.schema, place, resolved.Class))
    const known = taken.filter(({ options }) => options !== undefined).map(({ tag }) => reference(tag))
    const unknown = known.length < taken.length ? [{ type: 'null' }] : []
    return taken.length === 0 ? {} : { anyOf: [...known, ...unknown] }
  }

  #options({ properties, additionalProperties: others }: JsonSchema, place: Place): JsonSchema {
    const filled = Object.entries(isSchema(properties) ? properties : {}).map(([option, schema]) => [
      option,
      this.#part(schema, inOption(place, option)),
    ])
    return {
      ...(filled.length > 0 ? { properties: Object.fromEntries(filled) } : {}),
      ...(isSchema(others) ? { additionalProperties: this.fill(others, inOption(place, 'any')) } : {}),
    }
  }

  #items({ items }: JsonSchema, place: Place): JsonSchema {
    return isSchema(items) ? { items: this.fill(items, inItem(place)) } : {}
  }

  #choices(json: JsonSchema, place: Place): JsonSchema {
    const choices = ['anyOf', 'oneOf', 'allOf'].filter((keyword) => Array.isArray(json[keyword]))
    return Object.fromEntries(
      choices.map((keyword) => [
        keyword,
        (json[keyword] as unknown[]).map((part) => this.#part(part, place)),
      ]),
    )
  }

  #part(schema: unknown, place: Place): unknown {
    return isSchema(schema) ? this.fill(schema, place) : schema
  }
}

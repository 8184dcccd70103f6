import { isSchema, type JsonSchema, reference } from './keywords.js'

/**
 * What holds for a document, whose tag a JSON Schema cannot see: a mapping with the required options of a class must be
 * one, or extensions; anything else may be. Options are suggested all the same.
 */
export function documentRules(tags: readonly string[], definitions: JsonSchema): JsonSchema {
  const classes = tags.map((tag) => definitions[tag] as JsonSchema)
  const looks = classes.flatMap(look)
  const rule = {
    anyOf: [...tags.map((tag) => reference(tag)), extensions, { not: { type: 'object', anyOf: looks } }],
  }
  return {
    allOf: [...(looks.length > 0 ? [rule] : []), reference('suggestions')],
    definitions: { ...definitions, suggestions: { anyOf: [{}, ...classes.map(suggestion)] } },
  }
}

const extensions = {
  title: 'Extensions',
  type: 'object',
  additionalProperties: { type: 'string', pattern: '[./:@]' },
}

function look({ properties, required }: JsonSchema): JsonSchema[] {
  if (Array.isArray(required) && required.length > 0) return [{ required }]
  const names = Object.keys(isSchema(properties) ? properties : {})
  return names.length > 0 ? [{ minProperties: 1, propertyNames: { enum: names } }] : []
}

// The name that is being written has no value yet.
const nothing = { not: { type: ['string', 'number', 'boolean', 'array', 'object'] } }

// Without what is required, so that it fits while it is being written.
function suggestion({ title, properties }: JsonSchema): JsonSchema {
  const names = Object.keys(isSchema(properties) ? properties : {})
  return {
    title,
    properties: Object.fromEntries(names.map((name) => [name, reference(String(title), 'properties', name)])),
    additionalProperties: nothing,
  }
}

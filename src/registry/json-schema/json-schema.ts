import { currentRegistry } from '../default-registry.js'
import { type Definition, keyName } from '../registration.js'
import type { Registry } from '../registry.js'
import { ClassReferences } from './class-references.js'
import { type DescribedTag, describedTags } from './described-tag.js'
import { isSchemaObject, type JsonSchema, reference, toDefinition } from './keywords.js'

/**
 * The JSON Schema (draft 7) of the files that a registry can load: what editors complete and complain by.
 *
 * ```ts
 * await writeFile('flambeau.schema.json', JSON.stringify(jsonSchema()))
 * ```
 *
 * It holds what the libraries of the schemas say, titles, descriptions, defaults and deprecations included. Options
 * of a class without a schema may be anything. An editor needs {@link customTags}, too.
 */
export function jsonSchema(registry: Registry = currentRegistry()): JsonSchema {
  const tags = describedTags(registry)
  const known = tags.filter(({ options }) => options !== undefined)
  const definitions = Object.fromEntries(known.map((known) => [known.tag, tagDefinition(known, tags)]))
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...documentRules(
      known.map(({ tag }) => tag),
      definitions,
    ),
  }
}

/**
 * The tags of a registry as the setting `yaml.customTags` of `yaml-language-server`, and so of VS Code, takes them.
 *
 * ```ts
 * console.log(JSON.stringify({ 'yaml.customTags': customTags() }))
 * ```
 *
 * Each says on what kind of node the tag stands, and what {@link jsonSchema} should take that for.
 */
export function customTags(registry: Registry = currentRegistry()): string[] {
  return describedTags(registry).flatMap((described) =>
    kindsOf(described).map((kind) => `${described.tag} ${kind}`),
  )
}

// "null" is what no options are: it keeps a node from being judged by the options of another class.
function kindsOf({ resolved, options }: DescribedTag): string[] {
  if (resolved.definition.fromYaml) return ['scalar:null', 'mapping:null', 'sequence:null']
  if (options === undefined) return ['mapping:null', 'scalar:null']
  // "!Train" with nothing after it is an empty scalar, which stands for no options.
  return ['mapping', 'scalar:object']
}

/** What may stand after a tag, as an editor should know it. */
function tagDefinition(described: DescribedTag, all: readonly DescribedTag[]): JsonSchema {
  const { tag, resolved, schema, options } = described
  const { $schema: _, ...own } = toDefinition(tag, options!)
  const filled = new ClassReferences(schema!, all).addTo(own)
  return { ...filled, ...withYamlKeys(filled, resolved.definition), title: tag, ...notes(described) }
}

function notes({ resolved: { definition, deprecated } }: DescribedTag): JsonSchema {
  return {
    ...(definition.description === undefined ? {} : { description: definition.description }),
    ...(deprecated === undefined ? {} : { deprecated: true, deprecationMessage: deprecated }),
  }
}

// Injected options are none of the schema's, but may be written.
function withYamlKeys({ properties, required }: JsonSchema, { keys, injected }: Definition): JsonSchema {
  const named = Object.entries(isSchemaObject(properties) ? properties : {}).map(([option, schema]) => [
    keyName(option, keys),
    schema,
  ])
  return {
    properties: {
      ...Object.fromEntries(injected.map((option) => [option, {}])),
      ...Object.fromEntries(named),
    },
    ...(Array.isArray(required) ? { required: required.map((option) => keyName(option, keys)) } : {}),
  }
}

/**
 * What holds for a document, whose tag a JSON Schema cannot see: a mapping with the required options of a class must be
 * one, or extensions; anything else may be. Options are suggested all the same.
 */
function documentRules(tags: readonly string[], definitions: JsonSchema): JsonSchema {
  const classes = tags.map((tag) => definitions[tag] as JsonSchema)
  const looks = classes.flatMap(shapeOf)
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

function shapeOf({ properties, required }: JsonSchema): JsonSchema[] {
  if (Array.isArray(required) && required.length > 0) return [{ required }]
  const names = Object.keys(isSchemaObject(properties) ? properties : {})
  return names.length > 0 ? [{ minProperties: 1, propertyNames: { enum: names } }] : []
}

// The name that is being written has no value yet.
const unfinished = { not: { type: ['string', 'number', 'boolean', 'array', 'object'] } }

// Without what is required, so that it fits while it is being written.
function suggestion({ title, properties }: JsonSchema): JsonSchema {
  const names = Object.keys(isSchemaObject(properties) ? properties : {})
  return {
    title,
    properties: Object.fromEntries(names.map((name) => [name, reference(String(title), 'properties', name)])),
    additionalProperties: unfinished,
  }
}

import { omitUndefined } from '../../util/plain-object.js'
import { currentRegistry } from '../default-registry.js'
import { type Definition, keyName } from '../registration.js'
import type { Registry } from '../registry.js'
import { compositionTags } from '../tag.js'
import { ClassReferences } from './class-references.js'
import { type DescribedTag, describedTags } from './described-tag.js'
import { isSchemaObject, type JsonSchema, reference, toDefinition, typeFromElsewhere } from './keywords.js'

/**
 * Returns the JSON Schema (draft 7) of the files that a registry can load, for completion and validation in editors.
 *
 * ```ts
 * await writeFile('flambeau.schema.json', JSON.stringify(jsonSchema()))
 * ```
 *
 * It contains what the schema libraries provide, including titles, descriptions, defaults and deprecations. Options of a class
 * without a schema may be anything. Editors also need {@link customTags}.
 */
export function jsonSchema(registry: Registry = currentRegistry()): JsonSchema {
  const tags = describedTags(registry)
  const known = tags.filter(({ options }) => options !== undefined)
  const definitions = definitionsOf(tags, { all: tags, namesTags: false })
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...documentRules(
      known.map(({ tag }) => tag),
      definitions,
    ),
  }
}

/** The JSON Schema of the options of each tag that has one, in which each value that takes objects names their tags. */
export function schemasWithTags(registry: Registry): Record<string, JsonSchema> {
  const tags = describedTags(registry)
  const found: Record<string, JsonSchema> = {}
  // A schema that no JSON can express is that of one class: the others stay known.
  for (const each of tags)
    try {
      Object.assign(found, JSON.parse(JSON.stringify(definitionsOf([each], { all: tags, namesTags: true }))))
    } catch {}
  return found
}

function definitionsOf(
  tags: readonly DescribedTag[],
  { all, namesTags }: { all: readonly DescribedTag[]; namesTags: boolean },
): Record<string, JsonSchema> {
  const known = tags.filter(({ options }) => options !== undefined)
  return Object.fromEntries(known.map((each) => [each.tag, tagDefinition(each, { all, namesTags })]))
}

/**
 * Returns the tags of a registry in the format of the setting `yaml.customTags` of `yaml-language-server` and VS Code.
 *
 * ```ts
 * console.log(JSON.stringify({ 'yaml.customTags': customTags() }))
 * ```
 *
 * Each names the kind of node that has the tag, and the type as which {@link jsonSchema} validates it.
 */
export function customTags(registry: Registry = currentRegistry()): string[] {
  const own = describedTags(registry).flatMap((described) =>
    kindsOf(described).map((kind) => `${described.tag} ${kind}`),
  )
  return [...own, ...[...compositionTags].flatMap(compositionKinds)]
}

function compositionKinds(tag: string): string[] {
  const kinds = tag === '!extends' ? ['mapping'] : tag === '!env' ? ['scalar', 'mapping'] : ['scalar']
  return kinds.map((kind) => `${tag} ${kind}:${typeFromElsewhere}`)
}

// "null" is never the type of options, so that the node is not validated by the options of another class.
function kindsOf({ resolved, options }: DescribedTag): string[] {
  if (resolved.definition.fromYaml) return ['scalar:null', 'mapping:null', 'sequence:null']
  if (options === undefined) return ['mapping:null', 'scalar:null']
  // "!Train" with nothing after it is an empty scalar: no options.
  return ['mapping', 'scalar:object']
}

/** The JSON Schema of what may follow a tag. */
function tagDefinition(
  described: DescribedTag,
  { all, namesTags }: { all: readonly DescribedTag[]; namesTags: boolean },
): JsonSchema {
  const { tag, resolved, schema, options } = described
  const { $schema: _, ...own } = toDefinition(tag, options!)
  const filled = new ClassReferences(schema!, all, namesTags).addTo(own)
  return { ...filled, ...withYamlKeys(filled, resolved.definition), title: tag, ...notes(described) }
}

function notes({ resolved: { definition, deprecated } }: DescribedTag): JsonSchema {
  return omitUndefined({
    description: definition.description,
    deprecated: deprecated === undefined ? undefined : true,
    deprecationMessage: deprecated,
  })
}

// Injected options are not in the schema, but may be written.
function withYamlKeys({ properties, required }: JsonSchema, { keys, injected }: Definition): JsonSchema {
  const named = Object.entries(isSchemaObject(properties) ? properties : {}).map(([option, schema]) => [
    keyName(option, keys),
    schema,
  ])
  const unchecked = injected.map((option) => [option, {}])
  return omitUndefined({
    properties: Object.fromEntries([...unchecked, ...named]),
    required: Array.isArray(required) ? required.map((option) => keyName(option, keys)) : undefined,
  })
}

/**
 * The rules for a whole document. A JSON Schema cannot see its tag, so a mapping with the required options of a class must match
 * that class, or be extensions; anything else is accepted. Options are suggested in any case.
 */
function documentRules(tags: readonly string[], definitions: JsonSchema): JsonSchema {
  const classes = tags.map((tag) => definitions[tag] as JsonSchema)
  const shapes = classes.flatMap(shapeOf)
  const rule = {
    anyOf: [...tags.map((tag) => reference(tag)), extensions, { not: { type: 'object', anyOf: shapes } }],
  }
  return {
    allOf: shapes.length > 0 ? [rule, reference('suggestions')] : [reference('suggestions')],
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

// While a key is being typed, it has no value yet.
const unfinished = { not: { type: ['string', 'number', 'boolean', 'array', 'object'] } }

// Without required options, so that it matches while it is being typed.
function suggestion({ title, properties }: JsonSchema): JsonSchema {
  const names = Object.keys(isSchemaObject(properties) ? properties : {})
  return {
    title,
    properties: Object.fromEntries(names.map((name) => [name, reference(String(title), 'properties', name)])),
    additionalProperties: unfinished,
  }
}

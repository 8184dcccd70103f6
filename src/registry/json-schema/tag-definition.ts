import { keyName } from '../option-names.js'
import type { Definition } from '../types.js'
import { ClassPlaces } from './class-places.js'
import type { DescribedTag } from './described-tag.js'
import { asDefinition, isSchema, type JsonSchema } from './keywords.js'

/** What may stand after a tag, as an editor should know it. */
export function tagDefinition(described: DescribedTag, all: readonly DescribedTag[]): JsonSchema {
  const { tag, resolved, schema, options } = described
  const { $schema: _, ...own } = asDefinition(tag, options!)
  const filled = new ClassPlaces(schema!, all).fill(own)
  return { ...filled, ...spelt(filled, resolved.definition), title: tag, ...notes(described) }
}

function notes({ resolved: { definition, deprecated } }: DescribedTag): JsonSchema {
  return {
    ...(definition.description === undefined ? {} : { description: definition.description }),
    ...(deprecated === undefined ? {} : { deprecated: true, deprecationMessage: deprecated }),
  }
}

// Injected options are none of the schema's, but may be written.
function spelt({ properties, required }: JsonSchema, { keys, injected }: Definition): JsonSchema {
  const named = Object.entries(isSchema(properties) ? properties : {}).map(([option, schema]) => [
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

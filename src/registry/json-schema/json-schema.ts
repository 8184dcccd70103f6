import { currentRegistry } from '../default-registry.js'
import type { Registry } from '../registry.js'
import { describedTags } from './described-tag.js'
import { documentRules } from './document-rules.js'
import type { JsonSchema } from './keywords.js'
import { tagDefinition } from './tag-definition.js'

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

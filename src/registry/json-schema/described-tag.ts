import { type ResolvedTag, schemaOf } from '../registration.js'
import type { Registry } from '../registry.js'
import { inputJsonSchema, type StandardSchema } from '../standard-schema.js'
import type { Tag } from '../tag.js'
import { isSchemaObject, type JsonSchema } from './keywords.js'

/** A tag of a class or factory, and the JSON Schema of its options. */
export interface DescribedTag {
  readonly tag: Tag
  readonly resolved: ResolvedTag
  readonly schema: StandardSchema | undefined
  /** The JSON Schema of the options; `undefined` if there is no schema, or its library has none. */
  readonly options: JsonSchema | undefined
}

/** The tags of a registry, deprecated ones last: an editor takes the first that fits. */
export function describedTags(registry: Registry): DescribedTag[] {
  return [...registry.writableTags()]
    .map((tag) => describeTag(tag, registry.get(tag)!))
    .sort((a, b) => Number(isDeprecated(a)) - Number(isDeprecated(b)))
}

function isDeprecated({ resolved }: DescribedTag): boolean {
  return resolved.deprecated !== undefined
}

function describeTag(tag: Tag, resolved: ResolvedTag): DescribedTag {
  const schema = resolved.definition.fromYaml ? undefined : schemaOf(resolved)
  const options = schema && inputJsonSchema(schema)
  return {
    tag,
    resolved,
    schema,
    options: isSchemaObject(options) && 'properties' in options ? options : undefined,
  }
}

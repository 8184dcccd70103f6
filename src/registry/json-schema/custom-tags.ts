import { currentRegistry } from '../default-registry.js'
import type { Registry } from '../registry.js'
import { type DescribedTag, describedTags } from './described-tag.js'

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

import type { ClassLocation } from '../modules/class-locations.js'
import { schemasWithTags } from '../registry/json-schema/json-schema.js'
import type { JsonSchema } from '../registry/json-schema/keywords.js'
import { candidates } from '../registry/placeholder.js'
import { type Class, keyName } from '../registry/registration.js'
import type { Registry } from '../registry/registry.js'
import { readSafely } from '../util/thrown.js'

/** What an editor has to know of the tags of a registry; it crosses from one process to another as JSON. */
export interface Catalog {
  readonly tags: readonly TagEntry[]
  /** The JSON Schema of the options of each tag that has one, as {@link schemasWithTags} makes it. */
  readonly schemas: Readonly<Record<string, JsonSchema>>
}

/** One tag. */
export interface TagEntry {
  /** With its factory, if it names one: `!Model.fromFile`. */
  readonly tag: string
  readonly className: string
  readonly factory?: string | undefined
  readonly description?: string | undefined
  /** What to write instead, for a deprecated tag. */
  readonly deprecated?: string | undefined
  readonly isAbstract: boolean
  /** Whether options are written below it: not with a `fromYaml`, which reads anything. */
  readonly takesOptions: boolean
  /** Options without a schema of their own, which may be written, too. */
  readonly injected: readonly string[]
  /** Options that stay unconstructed: in them, placeholders may stand for any value. */
  readonly templates: readonly string[]
  /** Whether it is a placeholder in templates, such as `!choice`. */
  readonly isPlaceholder: boolean
  readonly location?: ClassLocation | undefined
}

/** Describes the tags of a registry. */
export function catalogOf(
  registry: Registry,
  locate: (Class: Class) => ClassLocation | undefined = () => undefined,
): Catalog {
  const all = new Set([...registry.tags(), ...registry.writableTags()])
  const tags = [...all].map((tag): TagEntry => {
    const { Class, definition, deprecated, abstract, factory } = registry.get(tag)!
    return {
      tag,
      className: nameOf(Class),
      factory,
      description: factory === undefined ? definition.description : undefined,
      deprecated,
      isAbstract: abstract && factory === undefined,
      takesOptions: !definition.fromYaml,
      injected: definition.injected,
      templates: definition.templates.map((option) => keyName(option, definition.keys)),
      isPlaceholder: candidates in Class,
      location: locate(Class),
    }
  })
  return { tags, schemas: schemasWithTags(registry) }
}

const longestName = 200

// A class of the user may have anything as its name.
function nameOf(Class: Class): string {
  const name: unknown = readSafely(() => Class.name, '')
  return typeof name === 'string' ? name.slice(0, longestName) : ''
}

/** The classes of a registry. */
export function classesOf(registry: Registry): Class[] {
  return [...new Set(registry.tags().map((tag) => registry.get(tag)!.Class))]
}

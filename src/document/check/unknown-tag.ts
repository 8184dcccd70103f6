import type { Registry } from '../../registry/registry.js'
import type { NearNames } from '../../registry/suggest.js'
import { namespaceOf } from '../../registry/tag.js'
import type { ResolvedTag } from '../../registry/types.js'
import { absentTags, subPaths } from './sub-paths.js'

type Finding = [code: string, message: string, hint?: string]

/** Says of the tags of one text that nobody registered what was meant, or what to import. */
export class UnknownTags {
  #tags: readonly string[] | undefined

  constructor(
    readonly registry: Registry,
    readonly near: NearNames,
  ) {}

  finding(tag: string): Finding {
    const dot = tag.lastIndexOf('.')
    const owner = dot > 1 ? this.registry.get(tag.slice(0, dot)) : undefined
    if (owner) return this.#unknownFactory(tag, owner)
    const part = Object.hasOwn(subPaths, tag) ? subPaths[tag] : undefined
    if (part !== undefined)
      return ['UNKNOWN_TAG', `Unknown tag "${tag}": import "${part}", which registers it`]
    if (Object.hasOwn(absentTags, tag)) return ['UNKNOWN_TAG', `Unknown tag "${tag}": ${absentTags[tag]}`]
    this.#tags ??= [...this.registry.writableTags()]
    const meant = this.near.among(this.#tags, tag)
    if (meant !== undefined) return ['UNKNOWN_TAG', `Unknown tag "${tag}": did you mean "${meant}"?`, meant]
    return ['UNKNOWN_TAG', `Unknown tag "${shortened(tag)}": ${this.#remedy(tag, this.#tags)}`]
  }

  #unknownFactory(tag: string, owner: ResolvedTag): Finding {
    const name = tag.slice(tag.lastIndexOf('.') + 1)
    const known = [...owner.definition.factories.keys()]
    const unknown = `Unknown factory "${shortened(name)}" of "${owner.tag}"`
    const meant = this.near.among(known, name)
    if (meant !== undefined)
      return ['UNKNOWN_FACTORY', `${unknown}: did you mean "${meant}"?`, `${owner.tag}.${meant}`]
    const list = known.map((factory) => `"${factory}"`).join(', ')
    return [
      'UNKNOWN_FACTORY',
      `${unknown}: ${list ? `its factories are ${list}` : `class "${owner.Class.name}" has none`}`,
    ]
  }

  #remedy(tag: string, known: readonly string[]): string {
    const namespace = namespaceOf(tag)
    if (/[:@]/.test(tag) && tag.startsWith('!')) return unusual(tag)
    if (!tag.startsWith('!')) return 'an application\'s tag begins with one "!"'
    if (namespace === undefined)
      return `import the module that has "@registrable('${shortened(tag)}')", from the shell with "--import"`
    if (known.some((other) => other.startsWith(`!${namespace}.`))) return `"${namespace}" has no such tag`
    const name = shortened(namespace)
    return `nothing is registered under "${name}"; declare the extension above "---" ("${name}: ./path") or import it`
  }
}

// No extension can have such a name, and "!Train:" is a tag with a colon too many.
function unusual(tag: string): string {
  const usual = tag
    .replace(/^!@(?:[^/.]*\/)?/, '!')
    .replace(/:+$/, '')
    .replace(/[:/]+/g, '.')
  return `write "${shortened(usual)}", with the name that an extension has above "---" before its "."`
}

function shortened(tag: string): string {
  return tag.length > 64 ? `${tag.slice(0, 63)}…` : tag
}

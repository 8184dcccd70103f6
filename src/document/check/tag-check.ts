import type { Problem } from '../../errors.js'
import { exporterOfUntagged } from '../../modules/exported-classes.js'
import { coreTag, type Entry, isApplicationTag, type MappingNode, type Node, sourceOf } from '../../node.js'
import { ownTags } from '../../registry/own-tags.js'
import { optionName, type ResolvedTag, schemaOf, whyInjected } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import type { Suggester } from '../../registry/suggest.js'
import { namespaceOf, type Tag } from '../../registry/tag.js'
import type { Source } from '../../source.js'
import { isEmpty } from '../nodes.js'
import { describeNode, nodeProblem, ProblemList } from '../problems.js'
import type { ParsedDocument } from '../read/parsed.js'

const coreTypes = new Set('map seq str null bool int float set omap pairs binary timestamp merge'.split(' '))

/** Checks the tags of a text and the nodes that have them. */
export class TagCheck {
  readonly list: ProblemList
  /** Deprecated tags, each at its first use. */
  readonly warnings = new Map<string, Problem>()
  readonly #unknown: UnknownTags

  constructor(
    readonly source: Source,
    readonly registry: Registry,
    suggester: Suggester,
  ) {
    this.list = new ProblemList(suggester)
    this.#unknown = new UnknownTags(registry, suggester)
  }

  /** Checks the tags of a document. Returns whether a class or factory in it has a schema, so that validation could find problems. */
  check(document: ParsedDocument): boolean {
    let anySchema = false
    for (const node of document.tagged) {
      const resolved = isApplicationTag(node.tag) ? this.registry.get(node.tag) : undefined
      anySchema ||= resolved !== undefined && schemaOf(resolved) !== undefined
      if (resolved) this.#checkNode(node, resolved)
      else this.#checkUnknown(node, node.tag!)
    }
    return anySchema
  }

  #checkUnknown(node: Node, tag: string): void {
    if (tag.startsWith(coreTag) && coreTypes.has(tag.slice(coreTag.length)))
      this.#report(node, 'BAD_CORE_TAG', () => this.#badCoreTag(node))
    else this.list.add(() => this.#problem(node, ...this.#unknown.finding(tag)))
  }

  #badCoreTag(node: Node): string {
    return `"!!${node.tag!.slice(coreTag.length)}" cannot be made from ${describeNode(node, this.source)}`
  }

  #checkNode(node: Node, resolved: ResolvedTag): void {
    const { definition, factory, abstract, Class } = resolved
    if (resolved.deprecated !== undefined) this.#warn(node, resolved)
    if (abstract && factory === undefined)
      this.#report(
        node,
        'ABSTRACT_CLASS',
        () => `"${node.tag}" is the abstract class "${Class.name}": use the tag of a class that extends it`,
      )
    else if (!definition.fromYaml) this.#checkMapped(node, resolved)
  }

  #warn(node: Node, { deprecated, tag }: ResolvedTag): void {
    if (this.warnings.has(tag)) return
    const message = `Tag "${tag}" is deprecated: ${deprecated}`
    this.warnings.set(tag, nodeProblem(node, this.source, 'DEPRECATED_TAG', message))
  }

  #checkMapped(node: Node, resolved: ResolvedTag): void {
    if (node.kind === 'mapping') this.#checkKeys(node, resolved)
    else if (!isEmpty(node))
      this.#report(
        node,
        'EXPECTED_MAPPING',
        () => `"${node.tag}" takes options ("name: value"), but found ${describeNode(node, this.source)}`,
      )
  }

  #checkKeys(node: MappingNode, resolved: ResolvedTag): void {
    const { definition } = resolved
    for (const entry of node.entries)
      if (keyText(entry) === undefined)
        this.#report(entry.key, 'KEY_NOT_STRING', () => notAName(entry.key, this.source))
    if (definition.keys === 'snake_case') this.#checkSpellings(node.entries)
    if (definition.injected.length > 0) this.#checkInjected(node, resolved)
  }

  #checkInjected({ tag, entries }: MappingNode, { Class, definition }: ResolvedTag): void {
    const why = (Class as { [whyInjected]?: (option: string) => string })[whyInjected]
    for (const entry of entries) {
      const name = optionName(keyText(entry) ?? '', definition.keys)
      const isWritten = definition.injected.includes(name) && !isInjected(entry.value)
      if (why && isWritten)
        this.#report(entry.value, 'BAD_OPTION', () => `Option "${name}" of "${tag}" ${why.call(Class, name)}`)
    }
  }

  #checkSpellings(entries: readonly Entry[]): void {
    const seen = new Map<string, string>()
    for (const entry of entries) {
      const key = keyText(entry) ?? ''
      const name = optionName(key, 'snake_case')
      const other = seen.get(name)
      if (other !== undefined && other !== key)
        this.#report(
          entry.key,
          'KEY_TWICE',
          () => `"${key}" and "${other}" name the same option: keep one of them`,
        )
      seen.set(name, key)
    }
  }

  #report(node: Node, code: string, message: () => string): void {
    this.list.add(() => this.#problem(node, code, message()))
  }

  #problem(node: Node, code: string, message: string, hint?: string): Problem {
    return nodeProblem(node, this.source, code, message, hint)
  }
}

// What is injected is an object; where there is none, some write null.
function isInjected(value: Node): boolean {
  const node = value.kind === 'alias' ? (value.target ?? value) : value
  return isApplicationTag(node.tag) || isEmpty(node) || node.kind === 'alias'
}

function keyText({ key }: Entry): string | undefined {
  const node = key.kind === 'alias' ? key.target : key
  return node?.kind === 'scalar' && typeof node.value === 'string' && !isApplicationTag(node.tag)
    ? node.value
    : undefined
}

function notAName(key: Node, source: Source): string {
  const found = key.kind === 'scalar' && key.value === null ? 'null' : describeNode(key, source)
  const written = key.kind === 'scalar' ? sourceOf(key, source).text.slice(key.start, key.end) : ''
  const remedy = written === '' ? '' : `: put "${written}" in quotes if that is its name`
  return `The name of an option must be a string, but found ${found}${remedy}`
}

type Finding = [code: string, message: string, hint?: string]

/** Explains unknown tags of one text: what was probably meant, or what to import. */
class UnknownTags {
  #tags: readonly string[] | undefined

  constructor(
    readonly registry: Registry,
    readonly suggester: Suggester,
  ) {}

  finding(tag: string): Finding {
    const dot = tag.lastIndexOf('.')
    const owner = dot > 1 ? this.registry.get(tag.slice(0, dot)) : undefined
    if (owner) return this.#unknownFactory(tag, owner)
    const [part] = Object.hasOwn(ownTags, tag) ? ownTags[tag as Tag]! : []
    if (part !== undefined)
      return ['UNKNOWN_TAG', `Unknown tag "${tag}": import "${part}", which registers it`]
    if (/^!@[^/]+$/.test(tag)) return linkWithoutSpace(tag)
    if (Object.hasOwn(unsupportedTags, tag))
      return ['UNKNOWN_TAG', `Unknown tag "${tag}": ${unsupportedTags[tag]}`]
    const exporter = exporterOfUntagged(tag.slice(1))
    if (exporter !== undefined) return ['UNKNOWN_TAG', `Unknown tag "${tag}": ${notDecorated(tag, exporter)}`]
    this.#tags ??= [...this.registry.writableTags()]
    const meant = this.suggester.suggest(this.#tags, tag)
    if (meant !== undefined) return ['UNKNOWN_TAG', `Unknown tag "${tag}": did you mean "${meant}"?`, meant]
    return ['UNKNOWN_TAG', `Unknown tag "${shortened(tag)}": ${this.#remedy(tag, this.#tags)}`]
  }

  #unknownFactory(tag: string, owner: ResolvedTag): Finding {
    const name = tag.slice(tag.lastIndexOf('.') + 1)
    const known = [...owner.definition.factories.keys()]
    const unknown = `Unknown factory "${shortened(name)}" of "${owner.tag}"`
    const meant = this.suggester.suggest(known, name)
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
    if (!tag.startsWith('!')) return 'the tag of a class begins with one "!"'
    if (namespace === undefined)
      return `import the module that registers it with "@registrable('${shortened(tag)}')"; on the command line, name that module in "--import"`
    if (known.some((other) => other.startsWith(`!${namespace}.`))) return `"${namespace}" has no such tag`
    const name = shortened(namespace)
    return `nothing is registered under "${name}"; declare the extension above "---" ("${name}: ./path") or import it`
  }
}

function notDecorated(tag: string, module: string): string {
  return `"${module}" exports the class "${tag.slice(1)}" without a tag, so put "@registrable('${tag}')" above it`
}

// "!@scope/name.Tag" would be the tag of an extension.
function linkWithoutSpace(tag: string): Finding {
  const path = tag.slice(2)
  const remedy = `write "!@ ${shortened(path)}" or "!link ${shortened(path)}"`
  return ['UNKNOWN_TAG', `Unknown tag "${shortened(tag)}": ${remedy}`, `!@ ${path}`]
}

// No extension can have such a name, and "!Train:" has a colon too many.
function unusual(tag: string): string {
  const usual = tag
    .replace(/^!@(?:[^/.]*\/)?/, '!')
    .replace(/:+$/, '')
    .replace(/[:/]+/g, '.')
  return `write "${shortened(usual)}", with the name of an extension, as declared above "---", before the "."`
}

function shortened(tag: string): string {
  return tag.length > 64 ? `${tag.slice(0, 63)}…` : tag
}

/** Tags of flambé without a counterpart here, and what to do instead. */
const unsupportedTags: Readonly<Record<string, string>> = {
  '!AWSCluster':
    'flambeau does not start machines on AWS: start them yourself, and list their addresses in an "!SSHCluster"',
}

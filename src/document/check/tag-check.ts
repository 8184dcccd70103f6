import type { Problem } from '../../errors.js'
import { coreTag, type Entry, isApplicationTag, type MappingNode, type Node } from '../../node.js'
import { optionName } from '../../registry/option-names.js'
import type { Registry } from '../../registry/registry.js'
import { schemaOf } from '../../registry/schema-of.js'
import type { NearNames } from '../../registry/suggest.js'
import type { ResolvedTag } from '../../registry/types.js'
import type { Source } from '../../source.js'
import { isEmpty } from '../nodes.js'
import { ProblemList } from '../problem-list.js'
import { kindOf, spanOf } from '../problems.js'
import type { ParsedDocument } from '../read/parsed.js'
import { UnknownTags } from './unknown-tag.js'

const ownTags = new Set('map seq str null bool int float set omap pairs binary timestamp merge'.split(' '))

/** What is wrong with the tags of a text, and with the nodes that they stand at. */
export class TagCheck {
  readonly list: ProblemList
  /** Tags that still work, each where it stands first. */
  readonly warnings = new Map<string, Problem>()
  readonly #unknown: UnknownTags

  constructor(
    readonly source: Source,
    readonly registry: Registry,
    near: NearNames,
  ) {
    this.list = new ProblemList(near)
    this.#unknown = new UnknownTags(registry, near)
  }

  /** Whether a class or factory of the document has a schema, so that validating it could find anything. */
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
    if (tag.startsWith(coreTag) && ownTags.has(tag.slice(coreTag.length)))
      this.#report(node, 'BAD_CORE_TAG', () => this.#badCoreTag(node))
    else this.list.add(() => this.#problem(node, ...this.#unknown.finding(tag)))
  }

  #badCoreTag(node: Node): string {
    return `"!!${node.tag!.slice(coreTag.length)}" cannot be made of ${kindOf(node, this.source)}`
  }

  #checkNode(node: Node, resolved: ResolvedTag): void {
    const { definition, factory, abstract, Class } = resolved
    if (resolved.deprecated !== undefined) this.#warn(node, resolved)
    if (abstract && factory === undefined)
      this.#report(
        node,
        'ABSTRACT_CLASS',
        () => `"${node.tag}" is the abstract class "${Class.name}": name one that extends it`,
      )
    else if (!definition.fromYaml) this.#checkMapped(node, resolved)
  }

  #warn(node: Node, { deprecated, tag }: ResolvedTag): void {
    if (this.warnings.has(tag)) return
    const message = `Tag "${tag}" is deprecated: ${deprecated}`
    this.warnings.set(tag, this.source.problem('DEPRECATED_TAG', message, spanOf(node)))
  }

  #checkMapped(node: Node, resolved: ResolvedTag): void {
    if (node.kind === 'mapping') this.#checkKeys(node, resolved)
    else if (!isEmpty(node))
      this.#report(
        node,
        'EXPECTED_MAPPING',
        () => `"${node.tag}" takes options, "name: value", but here stands ${kindOf(node, this.source)}`,
      )
  }

  #checkKeys(node: MappingNode, { definition }: ResolvedTag): void {
    for (const entry of node.entries)
      if (keyText(entry) === undefined)
        this.#report(entry.key, 'KEY_NOT_STRING', () => notAName(entry.key, this.source))
    if (definition.keys === 'snake_case') this.#checkSpellings(node.entries)
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
          () => `"${key}" and "${other}" are the same option: write one of them`,
        )
      seen.set(name, key)
    }
  }

  #report(node: Node, code: string, message: () => string): void {
    this.list.add(() => this.#problem(node, code, message()))
  }

  #problem(node: Node, code: string, message: string, hint?: string): Problem {
    return this.source.problem(code, message, spanOf(node), hint)
  }
}

function keyText({ key }: Entry): string | undefined {
  const node = key.kind === 'alias' ? key.target : key
  return node?.kind === 'scalar' && typeof node.value === 'string' && !isApplicationTag(node.tag)
    ? node.value
    : undefined
}

function notAName(key: Node, source: Source): string {
  const found = key.kind === 'scalar' && key.value === null ? 'null' : kindOf(key, source)
  const written = key.kind === 'scalar' ? source.text.slice(key.start, key.end) : ''
  const remedy = written === '' ? '' : `: write "${written}" in quotes if that is its name`
  return `The name of an option must be a string, but here stands ${found}${remedy}`
}

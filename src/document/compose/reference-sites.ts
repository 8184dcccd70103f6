import { type AliasNode, type Entry, isApplicationTag, type Node } from '../../node.js'
import { candidatesOf } from '../../registry/placeholder.js'
import { optionName, type ResolvedTag } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import { compositionTags } from '../../registry/tag.js'
import { mergeSources, textOfKey } from '../nodes.js'

/** Where paths start: at the top of the document, or of a template in it. */
export interface Scope {
  /** The top, as it was before references were resolved. */
  readonly top: Node
  readonly isTemplate: boolean
  /** Whether a tag around it is unknown, which may be that of a class with templates. */
  readonly isUncertain: boolean
  /** Whether it is in a value of a placeholder, which is constructed before others are chosen. */
  readonly isChoice: boolean
}

/** A node to resolve, and how to replace it in its parent. */
export interface Site {
  readonly node: Node
  readonly scope: Scope
  replace(node: Node): void
}

/** Whether a node is an `!env`, `!ref`, `!format` or `!link` that was not resolved yet. */
export function isReference({ tag }: Node): boolean {
  return tag !== undefined && compositionTags.has(tag) && tag !== '!include' && tag !== '!extends'
}

/** Whether a node stands for other values in a template. */
export function isPlaceholder(node: Node, registry: Registry): boolean {
  return node.tag !== undefined && candidatesOf(node, registry.get(node.tag)) !== undefined
}

/** What a link does not read: not data, or the secrets of a runnable. */
export const unreadable: ReadonlySet<unknown> = new Set(['constructor', '__proto__', 'config'])

/** The references of a document, in file order, and what else has to know their targets. */
export class ReferenceSites {
  readonly sites: Site[] = []
  readonly aliases: AliasNode[] = []
  /** What `<<` merges, where a reference is among it. */
  readonly merges: { entry: Entry; written: readonly Node[] }[] = []
  /** The tops of all templates. */
  readonly templates = new Set<Node>()

  constructor(readonly registry: Registry) {}

  visit(node: Node, scope: Scope, replace: (node: Node) => void): void {
    if (node.kind === 'alias') this.aliases.push(node)
    if (isReference(node)) this.sites.push({ node, scope, replace })
    if (node.kind === 'sequence') this.#visitItems(node.items as Node[], this.#scopeBelow(node, scope))
    if (node.kind === 'mapping') this.#visitEntries(node, this.#scopeBelow(node, scope))
  }

  #visitItems(items: Node[], scope: Scope): void {
    for (const [index, item] of items.entries())
      this.visit(item, scope, (node) => {
        items[index] = node
      })
  }

  #visitEntries(node: Node & { kind: 'mapping' }, outer: Scope): void {
    const isTagged = isApplicationTag(node.tag) && !isReference(node)
    const resolved = isTagged ? this.registry.get(node.tag!) : undefined
    const scope = isTagged && !resolved ? { ...outer, isUncertain: true } : outer
    for (const entry of node.entries) this.#visitEntry(entry, scope, resolved)
  }

  #scopeBelow(node: Node, scope: Scope): Scope {
    const isChoice = scope.isTemplate && isPlaceholder(node, this.registry)
    return isChoice ? { ...scope, isChoice } : scope
  }

  #visitEntry(entry: Entry, scope: Scope, owner: ResolvedTag | undefined): void {
    if (entry.merge) this.#noteMerge(entry)
    const { value } = entry
    const isTemplate = owner !== undefined && isTemplateOption(entry, owner)
    if (isTemplate) this.templates.add(value)
    const replace = (node: Node) => {
      ;(entry as { value: Node }).value = node
    }
    this.visit(value, isTemplate ? { ...scope, top: value, isTemplate, isChoice: false } : scope, replace)
    // The path of the option itself starts outside the template.
    if (isTemplate && isReference(value)) this.#moveOut(value, scope)
  }

  #moveOut(node: Node, scope: Scope): void {
    const index = this.sites.findLastIndex((site) => site.node === node)
    this.sites[index] = { ...this.sites[index]!, scope }
  }

  #noteMerge(entry: Entry): void {
    const written = mergeSources(entry.value)
    const leads = (node: Node) =>
      isReference(node) || (node.kind === 'alias' && node.target && isReference(node.target))
    if (written.some(leads)) this.merges.push({ entry, written })
  }
}

function isTemplateOption({ key }: Entry, { definition: { templates, keys } }: ResolvedTag): boolean {
  if (templates.length === 0 || (key.kind === 'alias' && !key.target)) return false
  return templates.includes(optionName(textOfKey(key), keys))
}

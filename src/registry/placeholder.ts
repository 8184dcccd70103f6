import type { Node } from '../node.js'
import type { ResolvedTag } from './registration.js'

/**
 * Names the static method of a class whose objects stand for values in a template: the nodes of the values that it may
 * stand for. The `fromYaml` of such a class runs no code of users, so that a check may call it.
 */
export const candidates = Symbol.for('flambeau.candidates')

/** Names the static method of a class which replaces nothing in its templates but placeholders: its {@link TemplateRules}. */
export const templateRules = Symbol.for('flambeau.templateRules')

/** What a class refuses in its templates; each rule returns a code and a message, or nothing. */
export interface TemplateRules {
  /** Whether objects of a tag may stand at the top of a template. */
  root(made: ResolvedTag): Refusal | undefined
  /** Whether a placeholder may stand in a template, given the options of its owner. */
  placeholder(made: ResolvedTag, context: PlaceholderContext): Refusal | undefined
}

/** Where a placeholder stands. */
export interface PlaceholderContext {
  readonly options: Readonly<Record<string, unknown>>
  /** In a value of another placeholder. */
  readonly isNested: boolean
}

type Refusal = readonly [code: string, message: string]

/** A class whose objects stand for values in a template. */
export interface PlaceholderClass {
  [candidates](node: Node): readonly Node[]
}

/** The nodes of the values for which a node may stand; `undefined` when it stands for itself. */
export function candidatesOf(node: Node, resolved: ResolvedTag | undefined): readonly Node[] | undefined {
  const Class = resolved?.Class as Partial<PlaceholderClass> | undefined
  return Class?.[candidates]?.(node)
}

/** The rules of the owner of a template; `undefined` when it may replace anything in it. */
export function templateRulesOf(owner: ResolvedTag): TemplateRules | undefined {
  return (owner.Class as { [templateRules]?: TemplateRules })[templateRules]
}

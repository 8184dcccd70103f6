import type { Node } from '../node.js'
import type { ResolvedTag } from './registration.js'

/**
 * The static method that makes a class a placeholder in templates: it returns the nodes of the values that a placeholder may
 * become. The `fromYaml` of such a class runs no user code, so that a check may call it.
 */
export const candidates = Symbol.for('flambeau.candidates')

/** The static {@link TemplateRules} of a class that replaces only placeholders in its templates. */
export const templateRules = Symbol.for('flambeau.templateRules')

/** What a class refuses in its templates: each rule returns an error code and a message, or nothing. */
export interface TemplateRules {
  /** Checks the tag at the top of a template. */
  root(made: ResolvedTag): Refusal | undefined
  /** Checks a placeholder in a template, given the options of the owner. */
  placeholder(made: ResolvedTag, context: PlaceholderContext): Refusal | undefined
}

/** The context of a placeholder. */
export interface PlaceholderContext {
  readonly options: Readonly<Record<string, unknown>>
  readonly node: Node
}

type Refusal = readonly [code: string, message: string]

/** A class whose objects are placeholders in templates. */
export interface PlaceholderClass {
  [candidates](node: Node): readonly Node[]
}

/** The nodes of the values that a placeholder may become; `undefined` for any other node. */
export function candidatesOf(node: Node, resolved: ResolvedTag | undefined): readonly Node[] | undefined {
  const Class = resolved?.Class as Partial<PlaceholderClass> | undefined
  return Class?.[candidates]?.(node)
}

/** The rules of the owner of a template; `undefined` if it has none. */
export function templateRulesOf(owner: ResolvedTag): TemplateRules | undefined {
  return (owner.Class as { [templateRules]?: TemplateRules })[templateRules]
}

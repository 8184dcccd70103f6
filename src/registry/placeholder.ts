import type { Node } from '../node.js'
import type { ResolvedTag } from './types.js'

/**
 * Names the static method of a class whose objects stand for values in a template: the nodes of the values that it may
 * stand for. The `fromYaml` of such a class runs no code of users, so that a check may call it.
 */
export const candidates = Symbol.for('flambeau.candidates')

/** Names the static method of a class which replaces nothing in its templates but placeholders: why it refuses one. */
export const refusesTemplate = Symbol.for('flambeau.refusesTemplate')

/** A class whose objects stand for values in a template. */
export interface PlaceholderClass {
  [candidates](node: Node): readonly Node[]
}

/** The nodes of the values for which a node may stand; `undefined` when it stands for itself. */
export function candidatesOf(node: Node, resolved: ResolvedTag | undefined): readonly Node[] | undefined {
  const Class = resolved?.Class as Partial<PlaceholderClass> | undefined
  return Class?.[candidates]?.(node)
}

/** Why the owner of a template refuses an object of a tag; `undefined` when the owner may replace anything in it. */
export function templateRule(owner: ResolvedTag): ((made: ResolvedTag) => string | undefined) | undefined {
  const { [refusesTemplate]: rule } = owner.Class as {
    [refusesTemplate]?: (made: ResolvedTag) => string | undefined
  }
  return rule
}

import type { Problem } from '../../errors.js'
import type { Node } from '../../node.js'
import { candidatesOf } from '../../registry/placeholder.js'
import type { Registry } from '../../registry/registry.js'
import { childrenOf, followed } from '../nodes.js'

/** Which value stands for each placeholder. */
export type Picks = ReadonlyMap<Node, Node>

/**
 * Every choice of a template, one placeholder at a time: the others have their first value. A placeholder in a value
 * has its own choices where that value is picked.
 */
export function* picksOf(node: Node, registry: Registry, outer: Picks = new Map()): Generator<Picks> {
  const values = node.tag === undefined ? undefined : candidatesOf(node, registry.get(node.tag))
  if (!values) {
    for (const [, child] of childrenOf(node)) yield* picksOf(child, registry, outer)
    return
  }
  for (const value of values) {
    const picks = new Map([...outer, [node, followed(value)]])
    yield picks
    yield* picksOf(followed(value), registry, picks)
  }
}

/** The placeholders of a template, those in values of others included. */
export function* placeholdersIn(
  node: Node,
  registry: Registry,
  isNested = false,
): Generator<{ placeholder: Node; isNested: boolean }> {
  const values = node.tag === undefined ? undefined : candidatesOf(node, registry.get(node.tag))
  if (values) yield { placeholder: node, isNested }
  const children = values ?? [...childrenOf(node)].map(([, child]) => child)
  for (const child of children) yield* placeholdersIn(child, registry, isNested || values !== undefined)
}

/** Problems without those that say the same of the same place. */
export function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Map(
    problems.map((problem) => [`${problem.line}:${problem.column} ${problem.message}`, problem]),
  )
  return [...seen.values()]
}

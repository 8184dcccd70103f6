import { type Node, valueNode } from '../../node.js'
import type { Builder } from '../../registry/hooks.js'

/** The numbers of `!range { from: 0, to: 1 }`, each of which must be there; ends the loading when one is not. */
export function numbersOf<Name extends string>(
  builder: Builder,
  node: Node,
  { names, example }: { names: readonly Name[]; example: string },
): Record<Name, number> {
  const given = builder.constructMapping(node)
  const unknown = Object.keys(given).find((name) => !names.includes(name as Name))
  if (unknown !== undefined) builder.fail(`"${node.tag}" has no option "${unknown}": write "${example}"`)
  for (const name of names)
    if (!Number.isFinite(given[name]))
      builder.fail(`"${name}" of "${node.tag}" must be a number: write "${example}"`)
  return given as Record<Name, number>
}

/** The number that a mapping has under a name, with its node; `undefined` when there is none. */
export function numberAt(node: Node, name: string): { node: Node; value: number } | undefined {
  const entries = node.kind === 'mapping' ? node.entries : []
  const value = entries.find(({ key }) => key.kind === 'scalar' && key.value === name)?.value
  return value?.kind === 'scalar' && typeof value.value === 'number' && Number.isFinite(value.value)
    ? { node: value, value: value.value }
    : undefined
}

/** A node for a number that follows from what stands at the place of another. */
export function valueAt({ start, end }: Node, value: number): Node {
  return { ...valueNode(value), start, end }
}

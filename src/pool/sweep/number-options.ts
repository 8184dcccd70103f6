import type { Node } from '../../node.js'
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

import type { Node } from '../../node.js'
import { resolveAlias } from '../nodes.js'
import type { Step } from '../path.js'

/** What a made tree has for following paths. */
interface MadeTree {
  readonly root: Node
  /** The path that a made reference consists of; `undefined` for other nodes, and for links into objects. */
  stepsOf(made: Node): readonly Step[] | undefined
  /** The values of a made mapping by name, including merged ones. */
  mergedEntries(made: Node): ReadonlyMap<string, Node>
}

/** A path that is being followed; `reference` is the node that it belongs to. */
interface Walk {
  readonly reference: Node | undefined
  readonly steps: readonly Step[]
  depth: number
  node: Node | undefined
}

/** Follows paths in a made tree, through aliases, references and merged keys. Each reference is followed once. */
export class MadePaths {
  readonly #targets = new Map<Node, Node | undefined>()

  constructor(readonly tree: MadeTree) {}

  // A stack of its own, since a chain of references may be long.
  follow(path: readonly Step[]): Node | undefined {
    const walks = [this.#walk(path)]
    for (;;) {
      const walk = walks.at(-1)!
      const node = walk.node && resolveAlias(walk.node)
      const steps = node && this.tree.stepsOf(node)
      if (steps && !this.#targets.has(node)) {
        // A cycle leads nowhere.
        this.#targets.set(node, undefined)
        walks.push(this.#walk(steps, node))
        continue
      }
      const target = steps ? this.#targets.get(node) : node
      const step = walk.steps[walk.depth++]
      if (target && step) walk.node = this.#child(target, step)
      else if (!walk.reference) return target
      else {
        this.#targets.set(walk.reference, target)
        walks.pop()
      }
    }
  }

  #walk(steps: readonly Step[], reference?: Node): Walk {
    return { reference, steps, depth: 0, node: this.tree.root }
  }

  #child(node: Node, step: Step): Node | undefined {
    if (step.kind === 'index') return node.kind === 'sequence' ? node.items.at(step.index) : undefined
    return this.tree.mergedEntries(node).get(step.name)
  }
}

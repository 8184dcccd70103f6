import type { Node } from '../../node.js'
import type { Class } from '../../registry/types.js'
import type { Constructing } from './constructing.js'
import { copyWith, pathsOf } from './node-copy.js'

const brand = Symbol.for('flambeau.Template')

/** A way from a template to a value in it: `rate`, `optimizer.rate`, `layers[0]`; the empty one is the template itself. */
export type TemplatePath = string

/**
 * An option that stays unconstructed until its owner builds it, as often as it likes.
 *
 * ```ts
 * // each: !Train { rate: !choice [0.01, 0.1] }
 * for (const [path, choice] of this.options.each.placeholders(Choice)) ...
 * this.options.each.build({ rate: 0.1 })
 * ```
 */
export class Template<T = unknown> {
  /** @internal */
  readonly node: Node
  /** @internal */
  readonly by: Constructing

  /** @internal */
  constructor(node: Node, by: Constructing) {
    this.node = node
    this.by = by
  }

  /** The tag at the top of the template, if it has one. */
  get tag(): string | undefined {
    return this.node.tag
  }

  /** The objects of a class that stand in the template, by their paths in file order: what `build` may replace. */
  placeholders<C extends Class>(PlaceholderClass: C): Map<TemplatePath, InstanceType<C>> {
    const found = new Map<TemplatePath, InstanceType<C>>()
    for (const [path, node] of pathsOf(this.node))
      if (isOf(this.by.registry.get(node.tag ?? '')?.Class, PlaceholderClass))
        found.set(path, this.by.construct(node) as InstanceType<C>)
    return found
  }

  /**
   * A new object of the template; what stands at the paths of `values` is replaced by them.
   *
   * @throws {@link DocumentError} when a path leads nowhere or options are refused.
   */
  build(values: Readonly<Record<TemplatePath, unknown>> = {}): T {
    return this.by.constructCopy(copyWith(this.node, values)) as T
  }

  /** @internal */
  get [brand](): true {
    return true
  }
}

function isOf(Class: Class | undefined, Ancestor: Class): boolean {
  return Class !== undefined && (Class === Ancestor || Class.prototype instanceof Ancestor)
}

/** Whether a value is a {@link Template}, whichever copy of this package made it. */
export function isTemplate(value: object): value is Template {
  return brand in value
}

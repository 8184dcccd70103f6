import { ValidationError } from '../../errors.js'
import { type MappingNode, type Node, type SequenceNode, sourceOf } from '../../node.js'
import { reportProblems } from '../../problem-report.js'
import type { Builder } from '../../registry/hooks.js'
import { setOwn } from '../../util/plain-object.js'
import { isEmpty, resolveAlias, textOfKey } from '../nodes.js'
import { attachSource, describeNode, spanOf } from '../problems.js'
import type { ConstructContext } from './construct-context.js'
import type { Complete } from './pending-nodes.js'
import { maskVariables } from './variable-mask.js'

/** The builder of one `fromYaml` call. */
export class NodeBuilder implements Builder {
  constructor(
    readonly context: ConstructContext,
    readonly node: Node,
    /** Constructs the node as if its class had no `fromYaml`. */
    readonly constructMapped: () => unknown,
    readonly complete: Complete = (node, construct) => construct(node),
  ) {}

  /** Implements `super.fromYaml`: constructs the object from its options, or with its factory. */
  constructInherited(node: Node): unknown {
    if (node !== this.node)
      return this.fail('"super.fromYaml" must be called with the node that "fromYaml" received', node)
    if (node.kind !== 'mapping' && !isEmpty(node)) return this.#expected('options ("name: value")', node)
    return this.complete(node, this.constructMapped)
  }

  construct(node: Node): unknown {
    // The node itself has the tag of the class: constructing it would never end.
    if (node === this.node)
      return this.fail('"construct" must not be called with the node that "fromYaml" received', node)
    return this.complete(node, (known) => this.context.construct(known))
  }

  constructMapping(node: Node): Record<string, unknown> {
    const mapping = resolveAlias(node)
    if (mapping.kind !== 'mapping') return this.#expected('a mapping', node)
    return this.complete(mapping, (known) => {
      const object: Record<string, unknown> = {}
      for (const { key, value } of this.context.entriesOf(known as MappingNode))
        setOwn(object, textOfKey(key), this.context.construct(value))
      return object
    })
  }

  constructSequence(node: Node): unknown[] {
    const sequence = resolveAlias(node)
    if (sequence.kind !== 'sequence') return this.#expected('a sequence', node)
    return this.complete(sequence, (known) =>
      (known as SequenceNode).items.map((item) => this.context.construct(item)),
    )
  }

  constructScalar(node: Node): string {
    const scalar = resolveAlias(node)
    if (scalar.kind !== 'scalar') return this.#expected('one value', node)
    return String(scalar.value ?? '')
  }

  fail(message: string, node: Node = this.node): never {
    const span =
      node === this.node && node.tagStart >= 0 ? { start: node.tagStart, end: node.end } : spanOf(node)
    const problems = [
      sourceOf(node, this.context.source).problem('REFUSED', maskVariables(message, node), span),
    ]
    throw attachSource(this.context.source, new ValidationError(reportProblems(problems), { problems }))
  }

  #expected(what: string, node: Node): never {
    return this.fail(
      `"${this.node.tag}" takes ${what}, but found ${describeNode(node, this.context.source)}`,
      node,
    )
  }
}

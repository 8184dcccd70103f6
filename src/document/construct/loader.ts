import { ConstructionError, type DocumentError, type Problem } from '../../errors.js'
import type { LinkNode, Node } from '../../node.js'
import { reportProblems } from '../../problem-report.js'
import { type ResolvedTag, schemaOf } from '../../registry/registration.js'
import { messageOf, nameOf } from '../../util/thrown.js'
import { pathTo } from '../nodes.js'
import { attachSource, documentError, hasSource, nodeProblem, ProblemList } from '../problems.js'
import { Construction } from './construction.js'
import { IssueProblems } from './issue-problems.js'
import { readLink } from './link.js'
import { NodeBuilder } from './node-builder.js'
import { recordLoaded } from './provenance.js'
import { snapshotOf } from './snapshot.js'
import { validate, withPrevalidated } from './validation.js'
import { maskVariables } from './variable-mask.js'

/** Constructs the objects of one document: validates, calls constructors, factories and `fromYaml`. */
export class Loader extends Construction {
  protected override make(node: Node): unknown {
    const resolved = this.registry.get(node.tag!)
    if (!resolved) throw this.#unknownTag(node)
    const made = resolved.definition.fromYaml ? this.#custom(node, resolved) : this.#mapped(node, resolved)
    if (typeof made === 'object' && made !== null)
      recordLoaded(
        made,
        { node, context: this },
        made instanceof resolved.Class ? undefined : snapshotOf(made),
      )
    return made
  }

  protected override remember(value: object, node: Node): void {
    recordLoaded(value, { node, context: this })
  }

  // The object is constructed first, wherever it is in the document.
  protected override follow(link: LinkNode): unknown {
    return readLink(link, this.construct(link.target), this.source)
  }

  protected override refuse(problem: Problem): never {
    throw attachSource(this.source, documentError([problem]))
  }

  override constructCopy(copy: Node): unknown {
    const document = { root: copy, start: -1, end: -1, tagged: [], isYaml11: false }
    return new Loader(this.source, this.registry, document, this).construct(copy)
  }

  // Happens only without a check before, or when the tag was removed since.
  #unknownTag(node: Node): DocumentError {
    const message = `Unknown tag "${node.tag}": register its class before loading`
    return documentError([nodeProblem(node, this.source, 'UNKNOWN_TAG', message)])
  }

  #custom(node: Node, resolved: ResolvedTag): unknown {
    const { definition, factory } = resolved
    const builder = new NodeBuilder(this, node, () => this.#mapped(node, resolved))
    return this.#guard(node, () => notPromise('"fromYaml"', definition.fromYaml!(builder, node, factory)))
  }

  #mapped(node: Node, resolved: ResolvedTag): unknown {
    const { visible, injected } = this.optionsOf(node, resolved.definition)
    const options = this.#validate(visible, node, resolved)
    const made = this.#guard(node, () => construct(resolved, options))
    for (const [name, value] of Object.entries(injected))
      (made as Record<string, unknown>)[name] = value ?? undefined
    return made
  }

  #validate(options: unknown, node: Node, resolved: ResolvedTag): unknown {
    const schema = schemaOf(resolved)
    const result = schema && validate(schema, options)
    if (!schema || !result) return options
    if (!result.issues) return result.value
    const problems = new IssueProblems(node, { schema, keys: resolved.definition.keys }, this)
    const list = new ProblemList()
    for (const issue of result.issues) problems.addTo(list, issue)
    throw attachSource(this.source, documentError(list.problems))
  }

  #guard(node: Node, make: () => unknown): unknown {
    try {
      return make()
    } catch (error) {
      // An error of `builder.fail` or of a child in this document already points at its node.
      throw hasSource(this.source, error) ? error : this.#failed(node, error)
    }
  }

  #failed(node: Node, cause: unknown): ConstructionError {
    const reason = firstLine(maskVariables(messageOf(cause), node)) || nameOf(cause)
    const path = pathTo(this.document.root, node)
    const where = path === '' ? '' : ` (${path})`
    const message = `"${node.tag}" could not be constructed${where}: ${reason}`
    const problems = [nodeProblem(node, this.source, 'CONSTRUCTION', message)]
    return attachSource(this.source, new ConstructionError(reportProblems(problems), { problems, cause }))
  }
}

function construct(resolved: ResolvedTag, options: unknown): unknown {
  const { Class, factory } = resolved
  const schema = schemaOf(resolved)
  const make = () => new (Class as new (options: unknown) => object)(options)
  if (factory === undefined) return schema ? withPrevalidated(options, schema, make) : make()
  return notPromise(`factory "${factory}"`, (Class as any)[factory](options))
}

function notPromise(what: string, made: unknown): unknown {
  if (!(made instanceof Promise)) return made
  made.catch(() => {})
  throw new TypeError(`${what} returned a promise, but must return the object itself`)
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.replace(/\.$/, '')
}

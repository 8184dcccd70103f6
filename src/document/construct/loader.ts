import { ConstructionError, type DocumentError } from '../../errors.js'
import type { Node } from '../../node.js'
import { reportProblems } from '../../problem-report.js'
import { type ResolvedTag, schemaOf } from '../../registry/registration.js'
import type { StandardSchema } from '../../registry/standard-schema.js'
import { messageOf, nameOf } from '../../util/thrown.js'
import { pathTo } from '../nodes.js'
import { attachSource, documentError, hasSource, ProblemList, spanOf } from '../problems.js'
import { Construction } from './construction.js'
import { IssueProblems } from './issue-problems.js'
import { NodeBuilder } from './node-builder.js'
import { recordLoaded } from './provenance.js'
import { snapshotOf } from './snapshot.js'
import { validate, withPrevalidated } from './validation.js'

/** Constructs the objects of one document: validates, calls constructors, factories and `fromYaml`. */
export class Loader extends Construction {
  protected override make(node: Node): unknown {
    const resolved = this.registry.get(node.tag!)
    if (!resolved) throw this.#unknownTag(node)
    const made = resolved.definition.fromYaml ? this.#custom(node, resolved) : this.#mapped(node, resolved)
    if (typeof made === 'object' && made !== null)
      recordLoaded(made, node, this, made instanceof resolved.Class ? undefined : snapshotOf(made))
    return made
  }

  protected override remember(value: object, node: Node): void {
    recordLoaded(value, node, this)
  }

  override constructCopy(copy: Node): unknown {
    const document = { root: copy, start: -1, end: -1, tagged: [] }
    return new Loader(this.source, this.registry, document, this).construct(copy)
  }

  // Only met where nothing was checked, or where a tag was removed since.
  #unknownTag(node: Node): DocumentError {
    const message = `Unknown tag "${node.tag}": what is constructed needs a registered class`
    return documentError([this.source.problem('UNKNOWN_TAG', message, spanOf(node))])
  }

  #custom(node: Node, resolved: ResolvedTag): unknown {
    const { definition, factory } = resolved
    const builder = new NodeBuilder(this, node, () => this.#mapped(node, resolved))
    return this.#guard(node, () => notPromise('"fromYaml"', definition.fromYaml!(builder, node, factory)))
  }

  #mapped(node: Node, resolved: ResolvedTag): unknown {
    const { definition, factory } = resolved
    const { visible, injected } = this.optionsOf(node, definition)
    const schema = schemaOf(resolved)
    const options = schema ? this.#validate(schema, visible, node, resolved) : visible
    const make = () => construct(resolved, options)
    const handsOver = schema && factory === undefined
    const made = this.#guard(node, () => (handsOver ? withPrevalidated(options, schema, make) : make()))
    for (const [name, value] of Object.entries(injected))
      (made as Record<string, unknown>)[name] = value ?? undefined
    return made
  }

  #validate(schema: StandardSchema, options: unknown, node: Node, { definition }: ResolvedTag): unknown {
    const result = validate(schema, options)
    if (!result.issues) return result.value
    const problems = new IssueProblems(node, schema, definition.keys, this)
    const list = new ProblemList()
    for (const issue of result.issues) problems.addTo(list, issue)
    throw attachSource(this.source, documentError(list.problems))
  }

  #guard(node: Node, make: () => unknown): unknown {
    try {
      return make()
    } catch (error) {
      // What `builder.fail` or a child of this document said points at its place already.
      throw hasSource(this.source, error) ? error : this.#failed(node, error)
    }
  }

  #failed(node: Node, cause: unknown): ConstructionError {
    const reason = firstLine(messageOf(cause)) || nameOf(cause)
    const path = pathTo(this.document.root, node)
    const where = path === '' ? '' : ` (${path})`
    const message = `"${node.tag}" could not be constructed${where}: ${reason}`
    const problems = [this.source.problem('CONSTRUCTION', message, spanOf(node))]
    return attachSource(this.source, new ConstructionError(reportProblems(problems), { problems, cause }))
  }
}

function construct({ Class, factory }: ResolvedTag, options: unknown): unknown {
  if (factory === undefined) return new (Class as new (options: unknown) => object)(options)
  return notPromise(`factory "${factory}"`, (Class as any)[factory](options))
}

function notPromise(what: string, made: unknown): unknown {
  if (!(made instanceof Promise)) return made
  made.catch(() => {})
  throw new TypeError(`${what} returned a promise, but must return its object`)
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.replace(/\.$/, '')
}

import { DocumentError, type Problem } from '../../errors.js'
import type { Node } from '../../node.js'
import { reportProblems } from '../../problem-report.js'
import type { Source } from '../../source.js'
import { messageOf } from '../../util/thrown.js'
import { partsOf } from '../nodes.js'
import { nodeProblem } from '../problems.js'
import type { ParsedDocument } from '../read/parsed.js'
import { maskVariables } from './variable-mask.js'

/** Receives the error of an object that could not be disposed of. */
export type OnDisposeError = (error: DocumentError) => void

type MaybeDisposable = Partial<AsyncDisposable & Disposable>

/** Whether a value has a method that disposes of it. */
export function isDisposable(value: unknown): value is MaybeDisposable {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const { [Symbol.asyncDispose]: asyncDispose, [Symbol.dispose]: dispose } = value as MaybeDisposable
  return typeof asyncDispose === 'function' || typeof dispose === 'function'
}

/** The objects that were constructed for one document and have to be disposed of. Each is disposed of once. */
export class Disposables {
  /** The nodes of each object: several nodes may have the same one. */
  #nodes: Map<object, Node[]> | undefined
  /** The objects that were loaded elsewhere, with what is disposed of together with each. */
  #loaded: Map<object, Disposables> | undefined
  /** Those of objects that templates have built, in the order in which they were built. */
  #built: Set<Disposables> | undefined
  #owner: Disposables | undefined

  constructor(
    readonly source: Source,
    readonly document: ParsedDocument,
  ) {}

  /** Whether nothing has to be disposed of. */
  get isEmpty(): boolean {
    return (this.#nodes ?? this.#built) === undefined
  }

  /** Keeps a value if it can be disposed of. */
  add(value: object, node: Node): void {
    if (isDisposable(value)) this.#keep(value, node)
  }

  /** Keeps a value that a function of the user has loaded; what was constructed for it is disposed of, too. */
  addLoaded(value: object, node: Node, loaded: Disposables): void {
    this.#built?.delete(loaded)
    this.#loaded ??= new Map()
    this.#loaded.set(value, loaded)
    this.#keep(value, node)
  }

  #keep(value: object, node: Node): void {
    this.#nodes ??= new Map()
    const nodes = this.#nodes.get(value)
    if (nodes) nodes.push(node)
    else this.#nodes.set(value, [node])
  }

  /** Disposes of what a template has built together with these. */
  adopt(built: Disposables): void {
    if (!built.#nodes) return
    built.#owner = this
    this.#built ??= new Set()
    this.#built.add(built)
  }

  /** Disposes of what was constructed at and below a node, by default of everything. Never rejects. */
  async dispose(onError: OnDisposeError, node?: Node): Promise<void> {
    if (this.#isRoot(node)) await this.#disposeBuilt(onError)
    for (const each of this.#takeBelow(node)) await this.#disposeOne(each, onError)
  }

  async #disposeBuilt(onError: OnDisposeError): Promise<void> {
    const built = [...(this.#built ?? [])].reverse()
    this.#built = undefined
    for (const each of built) await each.dispose(onError)
  }

  // The nodes of a document need not be made to find out.
  #isRoot(node: Node | undefined): boolean {
    return node === undefined || (!this.isEmpty && node === this.document.root)
  }

  // What uses an object is disposed of before it: in the reverse of the order in which `load` constructs.
  #takeBelow(top: Node | undefined): Constructed[] {
    const values = this.#nodes
    if (!values) return []
    const { root } = this.document
    const node = top ?? root
    const order = new Map([...nodesInOrder(node)].map((each, index) => [each, index]))
    const found: Constructed[] = []
    for (const [value, nodes] of values) {
      const isBelow = (each: Node): boolean => order.has(each) || node === root
      const [first] = nodes
        .filter(isBelow)
        .map((each) => ({ value, node: each, index: order.get(each) ?? indexBelow(each, order) }))
        .sort((a, b) => a.index - b.index)
      if (first) found.push(first)
    }
    for (const { value } of found) values.delete(value)
    if (values.size === 0) this.#forget()
    return found.reverse().toSorted((a, b) => b.index - a.index)
  }

  #forget(): void {
    this.#nodes = undefined
    const owner = this.#owner
    if (owner) owner.#built?.delete(this)
  }

  async #disposeOne({ value, node }: Constructed, onError: OnDisposeError): Promise<void> {
    const loaded = this.#loaded?.get(value)
    if (loaded) return loaded.dispose(onError)
    try {
      await disposeOf(value)
    } catch (cause) {
      onError(this.#failed(node, cause))
    }
  }

  #failed(node: Node, cause: unknown): DocumentError {
    const reason = maskVariables(messageOf(cause), node).split('\n', 1)[0]!.replace(/\.$/, '')
    const message = `"${node.tag}" could not be disposed of: ${reason}`
    const problems = [nodeProblem(node, this.source, 'DISPOSAL', message)]
    return new DocumentError(reportProblems(problems), { problems, cause })
  }
}

interface Constructed {
  readonly value: object
  readonly node: Node
  readonly index: number
}

/** Disposes of a value, if it can be. */
export async function disposeOf(value: unknown): Promise<void> {
  if (!isDisposable(value)) return
  const dispose = value[Symbol.asyncDispose] ?? value[Symbol.dispose]
  await dispose!.call(value)
}

/** One error for all objects that could not be disposed of. */
export function disposalError(errors: readonly DocumentError[]): DocumentError {
  const [first, second] = errors
  if (!second) return first!
  const problems: readonly Problem[] = errors.flatMap((error) => error.problems)
  const cause = new AggregateError(errors.map((error) => error.cause))
  return new DocumentError(reportProblems(problems), { problems, cause })
}

/** Yields the nodes from `root` down in the order in which their values are constructed: what a node uses comes before it. */
function* nodesInOrder(root: Node, seen = new Set<Node>()): Generator<Node> {
  if (seen.has(root)) return
  seen.add(root)
  for (const used of usedBy(root)) yield* nodesInOrder(used, seen)
  yield root
}

/** The index of a node that a `fromYaml` has made: after the nodes that it uses. */
function indexBelow(node: Node, order: ReadonlyMap<Node, number>): number {
  let last = -1
  for (const each of nodesInOrder(node)) last = Math.max(last, order.get(each) ?? -1)
  return last + 0.5
}

function usedBy(node: Node): Iterable<Node> {
  if (node.kind === 'alias') return node.target ? [node.target] : []
  if (node.kind === 'link') return [node.target]
  if (node.kind === 'format') return node.parts.filter((part): part is Node => typeof part !== 'string')
  return partsOf(node)
}

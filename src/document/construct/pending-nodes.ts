import { ConstructionError, isFlambeauError } from '../../errors.js'
import type { Node } from '../../node.js'
import { reportProblems } from '../../problem-report.js'
import type { Source } from '../../source.js'
import { chain, Semaphore } from '../../util/concurrency.js'
import { attachSource, documentError, inFileOrder } from '../problems.js'
import { unsettled } from './construction.js'
import { takeSame } from './same-node.js'

/** How many asynchronous functions of the user run at a time. */
export const mostAtOnce = 16

/** What constructs the values of nodes. */
interface NodeConstruction {
  readonly source: Source
  unsettledCount: number
  construct(node: Node): unknown
  keep(node: Node, value: unknown): void
  makeNow(node: Node): unknown
  childrenToConstruct(node: Node): readonly Node[]
}

/** Calls a function that constructs the value of a node, or of one that is the same; throws if it needs a child that does not exist. */
export type Complete = <T>(node: Node, construct: (node: Node) => T) => T

/** Is thrown in a `fromYaml` whose child does not exist yet. */
export class ChildPending extends Error {}

// Shared, since most nodes need none of their own.
const settledAlready: Promise<void> = Promise.resolve()
const noFailures: readonly unknown[] = []
const noNodes: readonly Node[] = []
const none: ReadonlySet<Attempt> = new Set()

/** The construction of one node that is not finished, or has failed. */
class Attempt {
  settled = settledAlready
  isSettled = true
  failures = noFailures
  /** The children that its `fromYaml` asked for and that did not exist. */
  missing: ReadonlySet<Attempt> = none
  /** The nodes that its `fromYaml` asked for in earlier calls and whose values did not exist. */
  asked = noNodes
  /** What was constructed for its `fromYaml`, and may have failed. */
  children: ReadonlySet<Attempt> = none

  static failed(error: unknown): Attempt {
    const attempt = new Attempt()
    attempt.failures = [error]
    return attempt
  }
}

/**
 * The nodes of one document whose objects do not exist yet. What a node uses exists before the node is constructed; independent
 * nodes are constructed together.
 *
 * The document is walked as a synchronous load does. Where a value does not exist yet, what contains it is constructed again when
 * it does; values that exist are kept. A document without promises is walked once.
 */
export class PendingNodes {
  readonly #attempts = new Map<Node, Attempt>()
  /** The attempts that the innermost construction has met, if there are any. */
  #met: Set<Attempt> | undefined
  /** The attempt that calls a function of the user at the moment. */
  #current: Attempt | undefined
  readonly #slots = new Semaphore(mostAtOnce)
  /** Whether anything was asynchronous: what is not is constructed even for a run that is cancelled as it starts. */
  #hasWaited = false
  /** The nodes whose functions are in progress. */
  readonly #calling = new Set<Node>()

  constructor(
    readonly nodes: NodeConstruction,
    readonly signal: AbortSignal,
  ) {}

  /** The value of a node, when it and everything that it uses exist. */
  async settle(root: Node): Promise<unknown> {
    for (;;) {
      const { value, met } = this.#observe(() => this.nodes.construct(root))
      // A "fromYaml" may have gone on without a child.
      await (met.size === 0 ? this.allSettled() : allOf(met))
      this.#expectGoing()
      if (met.size === 0) return value
      const failures = failuresOf(met)
      if (failures.length > 0) throw combinedFailure(failures, this.nodes.source)
    }
  }

  /** Settles when nothing that has begun is in progress. */
  async allSettled(): Promise<void> {
    for (let open = this.#open(); open.length > 0; open = this.#open()) await allOf(open)
  }

  #open(): Attempt[] {
    return [...this.#attempts.values()].filter(({ isSettled }) => !isSettled)
  }

  /** The value of a tagged node, or {@link unsettled}. */
  make(node: Node): unknown {
    const known = this.#attempts.size > 0 ? this.#attempts.get(node) : undefined
    if (known) return this.#meet(known)
    const attempt = new Attempt()
    try {
      const value = this.#try(node, attempt)
      if (!(value instanceof Promise)) return value
      attempt.isSettled = false
      attempt.settled = this.#finish(node, attempt, value)
    } catch (error) {
      attempt.failures = failuresIn(error)
    }
    this.#attempts.set(node, attempt)
    return this.#meet(attempt)
  }

  /** Reads something that may fail; a failure is met like that of an object. */
  collect(read: () => unknown): unknown {
    try {
      return read()
    } catch (error) {
      return this.#meet(Attempt.failed(error))
    }
  }

  /** Calls a function of the user for a node when one of the places is free. */
  call(node: Node, make: () => unknown, explain: (error: unknown) => Promise<never>): unknown {
    // "super.fromYaml" has the place of its "fromYaml": a second one might never be free.
    if (this.#calling.has(node)) {
      const made = make()
      return made instanceof Promise ? made.catch(explain) : made
    }
    return chain(this.#slots.acquire(), () => this.#callNow(node, make, explain))
  }

  #callNow(node: Node, make: () => unknown, explain: (error: unknown) => Promise<never>): unknown {
    const release = (): void => {
      this.#calling.delete(node)
      this.#slots.release()
    }
    let made: unknown
    try {
      this.#expectGoing()
      this.#calling.add(node)
      made = make()
      this.#hasWaited ||= made instanceof Promise
    } finally {
      if (!(made instanceof Promise)) release()
    }
    return made instanceof Promise ? made.catch(explain).finally(release) : made
  }

  /** Notes that something is asynchronous. */
  noteWaiting(): void {
    this.#hasWaited = true
  }

  #expectGoing(): void {
    if (this.#hasWaited) this.signal.throwIfAborted()
  }

  /** What lets the `fromYaml` that is about to be called construct its children. */
  completion(): Complete {
    const attempt = this.#current!
    const asked = [...attempt.asked]
    return (node, construct) => {
      const known = takeSame(asked, node)
      const { value, met } = this.#observe(() => construct(known))
      if (met.size === 0) return value
      const failures = failuresOf(met)
      if (failures.length > 0) throw combinedFailure(failures, this.nodes.source)
      attempt.missing = new Set([...attempt.missing, ...met])
      if (!attempt.asked.includes(known)) attempt.asked = [...attempt.asked, known]
      throw new ChildPending('A child is asynchronous: "fromYaml" is called again when it exists')
    }
  }

  async #finish(node: Node, attempt: Attempt, first: Promise<unknown>): Promise<void> {
    try {
      let value = await first
      while (value === unsettled) value = await this.#try(node, attempt)
      this.nodes.keep(node, value)
      this.#attempts.delete(node)
    } catch (error) {
      attempt.failures = failuresIn(error)
    } finally {
      attempt.isSettled = true
    }
  }

  /**
   * The value of a node, or a promise of it. The promise is that of {@link unsettled} where something had to exist first, and exists
   * now.
   */
  #try(node: Node, attempt: Attempt): unknown {
    attempt.missing = none
    try {
      const { value, met } = this.#observe(() => this.nodes.makeNow(node), attempt)
      if (met.size > 0) return whenThere(met)
      if (!(value instanceof Promise))
        return attempt.missing.size > 0 ? this.#constructChildren(node, attempt) : value
      return value.then(
        (made) => (attempt.missing.size > 0 ? this.#constructChildren(node, attempt) : made),
        (error) =>
          attempt.missing.size > 0
            ? this.#constructChildren(node, attempt)
            : Promise.reject(withChildren(error, attempt)),
      )
    } catch (error) {
      if (attempt.missing.size > 0) return this.#constructChildren(node, attempt)
      throw withChildren(error, attempt)
    }
  }

  // All children at once: one after the other would wait for each, and call "fromYaml" again for each.
  async #constructChildren(node: Node, attempt: Attempt): Promise<unknown> {
    const met = new Set<Attempt>(attempt.missing)
    for (const child of this.nodes.childrenToConstruct(node))
      for (const each of this.#observe(() => this.collect(() => this.nodes.construct(child))).met)
        met.add(each)
    attempt.children = met
    await allOf(met)
    return unsettled
  }

  #observe<T>(construct: () => T, attempt?: Attempt): { value: T; met: ReadonlySet<Attempt> } {
    const outerMet = this.#met
    const outerCurrent = this.#current
    const count = this.nodes.unsettledCount
    this.#met = undefined
    this.#current = attempt
    try {
      const value = construct()
      return { value, met: this.#met ?? none }
    } finally {
      this.#met = outerMet
      this.#current = outerCurrent
      this.nodes.unsettledCount = count
    }
  }

  #meet(attempt: Attempt): typeof unsettled {
    this.#met ??= new Set()
    this.#met.add(attempt)
    this.nodes.unsettledCount++
    return unsettled
  }
}

/** One error for all failures in the construction of a text. */
export function combinedFailure(failures: readonly unknown[], source: Source): unknown {
  const [first, ...others] = failures
  if (others.length === 0) return first
  const errors = failures.filter(isFlambeauError)
  if (errors.length < failures.length) return failures.find((each) => !isFlambeauError(each))
  const problems = inFileOrder([...new Set(errors.flatMap((error) => error.problems))])
  const cause = new AggregateError(errors.map((error) => error.cause ?? error))
  const isConstruction = errors.every((error) => error instanceof ConstructionError)
  const error = isConstruction
    ? new ConstructionError(reportProblems(problems), { problems, cause })
    : documentError(problems)
  return attachSource(source, error)
}

class Failures extends Error {
  constructor(readonly failures: readonly unknown[]) {
    super()
  }
}

/** The failure of a `fromYaml`, with those of its children, of which it may have met only the first. */
function withChildren(error: unknown, { children }: Attempt): unknown {
  const others = failuresOf(children)
  return others.length === 0 ? error : new Failures([...new Set([...failuresIn(error), ...others])])
}

function failuresIn(error: unknown): readonly unknown[] {
  return error instanceof Failures ? error.failures : [error]
}

function failuresOf(attempts: ReadonlySet<Attempt>): unknown[] {
  return [...new Set([...attempts].flatMap(({ failures }) => failures))]
}

async function allOf(attempts: Iterable<Attempt>): Promise<void> {
  await Promise.all([...attempts].map(({ settled }) => settled))
}

async function whenThere(attempts: ReadonlySet<Attempt>): Promise<typeof unsettled> {
  await allOf(attempts)
  const failures = failuresOf(attempts)
  if (failures.length > 0) throw new Failures(failures)
  return unsettled
}

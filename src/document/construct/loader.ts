import { ConstructionError, type DocumentError, type Problem } from '../../errors.js'
import { type Logger, StderrLogger } from '../../logger.js'
import type { LinkNode, Node } from '../../node.js'
import { reportProblems } from '../../problem-report.js'
import type { FactoryContext } from '../../registry/hooks.js'
import { optionName, type ResolvedTag, schemaOf } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import type { SchemaResult, StandardSchema } from '../../registry/standard-schema.js'
import type { Source } from '../../source.js'
import { chain } from '../../util/concurrency.js'
import { messageOf, nameOf } from '../../util/thrown.js'
import { childrenOf, NodePaths } from '../nodes.js'
import { attachSource, documentError, hasSource, nodeProblem, ProblemList } from '../problems.js'
import type { ParsedDocument } from '../read/parsed.js'
import type { TapeDocument } from '../read/tape-document.js'
import { Construction, unsettled } from './construction.js'
import { Disposables, disposeOf, isDisposable, type OnDisposeError } from './disposal.js'
import { IssueProblems } from './issue-problems.js'
import { readLink } from './link.js'
import { NodeBuilder } from './node-builder.js'
import { ChildPending, combinedFailure, PendingNodes } from './pending-nodes.js'
import { provenanceOf, recordLoaded, recordNumber } from './provenance.js'
import { snapshotOf } from './snapshot.js'
import { planOf, type TapeClass, TapeConstruction } from './tape-construction.js'
import { isAsynchronous, markPrevalidated, validate, validateAsync, withPrevalidated } from './validation.js'
import { maskVariables } from './variable-mask.js'

/** What is called for a node: for messages. */
interface Call {
  readonly node: Node
  /** The function that was called: `factory "open"`. */
  readonly what: string
}

/** Constructs the objects of one document: validates, calls constructors, factories and `fromYaml`. */
export class Loader extends Construction {
  readonly disposables: Disposables
  /** The objects that do not exist yet, while this waits for them. */
  #pending: PendingNodes | undefined
  #factoryContext: FactoryContext
  #paths: NodePaths | undefined

  constructor(source: Source, registry: Registry, document: ParsedDocument, outer?: Loader) {
    super(source, registry, document, outer)
    this.disposables = new Disposables(source, document)
    this.#factoryContext = outer ? outer.#factoryContext : defaultContext()
  }

  /**
   * Constructs the whole document, and waits for what is asynchronous. When that fails, disposes of what was constructed, after
   * everything that has begun has settled.
   *
   * @throws {@link DocumentError} with every object that could not be constructed.
   * @throws the reason of the signal when it is aborted.
   */
  async loadAsync(context: FactoryContext, onDisposeError: OnDisposeError): Promise<unknown> {
    this.#factoryContext = context
    try {
      // Schemas may be asynchronous.
      const quick = this.#constructQuickly(false, (error, failures) => failures.push(error))
      return quick ? quick.value : await this.#constructAsync(this.document.root)
    } catch (error) {
      await this.disposables.dispose(onDisposeError)
      throw error
    }
  }

  async #constructAsync(node: Node): Promise<unknown> {
    const pending = new PendingNodes(this, this.#factoryContext.signal)
    this.#pending = pending
    try {
      return await pending.settle(node)
    } finally {
      await pending.allSettled()
      this.#pending = undefined
    }
  }

  /**
   * Constructs the whole document synchronously. When that fails, disposes of what was constructed before.
   *
   * @throws {@link DocumentError} that points at the node.
   */
  load(): unknown {
    try {
      const quick = this.#constructQuickly(true, (error) => {
        throw error
      })
      return quick ? quick.value : this.construct(this.document.root)
    } catch (error) {
      this.discard()
      throw error
    }
  }

  /** Disposes of what was constructed where nothing can wait for it: asynchronous methods go on in the background. */
  discard(): void {
    void this.disposables.dispose(warnProcess)
  }

  /** Constructs the document without nodes, if its classes allow it; what cannot be constructed is passed to `onFailure`. */
  #constructQuickly(allowsSchemas: boolean, onFailure: OnFailure): { readonly value: unknown } | undefined {
    const plan = planOf(this.document, this.registry, allowsSchemas)
    if (!plan) return undefined
    const failures: unknown[] = []
    const construction = new TapeConstruction(plan, {
      make: (tapeClass, options, number) => this.#makeQuickly(tapeClass, options, number),
      keep: (value, number) => recordNumber(value, this, number),
      fail: (error, number) => onFailure(this.#located(this.nodeOf(number), error), failures),
    })
    this.takeValues(construction.values)
    const value = construction.construct()
    if (failures.length > 0) throw combinedFailure(failures, this.source)
    return { value }
  }

  #makeQuickly({ Class, schema }: TapeClass, options: Record<string, unknown>, number: number): object {
    const make = (validated: unknown) => new (Class as new (options: unknown) => object)(validated)
    const made = schema ? this.#makeValidated(schema, options, { number, make }) : make(options)
    // What a constructor returns may be another object.
    if (made.constructor !== Class || provenanceOf(made)?.loaded) {
      const node = this.nodeOf(number)
      return this.#record(made, node, this.registry.get(node.tag!)!) as object
    }
    recordNumber(made, this, number)
    if (isDisposable(made)) this.disposables.add(made, this.nodeOf(number))
    return made
  }

  #makeValidated(
    schema: StandardSchema,
    options: unknown,
    { number, make }: { number: number; make: (options: unknown) => object },
  ): object {
    const result = validate(schema, options)
    if (!result.issues) return withPrevalidated(result.value, schema, () => make(result.value))
    const node = this.nodeOf(number)
    if (isAsynchronous(result)) throw this.#asynchronous({ node, what: 'its schema' })
    return this.#output(result, node, this.registry.get(node.tag!)!) as never
  }

  /** The node of a value that was constructed without it. */
  nodeOf(number: number): Node {
    return (this.document as TapeDocument).nodes.valued[number]!
  }

  protected override make(node: Node): unknown {
    return this.#pending ? this.#pending.make(node) : this.makeNow(node)
  }

  /** Calls what constructs a node; returns a promise if that is asynchronous. */
  makeNow(node: Node): unknown {
    const resolved = this.registry.get(node.tag!)
    if (!resolved) throw this.#unknownTag(node)
    const made = resolved.definition.fromYaml ? this.#custom(node, resolved) : this.#mapped(node, resolved)
    // Without a closure for the many objects that are there.
    if (!(made instanceof Promise)) return this.#record(made, node, resolved)
    return made.then((value) => this.#record(value, node, resolved))
  }

  #record(made: unknown, node: Node, { Class }: ResolvedTag): unknown {
    if (typeof made !== 'object' || made === null) return made
    const loaded = this.#loadedElsewhere(made)
    recordLoaded(made, { node, context: this }, made instanceof Class ? undefined : snapshotOf(made))
    if (loaded) this.disposables.addLoaded(made, node, loaded)
    else this.disposables.add(made, node)
    return made
  }

  // A factory may load another file, or build a template.
  #loadedElsewhere(made: object): Disposables | undefined {
    const { context } = provenanceOf(made)?.loaded ?? {}
    return context === this ? undefined : (context as Partial<Loader> | undefined)?.disposables
  }

  protected override remember(value: object, node: Node): void {
    recordLoaded(value, { node, context: this })
  }

  // The object is constructed first, wherever it is in the document.
  protected override follow(link: LinkNode): unknown {
    const object = this.construct(link.target)
    if (object === unsettled) return unsettled
    return this.#collect(() => readLink(link, object, this.source))
  }

  protected override isUnknown(value: unknown): boolean {
    return value === unsettled
  }

  protected override refuse(problem: Problem): unknown {
    return this.#collect(() => {
      throw attachSource(this.source, documentError([problem]))
    })
  }

  #collect(read: () => unknown): unknown {
    return this.#pending ? this.#pending.collect(read) : read()
  }

  override constructCopy(copy: Node): unknown {
    const built = new Loader(this.source, this.registry, documentOf(copy), this)
    const value = built.load()
    this.disposables.adopt(built.disposables)
    return value
  }

  override async constructCopyAsync(copy: Node): Promise<unknown> {
    const built = new Loader(this.source, this.registry, documentOf(copy), this)
    const { logger } = this.#factoryContext
    const value = await built.loadAsync(this.#factoryContext, ({ message }) => logger.warn(message))
    this.disposables.adopt(built.disposables)
    return value
  }

  // Happens only without a check before, or when the tag was removed since.
  #unknownTag(node: Node): DocumentError {
    const message = `Unknown tag "${node.tag}": register its class before loading`
    return documentError([nodeProblem(node, this.source, 'UNKNOWN_TAG', message)])
  }

  #custom(node: Node, resolved: ResolvedTag): unknown {
    const { definition, factory } = resolved
    const complete = this.#pending?.completion()
    const builder = new NodeBuilder(this, node, () => this.#mapped(node, resolved), complete)
    return this.#call({ node, what: '"fromYaml"' }, () => definition.fromYaml!(builder, node, factory))
  }

  /** The children of a node that may be constructed before its `fromYaml` asks for them. */
  childrenToConstruct(node: Node): Node[] {
    const { templates = [], keys = 'as-written' } = this.registry.get(node.tag!)?.definition ?? {}
    const children = [...childrenOf(node)]
    return children.flatMap(([name, child]) => (templates.includes(optionName(name, keys)) ? [] : [child]))
  }

  #mapped(node: Node, resolved: ResolvedTag): unknown {
    const before = this.unsettledCount
    const { visible, injected } = this.optionsOf(node, resolved.definition)
    if (this.unsettledCount !== before) return unsettled
    const options = this.#validate(visible, node, resolved)
    const made =
      options instanceof Promise
        ? options.then((validated) => this.#construct(node, resolved, validated))
        : this.#construct(node, resolved, options)
    if (resolved.definition.injected.length === 0) return made
    return chain(made, (object) => inject(object, injected))
  }

  #validate(options: unknown, node: Node, resolved: ResolvedTag): unknown {
    const schema = schemaOf(resolved)
    if (!schema) return options
    if (!this.#pending) {
      const result = validate(schema, options)
      if (result.issues && isAsynchronous(result)) throw this.#asynchronous({ node, what: 'its schema' })
      return this.#output(result, node, resolved)
    }
    const result = this.#validateAsync(schema, options, node)
    if (!(result instanceof Promise)) return this.#output(result, node, resolved)
    return result.then((settled) => this.#output(settled, node, resolved))
  }

  // Only a schema that was asynchronous before takes a place: most schemas are not.
  #validateAsync(
    schema: StandardSchema,
    options: unknown,
    node: Node,
  ): SchemaResult<unknown> | Promise<SchemaResult<unknown>> {
    if (asynchronousSchemas.has(schema)) {
      const call = { node, what: 'its schema' }
      return this.#call(call, () => validateAsync(schema, options)) as Promise<SchemaResult<unknown>>
    }
    const result = validateAsync(schema, options)
    if (result instanceof Promise) {
      asynchronousSchemas.add(schema)
      this.#pending!.noteWaiting()
    }
    return result
  }

  #output(result: SchemaResult<unknown>, node: Node, resolved: ResolvedTag): unknown {
    if (!result.issues) return result.value
    const schema = schemaOf(resolved)!
    const problems = new IssueProblems(node, { schema, keys: resolved.definition.keys }, this)
    const list = new ProblemList()
    for (const issue of result.issues) problems.addTo(list, issue)
    throw attachSource(this.source, documentError(list.problems))
  }

  #construct(node: Node, resolved: ResolvedTag, options: unknown): unknown {
    const { Class, factory, definition } = resolved
    const schema = schemaOf(resolved)
    const method = factory ?? definition.create
    if (method !== undefined) {
      // What is opened now would be closed at once.
      if (this.#pending) this.#factoryContext.signal.throwIfAborted()
      if (schema) markPrevalidated(options, schema)
      const call = { node, what: `${factory === undefined ? '"create" method' : 'factory'} "${method}"` }
      return this.#call(call, () => (Class as any)[method](options, this.#factoryContext))
    }
    const make = () => new (Class as new (options: unknown) => object)(options)
    try {
      return schema ? withPrevalidated(options, schema, make) : make()
    } catch (error) {
      throw this.#located(node, error)
    }
  }

  /** Calls a function of the user, which may return a promise. */
  #call(call: Call, make: () => unknown): unknown {
    const guarded = (): unknown => this.#guard(call.node, make)
    if (this.#pending)
      return this.#pending.call(call.node, guarded, (error) =>
        Promise.reject(this.#located(call.node, error)),
      )
    const made = guarded()
    if (!(made instanceof Promise)) return made
    // It is not needed any more.
    made.then(disposeOf).catch((error: unknown) => warnProcess(this.#failed(call.node, error)))
    throw this.#asynchronous(call)
  }

  #asynchronous({ node, what }: Call): DocumentError {
    const remedy = this.outer
      ? 'build it with "buildAsync"'
      : 'load it with "loadAsync", "loadFile" or "runFile"'
    const message = `"${node.tag}" is asynchronous: ${what} returned a promise, so ${remedy}`
    return attachSource(this.source, documentError([nodeProblem(node, this.source, 'ASYNC_OBJECT', message)]))
  }

  /** Calls a function of the user; an error that it throws points at the node. */
  #guard(node: Node, make: () => unknown): unknown {
    try {
      return make()
    } catch (error) {
      throw this.#located(node, error)
    }
  }

  /** The error, with the position of the node. */
  #located(node: Node, error: unknown): unknown {
    // It is no failure, and describing it would search the document for each node.
    if (error instanceof ChildPending) return error
    // An error of `builder.fail` or of a child in this document already points at its node.
    return hasSource(this.source, error) ? error : this.#failed(node, error)
  }

  #failed(node: Node, cause: unknown): ConstructionError {
    const reason = firstLine(maskVariables(messageOf(cause), node)) || nameOf(cause)
    this.#paths ??= new NodePaths(this.document.root)
    const path = this.#paths.of(node)
    const where = path === '' ? '' : ` (${path})`
    const message = `"${node.tag}" could not be constructed${where}: ${reason}`
    const problems = [nodeProblem(node, this.source, 'CONSTRUCTION', message)]
    return attachSource(this.source, new ConstructionError(reportProblems(problems), { problems, cause }))
  }
}

/** Throws an error of one object, or keeps it until the others are constructed. */
type OnFailure = (error: unknown, failures: unknown[]) => void

const asynchronousSchemas = new WeakSet<StandardSchema>()

/** The document of a copy of a part of another one. */
function documentOf(copy: Node): ParsedDocument {
  return { root: copy, start: -1, end: -1, tagged: [], isYaml11: false }
}

function inject(made: unknown, injected: Readonly<Record<string, unknown>>): unknown {
  for (const [name, value] of Object.entries(injected))
    (made as Record<string, unknown>)[name] = value ?? undefined
  return made
}

let context: FactoryContext | undefined

function defaultContext(): FactoryContext {
  context ??= { signal: new AbortController().signal, logger: new StderrLogger() satisfies Logger }
  return context
}

const warningOptions = { type: 'FlambeauWarning', code: 'DISPOSAL' }

function warnProcess({ message }: DocumentError): void {
  process.emitWarning(message, warningOptions)
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.replace(/\.$/, '')
}

import { DocumentError, type Problem, ValidationError } from '../errors.js'
import { StderrLogger } from '../logger.js'
import { reportProblems } from '../problem-report.js'
import type { FactoryContext } from '../registry/hooks.js'
import type { Class } from '../registry/registration.js'
import type { Registry } from '../registry/registry.js'
import type { TagMap } from '../registry/tag-map.js'
import { checkParsed, checkParsedAsync, type Findings } from './check/check.js'
import {
  type ComposeFileOptions,
  type ComposeOptions,
  parseComposed,
  readComposed,
} from './compose/read-composed.js'
import { disposalError, type OnDisposeError } from './construct/disposal.js'
import { Loader } from './construct/loader.js'
import { provenanceOf } from './construct/provenance.js'
import { documentError, inFileOrder, nodeProblem } from './problems.js'
import { completeReadOptions, type ReadOptions } from './read/parse.js'
import type { ParsedDocument, ParsedText } from './read/parsed.js'

/** Options of {@link load}. */
export interface LoadOptions<Expected = unknown> extends ReadOptions, ComposeOptions {
  /** A tag or a class: the loaded object must be an instance of it. */
  expect?: Expected
}

/** What factories receive from {@link loadAsync} and {@link loadFile}. */
export type AsyncOptions = Partial<FactoryContext>

/** Options of {@link loadAsync}. */
export interface LoadAsyncOptions<Expected = unknown> extends LoadOptions<Expected>, AsyncOptions {}

/** Options of {@link loadFile}. */
export interface LoadFileOptions<Expected = unknown> extends LoadAsyncOptions<Expected>, ComposeFileOptions {}

/** The type that `expect` selects: that of the tag in {@link TagMap}, or an instance of the class. */
export type Loaded<E> = E extends keyof TagMap
  ? TagMap[E]
  : E extends Class
    ? InstanceType<E>
    : E extends { readonly prototype: infer Instance } // its constructor is private
      ? Instance
      : unknown

/**
 * Constructs the objects of a text with one document.
 *
 * ```ts
 * const train = load('!Train { data: iris.csv }', { expect: Train })
 * ```
 *
 * Everything is checked before anything is constructed. Where a factory or a schema is asynchronous, use {@link loadAsync}.
 *
 * @throws {@link DocumentError} with every problem there is; {@link ConstructionError} when a constructor throws.
 */
export function load<const E = unknown>(text: string, options: LoadOptions<E> = {}): Loaded<E> {
  const { filename = '<text>' } = options
  return loadParsed(parseComposed(text, filename, options), options)
}

function loadParsed<const E>(parsed: ParsedText, options: LoadOptions<E>): Loaded<E> {
  const { registry, onWarning } = completeReadOptions(options, warnProcess)
  expectOneDocument(parsed)
  const [loaded] = construct(parsed, registry, onWarning)
  const { value = null, loader } = loaded ?? {}
  const { expect } = options
  if (expect === undefined || isExpected(value, expect, registry)) return value as Loaded<E>
  loader?.discard()
  throw unexpectedType(expect, parsed)
}

/**
 * Constructs the objects of a text with one document, and waits for those that are asynchronous: factories, `create` and `fromYaml`
 * that return promises, and asynchronous schemas. What an object uses exists before it is constructed; independent objects are
 * constructed together, at most 16 at a time.
 *
 * ```ts
 * const train = await loadAsync('!Train { database: !Database.open { url: "redis://localhost" } }', { expect: Train })
 * try {
 *   await train.run(runOptions())
 * } finally {
 *   await disposeAll(train)
 * }
 * ```
 *
 * When it fails, everything that was constructed is disposed of.
 *
 * @throws {@link DocumentError} with every problem there is; {@link ConstructionError} with every object that could not be
 * constructed; the reason of `signal` when it is aborted.
 */
export async function loadAsync<const E = unknown>(
  text: string,
  options: LoadAsyncOptions<E> = {},
): Promise<Loaded<E>> {
  const { filename = '<text>' } = options
  return loadParsedAsync(parseComposed(text, filename, options), options)
}

async function loadParsedAsync<const E>(
  parsed: ParsedText,
  options: LoadAsyncOptions<E>,
): Promise<Loaded<E>> {
  const { registry, onWarning } = completeReadOptions(options, warnProcess)
  expectOneDocument(parsed)
  expectNothing(await checkParsedAsync(parsed, registry), onWarning)
  const { logger, signal, onDisposeError } = completeAsyncOptions(options)
  const [document] = parsed.documents
  const { expect } = options
  const loader = document && new Loader(parsed.source, registry, document)
  const value = (await loader?.loadAsync({ logger, signal }, onDisposeError)) ?? null
  if (expect === undefined || isExpected(value, expect, registry)) return value as Loaded<E>
  await loader?.disposables.dispose(onDisposeError)
  throw unexpectedType(expect, parsed)
}

function completeAsyncOptions(options: AsyncOptions): FactoryContext & { onDisposeError: OnDisposeError } {
  const { logger = new StderrLogger(), signal = new AbortController().signal } = options
  return { logger, signal, onDisposeError: ({ message }) => logger.warn(message) }
}

/** Constructs the objects of every document of a text, in order, as {@link loadAsync} does. */
export async function loadAllAsync(
  text: string,
  options: ReadOptions & ComposeOptions & AsyncOptions = {},
): Promise<unknown[]> {
  const { filename, registry, onWarning } = completeReadOptions(options, warnProcess)
  const parsed = parseComposed(text, filename, options)
  expectNothing(await checkParsedAsync(parsed, registry), onWarning)
  const { logger, signal, onDisposeError } = completeAsyncOptions(options)
  const loaders = parsed.documents.map((document) => new Loader(parsed.source, registry, document))
  const values: unknown[] = []
  try {
    for (const loader of loaders) values.push(await loader.loadAsync({ logger, signal }, onDisposeError))
    return values
  } catch (error) {
    for (const { disposables } of loaders.toReversed()) await disposables.dispose(onDisposeError)
    throw error
  }
}

/**
 * Constructs the objects of every document of a text, in order.
 *
 * ```ts
 * const [first, second] = loadAll('!Train { rate: 0.1 }\n---\n!Train { rate: 0.2 }\n')
 * ```
 */
export function loadAll(text: string, options: ReadOptions & ComposeOptions = {}): unknown[] {
  const { filename, registry, onWarning } = completeReadOptions(options, warnProcess)
  return construct(parseComposed(text, filename, options), registry, onWarning).map(({ value }) => value)
}

/**
 * Reads a file as UTF-8 and loads it as {@link loadAsync} does.
 *
 * ```ts
 * const train = await loadFile('train.yaml', { expect: Train })
 * ```
 *
 * @throws {@link ResourceError} when the file does not exist or is not text.
 */
export async function loadFile<const E = unknown>(
  file: string | URL,
  options: LoadFileOptions<E> = {},
): Promise<Loaded<E>> {
  return loadParsedAsync(await readComposed(file, options), options)
}

/**
 * Disposes of the objects that were constructed for a loaded value: those at and below it that have `Symbol.asyncDispose` or
 * `Symbol.dispose`, in the reverse order of the document. `runFile` and `SafeExecutionContext` do it themselves. Each object is
 * disposed of once.
 *
 * ```ts
 * const train = await loadFile('train.yaml', { expect: Train })
 * await disposeAll(train)
 * ```
 *
 * @throws {@link DocumentError} with every object that could not be disposed of, after the others were.
 */
export async function disposeAll(value: unknown): Promise<void> {
  const errors: DocumentError[] = []
  const values = Array.isArray(value) && !provenanceOf(value) ? value.toReversed() : [value]
  for (const each of values) await disposeLoaded(each, (error) => errors.push(error))
  if (errors.length > 0) throw disposalError(errors)
}

async function disposeLoaded(value: unknown, onError: OnDisposeError): Promise<void> {
  if (typeof value !== 'object' || value === null) return
  const loaded = provenanceOf(value)?.loaded
  // Another copy of this package may have loaded it.
  const { disposables } = (loaded?.context ?? {}) as Partial<Loader>
  if (loaded && disposables && !disposables.isEmpty) await disposables.dispose(onError, loaded.node)
}

/** A document that was constructed, with what constructed it. */
interface LoadedDocument {
  readonly value: unknown
  readonly loader: Loader
}

function construct(
  parsed: ParsedText,
  registry: Registry,
  warn: (warning: Problem) => void,
): LoadedDocument[] {
  expectNothing(checkParsed(parsed, registry), warn)
  return parsed.documents.map((document) => {
    const loader = new Loader(parsed.source, registry, document)
    return { value: loader.load(), loader }
  })
}

function expectNothing({ problems, doubtful, warnings }: Findings, warn: (warning: Problem) => void): void {
  if (problems.length > 0) throw documentError(inFileOrder([...problems, ...doubtful]))
  for (const warning of warnings) warn(warning)
}

function warnProcess(warning: Problem): void {
  process.emitWarning(reportProblems([warning]), { type: 'FlambeauWarning', code: warning.code })
}

function expectOneDocument(parsed: ParsedText): void {
  const second = parsed.documents[1]
  if (second) throw severalDocuments(parsed, second)
}

function severalDocuments({ source, documents }: ParsedText, second: ParsedDocument): DocumentError {
  const message = `Expected one document, but found the second of ${documents.length} here: use "loadAll" to load all of them`
  return documentError([nodeProblem(second.root, source, 'SEVERAL_DOCUMENTS', message)])
}

function isExpected(value: unknown, expect: unknown, registry: Registry): boolean {
  const Expected = typeof expect === 'string' ? registry.get(expect)?.Class : (expect as Class)
  return Expected !== undefined && value instanceof Expected
}

function unexpectedType(expect: unknown, { source, documents }: ParsedText): ValidationError {
  const wanted = typeof expect === 'string' ? `"${expect}"` : `an object of class "${(expect as Class).name}"`
  const root = documents[0]?.root
  const found = root?.tag === undefined ? 'a document without a tag' : `"${root.tag}"`
  const problem = ['UNEXPECTED_TYPE', `Expected ${wanted}, but found ${found}`] as const
  const problems = [
    root ? nodeProblem(root, source, ...problem) : source.problem(...problem, { start: 0, end: 0 }),
  ]
  return new ValidationError(reportProblems(problems), { problems })
}

import { DocumentError, type Problem, ValidationError } from '../errors.js'
import { reportProblems } from '../problem-report.js'
import type { Class } from '../registry/registration.js'
import type { Registry } from '../registry/registry.js'
import type { TagMap } from '../registry/tag-map.js'
import type { Source } from '../source.js'
import { checkParsed } from './check/check.js'
import {
  type ComposeFileOptions,
  type ComposeOptions,
  parseComposed,
  readComposed,
} from './compose/read-composed.js'
import { Loader } from './construct/loader.js'
import { documentError, inFileOrder, nodeProblem } from './problems.js'
import { completeReadOptions, type ReadOptions } from './read/parse.js'
import type { ParsedDocument, ParsedText } from './read/parsed.js'

/** Options of {@link load}. */
export interface LoadOptions<Expected = unknown> extends ReadOptions, ComposeOptions {
  /** A tag or a class: the loaded object must be an instance of it. */
  expect?: Expected
}

/** Options of {@link loadFile}. */
export interface LoadFileOptions<Expected = unknown> extends LoadOptions<Expected>, ComposeFileOptions {}

/** The type that `expect` selects: that of the tag in {@link TagMap}, or an instance of the class. */
export type Loaded<E> = E extends keyof TagMap ? TagMap[E] : E extends Class ? InstanceType<E> : unknown

/**
 * Constructs the objects of a text with one document.
 *
 * ```ts
 * const train = load('!Train { data: iris.csv }', { expect: Train })
 * ```
 *
 * Everything is checked before anything is constructed.
 *
 * @throws {@link DocumentError} with every problem there is; {@link ConstructionError} when a constructor throws.
 */
export function load<const E = unknown>(text: string, options: LoadOptions<E> = {}): Loaded<E> {
  const { filename = '<text>' } = options
  return loadParsed(parseComposed(text, filename, options), options)
}

function loadParsed<const E>(parsed: ParsedText, options: LoadOptions<E>): Loaded<E> {
  const { registry, onWarning } = completeReadOptions(options, warnProcess)
  const second = parsed.documents[1]
  if (second) throw severalDocuments(parsed, second)
  const [value] = construct(parsed, registry, onWarning)
  const { expect } = options
  if (expect !== undefined && !isExpected(value, expect, registry)) throw unexpectedType(expect, parsed)
  return (value ?? null) as Loaded<E>
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
  return construct(parseComposed(text, filename, options), registry, onWarning)
}

/**
 * Reads a file as UTF-8 and loads it.
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
  return loadParsed(await readComposed(file, options), options)
}

function construct(parsed: ParsedText, registry: Registry, warn: (warning: Problem) => void): unknown[] {
  const { problems, doubtful, warnings } = checkParsed(parsed, registry)
  if (problems.length > 0) throw documentError(inFileOrder([...problems, ...doubtful]))
  for (const warning of warnings) warn(warning)
  return parsed.documents.map((document) => constructDocument(parsed.source, document, registry))
}

/** Constructs a document that was checked before. */
export function constructDocument(source: Source, document: ParsedDocument, registry: Registry): unknown {
  return new Loader(source, registry, document).construct(document.root)
}

function warnProcess(warning: Problem): void {
  process.emitWarning(reportProblems([warning]), { type: 'FlambeauWarning', code: warning.code })
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

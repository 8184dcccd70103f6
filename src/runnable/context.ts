import { checkParsed, tagAsKey } from '../document/check/check.js'
import { constructDocument } from '../document/load.js'
import { documentError, inFileOrder } from '../document/problems.js'
import type { ParsedText } from '../document/read/parsed.js'
import type { DocumentError } from '../errors.js'
import type { ImportedExtension } from '../extensions/index.js'
import { type Paint, reportProblems } from '../problem-report.js'
import { currentRegistry } from '../registry/default-registry.js'
import type { Class } from '../registry/registration.js'
import type { Registry } from '../registry/registry.js'
import type { Tag } from '../registry/tag.js'
import { interruptedCode } from '../util/exit-codes.js'
import { readSafely } from '../util/thrown.js'
import {
  type DeclaredExtensions,
  type ExtensionOptions,
  expectPrepared,
  type ImportedExtensions,
  importDeclared,
  type PreparedExtensions,
} from './import-extensions.js'
import { type Logger, StderrLogger } from './logger.js'
import { describeError, failedOutcome, type Outcome } from './outcome.js'
import { type RunOptions, runOptions } from './run-options.js'
import { isRunnable, type Runnable, type UserProvider } from './runnable.js'
import {
  type Allowed,
  expectAllowed,
  type RunnableFile,
  type RunnableSource,
  RunnableText,
  runnableFileError,
  splitRunnableFile,
} from './runnable-file.js'
import { maskError, redactorFor } from './secrets/mask.js'
import type { SecretsDialect } from './secrets/read-secrets.js'
import type { SecretsConfig } from './secrets/secrets.js'

/**
 * Runs a runnable file step by step, so that every error ends as a message and an outcome.
 *
 * ```ts
 * const context = new SafeExecutionContext('train.yaml')
 * const outcome = await context.run(async (options) => {
 *   const { runnable } = await context.preprocess({ secrets: 'secrets.ini' })
 *   return runnable.run(options)
 * })
 * ```
 */
export class SafeExecutionContext {
  readonly #text: RunnableText
  /** Whose tags count: once extensions are imported, a child that has theirs, too. */
  #registry: Registry
  readonly #userProvider: UserProvider | undefined
  readonly #allow: readonly Allowed[] | undefined
  readonly #prepared: PreparedExtensions | undefined
  /** A content that a step was given in place of that of the file. */
  #other: RunnableText | undefined
  readonly #checked = new Set<RunnableText>()
  #logger: Logger = new StderrLogger()
  #signal: AbortSignal | undefined
  #imported: readonly ImportedExtension[] | undefined
  #secrets: SecretsConfig | undefined

  /** `file` is a path, a URL, or `{ content }` for a text that is at hand. */
  constructor(file: RunnableSource, options: ContextOptions = {}) {
    this.#text = new RunnableText(file)
    this.#registry = options.registry ?? currentRegistry()
    this.#userProvider = options.userProvider
    this.#allow = options.allow
    this.#prepared = options.preparedExtensions
  }

  /** Runs `body` with complete run options. Never rejects: an error is logged, and is in the outcome. */
  async run<T>(
    body: (options: RunOptions) => T | Promise<T>,
    options: Partial<RunOptions> = {},
  ): Promise<Outcome<T>> {
    const complete = runOptions(options)
    this.#logger = complete.logger
    this.#signal = complete.signal
    try {
      return { ok: true, value: await body(complete), exitCode: 0 }
    } catch (thrown) {
      const outcome = this.#masked(failedOutcome(thrown, complete.signal))
      if (!outcome.ok) this.#log(outcome.error, outcome.exitCode, complete)
      return outcome
    }
  }

  #masked(outcome: Outcome<never>): Outcome<never> {
    return outcome.ok ? outcome : { ...outcome, error: maskError(outcome.error, redactorFor(this.#secrets)) }
  }

  /**
   * Reads and parses the file; constructs nothing.
   *
   * @throws {@link DocumentError} with every mistake in its syntax, whichever document has it.
   * @throws {@link RunnableFileError} when its top node is not what `allow` says, as each of the other steps does.
   */
  async firstParse(): Promise<{ content: string; extensions: Readonly<Record<string, string>> }> {
    await this.#parsed()
    const { content, extensions } = await this.#text.split()
    await this.#text.expectWellFormed()
    return { content, extensions }
  }

  /**
   * Imports the extensions that the file declares, once: their tags then hold in this context and nowhere else.
   *
   * @throws {@link ExtensionError} with every extension that cannot be had.
   */
  async importExtensions(options: ExtensionOptions = {}): Promise<void> {
    if (this.#imported) return
    const { source } = await this.#parsed()
    const declared = { ...(await this.#text.split()), source }
    // Code of extensions runs for a file that can be read only.
    if (declared.declarations.length > 0) await this.#text.expectWellFormed()
    if (this.#prepared) expectPrepared(declared, this.#prepared)
    const { registry, imported } = this.#prepared ?? (await this.#import(declared, options))
    this.#registry = registry
    this.#imported = imported
  }

  async #parsed(text = this.#text): Promise<ParsedText> {
    const parsed = await text.parsed()
    if (!this.#allow) return parsed
    // A text that cannot be parsed has no top node: its problems come first.
    await text.split()
    expectAllowed(parsed, this.#allow, this.#registry)
    return parsed
  }

  #import(declared: DeclaredExtensions, options: ExtensionOptions): Promise<ImportedExtensions> {
    const surroundings = { signal: this.#signal, logger: this.#logger }
    return importDeclared(declared, this.#registry, { ...options, ...surroundings })
  }

  /**
   * Checks tags, and all else that can be checked before anything is constructed: of the file, or of a `content` in its
   * place, such as `firstParse` returns.
   *
   * @throws {@link DocumentError} with every problem of the file.
   */
  async checkTags(content?: string): Promise<void> {
    const text = await this.#textOf(content)
    const { problems, doubtful, warnings } = checkParsed(await this.#parsed(text), this.#registry)
    if (problems.length > 0) throw documentError(inFileOrder([...problems, ...doubtful]))
    this.#checked.add(text)
    for (const warning of warnings) this.#logger.warn(reportProblems([warning]))
  }

  /**
   * Constructs the runnable of the file, or of a `content` in its place; each is parsed and checked once, however many
   * steps need it.
   *
   * @throws {@link RunnableFileError} when the file holds something else.
   */
  async compileRunnable(content?: string): Promise<Runnable<unknown, any>> {
    const text = await this.#textOf(content)
    if (!this.#checked.has(text)) await this.checkTags(content)
    return this.#construct(text)
  }

  async #textOf(content: string | undefined): Promise<RunnableText> {
    if (content === undefined || (await this.#text.hasContent(content))) return this.#text
    if (!(await this.#other?.hasContent(content))) this.#other = new RunnableText({ content })
    return this.#other!
  }

  async #construct(text: RunnableText): Promise<Runnable<unknown, any>> {
    const runnable = compile(await this.#parsed(text), this.#registry)
    if (this.#userProvider) runnable.userProvider = this.#userProvider
    return runnable
  }

  /** All steps from the file to a runnable that is ready to run. */
  async preprocess(options: PreprocessOptions = {}): Promise<Preprocessed> {
    await this.#parsed()
    const { extensions } = await this.#text.split()
    const secrets = await this.#readSecrets(options)
    if (options.importExtensions !== false) await this.importExtensions(options)
    const runnable = await (options.checkTags === false
      ? this.#construct(this.#text)
      : this.compileRunnable())
    if (secrets) await runnable.injectSecrets(secrets)
    runnable.injectExtensions(extensions)
    runnable.importedExtensions = this.#imported ?? []
    await runnable.parse()
    return { runnable, extensions }
  }

  async #readSecrets({ secrets, dialect }: PreprocessOptions): Promise<SecretsConfig | undefined> {
    if (typeof secrets !== 'string') this.#secrets = secrets
    else {
      const { readSecrets } = await import('./secrets/read-secrets.js')
      this.#secrets = await readSecrets(secrets, { dialect })
    }
    return this.#secrets
  }

  #log(error: Error, exitCode: number, { logger, debug }: RunOptions): void {
    const paint = (logger as { paint?: Paint }).paint
    const text = describeError(error, { debug, paint, mask: redactorFor(this.#secrets) })
    // A logger of the user's that throws is no reason to reject.
    readSafely(() => (exitCode === interruptedCode ? logger.warn(text) : logger.error(text)), undefined)
  }
}

/** Options of `SafeExecutionContext`. */
export interface ContextOptions {
  /** Whose tags count; the default registry when absent. */
  registry?: Registry
  /**
   * What the file may be, for files of strangers: the tag of its top node is one of these, or a tag or factory of exactly
   * one of these classes. All else is refused before anything is imported or constructed. When absent, the file may name
   * whatever is registered.
   */
  allow?: readonly (Tag | Class)[] | undefined
  /** Tells who runs the runnable, in place of the computer's user. */
  userProvider?: UserProvider
  /** @internal What the file may declare, imported already; it then imports nothing. */
  preparedExtensions?: PreparedExtensions | undefined
}

/** What `SafeExecutionContext.preprocess` shall do besides parsing and constructing. */
export interface PreprocessOptions extends ExtensionOptions {
  /** The INI file of secrets, or secrets that were read. */
  secrets?: string | SecretsConfig | undefined
  /** How the INI file is read; `python` when absent. */
  dialect?: SecretsDialect | undefined
  /** Import extensions; default `true`. */
  importExtensions?: boolean
  /**
   * Check the whole file before anything is constructed; default `true`. Without it, tags in templates may be unknown;
   * a tag elsewhere must be registered, since its object is constructed.
   */
  checkTags?: boolean
}

/** A runnable that is ready to run. */
export interface Preprocessed {
  readonly runnable: Runnable<unknown, any>
  readonly extensions: Readonly<Record<string, string>>
}

type Root = RunnableFile['document']['root']

/** Constructs the runnable of a file, which knows its text. */
function compile(parsed: ParsedText, registry: Registry): Runnable<unknown, any> {
  if (parsed.problems.length > 0) throw documentError(parsed.problems)
  const { document, content } = splitRunnableFile(parsed)
  const untagged = tagAsKey(document, parsed.source, registry)
  if (untagged.length > 0) throw documentError(untagged)
  expectRunnable(parsed, document.root, registry)
  const runnable = constructDocument(parsed.source, document, registry)
  if (!isRunnable(runnable)) throw notRunnable(parsed, document.root)
  if (typeof runnable.run !== 'function') throw cannotRun(parsed, document.root)
  runnable.injectContent(content)
  return runnable
}

// Known from the tag alone in most files: then nothing is constructed in vain.
function expectRunnable(parsed: ParsedText, root: Root, registry: Registry): void {
  const resolved = root.tag === undefined ? undefined : registry.get(root.tag)
  const plainClass = resolved && resolved.factory === undefined && !resolved.definition.fromYaml
  if (!resolved || (plainClass && !isRunnable(resolved.Class.prototype))) throw notRunnable(parsed, root)
}

function notRunnable(parsed: ParsedText, root: Root): DocumentError {
  const found = root.tag === undefined ? 'the top node has no tag' : `"${root.tag}" is none`
  return runnableFileError(
    parsed,
    'NOT_RUNNABLE',
    root,
    `A runnable file holds a runnable, but ${found}: name a class that extends Runnable`,
  )
}

// The compiler says so of TypeScript; nobody does of JavaScript.
function cannotRun(parsed: ParsedText, root: Root): DocumentError {
  return runnableFileError(
    parsed,
    'NOT_RUNNABLE',
    root,
    `"${root.tag}" has no method "run": write one in its class`,
  )
}

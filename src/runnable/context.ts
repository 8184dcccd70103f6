import { examine } from '../document/check/examine.js'
import { constructDocument } from '../document/load.js'
import { documentError, inFileOrder } from '../document/problems.js'
import { parse } from '../document/read/parse.js'
import type { Parsed } from '../document/read/parsed.js'
import { readText } from '../document/read/read-text.js'
import { DocumentError } from '../errors.js'
import type { ImportedExtension } from '../extensions/index.js'
import { currentRegistry } from '../registry/default-registry.js'
import type { Registry } from '../registry/registry.js'
import { type Paint, reportProblems } from '../report.js'
import { describeError } from './describe-error.js'
import { type ExtensionOptions, importDeclared } from './file-extensions.js'
import { type Logger, StderrLogger } from './logger.js'
import { failure, interruptedCode, type Outcome } from './outcome.js'
import { type RunOptions, runOptions } from './run-options.js'
import { isRunnable, type Runnable, type UserProvider } from './runnable.js'
import { type RunnableFile, takeApart, wrong } from './runnable-file.js'
import type { SecretsDialect } from './secrets/read-secrets.js'
import type { SecretsConfig } from './secrets/secrets.js'

/** Options of {@link SafeExecutionContext}. */
export interface ContextOptions {
  /** Whose tags count; the default registry when absent. */
  registry?: Registry
  /** Tells who runs the runnable, in place of the computer's user. */
  userProvider?: UserProvider
}

/** What {@link SafeExecutionContext.preprocess} shall do besides parsing and constructing. */
export interface PreprocessOptions extends ExtensionOptions {
  /** The INI file of secrets, or secrets that were read. */
  secrets?: string | SecretsConfig
  /** How the INI file is read; `python` when absent. */
  dialect?: SecretsDialect
  /** Import extensions; default `true`. */
  importExtensions?: boolean
  /** Check the whole file before anything is constructed; default `true`. */
  checkTags?: boolean
}

/** A runnable that is ready to run. */
export interface Preprocessed {
  readonly runnable: Runnable<unknown, any>
  readonly extensions: Readonly<Record<string, string>>
}

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
  readonly #file: string | URL | { content: string; filename?: string }
  /** Whose tags count: once extensions are imported, a child that has theirs, too. */
  #registry: Registry
  readonly #userProvider: UserProvider | undefined
  #parsed: Parsed | undefined
  #checked = false
  #logger: Logger = new StderrLogger()
  #signal: AbortSignal | undefined
  #imported: readonly ImportedExtension[] | undefined
  #secrets: SecretsConfig | undefined

  /** `file` is a path, a URL, or `{ content }` for a text that is at hand. */
  constructor(file: string | URL | { content: string; filename?: string }, options: ContextOptions = {}) {
    this.#file = file
    this.#registry = options.registry ?? currentRegistry()
    this.#userProvider = options.userProvider
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
      const outcome = failure(thrown, complete.signal)
      if (!outcome.ok) this.#log(outcome.error, outcome.exitCode, complete)
      return outcome
    }
  }

  /** Reads and parses the file; constructs nothing. */
  async firstParse(): Promise<{ content: string; extensions: Readonly<Record<string, string>> }> {
    const { content, extensions } = await this.#runnableFile()
    return { content, extensions }
  }

  /**
   * Imports the extensions that the file declares, once: their tags then hold in this context and nowhere else.
   *
   * @throws {@link ExtensionError} with every extension that cannot be had.
   */
  async importExtensions(options: ExtensionOptions = {}): Promise<void> {
    if (this.#imported) return
    const { source } = await this.#parse()
    const declared = { ...(await this.#runnableFile()), source }
    const surroundings = { signal: this.#signal, logger: this.#logger }
    const { registry, imported } = await importDeclared(declared, this.#registry, {
      ...options,
      ...surroundings,
    })
    this.#registry = registry
    this.#imported = imported
  }

  /**
   * Checks tags, and all else that can be checked before anything is constructed.
   *
   * @throws {@link DocumentError} with every problem of the file.
   */
  async checkTags(): Promise<void> {
    const parsed = await this.#parse()
    const { problems, doubtful, warnings } = examine(parsed, this.#registry)
    if (problems.length > 0) throw documentError(inFileOrder([...problems, ...doubtful]))
    this.#checked = true
    for (const warning of warnings) this.#logger.warn(reportProblems([warning]))
  }

  /**
   * Constructs the runnable; its file is parsed and checked once, however many steps need it.
   *
   * @throws {@link RunnableFileError} when the file holds something else.
   */
  async compileRunnable(): Promise<Runnable<unknown, any>> {
    if (!this.#checked) await this.checkTags()
    return this.#construct()
  }

  async #construct(): Promise<Runnable<unknown, any>> {
    const parsed = await this.#parse()
    if (parsed.problems.length > 0) throw documentError(parsed.problems)
    const { document, content } = takeApart(parsed)
    this.#expectRunnable(parsed, document.root)
    const runnable = constructDocument(parsed.source, document, this.#registry)
    if (!isRunnable(runnable)) throw notRunnable(parsed, document.root)
    if (typeof runnable.run !== 'function') throw cannotRun(parsed, document.root)
    runnable.injectContent(content)
    if (this.#userProvider) runnable.userProvider = this.#userProvider
    return runnable
  }

  /** All steps from the file to a runnable that is ready to run. */
  async preprocess(options: PreprocessOptions = {}): Promise<Preprocessed> {
    const { extensions } = await this.firstParse()
    const secrets = await this.#readSecrets(options)
    if (options.importExtensions !== false) await this.importExtensions(options)
    const runnable = await (options.checkTags === false ? this.#construct() : this.compileRunnable())
    if (secrets) await runnable.injectSecrets(secrets)
    runnable.injectExtensions(extensions)
    runnable.importedExtensions = this.#imported ?? []
    await runnable.parse()
    return { runnable, extensions }
  }

  async #runnableFile(): Promise<RunnableFile> {
    const parsed = await this.#parse()
    if (parsed.documents.length === 0 && parsed.problems.length > 0) throw documentError(parsed.problems)
    return takeApart(parsed)
  }

  async #parse(): Promise<Parsed> {
    if (this.#parsed) return this.#parsed
    const { text, filename } = await this.#read()
    this.#parsed = parse(text, filename)
    return this.#parsed
  }

  async #read(): Promise<{ text: string; filename: string }> {
    const file = this.#file
    if (typeof file === 'string' || file instanceof URL) return readText(file)
    return { text: file.content, filename: file.filename ?? '<text>' }
  }

  async #readSecrets({ secrets, dialect }: PreprocessOptions): Promise<SecretsConfig | undefined> {
    if (typeof secrets !== 'string') this.#secrets = secrets
    else {
      const { readSecrets } = await import('./secrets/read-secrets.js')
      this.#secrets = await readSecrets(secrets, dialect === undefined ? {} : { dialect })
    }
    return this.#secrets
  }

  // Known from the tag alone in most files: then nothing is constructed in vain.
  #expectRunnable(parsed: Parsed, root: RunnableFile['document']['root']): void {
    const resolved = root.tag === undefined ? undefined : this.#registry.get(root.tag)
    const plainClass = resolved && resolved.factory === undefined && !resolved.definition.fromYaml
    if (!resolved || (plainClass && !isRunnable(resolved.Class.prototype))) throw notRunnable(parsed, root)
  }

  #log(error: Error, exitCode: number, { logger, debug }: RunOptions): void {
    const paint = (logger as { paint?: Paint }).paint
    const text = describeError(error, { debug, paint })
    const safe = this.#secrets?.redact(text) ?? text
    if (exitCode === interruptedCode) logger.warn(safe)
    else logger.error(safe)
  }
}

function notRunnable(parsed: Parsed, root: RunnableFile['document']['root']): DocumentError {
  const found = root.tag === undefined ? 'the top node has no tag' : `"${root.tag}" is none`
  return wrong(
    parsed,
    'NOT_RUNNABLE',
    root,
    `A runnable file holds a runnable, but ${found}: name a class that extends Runnable`,
  )
}

// The compiler says so of TypeScript; nobody does of JavaScript.
function cannotRun(parsed: Parsed, root: RunnableFile['document']['root']): DocumentError {
  return wrong(parsed, 'NOT_RUNNABLE', root, `"${root.tag}" has no method "run": write one in its class`)
}

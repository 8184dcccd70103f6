import { examine } from '../document/check/examine.js'
import { inFileOrder } from '../document/problem-list.js'
import { documentError } from '../document/problems.js'
import type { ImportedExtension } from '../extensions/index.js'
import { currentRegistry } from '../registry/default-registry.js'
import type { Registry } from '../registry/registry.js'
import { type Paint, reportProblems } from '../report.js'
import { compile } from './compile.js'
import type { ContextOptions, Preprocessed, PreprocessOptions } from './context-options.js'
import { describeError } from './describe-error.js'
import { type ExtensionOptions, importDeclared } from './file-extensions.js'
import { type Logger, StderrLogger } from './logger.js'
import { failure, interruptedCode, type Outcome } from './outcome.js'
import { type RunOptions, runOptions } from './run-options.js'
import type { Runnable, UserProvider } from './runnable.js'
import { type RunnableSource, RunnableText } from './runnable-text.js'
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
  #checked = false
  #logger: Logger = new StderrLogger()
  #signal: AbortSignal | undefined
  #imported: readonly ImportedExtension[] | undefined
  #secrets: SecretsConfig | undefined

  /** `file` is a path, a URL, or `{ content }` for a text that is at hand. */
  constructor(file: RunnableSource, options: ContextOptions = {}) {
    this.#text = new RunnableText(file)
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
    const { content, extensions } = await this.#text.takenApart()
    return { content, extensions }
  }

  /**
   * Imports the extensions that the file declares, once: their tags then hold in this context and nowhere else.
   *
   * @throws {@link ExtensionError} with every extension that cannot be had.
   */
  async importExtensions(options: ExtensionOptions = {}): Promise<void> {
    if (this.#imported) return
    const { source } = await this.#text.parsed()
    const declared = { ...(await this.#text.takenApart()), source }
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
    const parsed = await this.#text.parsed()
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
    const runnable = compile(await this.#text.parsed(), this.#registry)
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
    const text = describeError(error, { debug, paint })
    const safe = this.#secrets?.redact(text) ?? text
    if (exitCode === interruptedCode) logger.warn(safe)
    else logger.error(safe)
  }
}

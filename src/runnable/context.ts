import { checkParsedAsync, type Findings, tagAsKey } from '../document/check/check.js'
import type { ComposeFileOptions, GivenText } from '../document/compose/read-composed.js'
import { resolveReferences } from '../document/compose/references.js'
import { Loader } from '../document/construct/loader.js'
import { secretValuesIn } from '../document/construct/variable-mask.js'
import { documentError, inFileOrder } from '../document/problems.js'
import { nodesWithDefaults } from '../document/write/dump.js'
import type { ResolvedDocument } from '../document/write/resolve.js'
import type { DocumentError } from '../errors.js'
import type { ImportedExtension } from '../extensions/index.js'
import { type Logger, reportTo, StderrLogger } from '../logger.js'
import type { Node } from '../node.js'
import { type Paint, reportProblems } from '../problem-report.js'
import { leavesOfNode } from '../records/leaves.js'
import type { Recording } from '../records/recording.js'
import { currentRegistry } from '../registry/default-registry.js'
import { type Class, constructsOwnClass } from '../registry/registration.js'
import type { Registry } from '../registry/registry.js'
import type { Tag } from '../registry/tag.js'
import { chain } from '../util/concurrency.js'
import { interruptedCode } from '../util/exit-codes.js'
import { expandHome } from '../util/paths.js'
import { readSafely } from '../util/thrown.js'
import {
  type ExtensionOptions,
  expectPrepared,
  type ImportedExtensions,
  importDeclared,
  type PreparedExtensions,
} from './import-extensions.js'
import { describeError, type Failure, failedOutcome, type Outcome } from './outcome.js'
import { recordedFile } from './resolve-file.js'
import { type RunOptions, runOptions } from './run-options.js'
import { isRunnable, type Runnable, type UserProvider } from './runnable.js'
import {
  type Allowed,
  expectAllowed,
  type RunnableFile,
  type RunnableSource,
  RunnableText,
  runnableFileError,
} from './runnable-file.js'
import { maskError, type Redact, redactorFor } from './secrets/mask.js'
import type { SecretsDialect } from './secrets/read-secrets.js'
import { redactorOfValues } from './secrets/redact.js'
import { expectSecrets } from './secrets/required-secrets.js'
import type { SecretsConfig } from './secrets/secrets.js'

/**
 * Runs a runnable file step by step, and turns every error into a message and an outcome.
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
  readonly #source: RunnableSource
  readonly #userProvider: UserProvider | undefined
  readonly #allow: readonly Allowed[] | undefined
  readonly #prepared: PreparedExtensions | undefined
  readonly #composition: ComposeFileOptions & GivenText
  readonly #forbidden: string[] = []
  readonly #recording: Recording | undefined
  readonly #onRedactor: ((redact: Redact) => void) | undefined
  #text: RunnableText | undefined
  /** The text of a step that was given another content than the file has. */
  #otherText: RunnableText | undefined
  readonly #checked = new Set<RunnableText>()
  /** After extensions are imported, a child registry that has their tags, too. */
  #registry: Registry
  #imported: readonly ImportedExtension[] | undefined
  #secrets: SecretsConfig | undefined
  #logger: Logger | undefined
  #signal: AbortSignal | undefined
  readonly #loaders: Loader[] = []

  /** `file` is a path, a URL, or `{ content }` with a text. */
  constructor(file: RunnableSource, options: ContextOptions = {}) {
    this.#source = file
    this.#registry = options.registry ?? currentRegistry()
    this.#userProvider = options.userProvider
    this.#allow = options.allow
    this.#prepared = options.preparedExtensions
    this.#recording = options.recording
    this.#onRedactor = options.onRedactor
    this.#composition = options
  }

  /**
   * Runs `body` with complete run options. After its end, disposes of everything that the steps have constructed. Never rejects:
   * an error is logged, and is in the outcome.
   */
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
      const redact = redactorFor(this.#secrets)
      const { error, exitCode } = failedOutcome(thrown, complete.signal)
      const outcome = { ok: false, error: maskError(error, redact), exitCode } as const
      logFailure(outcome, complete, redact)
      return outcome
    } finally {
      await this[Symbol.asyncDispose]()
    }
  }

  /**
   * Disposes of what the steps have constructed and has `Symbol.asyncDispose` or `Symbol.dispose`, in the reverse order of the
   * document. `run` does so after its body. It logs the error of an object that cannot be disposed of, and disposes of the others.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { disposables } of this.#loaders.splice(0).reverse())
      await disposables.dispose((error) => this.#logDisposal(error))
  }

  #logDisposal(error: DocumentError): void {
    const text = describeError(error, { mask: redactorFor(this.#secrets) })
    readSafely(() => this.#surroundings.logger.warn(text), undefined)
  }

  // Made when they are needed: most callers give their own.
  get #surroundings(): { signal: AbortSignal; logger: Logger } {
    this.#signal ??= new AbortController().signal
    this.#logger ??= new StderrLogger()
    return { signal: this.#signal, logger: this.#logger }
  }

  /**
   * Reads and parses the file; constructs nothing.
   *
   * @throws {@link DocumentError} with every syntax error, in whichever document it is.
   * @throws {@link RunnableFileError} when `allow` does not allow the top node; so does every other step.
   */
  async firstParse(): Promise<{ content: string; extensions: Readonly<Record<string, string>> }> {
    const text = await this.#textOf()
    const { content, extensions } = text.split()
    text.expectWellFormed()
    return { content, extensions }
  }

  /**
   * Imports the extensions that the file declares, once. Their tags are known in this context only.
   *
   * @throws {@link ExtensionError} with every extension that cannot be used.
   */
  async importExtensions(options: ExtensionOptions = {}): Promise<void> {
    if (this.#imported) return
    const text = await this.#textOf()
    const file = text.split()
    // No code of an extension runs for a file with syntax errors.
    if (file.declarations.length > 0) text.expectWellFormed()
    if (this.#prepared) expectPrepared(file, this.#prepared)
    this.#useImported(this.#prepared ?? (await this.#import(file, options)))
  }

  /** Takes the prepared extensions at once for a text that declares none. */
  #usePrepared(text: RunnableText): boolean {
    if (this.#imported || !this.#prepared || text.split().declarations.length > 0) return false
    this.#useImported(this.#prepared)
    return true
  }

  #useImported({ registry, imported }: ImportedExtensions): void {
    this.#registry = registry
    this.#imported = imported
  }

  #import(file: RunnableFile, options: ExtensionOptions): Promise<ImportedExtensions> {
    return importDeclared(file, this.#registry, { ...options, ...this.#surroundings })
  }

  /**
   * Checks tags, and everything else that can be checked without constructing anything: of the file, or of a `content`
   * in its place, such as `firstParse` returns.
   *
   * @throws {@link DocumentError} with every problem of the file.
   */
  async checkTags(content?: string): Promise<void> {
    await this.#check(await this.#textOf(content))
  }

  async #check(text: RunnableText): Promise<void> {
    this.#report(text, await checkParsedAsync(text.parsed, this.#registry))
  }

  #report(text: RunnableText, { problems, doubtful, warnings }: Findings): void {
    if (problems.length > 0) throw documentError(inFileOrder([...problems, ...doubtful]))
    this.#checked.add(text)
    for (const warning of warnings) reportTo(this.#surroundings.logger, 'warn', reportProblems([warning]))
  }

  /**
   * Constructs the runnable of the file, or of a `content` in its place, and waits for what is asynchronous in it. However many
   * steps there are, each text is parsed and checked once.
   *
   * @throws {@link RunnableFileError} when the file does not contain a runnable.
   */
  async compileRunnable(content?: string): Promise<Runnable<unknown, any>> {
    const text = await this.#textOf(content)
    if (!this.#checked.has(text)) await this.#check(text)
    return this.#construct(text)
  }

  async #construct(text: RunnableText): Promise<Runnable<unknown, any>> {
    const file = constructible(text, this.#registry)
    const loader = new Loader(file.source, this.#registry, file.document)
    this.#loaders.push(loader)
    const loaded = await loader.loadAsync(this.#surroundings, (error) => this.#logDisposal(error))
    const runnable = expectRunnable(loaded, file)
    if (this.#userProvider) runnable.userProvider = this.#userProvider
    return runnable
  }

  // The file may have been read before the path of the secrets was known.
  async #forbid(file: string): Promise<void> {
    this.#forbidden.push(file)
    if (!this.#text?.parsed.documents.some(({ included = [] }) => included.length > 0)) return
    const text = await RunnableText.read(this.#source, { ...this.#composition, forbidden: this.#forbidden })
    if (text.parsed.problems.some(({ code }) => code === 'INCLUDE_SECRET')) this.#text = text
  }

  /** Returns the text that a step works on, after the check of its top node; a promise while a file is read. */
  #textOf(content?: string): RunnableText | Promise<RunnableText> {
    const options = { ...this.#composition, forbidden: this.#forbidden }
    return chain(this.#text ?? RunnableText.read(this.#source, options), (read) => {
      this.#text ??= read
      const text =
        content === undefined || this.#text.hasContent(content) ? this.#text : this.#textWith(content)
      if (this.#allow) expectAllowed(text.split(), this.#allow, this.#registry)
      return text
    })
  }

  #textWith(content: string): RunnableText {
    if (!this.#otherText?.hasContent(content)) this.#otherText = RunnableText.of(content, '<text>')
    return this.#otherText
  }

  /** Does all steps from the file to a runnable that is ready to run. */
  async preprocess(options: PreprocessOptions = {}): Promise<Preprocessed> {
    this.#signal = options.signal ?? this.#signal
    this.#logger = options.logger ?? this.#logger
    // A secrets file cannot be included, even if it is YAML.
    if (typeof options.secrets === 'string') await this.#forbid(expandHome(options.secrets))
    // Workers do this for each of many short tasks: so it waits only for what is a promise.
    const read = this.#textOf()
    const text = read instanceof Promise ? await read : read
    const { extensions } = text.split()
    const found = this.#readSecrets(options)
    const secrets = found instanceof Promise ? await found : found
    if (options.importExtensions !== false && !this.#usePrepared(text)) await this.importExtensions(options)
    if (this.#recording || this.#onRedactor) await this.#record(text)
    if (options.checkTags !== false && !this.#checked.has(text)) await this.#check(text)
    if (text.parsed.problems.length === 0) expectSecrets(text.split(), this.#registry, secrets)
    const runnable = await this.#construct(text)
    this.#recording?.filledIn(() => leavesOfNode(nodesWithDefaults(runnable, this.#registry)))
    if (secrets) await runnable.injectSecrets(secrets)
    runnable.injectExtensions(extensions)
    runnable.importedExtensions = this.#imported ?? []
    const parsed: unknown = runnable.parse()
    if (parsed !== undefined) await parsed
    return { runnable, extensions }
  }

  // Before the check: its problems are part of the record.
  async #record(text: RunnableText): Promise<void> {
    if (!this.#recording && !this.#onRedactor) return
    const file = this.#recordedFile(text)
    const { root } = text.split().document
    const redact = this.#redactorWith(root)
    this.#onRedactor?.(redact)
    if (!file || !this.#recording) return
    const origins = file.origins.map(({ path, file, line, column }) => ({ path, file, line, column }))
    await this.#recording.begin({ text: file.text, origins, tag: root.tag ?? '', redact })
  }

  #recordedFile(text: RunnableText): ResolvedDocument | undefined {
    if (this.#recording) return recordedFile(text, this.#registry)
    // The values of variables are known then, and can be masked.
    if (text.parsed.problems.length === 0) resolveReferences(text.parsed, this.#registry)
    return undefined
  }

  /** Masks the secrets, and the variables of a file whose names look like those of secrets. */
  #redactorWith(root: Node): Redact {
    const variables = [...secretValuesIn(root)]
    const redact = redactorFor(this.#secrets)
    if (variables.length === 0) return redact
    // What JSON or base64 makes of them is no name of a variable, but masked all the same.
    const redactEncoded = redactorOfValues(variables.map(([secret]) => secret))
    return (text) => {
      const named = variables.reduce((all, [secret, shown]) => all.replaceAll(secret, () => shown), text)
      return redactEncoded(redact(named))
    }
  }

  #readSecrets(options: PreprocessOptions): SecretsConfig | undefined | Promise<SecretsConfig | undefined> {
    const { secrets } = options
    if (typeof secrets === 'string') return this.#readSecretsFile(secrets, options)
    this.#secrets = secrets
    return secrets
  }

  async #readSecretsFile(file: string, { dialect }: PreprocessOptions): Promise<SecretsConfig> {
    const { readSecrets } = await import('./secrets/read-secrets.js')
    this.#secrets = await readSecrets(file, { dialect })
    return this.#secrets
  }
}

function logFailure(
  { error, exitCode }: Failure,
  { logger, debug }: RunOptions,
  redact: (text: string) => string,
): void {
  const { paint } = logger as { paint?: Paint }
  const text = describeError(error, { debug, paint, mask: redact })
  // A logger that throws must not make the run reject.
  readSafely(() => reportTo(logger, exitCode === interruptedCode ? 'warn' : 'error', text), undefined)
}

/** Options of `SafeExecutionContext`. */
export interface ContextOptions extends ComposeFileOptions {
  /** The registry whose tags the file can use; the default registry when absent. */
  registry?: Registry
  /**
   * What the file may contain, for files of strangers: its top node has one of these tags, or a tag or factory of exactly
   * one of these classes. Any other file is refused before anything is imported or constructed. When absent, the file
   * may use everything that is registered.
   */
  allow?: readonly (Tag | Class)[] | undefined
  /** Returns the name of the user who runs the runnable; the user of this computer when absent. */
  userProvider?: UserProvider
  /** @internal The extensions that the file may declare, imported already; it then imports nothing. */
  preparedExtensions?: PreparedExtensions | undefined
  /** @internal The record of the run. */
  recording?: Recording | undefined
  /** @internal Takes what masks the secrets of the run, before it is checked. */
  onRedactor?: ((redact: Redact) => void) | undefined
}

/** Options of `SafeExecutionContext.preprocess`; the signal and the logger of `run` apply when they are absent. */
export interface PreprocessOptions extends ExtensionOptions, Partial<Pick<RunOptions, 'signal' | 'logger'>> {
  /** The INI file of secrets, `env:PREFIX_` for those in environment variables, or secrets that were read. */
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

/** The parts of a text, after every check that needs no object. */
function constructible(text: RunnableText, registry: Registry): RunnableFile {
  text.expectWellFormed()
  const file = text.split()
  const { source, document } = file
  const untagged = tagAsKey(document, source, registry)
  if (untagged.length > 0) throw documentError(untagged)
  // Without a check before, this is the first step that needs them.
  const problems = resolveReferences(text.parsed, registry)
  if (problems.length > 0) throw documentError(inFileOrder(problems))
  expectRunnableClass(file, registry)
  return file
}

/** What was constructed for a file: a runnable, which is given its text. */
function expectRunnable(loaded: unknown, file: RunnableFile): Runnable<unknown, any> {
  if (!isRunnable(loaded)) throw notRunnable(file)
  if (typeof loaded.run !== 'function') throw cannotRun(file)
  loaded.injectContent(file.content)
  return loaded
}

// In most files, the tag alone shows that the top node is not a runnable: then nothing is constructed.
function expectRunnableClass(file: RunnableFile, registry: Registry): void {
  const { tag } = file.document.root
  const resolved = tag === undefined ? undefined : registry.get(tag)
  if (!resolved || (constructsOwnClass(resolved) && !isRunnable(resolved.Class.prototype)))
    throw notRunnable(file)
}

function notRunnable({ source, document: { root } }: RunnableFile): DocumentError {
  const found = root.tag === undefined ? 'the top node has no tag' : `"${root.tag}" is not one`
  const message = `A runnable file contains a runnable, but ${found}: use the tag of a class that extends Runnable`
  return runnableFileError(source, 'NOT_RUNNABLE', root, message)
}

// TypeScript reports a missing "run"; nothing does in JavaScript.
function cannotRun({ source, document: { root } }: RunnableFile): DocumentError {
  const message = `"${root.tag}" has no method "run": write one in its class`
  return runnableFileError(source, 'NOT_RUNNABLE', root, message)
}

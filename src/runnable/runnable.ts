import { userInfo } from 'node:os'
import { MappedRegistrable } from '../document/construct/registrable-base.js'
import type { ResolvedExtension } from '../extensions/source.js'
import { type Class, checkStatics } from '../registry/registration.js'
import type { Needs } from './needs.js'
import type { RunOptions } from './run-options.js'
import type { ReadSecretsOptions } from './secrets/read-secrets.js'
import { emptySecrets, mergeSecrets, type RequiredSecrets, type SecretsConfig } from './secrets/secrets.js'
import { expectStatics } from './statics.js'

const brand = Symbol.for('flambeau.Runnable')

/** Returns the name of the user who runs a runnable. */
export type UserProvider = () => string

/** The parameters of the constructor of every {@link Runnable} besides the options of its class. */
export interface RunnableParameters {
  /** Returns the name of the user who runs it; the user of this computer when absent. */
  userProvider?: UserProvider
}

/**
 * The base class of everything that can be run: extend it, implement `run`, and use its tag in a YAML file.
 *
 * ```ts
 * @registrable('!Greet')
 * class Greet extends Runnable.with(z.object({ name: z.string() })) {
 *   run({ logger }: RunOptions) {
 *     logger.info(`Hello, ${this.options.name}`)
 *   }
 * }
 * ```
 *
 * `Result` is the type that `run` returns, `Options` what it takes besides {@link RunOptions}. A dump does not contain what
 * is injected: secrets, extensions and the text.
 */
export abstract class Runnable<Result = unknown, Options extends object = {}> extends MappedRegistrable {
  #config: SecretsConfig = emptySecrets()
  #extensions: Readonly<Record<string, string>> = {}
  #importedExtensions: readonly ResolvedExtension[] = []
  #content: string | undefined
  #userProvider: UserProvider = localUser

  /**
   * The secrets that the class reads, as keys by section. Missing ones are problems before anything is constructed. The
   * static of a subclass replaces this one, unless it spreads it: `{ ...Upload.secrets, MAIL: ['PASSWORD'] }`.
   *
   * ```ts
   * class Upload extends Runnable {
   *   static secrets = { AWS: ['ACCESS_KEY', 'SECRET_KEY'] }
   * }
   * ```
   */
  declare static readonly secrets?: RequiredSecrets

  /**
   * The files that the class reads, as paths or patterns relative to the project: the nearest folder with a `package.json`
   * at or above the current folder. A run on a cluster finds them at the same relative paths. `!` at the start of a pattern
   * excludes what it matches. As with {@link Runnable.secrets}, the static of a subclass replaces this one, unless it
   * spreads it.
   *
   * ```ts
   * class Train extends Runnable {
   *   static files = ['data/*.csv', 'vocabulary.json']
   * }
   * ```
   */
  declare static readonly files?: readonly string[]

  /**
   * What a run of the class, or a worker of a pool that runs it, needs of its host. As with {@link Runnable.secrets}, the
   * static of a subclass replaces this one, unless it spreads it.
   *
   * ```ts
   * class Train extends Runnable {
   *   static needs = { gpus: 1, cpus: 2, memory: '8 GB' }
   * }
   * ```
   */
  declare static readonly needs?: Needs

  /** @internal */
  declare static readonly ownOptions: RunnableParameters

  /** @internal */
  static [checkStatics](this: Class): void {
    expectStatics(this)
  }

  /** @internal */
  static override takes(name: string, value: unknown): boolean {
    return name === 'userProvider' && typeof value === 'function'
  }

  /** A `userProvider` among the options is not an option of the class: neither its schema nor a dump has it. */
  constructor(options?: object & RunnableParameters) {
    super(options)
    const userProvider = options?.userProvider
    if (typeof userProvider === 'function') this.#userProvider = userProvider
  }

  /** The secrets that the user provides: `config.get('AWS', 'ACCESS_KEY')`. */
  get config(): SecretsConfig {
    return this.#config
  }

  /** The sources of the extensions that the runnable file declares, by name. */
  get extensions(): Readonly<Record<string, string>> {
    return this.#extensions
  }

  /** The text of the document that this was loaded from, byte for byte. */
  get content(): string | undefined {
    return this.#content
  }

  /** Returns the user who runs this: the user of this computer, unless the host program provides another one. */
  get userProvider(): UserProvider {
    return this.#userProvider
  }

  set userProvider(userProvider: UserProvider) {
    this.#userProvider = userProvider
  }

  /** Sets the text that this was loaded from. */
  injectContent(content: string): void {
    this.#content = content
  }

  /**
   * Reads secrets from an INI file or from `env:PREFIX_`, or takes secrets that were read. A second call adds to the first, as `read` of Python's
   * `ConfigParser` does: the later value of a key counts.
   *
   * @throws `SecretsFileError` when the file does not exist or is invalid.
   */
  async injectSecrets(secrets: string | SecretsConfig, options: ReadSecretsOptions = {}): Promise<void> {
    const { readSecrets } = await import('./secrets/read-secrets.js')
    const read = typeof secrets === 'string' ? await readSecrets(secrets, options) : secrets
    this.#config = mergeSecrets(this.#config, read)
  }

  /** Sets the extensions of the runnable file. */
  injectExtensions(extensions: Readonly<Record<string, string>>): void {
    this.#extensions = { ...extensions }
  }

  /** @internal The extensions that were imported, which are sent to a cluster. */
  get importedExtensions(): readonly ResolvedExtension[] {
    return this.#importedExtensions
  }

  /** @internal */
  set importedExtensions(imported: readonly ResolvedExtension[]) {
    this.#importedExtensions = imported
  }

  /**
   * Checks whether `run` can work, before it does anything; may be asynchronous.
   *
   * @throws `ParsingRunnableError` when it cannot.
   */
  parse(): void | Promise<void> {}

  /** Does the work. Throw an {@link UnsuccessfulRunnableError} to choose the exit code. */
  abstract run(options: RunOptions & Options): Result | Promise<Result>

  /** @internal */
  get [brand](): true {
    return true
  }
}

/** Whether a value is a {@link Runnable}, whichever copy of this package its class extends. */
export function isRunnable(value: unknown): value is Runnable<unknown, any> {
  return typeof value === 'object' && value !== null && brand in value
}

const variables = 'LOGNAME USER LNAME USERNAME'.split(' ')

/**
 * Returns the name of the user of this computer, as Python's `getpass.getuser` does: from the environment, else from the
 * account; for a user without an account, as in many containers, the number.
 */
function localUser(): string {
  const named = variables.map((name) => process.env[name]).find(Boolean)
  return named ?? accountName() ?? String(process.getuid?.() ?? 'unknown')
}

function accountName(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
